#include "print/names.h"

#include <stdio.h>
#include <string.h>

tt_status names_of_classes(struct names *out, const tt_model *m, const tt_source *source,
                           int classes)
{
	const tt_source_info *info = source ? tt_source_describe(source) : NULL;
	struct names names = { .v = info && info->classes == classes ? info->class_names : NULL };
	tt_status st;

	if ((st = tt_model_class_names(m, &names.owned, &names.n)) != TT_OK)
		return st;
	if (names.owned && names.n == classes)
		names.v = (const char *const *)names.owned;
	names.classes = names.v ? classes : 0;
	*out = names;
	return TT_OK;
}

const char *const *names_of_shares(const struct names *n, int outputs)
{
	const char *const *owned = (const char *const *)n->owned;

	if (owned && outputs == 1 && n->n == 2)
		return owned + 1;
	return owned && outputs == n->n ? owned : NULL;
}

void names_release(struct names *n)
{
	tt_free(n->owned);
	*n = (struct names){ 0 };
}

const char *names_get(const struct names *n, int i, char buf[16])
{
	if (i >= 0 && i < n->classes)
		return n->v[i];
	snprintf(buf, 16, "%d", i);
	return buf;
}

static int has(const tt_column *c, const char *feature)
{
	for (int64_t i = 0; i < c->shape[0]; i++)
		if (strcmp(c->features[i], feature) == 0)
			return 1;
	return 0;
}

static void add_unread(struct str *out, const char *name)
{
	str_addf(out, "%s%s", out->len ? ", " : "the model does not read the columns ", name);
}

/* Of a table; 0: it is none. */
static int add_columns(struct str *out, const tt_source *source)
{
	tt_table_column c = TT_SIZED(tt_table_column);
	int i = 0;

	for (; tt_source_table_column(source, i, &c) == TT_OK; i++)
		if (c.kind == TT_CELLS_IGNORED)
			add_unread(out, c.name);
	return i;
}

void names_unread(const tt_model *m, const tt_source *source, struct str *out)
{
	const tt_column *net = tt_model_signature(m)->data->column[0];
	const tt_schema *s = tt_source_schema(source);
	const tt_column *is = tt_batch_column(TT_BATCH(.columns = s->columns, .column = s->column),
	                                      net->name);

	if (add_columns(out, source) || !net->features || !is || !is->features)
		return;
	for (int64_t i = 0; i < is->shape[0]; i++)
		if (!(i < net->shape[0] && strcmp(net->features[i], is->features[i]) == 0) &&
		    !has(net, is->features[i]))
			add_unread(out, is->features[i]);
}
