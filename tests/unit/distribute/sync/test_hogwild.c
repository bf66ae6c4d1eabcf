/* Hogwild: no addition is lost, one worker is plain SGD to the bit, and nobody waits within a step.
 */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "distribute/sync/registry.h"
#include "distribute/sync/sync.h"
#include "distribute/sync/team.h"
#include "sys/thread.h"

#define WORKERS 4
#define N 100000                /* more than one block */
#define SUMS 2

struct world;
struct worker {
	struct world *world;
	int           place;
	float        *params, *grads, *momentum;
	float         buffer, mu;
	struct sync  *sync;
	double        heard[SUMS];      /* sums that the trainer was told */
	int           stopped;          /* steps after which it heard of a stop; 0: never */
	tt_status     status;
	char          text[ERR_MAX];
};

struct world {
	int                    n, by_range;
	size_t                 count;
	struct distribute_opts opts;
	struct team           *team;
	tt_status            (*body)(struct worker *w);
	struct worker          worker[WORKERS];
};

/* SGD with momentum: slots are each worker's own. */
static void apply(void *ctx, size_t lo, size_t hi)
{
	struct worker *w = ctx;

	for (size_t i = lo; i < hi; i++) {
		w->momentum[i] = w->mu * w->momentum[i] + w->grads[i];
		w->params[i] -= 0.25f * w->momentum[i];
	}
}

static float *slot_of(void *ctx, int i)
{
	(void)i;
	return ((struct worker *)ctx)->momentum;
}

static void run_worker(void *ctx)
{
	struct worker *w = ctx;
	const struct world *all = w->world;
	const struct sync_host h = {
		.strategy = &sync_hogwild, .team = all->team, .worker = w->place, .opts = &all->opts,
		.params = w->params, .grads = w->grads, .buffers = &w->buffer, .param_count = all->count,
		.buffer_count = 1, .sums = SUMS, .by_range = all->by_range, .apply = apply, .ctx = w,
		.slots = 1, .slot = slot_of,
	};

	w->status = sync_open(&w->sync, &h);
	if (w->status == TT_OK)
		w->status = all->body(w);
	if (w->status != TT_OK) {
		snprintf(w->text, sizeof w->text, "%s", tt_last_error());
		team_fail(all->team, w->text);
	}
	sync_close(&w->sync);
}

static float *vector(size_t n)
{
	float *x = mem_alloc_aligned((n + SUMS) * sizeof *x);

	assert_non_null(x);
	memset(x, 0, (n + SUMS) * sizeof *x);
	return x;
}

static void make(struct world *all, int n, size_t count)
{
	*all = (struct world){ .n = n, .by_range = 1, .count = count };
	assert_ok(team_new(&all->team, n, 10));
	for (int i = 0; i < n; i++)
		all->worker[i] = (struct worker){ .world = all, .place = i, .params = vector(count),
		                                  .grads = vector(count), .momentum = vector(count) };
}

static void drop(struct world *all)
{
	for (int i = 0; i < all->n; i++) {
		mem_free(all->worker[i].params);
		mem_free(all->worker[i].grads);
		mem_free(all->worker[i].momentum);
	}
	team_free(&all->team);
}

static void try(struct world *all, tt_status (*body)(struct worker *))
{
	struct thread *t[WORKERS];

	all->body = body;
	for (int i = 0; i < all->n; i++)
		assert_ok(thread_start(&t[i], "worker", run_worker, &all->worker[i]));
	for (int i = 0; i < all->n; i++)
		thread_join(&t[i]);
}

static void run(struct world *all, tt_status (*body)(struct worker *))
{
	try(all, body);
	for (int i = 0; i < all->n; i++)
		if (all->worker[i].status != TT_OK)
			fail_msg("worker %d: %s", i, all->worker[i].text);
}

static void hear(struct worker *w)
{
	float *sums = w->grads + w->world->count;

	for (int k = 0; k < SUMS && w->sync->exchanged; k++) {
		w->heard[k] += (double)sums[k];
		sums[k] = 0;
	}
}

/* Gradients are there; each step says 1 and its worker's place. */
static tt_status step(struct worker *w, int64_t number, int wants_stop)
{
	const size_t count = w->world->count;
	const struct sync_step at = { .step = number, .samples = 1, .wants_stop = wants_stop };
	tt_status st;

	w->grads[count] = 1;
	w->grads[count + 1] = (float)w->place;
	if ((st = sync_begin(w->sync, &at)) != TT_OK ||
	    (st = sync_wait_params(w->sync, 0, count)) != TT_OK ||
	    (st = sync_grad_ready(w->sync, count / 3, count)) != TT_OK ||
	    (st = sync_grad_ready(w->sync, 0, count / 3)) != TT_OK ||
	    (st = sync_finish(w->sync)) != TT_OK)
		return st;
	hear(w);
	if (w->sync->stop && !w->stopped)
		w->stopped = (int)number;
	return TT_OK;
}

