#include "kit/names.h"

#include <string.h>

/* A model keeps them as a JSON list of texts. */
static tt_status parse_names(struct arena *a, const char *json, int classes,
                             const char *const **out)
{
	struct node *list;
	const char **v;
	size_t       n = 0;
	tt_status    st = node_parse_json(a, "class names", json, strlen(json), &list);

	if (st != TT_OK)
		return st;
	if (node_count(list) != (size_t)classes)
		return TT_OK;
	if (!(v = arena_alloc(a, ((size_t)classes + 1) * sizeof *v)))
		return TT_ENOMEM;
	for (const struct node *i = list->child; i; i = i->next)
		if ((st = node_text(i, &v[n++])) != TT_OK)
			return st;
	*out = v;
	return TT_OK;
}

tt_status names_of_classes(struct arena *a, const tt_model *m, const tt_source *source,
                           int classes, const char *const **out)
{
	const tt_source_info *info = source ? tt_source_describe(source) : NULL;

	*out = info && info->classes == classes ? info->class_names : NULL;
	return m->classes ? parse_names(a, m->classes, classes, out) : TT_OK;
}
