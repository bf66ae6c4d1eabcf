#include "optim/groups.h"

#include "base/mem.h"

struct settings { const struct node *match; double lr, weight_decay; };

#define T struct settings
static const struct option group_options[] = {
	OPT_NODE  (T, match, "patterns of the names of parameters"),
	OPT_DOUBLE(T, lr, NULL, 0, 1e30, "base learning rate"),
	OPT_DOUBLE(T, weight_decay, NULL, 0, 1e30, "as train.optimizer.weight_decay"),
	OPT_END
};
#undef T

/* What a group does not say is as for all others. */
static tt_status read_group(const struct node *n, const struct optim_opts *o, struct optim_group *g)
{
	struct settings s = { .lr = o->lr, .weight_decay = o->weight_decay };
	struct arena a = {0};
	tt_status st;

	if (n->kind != NODE_MAP)
		return node_err(n, TT_ESPEC, "a group of train.optimizer.groups is a map: "
		                "{match: fc, lr: 0.1}");
	st = options_read(group_options, &a, n, &s);
	arena_release(&a);
	if (st != TT_OK)
		return st;
	if (node_absent(s.match))
		return node_err(n, TT_ESPEC, "a group needs `match`: patterns of the names of its "
		                "parameters");
	*g = (struct optim_group){ .lr = s.lr, .weight_decay = s.weight_decay, .node = n };
	return pattern_list_make(&g->match, s.match, "match");
}

tt_status optim_groups_make(struct optim_groups *g, const struct optim_opts *o)
{
	const struct node *list = o->groups;
	tt_status st = TT_OK;

	*g = (struct optim_groups){ .n = 1 };
	if (!node_absent(list) && list->kind != NODE_LIST)
		return node_err(list, TT_ESPEC, "train.optimizer.groups must be a list: "
		                "[{match: fc, lr: 0.1}]");
	if (!(g->v = mem_calloc((list ? node_count(list) : 0) + 1, sizeof *g->v)))
		return TT_ENOMEM;
	g->v[0].lr = o->lr;
	g->v[0].weight_decay = o->weight_decay;
	for (const struct node *c = list ? list->child : NULL; c && st == TT_OK; c = c->next)
		if ((st = read_group(c, o, &g->v[g->n])) == TT_OK)
			g->n++;
	if (st != TT_OK)
		optim_groups_release(g);
	return st;
}

void optim_groups_release(struct optim_groups *g)
{
	for (int i = 0; g->v && i < g->n; i++)
		pattern_list_release(&g->v[i].match);
	mem_free(g->v);
	*g = (struct optim_groups){ .n = 0 };
}

int optim_groups_find(struct optim_groups *g, const char *name)
{
	int found = 0;

	/* All are asked, so that one whose parameters went to an earlier one is no error. */
	for (int i = g->n - 1; i > 0 && name; i--)
		if (pattern_list_find(&g->v[i].match, name))
			found = i;
	return found;
}

tt_status optim_groups_check_used(const struct optim_groups *g)
{
	for (int i = 1; i < g->n; i++)
		for (int k = 0; k < g->v[i].match.n; k++)
			if (!g->v[i].match.v[k].used)
				return node_err(g->v[i].match.v[k].node, TT_ESPEC, "train.optimizer.groups: "
				                "'%.60s' fits no parameter that is trained",
				                g->v[i].match.v[k].text);
	return TT_OK;
}
