/* ensemble.c -- each rank trains a net of its own, alone.
 *
 * Ranks exchange only where all nets are wanted together: at validation and checkpoints.  How
 * the nets become one model is not this layer's affair. */
#include <string.h>

#include "distribute/coll/coll.h"
#include "sys/thread.h"
#include "distribute/sync/collective.h"
#include "distribute/sync/registry.h"

#define TAG 1

/* Of a net, with what is frozen. */
static size_t all_params(const struct sync_host *h) { return h->param_count + h->frozen_params; }
static size_t all_buffers(const struct sync_host *h) { return h->buffer_count + h->frozen_buffers; }

/* What is of rank r among the optimizer's state of all. */
static float *piece(const struct sync *s, float *all, int r)
{
	return all + (size_t)r * s->host.param_count;
}

/* ---- from rank 0 to all ---- */

static tt_status deal(struct sync *s, float *all, float *mine, size_t n)
{
	struct comm *c = s->host.comm;
	tt_status st = comm_broadcast(c, 0, all, (size_t)c->size * n * sizeof *all);

	if (st == TT_OK)
		memcpy(mine, all + (size_t)c->rank * n, n * sizeof *all);
	return st;
}

static tt_status deal_slot(struct sync *s, int i)
{
	const struct sync_host *h = &s->host;
	struct comm *c = h->comm;
	const size_t bytes = h->param_count * sizeof(float);
	float *all = h->all_slot(h->ctx, i), *mine = h->slot(h->ctx, i);
	tt_status st = TT_OK;

	if (c->rank)
		return comm_recv(c, 0, TAG, mine, bytes);
	memcpy(mine, all, bytes);
	for (int r = 1; st == TT_OK && r < c->size; r++)
		st = comm_send(c, r, TAG, piece(s, all, r), bytes);
	return st;
}

static tt_status open_ensemble(struct sync *s)
{
	const struct sync_host *h = &s->host;
	tt_status st = collective_open(s, sizeof(struct collective));

	if (st != TT_OK)
		return st;
	s->alone = 1;
	h->comm->doing = "the start";
	if ((st = deal(s, h->all_params, h->params, all_params(h))) != TT_OK ||
	    (all_buffers(h) &&
	     (st = deal(s, h->all_buffers, h->buffers, all_buffers(h))) != TT_OK))
		return st;
	for (int i = 0; st == TT_OK && i < sync_vectors(h); i++)
		st = deal_slot(s, i);
	return st;
}

/* ---- steps ---- */

static tt_status begin(struct sync *s)
{
	collective_begin(s);
	s->summed = 0;
	return TT_OK;
}

static tt_status finish(struct sync *s)
{
	sync_apply_whole(s);
	return collective_hear(s);
}

/* ---- all nets together ---- */

static tt_status collect_slot(struct sync *s, int i)
{
	const struct sync_host *h = &s->host;
	struct comm *c = h->comm;
	const size_t bytes = h->param_count * sizeof(float);
	float *all = h->all_slot(h->ctx, i), *mine = h->slot(h->ctx, i);
	tt_status st = TT_OK;

	if (c->rank)
		return comm_send(c, 0, TAG, mine, bytes);
	memcpy(all, mine, bytes);
	for (int r = 1; st == TT_OK && r < c->size; r++)
		st = comm_recv(c, r, TAG, piece(s, all, r), bytes);
	return st;
}

static tt_status consolidate(struct sync *s)
{
	const struct sync_host *h = &s->host;
	const size_t size = sizeof(float), others = (size_t)h->comm->size - 1;
	const double start = thread_seconds();
	tt_status st = collective_consolidate(s);

	if (st != TT_OK ||
	    (st = comm_allgather(h->comm, h->params, all_params(h) * size, h->all_params)) != TT_OK ||
	    (all_buffers(h) &&
	     (st = comm_allgather(h->comm, h->buffers, all_buffers(h) * size,
	                          h->all_buffers)) != TT_OK))
		return st;
	for (int i = 0; st == TT_OK && i < sync_vectors(h); i++)
		st = collect_slot(s, i);
	collective_count(s, start, others * (all_params(h) + all_buffers(h)) * size +
	           (h->comm->rank ? (size_t)sync_vectors(h) * h->param_count * size : 0));
	return st;
}

const struct strategy sync_ensemble = {
	.name = "ensemble", .help = "a model for each worker on its part of the data, used as one",
	.collective = 1, .apart = 1,
	.open = open_ensemble, .begin = begin, .grad_ready = sync_apply_range, .finish = finish,
	.epoch_end = collective_sums, .end = collective_sums, .consolidate = consolidate,
	.close = collective_close,
};
