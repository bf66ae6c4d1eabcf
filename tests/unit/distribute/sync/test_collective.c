/* What each collective strategy promises for any number of ranks, any size and any order. */
#include "distribute/coll/coll.h"
#include "support/support.h"
#include "support/world.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "sys/thread.h"

/* ---- any number of ranks, any size, any order ---- */

static uint32_t mix(uint32_t a, uint32_t b)
{
	uint32_t x = a * 2654435761u ^ b * 2246822519u;

	x ^= x >> 15;
	x *= 2654435761u;
	return x ^ x >> 13;
}

static float gradient(int rank, int64_t at, size_t i)
{
	return (float)(int)(mix((uint32_t)(rank * 1000 + at), (uint32_t)i) % 2001u - 1000u) / 64;
}

/* A moment of another length on each rank at each turn, up to 2 ms. */
static void dawdle(const struct rank *r, int64_t at, size_t i)
{
	uint32_t x = mix((uint32_t)(at * 31 + r->comm->rank), (uint32_t)i);

	if (r->world->dawdle && x % 8 == 0)
		nanosleep(&(struct timespec){ .tv_nsec = (long)(x / 8 % 2000) * 1000 }, NULL);
}

/* Forward: parameters come in time, whatever is under way, and never twice. */
static tt_status read_params(struct rank *r, int64_t at)
{
	const size_t count = r->world->count;
	tt_status st = TT_OK;

	for (size_t lo = 0, hi; st == TT_OK && lo < count; lo = hi) {
		hi = lo + 1 + mix((uint32_t)(at * 89 + r->comm->rank), (uint32_t)lo) % 100;
		hi = hi < count ? hi : count;
		dawdle(r, at, lo + count);
		st = sync_wait_params(r->sync, lo, hi);
		for (size_t i = lo; st == TT_OK && i < hi; i++)
			if (r->params[i] != r->want[i])
				st = err_set(TT_EINTERNAL, "step %d reads parameter %zu as %g, not as %g", (int)at,
				             i, (double)r->params[i], (double)r->want[i]);
	}
	return st;
}

/* Multiples of 1/64 that are not large: exact in any order. */
static void foresee(struct rank *r, int64_t at)
{
	for (size_t i = 0; i < r->world->count; i++)
		for (int k = 0; k < r->world->n; k++)
			r->want[i] -= gradient(k, at, i);
}

/* Ranges come in other pieces on each rank. */
static tt_status random_pieces(struct rank *r)
{
	size_t count = r->world->count;
	tt_status st = TT_OK;

	for (int64_t at = 1; st == TT_OK && at <= r->world->steps; at++) {
		size_t hi = count;

		st = sync_begin(r->sync, &(struct sync_step){ .step = at, .samples = 1 });
		if (st != TT_OK || (st = read_params(r, at)) != TT_OK)
			return st;
		foresee(r, at);
		r->grads[count] = (float)r->comm->rank;
		r->grads[count + 1] = 1;
		while (st == TT_OK && hi > 0) {
			size_t piece = 1 + mix((uint32_t)(at * 97 + r->comm->rank), (uint32_t)hi) % 100, lo;

			lo = hi > piece ? hi - piece : 0;
			dawdle(r, at, hi);
			for (size_t i = lo; i < hi; i++)
				r->grads[i] = gradient(r->comm->rank, at, i);
			st = sync_grad_ready(r->sync, lo, hi);
			hi = lo;
		}
		if (st == TT_OK)
			st = sync_finish(r->sync);
		/* What is summed with the gradients. */
		if (st == TT_OK && (r->grads[count + 1] != (float)r->comm->size || !r->sync->exchanged))
			st = err_set(TT_EINTERNAL, "sums are %g, not %d", (double)r->grads[count + 1],
			             r->comm->size);
	}
	return st == TT_OK ? sync_flush(r->sync) : st;
}

/* How often a parameter is optimized in a step: by one rank or by all. */
static int workers_on_each(const struct world *w)
{
	const struct distribute_opts *o = &w->opts;
	const int hosts = w->hosts ? w->hosts : 1, by_memory = hosts < w->n && w->n % hosts == 0;

	if (!o->shard_optimizer || w->whole || o->wire != WIRE_F32)
		return w->n;
	if (o->deterministic || o->algorithm == ALGO_AUTO)
		return 1;
	return o->algorithm == ALGO_HIERARCHICAL && by_memory ? 1 : w->n;
}