static tt_status leave_epoch(struct worker *w)
{
	tt_status st = sync_epoch_end(w->sync);

	if (st != TT_OK)
		return st;
	hear(w);
	st = sync_consolidate(w->sync);
	sync_resume(w->sync);
	return st;
}

/* ---- additions ---- */

#define STEPS 200

/* Steps of -1 everywhere; the worker's own third of the vector alone, if they are apart. */
static tt_status count_up(struct worker *w, int apart)
{
	const size_t count = w->world->count;
	tt_status st = TT_OK;

	for (size_t i = 0; i < count; i++)
		w->grads[i] = apart && (int)(i % WORKERS) != w->place ? 0 : -4;
	for (int k = 1; st == TT_OK && k <= STEPS; k++)
		st = step(w, k, 0);
	return st == TT_OK ? leave_epoch(w) : st;
}

static tt_status count_together(struct worker *w) { return count_up(w, 0); }
static tt_status count_apart(struct worker *w) { return count_up(w, 1); }

/* Increments of whole numbers on shared coordinates add up exactly, none is lost. */
static void no_addition_is_lost(void **state)
{
	struct world all;

	(void)state;
	make(&all, WORKERS, 97);
	run(&all, count_together);
	for (int w = 0; w < WORKERS; w++)
		for (size_t i = 0; i < all.count; i++)
			assert_true(all.worker[w].params[i] == WORKERS * STEPS);
	drop(&all);
}

/* On supports that are apart the result is that of one after the other, to the bit. */
static void disjoint_supports_do_not_meet(void **state)
{
	struct world all;

	(void)state;
	make(&all, WORKERS, 97);
	run(&all, count_apart);
	for (int w = 0; w < WORKERS; w++)
		for (size_t i = 0; i < all.count; i++)
			assert_true(all.worker[w].params[i] == STEPS);
	drop(&all);
}

/* Every step of every worker is heard of once by each, and buffers are the samples' average. */
static void sums_are_those_of_all_at_an_epochs_end(void **state)
{
	struct world all;

	(void)state;
	make(&all, WORKERS, 10);
	for (int w = 0; w < WORKERS; w++)
		all.worker[w].buffer = (float)w;
	run(&all, count_together);
	for (int w = 0; w < WORKERS; w++) {
		assert_true(all.worker[w].heard[0] == WORKERS * STEPS);
		assert_true(all.worker[w].heard[1] == STEPS * (0 + 1 + 2 + 3));
		assert_true(all.worker[w].buffer == 0);         /* all have begun with worker 0's */
	}
	drop(&all);
}

/* ---- one worker ---- */

static float gradient(int64_t at, size_t i)
{
	uint32_t x = (uint32_t)at * 2654435761u ^ (uint32_t)i * 2246822519u;

	x ^= x >> 15;
	return ((float)(x % 2001) - 1000) / 777;
}

static tt_status descend(struct worker *w)
{
	tt_status st = TT_OK;

	for (int k = 1; st == TT_OK && k <= 20; k++) {
		for (size_t i = 0; i < w->world->count; i++)
			w->grads[i] = i % 7 == 0 ? 0 : gradient(k, i);
		st = step(w, k, 0);
	}
	return st == TT_OK ? leave_epoch(w) : st;
}

static void one_worker_is_plain_sgd_to_the_bit(void **state)
{
	struct world all;
	struct worker plain = { .mu = 0.9f };

	(void)state;
	plain.params = vector(N);
	plain.grads = vector(N);
	plain.momentum = vector(N);
	for (int k = 1; k <= 20; k++) {
		for (size_t i = 0; i < N; i++)
			plain.grads[i] = i % 7 == 0 ? 0 : gradient(k, i);
		apply(&plain, 0, N);
	}
	for (int by_range = 0; by_range < 2; by_range++) {
		make(&all, 1, N);
		all.by_range = by_range;
		all.worker[0].mu = 0.9f;
		run(&all, descend);
		assert_memory_equal(all.worker[0].params, plain.params, N * sizeof(float));
		drop(&all);
	}
	mem_free(plain.params);
	mem_free(plain.grads);
	mem_free(plain.momentum);
}

/* ---- quiet points ---- */

static tt_status start_only(struct worker *w) { (void)w; return TT_OK; }

static void workers_start_where_the_first_stands(void **state)
{
	struct world all;

	(void)state;
	make(&all, 3, 5);
	for (int w = 0; w < 3; w++) {
		all.worker[w].params[4] = all.worker[w].momentum[2] = (float)w + 1;
		all.worker[w].buffer = (float)w + 7;
	}
	run(&all, start_only);
	for (int w = 0; w < 3; w++) {
		assert_true(all.worker[w].params[4] == 1 && all.worker[w].momentum[2] == 1);
		assert_true(all.worker[w].buffer == 7);
	}
	drop(&all);
}

