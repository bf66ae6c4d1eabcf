/* hogwild.c -- Hogwild! (Niu, Recht, Re, Wright, 2011): threads descend on one vector, without
 * locks and without waiting for one another.
 *
 *   shared w   ----------+-----+------+--------+----------
 *   worker 0   x = w; gradients at x; w += step(x)   x = w; ...
 *   worker 1        x = w; gradients at x; w += step(x) ...
 *
 * Each worker reads w, element by element, while others write it, takes its own optimizer's step
 * from there on its own batch, and adds what that changed: each element by an atomic addition, so
 * that none is lost; elements that do not change are not touched.  Where nobody else has written
 * since, w becomes what the step has made, to the bit: one worker is plain SGD.
 *
 * The paper's threads compute on the shared vector itself.  Here each has a copy for the length of
 * a step: kernels read parameters many times and reorder them, and while a copy is read and written
 * by relaxed atomics only, no access is a data race of C.  What the paper calls an inconsistent
 * read, it still is.  With several workers no two runs give the same bits: which one comes first is
 * up to the machine.
 *
 * Momentum and moments are each worker's own.  At quiet points (team.h) all workers have w, and the
 * average of their buffers.  An average over the steps is of w as each worker has seen it after its
 * own ones, which stand for those of others in between; at quiet points, the average of these. */
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/options.h"
#include "distribute/sync/own.h"
#include "distribute/sync/registry.h"
#include "distribute/sync/team.h"

#define BLOCK ((size_t)1 << 15)         /* floats that are applied at once */

/* Of all workers, in the team's memory. */
struct shared {
	const struct sync_host *first;      /* worker 0's, while all open                       */
	atomic_int              stop;       /* somebody wants to                                */
	_Atomic double         *total;      /* [sums] of all workers since the start            */
	_Atomic float          *w;          /* [param_count]                                    */
};

struct hogwild {
	struct shared *shared;
	float         *old;                 /* of the range that is applied, before             */
	size_t         block;               /* floats of it, at most                            */
	double        *seen;                /* [sums] of `total`, that the trainer knows        */
	double         moved;               /* samples since buffers were averaged              */
	int64_t        averaged;            /* of all steps, the one that average_in saw last   */
	int            quiet;               /* all have come, and none has left                 */
};

/* ---- the shared vector ---- */

static void read_all(const _Atomic float *w, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = atomic_load_explicit(&w[i], memory_order_relaxed);
}

static void write_all(_Atomic float *w, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		atomic_store_explicit(&w[i], x[i], memory_order_relaxed);
}

static int same_bits(const float *a, const float *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* w += x - old; if w is still old, it becomes x. */
static void add_change(_Atomic float *w, const float *old, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float now = old[i];

		if (same_bits(&x[i], &old[i]) ||
		    atomic_compare_exchange_strong_explicit(&w[i], &now, x[i], memory_order_relaxed,
		                                            memory_order_relaxed))
			continue;
		while (!atomic_compare_exchange_weak_explicit(&w[i], &now, now + (x[i] - old[i]),
		                                              memory_order_relaxed, memory_order_relaxed))
			;
	}
}

/* ---- life ---- */

