#include "kit/names.h"

#include <string.h>

#include "base/node.h"
#include "learn/ckpt/ckpt.h"

/* The trainer leaves them as a JSON list of texts. */
static tt_status parse_names(struct arena *a, const char *path, const char *text, int classes,
                             const char *const **out)
{
	struct node *list;
	const char **v;
	size_t       n = 0;
	tt_status    st = node_parse_json(a, path, text, strlen(text), &list);

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

tt_status names_of_classes(struct arena *a, const char *checkpoint, const tt_source *source,
                           int classes, const char *const **out)
{
	const tt_source_info *info = source ? tt_source_describe(source) : NULL;
	struct ckpt          *c = NULL;
	const char           *text;
	tt_status             st = ckpt_open(&c, checkpoint);

	if (st != TT_OK)
		return st;
	*out = info && info->classes == classes ? info->class_names : NULL;
	if ((text = ckpt_meta(c, "tutti.classes")) != NULL && *text)
		st = parse_names(a, checkpoint, text, classes, out);
	ckpt_close(&c);
	return st;
}