static void check_sums(const struct world *w)
{
	int applied = 0;

	for (size_t i = 0; i < w->count; i++) {
		double want = 0;

		for (int64_t at = 1; at <= w->steps; at++)
			for (int r = 0; r < w->n; r++)
				want -= gradient(r, at, i);
		assert_near(w->rank[0].params[i], want, 1e-5);
	}
	for (int r = 0; r < w->n; r++) {
		assert_memory_equal(w->rank[r].params, w->rank[0].params, w->count * sizeof(float));
		applied += w->rank[r].applied;
	}
	assert_int_equal(applied, w->steps * (int)w->count * workers_on_each(w));
}

static void ranks_stay_equal_to_the_bit(void **state)
{
	static const size_t count[] = { 1, 2, 31, 700, WORLD_COUNT };
	static const int64_t bucket[] = { 0, 400, 52, 1 << 20 };

	(void)state;
	for (int n = 1; n <= WORLD_RANKS; n++) {
		struct world *w = make_world(n, count[n % 5], "allreduce");

		w->whole = n == 4;
		w->opts.bucket_bytes = bucket[n % 4];
		run_world(w, random_pieces);
		check_sums(w);
		mem_free(w);
	}
}

/* Whatever is done with the optimizer's work, the parameters are those of whole sums and so is,
 * once ranks have met, its state; algorithms without halves, too. */
static tt_status microbatch_and_meeting(struct rank *r)
{
	tt_status st = random_pieces(r);

	return st == TT_OK ? sync_consolidate(r->sync) : st;
}

