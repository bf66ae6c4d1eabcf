#include "distribute/sync/travel/factored.h"

#include "base/mem.h"

/* The room for products is that of the range that needs most. */
static tt_status make_work(struct cut *c)
{
	size_t work = 0;

	for (int k = 0; k < c->sync->host.n_factored; k++)
		work = c->range[k].at.work > work ? c->range[k].at.work : work;
	if (c->work || !work)
		return TT_OK;
	c->work = mem_alloc_aligned(work * sizeof *c->work);
	return c->work ? TT_OK : TT_ENOMEM;
}

tt_status factored_open(struct cut *c, struct bucket *u)
{
	struct cut_range *r = &c->range[u->range];
	const size_t ranks = (size_t)c->sync->host.comm->size;

	if (!r->all && !(r->all = mem_alloc_aligned(ranks * r->at.n * sizeof *r->all)))
		return TT_ENOMEM;
	return make_work(c);
}

void factored_close(struct cut *c, struct bucket *u)
{
	mem_free(c->range[u->range].all);
	c->range[u->range].all = NULL;
}
