#include "support/world.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "support/support.h"

static void apply(void *ctx, size_t lo, size_t hi)
{
	struct rank *r = ctx;
	double norm = 0;

	for (size_t i = lo; r->clip > 0 && i < hi; i++)
		norm += (double)r->grads[i] * r->grads[i];
	norm = sqrt(norm);
	for (size_t i = lo; i < hi; i++)
		r->params[i] -= r->lr * r->grads[i] *
		                (norm > r->clip && r->clip > 0 ? r->clip / (float)norm : 1);
	for (size_t i = lo; i < hi; i++)
		r->sum[i] += r->grads[i];
	r->applied += (int)(hi - lo);
}

static float *slot_of(void *ctx, int i)
{
	struct rank *r = ctx;

	return i ? r->sum : r->slot;
}

static const char *name_at(void *ctx, size_t at)
{
	const size_t count = ((struct rank *)ctx)->world->count;

	return at < count / 2 ? "lower" : at < count ? "upper" : "sums";
}

static void run_rank(void *ctx)
{
	struct rank *r = ctx;
	struct world *w = r->world;
	const struct sync_host h = {
		.strategy = sync_strategies[w->opts.strategy], .comm = r->comm, .opts = &w->opts,
		.params = r->params, .grads = r->grads,
		.param_count = w->count, .sums = WORLD_SUMS, .by_range = !w->whole,
		.apply = apply, .ctx = r, .slots = 2, .slot = slot_of,
		.buffers = &r->buffer, .buffer_count = 1, .name = name_at,
	};

	r->status = sync_open(&r->sync, &h);
	if (r->status == TT_OK)
		r->status = w->body(r);
	if (r->status != TT_OK) {
		snprintf(r->text, sizeof r->text, "%s", tt_last_error());
		comm_abandon(r->comm, r->text);
	}
	sync_close(&r->sync);
}

void try_world(struct world *w, tt_status (*body)(struct rank *r))
{
	struct comm *comm[WORLD_RANKS];
	struct thread *thread[WORLD_RANKS];

	w->body = body;
	assert_ok(comm_threads(comm, w->n, w->hosts ? w->hosts : 1, w->opts.timeout));
	for (int i = 0; i < w->n; i++) {
		w->rank[i].world = w;
		w->rank[i].comm = comm[i];
		assert_ok(thread_start(&thread[i], "rank", run_rank, &w->rank[i]));
	}
	for (int i = 0; i < w->n; i++)
		thread_join(&thread[i]);
	for (int i = 0; i < w->n; i++)
		comm_close(&comm[i]);
}

void run_world(struct world *w, tt_status (*body)(struct rank *r))
{
	try_world(w, body);
	for (int i = 0; i < w->n; i++)
		if (w->rank[i].status != TT_OK)
			fail_msg("rank %d: %s", i, w->rank[i].text);
}

static int row_of(const char *name)
{
	int i = 0;

	while (strcmp(sync_words[i], name) != 0)
		i++;
	assert_string_equal(sync_strategies[i]->name, name);
	return i;
}

struct world *make_world(int n, size_t count, const char *strategy)
{
	struct world *w = mem_calloc(1, sizeof *w);

	assert_non_null(w);
	w->n = n;
	w->count = count;
	w->opts.strategy = row_of(strategy);
	w->opts.period = 1;
	w->opts.timeout = 20;
	w->opts.shard_optimizer = 1;
	w->steps = 20;
	for (int i = 0; i < n; i++)
		w->rank[i].lr = 1;
	return w;
}

tt_status world_step(struct rank *r, int64_t number, int samples)
{
	tt_status st = sync_begin(r->sync, &(struct sync_step){ .step = number, .samples = samples,
	                                                        .weight = samples });

	if (st != TT_OK || (st = sync_wait_params(r->sync, 0, r->world->count)) != TT_OK ||
	    (st = sync_grad_ready(r->sync, 0, r->world->count)) != TT_OK ||
	    (st = sync_finish(r->sync)) != TT_OK)
		return st;
	return sync_flush(r->sync);
}

tt_status world_one_step(struct rank *r) { return world_step(r, 1, 1); }