/* Worker 0 has no work left; worker 1 wants to stop after three steps; worker 2 goes on until it
 * hears so.  All come to the same point, which is no epoch's end, and can go on from there. */
static tt_status stop_or_end(struct worker *w)
{
	tt_status st = TT_OK;

	for (int k = 1; st == TT_OK && w->place && !w->stopped; k++)
		st = step(w, k, w->place == 1 && k == 3);
	if (st == TT_OK && !w->place) {
		if ((st = sync_epoch_end(w->sync)) != TT_OK)
			return st;
		w->stopped = w->sync->stop && !w->sync->exchanged;
	}
	if (st != TT_OK || (st = sync_consolidate(w->sync)) != TT_OK)
		return st;
	sync_resume(w->sync);
	if ((st = step(w, 100, 0)) != TT_OK)
		return st;
	return w->sync->stop ? err_set(TT_EINTERNAL, "the stop is not over") : leave_epoch(w);
}

static void who_wants_to_stop_takes_all_along(void **state)
{
	struct world all;

	(void)state;
	make(&all, 3, 5);
	run(&all, stop_or_end);
	for (int w = 0; w < 3; w++)
		assert_true(all.worker[w].stopped > 0);
	drop(&all);
}

/* The others wait at an epoch's end, or step: they hear of it. */
static tt_status one_fails(struct worker *w)
{
	tt_status st = TT_OK;

	if (w->place == 1)
		return err_set(TT_ENAN, "no number");
	for (int k = 1; st == TT_OK && w->place == 2; k++)
		st = step(w, k, 0);
	return st == TT_OK ? leave_epoch(w) : st;
}

static void who_fails_is_heard_of(void **state)
{
	struct world all;

	(void)state;
	make(&all, 3, 5);
	try(&all, one_fails);
	assert_int_equal(all.worker[1].status, TT_ENAN);
	for (int w = 0; w < 3; w += 2) {
		assert_int_equal(all.worker[w].status, TT_EPEER);
		assert_contains(all.worker[w].text, "no number");
	}
	drop(&all);
}

/* Worker 1 does not come; worker 2 comes late, but its steps are signs of life. */
static tt_status one_is_silent(struct worker *w)
{
	const struct timespec nap = { .tv_nsec = 100 * 1000 * 1000 };
	tt_status st = TT_OK;

	for (int k = 1; st == TT_OK && w->place == 2 && k <= 5; k++) {
		nanosleep(&nap, NULL);
		st = step(w, k, 0);
	}
	if (w->place == 1)
		nanosleep(&(struct timespec){ .tv_sec = 1, .tv_nsec = 500 * 1000 * 1000 }, NULL);
	return w->place == 1 ? TT_OK : leave_epoch(w);
}

static void who_is_silent_is_not_waited_for(void **state)
{
	const double start = thread_seconds();
	struct world all;

	(void)state;
	make(&all, 3, 5);
	team_free(&all.team);
	assert_ok(team_new(&all.team, 3, 0.25));
	try(&all, one_is_silent);
	for (int w = 0; w < 3; w += 2) {
		assert_int_equal(all.worker[w].status, TT_EPEER);
		assert_contains(all.worker[w].text, "2 of 3 workers have come");
	}
	assert_true(thread_seconds() - start < 5);
	drop(&all);
}

/* ---- cost ---- */

static tt_status count_allocations(struct worker *w)
{
	tt_status st = step(w, 1, 0);
	const uint64_t before = mem_count();

	for (int k = 2; st == TT_OK && k <= 4; k++)
		st = step(w, k, 0);
	if (st == TT_OK && mem_count() != before)
		st = err_set(TT_EINTERNAL, "%d allocations in three steps", (int)(mem_count() - before));
	return st;
}

static void nothing_is_allocated_in_a_step(void **state)
{
	struct world all;

	(void)state;
	make(&all, 1, N);
	run(&all, count_allocations);
	drop(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_addition_is_lost),
		cmocka_unit_test(disjoint_supports_do_not_meet),
		cmocka_unit_test(sums_are_those_of_all_at_an_epochs_end),
		cmocka_unit_test(one_worker_is_plain_sgd_to_the_bit),
		cmocka_unit_test(workers_start_where_the_first_stands),
		cmocka_unit_test(who_wants_to_stop_takes_all_along),
		cmocka_unit_test(who_fails_is_heard_of),
		cmocka_unit_test(who_is_silent_is_not_waited_for),
		cmocka_unit_test(nothing_is_allocated_in_a_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