static void optimizers_that_are_shared_out_have_one_state(void **state)
{
	static const struct { int algorithm, hosts, wire, deterministic; } row[] = {
		{ ALGO_AUTO, 1, 0, 0 }, { ALGO_RING, 1, 0, 0 }, { ALGO_HIERARCHICAL, 1, 0, 0 },
		{ ALGO_AUTO, 2, 0, 0 }, { ALGO_RING, 3, 0, 0 }, { ALGO_TREE, 1, 0, 0 },
		{ ALGO_AUTO, 1, 0, 1 }, { ALGO_HIERARCHICAL, 2, WIRE_F16, 0 },
		{ ALGO_HIERARCHICAL, 2, 0, 0 }, { ALGO_AUTO, 3, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		for (int n = 3; n <= 6; n++) {
			struct world *w = make_world(n, n == 5 ? 1 : 1000, "allreduce");

			w->hosts = row[i].hosts;
			w->opts.algorithm = row[i].algorithm;
			w->opts.wire = row[i].wire;
			w->opts.deterministic = row[i].deterministic;
			w->opts.bucket_bytes = 700;
			w->steps = row[i].wire ? 0 : 7;          /* of 16 bits, sums are not exact */
			run_world(w, microbatch_and_meeting);
			check_sums(w);
			for (int r = 0; r < n; r++)
				for (size_t k = 0; k < w->count; k++)
					assert_true(w->rank[r].sum[k] == -w->rank[r].params[k]);
			mem_free(w);
		}
}

/* Ranks that are early and late by turns, through several lists of the order of buckets: nobody
 * waits for ever, and the bits are those of ranks that wait for everything at once. */
static void lists_that_change_lock_nobody_and_change_no_bit(void **state)
{
	static const int overlap[] = { OVERLAP_NONE, OVERLAP_BACKWARD, OVERLAP_FORWARD };

	(void)state;
	for (int n = 2; n <= WORLD_RANKS; n = n < 4 ? n + 1 : n + 5) {
		struct world *w[3];

		for (int i = 0; i < 3; i++) {
			w[i] = make_world(n, 1000, "allreduce");
			w[i]->opts.overlap = overlap[i];
			w[i]->opts.bucket_bytes = 200;
			w[i]->steps = 70;
			w[i]->dawdle = i == 2;
			w[i]->opts.shard_optimizer = n != 8;
			w[i]->hosts = n == 3 ? 1 : 2;            /* between hosts two sums at once */
			run_world(w[i], random_pieces);
			check_sums(w[i]);
			assert_memory_equal(w[i]->rank[0].params, w[0]->rank[0].params, 4000);
		}
		for (int i = 0; i < 3; i++)
			mem_free(w[i]);
	}
}

/* The sum of 1e8, 1, -1e8, 1 is 1 in the order of ranks, whatever the bucket. */
static tt_status hard_sum(struct rank *r)
{
	static const float x[] = { 1e8f, 1, -1e8f, 1 };

	for (size_t i = 0; i < r->world->count; i++)
		r->grads[i] = x[r->comm->rank];
	return world_one_step(r);
}

static void deterministic_sums_do_not_depend_on_buckets(void **state)
{
	static const int64_t bucket[] = { 4, 64, 1 << 20 };

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct world *w = make_world(4, 100, "allreduce");

		w->opts.deterministic = 1;
		w->opts.bucket_bytes = bucket[k];
		run_world(w, hard_sum);
		for (size_t i = 0; i < w->count; i++)
			assert_true(w->rank[i % 4].params[i] == -(((1e8f + 1) + -1e8f) + 1));
		mem_free(w);
	}
}

/* ---- averages ---- */

static tt_status uneven(struct rank *r)
{
	tt_status st;

	r->params[0] = r->comm->rank ? 5 : 1;
	r->slot[0] = r->comm->rank ? 7 : 3;
	if ((st = world_step(r, 1, r->comm->rank ? 1 : 3)) != TT_OK)
		return st;
	return sync_epoch_end(r->sync);
}

static void averages_are_weighted_by_samples_with_the_state_asked_for(void **state)
{
	static const struct { int what; float slot[2]; } row[] = {
		{ STATE_KEEP, { 3, 7 } }, { STATE_AVERAGE, { 4, 4 } }, { STATE_RESET, { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = make_world(2, 1, "average");

		w->opts.optimizer_state = row[i].what;
		run_world(w, uneven);
		for (int r = 0; r < 2; r++) {
			assert_near(w->rank[r].params[0], 2, 0);
			assert_near(w->rank[r].slot[0], row[i].slot[r], 0);
		}
		mem_free(w);
	}
}

/* In a meeting all see the average; afterwards each has its own again. */
static tt_status met(struct rank *r)
{
	tt_status st;

	r->params[0] = r->comm->rank ? 4 : 2;
	if ((st = world_one_step(r)) != TT_OK || (st = sync_epoch_end(r->sync)) != TT_OK ||
	    (st = sync_consolidate(r->sync)) != TT_OK)
		return st;
	r->slot[0] = r->params[0];
	sync_resume(r->sync);
	return TT_OK;
}

/* Each batch norm has seen its own shares; who had no sample has no say. */
static tt_status meet_with_buffers(struct rank *r)
{
	static const int samples[] = { 3, 1, 0 };
	static const float buffer[] = { 1, 5, 100 };
	tt_status st = world_step(r, 1, samples[r->comm->rank]);

	r->buffer = buffer[r->comm->rank];
	return st == TT_OK ? sync_consolidate(r->sync) : st;
}

static void running_statistics_are_weighted_by_samples(void **state)
{
	struct world *w = make_world(3, 5, "allreduce");

	(void)state;
	run_world(w, meet_with_buffers);
	for (int i = 0; i < 3; i++)
		assert_near(w->rank[i].buffer, 2, 1e-6);
	mem_free(w);
}

static void meetings_do_not_change_who_meets(void **state)
{
	struct world *w = make_world(2, 1, "average");

	(void)state;
	w->opts.period = 0;
	run_world(w, met);
	for (int r = 0; r < 2; r++) {
		assert_near(w->rank[r].slot[0], 3, 0);
		assert_near(w->rank[r].params[0], r ? 4 : 2, 0);
	}
	mem_free(w);
}

/* An epoch of all-reduce, then each for itself. */
static tt_status late_local(struct rank *r)
{
	tt_status st = TT_OK;

	for (int epoch = 0; st == TT_OK && epoch < 2; epoch++) {
		r->grads[0] = (float)(r->comm->rank + 1);
		st = sync_begin(r->sync, &(struct sync_step){ .step = epoch + 1, .epoch = epoch,
		                                              .samples = 1 });
		r->slot[epoch] = (float)r->sync->summed;
		if (st == TT_OK && (st = sync_grad_ready(r->sync, 0, 1)) == TT_OK)
			st = sync_finish(r->sync);
	}
	return st;
}

static void post_local_starts_with_sums(void **state)
{
	struct world *w = make_world(2, 2, "average");

	(void)state;
	w->opts.period = 9;
	w->opts.post_local = 1;
	run_world(w, late_local);
	assert_near(w->rank[0].params[0], -3 - 1, 0);
	assert_near(w->rank[1].params[0], -3 - 2, 0);
	assert_near(w->rank[0].slot[0], 1, 0);
	assert_near(w->rank[0].slot[1], 0, 0);
	mem_free(w);
}

/* All ranks start as rank 0 stands. */
static tt_status nothing(struct rank *r) { (void)r; return TT_OK; }

static void ranks_start_where_rank_0_stands(void **state)
{
	struct world *w = make_world(3, 2, "allreduce");

	(void)state;
	for (int r = 0; r < 3; r++)
		w->rank[r].params[1] = w->rank[r].slot[0] = (float)r + 1;
	run_world(w, nothing);
	for (int r = 0; r < 3; r++) {
		assert_near(w->rank[r].params[1], 1, 0);
		assert_near(w->rank[r].slot[0], 1, 0);
	}
	mem_free(w);
}

/* ---- trouble ---- */

static tt_status one_gives_up(struct rank *r)
{
	if (r->comm->rank == 1)
		return err_set(TT_ENAN, "no number");
	return world_one_step(r);
}

static void who_gives_up_is_named_by_the_others(void **state)
{
	struct world *w = make_world(3, 300, "allreduce");
	double start = thread_seconds();

	(void)state;
	w->opts.bucket_bytes = 400;
	try_world(w, one_gives_up);
	assert_int_equal(w->rank[1].status, TT_ENAN);
	for (int i = 0; i < 3; i += 2) {
		assert_true(w->rank[i].status != TT_OK);
		assert_contains(w->rank[i].text, "rank 1");
		assert_contains(w->rank[i].text, "no number");
	}
	assert_true(thread_seconds() - start < 10);
	mem_free(w);
}

/* 300 gradients in buckets of 100: rank 1 has the upper half, and then nothing for too long. */
static tt_status one_stalls(struct rank *r)
{
	const struct timespec nap = { .tv_sec = 1 };
	tt_status st;

	if (r->comm->rank != 1)
		return world_one_step(r);
	st = sync_begin(r->sync, &(struct sync_step){ .step = 1, .samples = 1 });
	if (st == TT_OK)
		st = sync_grad_ready(r->sync, 150, 300);
	nanosleep(&nap, NULL);
	return st;
}

static void who_stalls_is_named_with_what_is_missing(void **state)
{
	struct world *w = make_world(3, 300, "allreduce");

	(void)state;
	w->opts.bucket_bytes = 400;
	w->opts.timeout = 0.3;
	try_world(w, one_stalls);
	for (int i = 0; i < 3; i += 2) {
		assert_true(w->rank[i].status != TT_OK);
		assert_contains(w->rank[i].text, "rank 1 ");
		assert_contains(w->rank[i].text, "waited for bucket 2 of step 1 (lower to upper)");
	}
	mem_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_stay_equal_to_the_bit),
		cmocka_unit_test(optimizers_that_are_shared_out_have_one_state),
		cmocka_unit_test(lists_that_change_lock_nobody_and_change_no_bit),
		cmocka_unit_test(deterministic_sums_do_not_depend_on_buckets),
		cmocka_unit_test(averages_are_weighted_by_samples_with_the_state_asked_for),
		cmocka_unit_test(running_statistics_are_weighted_by_samples),
		cmocka_unit_test(meetings_do_not_change_who_meets),
		cmocka_unit_test(post_local_starts_with_sums),
		cmocka_unit_test(ranks_start_where_rank_0_stands),
		cmocka_unit_test(who_gives_up_is_named_by_the_others),
		cmocka_unit_test(who_stalls_is_named_with_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
