#include "print/names.h"

#include <stdio.h>

tt_status names_of_classes(struct names *out, const tt_model *m, const tt_source *source,
                           int classes)
{
	const tt_source_info *info = source ? tt_source_describe(source) : NULL;
	struct names names = { .v = info && info->classes == classes ? info->class_names : NULL };
	tt_status st;
	int n;

	if ((st = tt_model_class_names(m, &names.owned, &n)) != TT_OK)
		return st;
	if (names.owned && n == classes)
		names.v = (const char *const *)names.owned;
	*out = names;
	return TT_OK;
}

void names_release(struct names *n)
{
	tt_free(n->owned);
	*n = (struct names){ 0 };
}

const char *names_get(const struct names *n, int i, char buf[16])
{
	if (n->v)
		return n->v[i];
	snprintf(buf, 16, "%d", i);
	return buf;
}