static size_t aligned(size_t bytes)
{
	return (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
}

static tt_status find_shared(struct sync *s)
{
	struct hogwild *h = s->own;
	const size_t head = aligned(sizeof(struct shared)),
	             totals = aligned(s->host.sums * sizeof(_Atomic double));
	void *memory;
	tt_status st = team_memory(s->host.team, head + totals + s->host.param_count * sizeof(float),
	                           &memory);

	if (st != TT_OK)
		return st;
	h->shared = memory;
	if (s->host.worker)
		return TT_OK;
	h->shared->first = &s->host;
	h->shared->total = (void *)((char *)memory + head);
	h->shared->w = (void *)((char *)memory + head + totals);
	write_all(h->shared->w, s->host.params, s->host.param_count);
	return TT_OK;
}

static void copy_first(struct sync *s)
{
	const struct sync_host *from = ((struct hogwild *)s->own)->shared->first, *h = &s->host;
	const size_t bytes = h->param_count * sizeof *h->params;
	const size_t buffers = h->buffer_count + h->frozen_buffers;

	if (from == h)
		return;
	memcpy(h->params, from->params, bytes + h->frozen_params * sizeof *h->params);
	if (buffers)
		memcpy(h->buffers, from->buffers, buffers * sizeof *h->buffers);
	for (int i = 0; i < sync_vectors(h); i++)
		memcpy(h->slot(h->ctx, i), from->slot(from->ctx, i), bytes);
}

/* Worker 0's numbers are there once all have come, and stay until all have copied them. */
static tt_status start_alike(struct sync *s)
{
	enum team_wish outcome;
	tt_status st = team_come(s->host.team, TEAM_END, &outcome);

	if (st != TT_OK)
		return st;
	copy_first(s);
	return team_come(s->host.team, TEAM_END, &outcome);
}

static tt_status make_own(struct sync *s)
{
	const struct sync_host *h = &s->host;
	struct hogwild *own = mem_calloc(1, sizeof *own);

	if (!(s->own = own))
		return TT_ENOMEM;
	own->block = h->by_range && h->param_count > BLOCK ? BLOCK : h->param_count;
	if (!(own->old = mem_alloc_aligned(own->block * sizeof *own->old)) ||
	    !(own->seen = mem_calloc(h->sums + 1, sizeof *own->seen)))
		return TT_ENOMEM;
	if (h->averaged && h->param_count > h->buffer_count)
		return team_room(h->team, h->param_count);
	return team_room(h->team, h->buffer_count);
}

static tt_status open_hogwild(struct sync *s)
{
	tt_status st;

	if ((st = make_own(s)) != TT_OK || (st = find_shared(s)) != TT_OK)
		return st;
	return start_alike(s);
}

static void close_hogwild(struct sync *s)
{
	struct hogwild *h = s->own;

	if (!h)
		return;
	mem_free(h->old);
	mem_free(h->seen);
	mem_free(h);
	s->own = NULL;
}

/* ---- a step ---- */

static tt_status begin(struct sync *s)
{
	struct hogwild *h = s->own;

	s->summed = 0;
	h->moved += s->at.samples;
	if (!h->averaged)
		h->averaged = s->at.step - 1;
	read_all(h->shared->w, s->host.params, s->host.param_count);
	return TT_OK;
}

/* At most a block. */
static void apply_block(struct sync *s, size_t lo, size_t hi)
{
	struct hogwild *h = s->own;
	float *x = s->host.params + lo;

	memcpy(h->old, x, (hi - lo) * sizeof *x);
	s->host.apply(s->host.ctx, lo, hi);
	add_change(h->shared->w + lo, h->old, x, hi - lo);
	if (s->host.averaged)
		s->host.average_in(s->host.ctx, s->host.params, lo, hi, s->at.step - h->averaged);
}

static tt_status grad_ready(struct sync *s, size_t lo, size_t hi)
{
	const struct hogwild *h = s->own;

	if (!s->host.by_range || !s->at.samples)
		return TT_OK;
	for (size_t at = lo; at < hi; at += h->block)
		apply_block(s, at, hi - at < h->block ? hi : at + h->block);
	return TT_OK;
}

/* Numbers of this step to those of all; one element after the other, nobody waits. */
static void report(struct sync *s)
{
	struct shared *all = ((struct hogwild *)s->own)->shared;
	float *mine = s->host.grads + s->host.param_count;

	for (size_t i = 0; i < s->host.sums; i++) {
		double now = atomic_load_explicit(&all->total[i], memory_order_relaxed);

		while (!atomic_compare_exchange_weak(&all->total[i], &now, now + (double)mine[i]))
			;
		mine[i] = 0;
	}
}

/* What all have reported since this worker's trainer last knew. */
static void take(struct sync *s)
{
	struct hogwild *h = s->own;
	float *sums = s->host.grads + s->host.param_count;

	for (size_t i = 0; i < s->host.sums; i++) {
		sums[i] = (float)(atomic_load(&h->shared->total[i]) - h->seen[i]);
		h->seen[i] += (double)sums[i];
	}
	s->exchanged = 1;
}

static tt_status finish(struct sync *s)
{
	struct shared *all = ((struct hogwild *)s->own)->shared;

	if (!s->host.by_range && s->at.samples)
		apply_block(s, 0, s->host.param_count);
	if (s->at.samples)
		((struct hogwild *)s->own)->averaged = s->at.step;
	if (s->at.wants_stop)
		atomic_store(&all->stop, 1);
	report(s);
	take(s);
	s->stop = atomic_load(&all->stop);
	return team_tick(s->host.team);
}

/* ---- quiet points ---- */

static tt_status come(struct sync *s, enum team_wish wish, enum team_wish *out)
{
	struct hogwild *h = s->own;
	tt_status st = TT_OK;

	*out = wish;
	if (!h->quiet)
		st = team_come(s->host.team, wish, out);
	h->quiet = st == TT_OK;
	return st;
}

/* If somebody came to stop instead, the epoch is not over: nothing is exchanged. */
static tt_status epoch_end(struct sync *s)
{
	enum team_wish outcome;
	tt_status st = come(s, TEAM_END, &outcome);

	s->stop = st == TT_OK && outcome == TEAM_PAUSE;
	if (st != TT_OK || s->stop)
		return st;
	report(s);
	if ((st = team_come(s->host.team, TEAM_END, &outcome)) == TT_OK)
		take(s);
	return st;
}

static tt_status end(struct sync *s)
{
	struct hogwild *h = s->own;
	tt_status st = epoch_end(s);

	if (st == TT_OK && !s->stop)
		read_all(h->shared->w, s->host.params, s->host.param_count);
	return st;
}

/* Who is still stepping is told to come.  Then nobody steps: w stands still until all have copied
 * it. */
static tt_status consolidate(struct sync *s)
{
	struct hogwild *h = s->own;
	enum team_wish outcome;
	tt_status st;

	if (!h->quiet)
		atomic_store(&h->shared->stop, 1);
	if ((st = come(s, TEAM_PAUSE, &outcome)) != TT_OK)
		return st;
	atomic_store(&h->shared->stop, 0);
	read_all(h->shared->w, s->host.params, s->host.param_count);
	st = team_average(s->host.team, s->host.buffers, s->host.buffer_count, h->moved);
	h->moved = 0;
	if (st == TT_OK && s->host.averaged)
		st = team_average(s->host.team, sync_ema(&s->host), s->host.param_count, 1);
	if (st == TT_OK)
		take(s);                            /* all have reported their last steps */
	return st;
}

static void resume(struct sync *s)
{
	((struct hogwild *)s->own)->quiet = 0;
}

/* At a quiet point the rest is the same for all. */
static void own(struct sync *s, struct own_list *l)
{
	own_add_slots(l, s, 1);
}

const struct strategy sync_hogwild = {
	.name = "hogwild", .help = "threads on one vector of parameters, without waiting",
	.in_process = 1, .own_average = 1,
	.open = open_hogwild, .begin = begin, .grad_ready = grad_ready, .finish = finish,
	.epoch_end = epoch_end, .end = end, .consolidate = consolidate, .resume = resume,
	.own = own, .close = close_hogwild,
};
