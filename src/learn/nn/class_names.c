/* class_names.c -- the names of a model's classes, which it keeps as a JSON list of texts. */
#include "learn/nn/model.h"

#include <string.h>

#include "base/mem.h"

static size_t room_for(const struct node *list, int n)
{
	size_t bytes = ((size_t)n + 1) * sizeof(char *);

	for (const struct node *i = list->child; i; i = i->next)
		bytes += i->kind == NODE_TEXT ? strlen(i->text) + 1 : 0;
	return bytes;
}

/* One block: | name | name | ... | NULL | text 0 text 0 ... |, so that one tt_free ends it. */
static tt_status pack(const struct node *list, int n, char ***out)
{
	char **name = mem_alloc(room_for(list, n)), *to = (char *)(name + n + 1);
	const char *text;
	tt_status st;
	int k = 0;

	if (!name)
		return TT_ENOMEM;
	for (const struct node *i = list->child; i; i = i->next) {
		if ((st = node_text(i, &text)) != TT_OK) {
			mem_free(name);
			return st;
		}
		name[k++] = to;
		to = stpcpy(to, text) + 1;
	}
	name[n] = NULL;
	*out = name;
	return TT_OK;
}

tt_status tt_model_class_names(const tt_model *m, char ***out, int *n)
{
	struct arena a = {0};
	struct node *list;
	tt_status st;

	if (!m || !out || !n)
		return err_null(__func__);
	if (!m->classes) {
		*out = NULL;
		*n = 0;
		return TT_OK;
	}
	if ((st = node_parse_json(&a, "class names", m->classes, strlen(m->classes), &list)) == TT_OK &&
	    (st = pack(list, (int)node_count(list), out)) == TT_OK)
		*n = (int)node_count(list);
	arena_release(&a);
	return st;
}
