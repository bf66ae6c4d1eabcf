#include "actions.h"

#include <string.h>

#include "kit/paths.h"

#define ACTIONS_MOST 32

static tt_status find(const struct action *rows, const struct call *c, const struct action **out)
{
	const char *names[ACTIONS_MOST + 1] = { NULL }, *name = c->args.v[0], *near;

	for (int i = 0; rows[i].name && i < ACTIONS_MOST; i++) {
		names[i] = rows[i].name;
		if (strcmp(name, rows[i].name) == 0) {
			*out = &rows[i];
			return TT_OK;
		}
	}
	if ((near = str_nearest(name, names)))
		return err_set(TT_EINVAL, "'%s' is nothing to do with %s; did you mean %s?", name,
		               c->verb->name, near);
	return err_set(TT_EINVAL, "'%s' is nothing to do with %s (see `tutti help %s`)", name,
	               c->verb->name, c->verb->name);
}

tt_status actions_run(const struct action *rows, struct call *c, const char *uri)
{
	const struct action *a = rows;
	tt_store *s = NULL;
	tt_status st;

	if (c->args.n && (st = find(rows, c, &a)) != TT_OK)
		return st;
	if (c->args.n && (c->args.n - 1 < a->least || c->args.n - 1 > a->most))
		return err_set(TT_EINVAL, "%s wants %s (see `tutti help %s`)", a->name, a->args,
		               c->verb->name);
	if ((st = tt_store_open(&s, paths_store(uri), a->access)) != TT_OK)
		return st;
	st = a->run(s, c);
	tt_store_close(&s);
	return st;
}
