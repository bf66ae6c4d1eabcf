#include "learn/train/sources.h"

#include <stdio.h>
#include <string.h>

#include "data/readers/registry.h"
#include "sys/policy.h"

static void open_source(void *ctx)
{
	struct opening *o = ctx;

	o->status = source_open_for(&o->source, o->uri, o->has_known ? &o->known : NULL);
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

static int same_target(const tt_source *s, const struct known_columns *known)
{
	const char *target = tt_source_schema(s)->target;

	return target && strcmp(target, known->target) == 0;
}

void opening_correct(struct opening *o, const struct known_columns *known)
{
	if (o->has_known || o->status == TT_ENOMEM || !known->target || !o->uri ||
	    !source_asks_names(o->uri) ||
	    (o->source && same_target(o->source, known)))
		return;
	tt_source_close(&o->source);
	o->known = *known;
	o->has_known = 1;
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
