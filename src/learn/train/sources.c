#include "learn/train/sources.h"

#include <stdio.h>
#include <string.h>

#include "data/numeral.h"
#include "data/readers/registry.h"
#include "sys/policy.h"

static void open_source(void *ctx)
{
	struct opening *o = ctx;

	o->status = source_open_for(&o->source, o->uri, &o->known);
	if (o->status != TT_OK)
		snprintf(o->text, sizeof o->text, "%s", tt_last_error());
}

tt_status opening_start(struct opening *o)
{
	if (!o->uri || !*o->uri)
		return TT_OK;
	if (policy_may_start())
		return thread_start(&o->thread, "tutti-open", open_source, o);
	open_source(o);
	return TT_OK;
}

void opening_settle(struct opening *o)
{
	thread_join(&o->thread);
}

static int kind_fits(enum tt_target_kind kind, enum target_wish w)
{
	return w == WISH_CLASSES ? kind == TT_TARGET_CLASS : w != WISH_NUMBERS ||
	       kind == TT_TARGET_VALUES;
}

static int same_names(const tt_schema *is, const struct known_columns *known)
{
	int i = 0;

	if (!is->class_names || !known->class_names || is->classes != known->classes)
		return !is->class_names || !known->class_names;
	while (i < is->classes && strcmp(is->class_names[i], known->class_names[i]) == 0)
		i++;
	return i == is->classes;
}

/* Is it as it would be, had these been known?  The same column is the target, of the same kind,
 * both call classes by words or both by numbers, places have the same classes in the same order,
 * and weights that are known are weights. */
static int as_known(const tt_source *s, const struct known_columns *known)
{
	const tt_schema *is = tt_source_schema(s);

	if (!is->target || strcmp(is->target, known->target) != 0 || !kind_fits(is->kind, known->wish))
		return 0;
	if (known->weight && !is->weight)
		return 0;
	if (known->recipe && (!is->recipe || strcmp(is->recipe, known->recipe) != 0))
		return 0;
	if (is->kind == TT_TARGET_PLACES)
		return same_names(is, known);
	return is->kind != TT_TARGET_CLASS || !is->class_names || !known->class_names ||
	       numeral_all(is->class_names, is->classes) ==
	       numeral_all(known->class_names, known->classes);
}

void opening_correct(struct opening *o, const struct known_columns *known)
{
	struct cut cut;

	if (o->known.target || o->status == TT_ENOMEM || !known->target || !o->uri ||
	    !source_asks_names(o->uri) || (o->source && as_known(o->source, known)))
		return;
	tt_source_close(&o->source);
	cut = o->known.cut;
	o->known = *known;
	o->known.cut = cut;
	open_source(o);
}

tt_status opening_wait(struct opening *o, tt_source **out)
{
	thread_join(&o->thread);
	if (o->status != TT_OK)
		return err_set(o->status, "%s: %s", o->key, o->text);
	*out = o->source;
	o->source = NULL;
	return TT_OK;
}

void opening_cancel(struct opening *o)
{
	thread_join(&o->thread);
	tt_source_close(&o->source);
}
