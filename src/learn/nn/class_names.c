/* class_names.c -- a model's class names as the caller's own. */
#include "learn/nn/model.h"

#include <string.h>

#include "base/mem.h"

/* One block: | name | name | ... | NULL | text 0 text 0 ... |, so that one tt_free ends it. */
static char **pack(const char *const *names, int n)
{
	size_t bytes = ((size_t)n + 1) * sizeof(char *);
	char **out, *to;

	for (int i = 0; i < n; i++)
		bytes += strlen(names[i]) + 1;
	if (!(out = mem_alloc(bytes)))
		return NULL;
	to = (char *)(out + n + 1);
	for (int i = 0; i < n; i++) {
		out[i] = to;
		to = stpcpy(to, names[i]) + 1;
	}
	out[n] = NULL;
	return out;
}

tt_status tt_model_class_names(const tt_model *m, char ***out, int *n)
{
	const tt_schema *s;
	char **names = NULL;

	if (!m || !out || !n || !m->signature)
		return err_null(__func__);
	s = &m->signature->data.view;
	if (s->class_names && !(names = pack(s->class_names, s->classes)))
		return TT_ENOMEM;
	*out = names;
	*n = names ? s->classes : 0;
	return TT_OK;
}
