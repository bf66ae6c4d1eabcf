/* Every algorithm, 1 to 9 ranks, sizes that divide badly. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "distribute/coll/coll.h"
#include "distribute/coll/wire.h"
#include "support/ranks.h"
#include "support/support.h"

struct how { size_t n; enum comm_algorithm algorithm; enum comm_wire wire; };

static float *room(size_t n)
{
	float *p = mem_alloc_aligned((n + 1) * sizeof *p);

	rank_true(p != NULL);
	return p;
}

static tt_status reduce(struct comm *c, float *x, const struct how *h)
{
	float *scratch = room(comm_allreduce_scratch(c, h->n));
	tt_status st = comm_allreduce(c, x, h->n, &(struct comm_allreduce_opts){
		h->algorithm, h->wire, scratch });

	mem_free(scratch);
	return st;
}

/* Element i of rank r is small and whole: every order of adding gives the same, exact sum. */
static float whole(int r, size_t i) { return (float)((r + 1) * (int)(i % 31) - 7); }

static void sum_whole(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = room(h->n);
	size_t wrong = 0;

	for (size_t i = 0; i < h->n; i++)
		x[i] = whole(c->rank, i);
	x[h->n] = 12345;
	rank_ok(reduce(c, x, h));
	for (size_t i = 0; i < h->n; i++) {
		float want = 0;

		for (int r = 0; r < c->size; r++)
			want += whole(r, i);
		wrong += x[i] != want;
	}
	rank_true(wrong == 0);
	rank_true(x[h->n] == 12345);
	mem_free(x);
}

static const enum comm_algorithm all[] = { ALGO_AUTO, ALGO_RING, ALGO_TREE, ALGO_HALVING_DOUBLING,
                                           ALGO_HIERARCHICAL, ALGO_DIRECT };
#define ALL (sizeof all / sizeof *all)

static void each_algorithm(const struct ranks *r, struct how h, rank_fn *f)
{
	for (size_t a = 0; a < ALL; a++) {
		h.algorithm = all[a];
		ranks_run(*r, f, &h);
	}
}

static void sums_are_exact_for_any_ranks_and_size(void **state)
{
	(void)state;
	for (int n = 1; n <= 9; n++) {
		size_t sizes[] = { 0, 1, (size_t)n - 1, (size_t)n, (size_t)n + 1, 2, 3, 17, 4099, 8191,
		                   100003 };

		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			each_algorithm(&(struct ranks){ .n = n }, (struct how){ sizes[i], 0, 0 }, sum_whole);
	}
}

static void sums_are_exact_over_hosts(void **state)
{
	(void)state;
	for (int n = 2; n <= 9; n++)
		for (int hosts = 2; hosts <= n; hosts += 1 + (n > 5))
			each_algorithm(&(struct ranks){ .n = n, .hosts = hosts }, (struct how){ 50021, 0, 0 },
			               sum_whole);
}

static void long_vectors_fill_the_pipeline(void **state)
{
	(void)state;
	for (int n = 2; n <= 5; n++)
		each_algorithm(&(struct ranks){ .n = n }, (struct how){ 1500007, 0, 0 }, sum_whole);
}

static void half_formats_carry_whole_numbers(void **state)
{
	(void)state;
	for (int n = 2; n <= 5; n++) {
		each_algorithm(&(struct ranks){ .n = n }, (struct how){ 100003, 0, WIRE_F16 }, sum_whole);
		each_algorithm(&(struct ranks){ .n = n, .hosts = 2 }, (struct how){ 30011, 0, WIRE_F16 },
		               sum_whole);
	}
}

/* ---- halves ---- */

static tt_status by_halves(struct comm *c, float *x, const struct how *h, float *y)
{
	const struct comm_allreduce_opts o = { h->algorithm, h->wire,
	                                       room(comm_allreduce_scratch(c, h->n)) };
	struct comm_span own = { 0, 0 };
	tt_status st = comm_reduce_scatter(c, x, h->n, &o, &own);

	rank_true(own.lo <= own.hi && own.hi <= h->n);
	for (size_t i = own.lo; i < own.hi; i++)
		y[i] = x[i] + 1;
	if (st == TT_OK)
		st = comm_gather_parts(c, y, h->n, &o);
	mem_free(o.scratch);
	return st;
}

/* Twice: what was summed may be written at once, what was gathered when the next sum has begun. */
static void sum_halves(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = room(h->n), *y = room(h->n);
	size_t wrong = 0;

	x[h->n] = y[h->n] = 12345;
	for (int round = 1; round <= 3; round++) {
		for (size_t i = 0; i < h->n; i++)
			x[i] = (float)round * whole(c->rank, i);
		rank_ok(by_halves(c, x, h, y));
		for (size_t i = 0; i < h->n; i++) {
			float want = 1;

			for (int r = 0; r < c->size; r++)
				want += (float)round * whole(r, i);
			wrong += y[i] != want;
		}
	}
	rank_true(wrong == 0);
	rank_true(x[h->n] == 12345 && y[h->n] == 12345);
	rank_ok(comm_barrier(c));               /* others may read y until here */
	mem_free(x);
	mem_free(y);
}

static const enum comm_algorithm halved[] = { ALGO_AUTO, ALGO_DIRECT, ALGO_HIERARCHICAL };
#define HALVED (sizeof halved / sizeof *halved)

static void each_halves(struct ranks r, size_t n, rank_fn *f)
{
	for (size_t a = 0; a < HALVED; a++)
		ranks_run(r, f, &(struct how){ n, halved[a], WIRE_F32 });
}

static void halves_make_the_sum_for_any_ranks_and_size(void **state)
{
	(void)state;
	for (int n = 1; n <= 9; n++) {
		size_t sizes[] = { 0, 1, (size_t)n - 1, (size_t)n, (size_t)n + 1, 17, 4099, 100003 };

		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
			each_halves((struct ranks){ .n = n }, sizes[i], sum_halves);
	}
}

static void halves_make_the_sum_over_hosts(void **state)
{
	(void)state;
	for (int n = 2; n <= 9; n++)
		for (int hosts = 2; hosts <= n; hosts++) {
			each_halves((struct ranks){ .n = n, .hosts = hosts }, 50021, sum_halves);
			each_halves((struct ranks){ .n = n, .hosts = hosts }, (size_t)n - 1, sum_halves);
		}
}

/* ---- the same bits everywhere ---- */

/* Drawn once: to draw costs more than to add. */
enum { DRAWN_RANKS = 9, DRAWN = 90001 };
static float drawn[DRAWN_RANKS][DRAWN];

static int draw(void **state)
{
	(void)state;
	for (int rank = 0; rank < DRAWN_RANKS; rank++) {
		struct rng r;

		rng_init(&r, rng_key(7, RNG_TEST), (uint64_t)rank, 0);
		for (size_t i = 0; i < DRAWN; i++)
			drawn[rank][i] = (float)(rng_normal(&r) * exp(6 * rng_uniform(&r)));
	}
	return 0;
}

static void fill_random(float *x, size_t n, int rank)
{
	rank_true(n <= DRAWN && rank < DRAWN_RANKS);
	memcpy(x, drawn[rank], n * sizeof *x);
}

static void sum_random(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = room(h->n), *first = room(h->n);

	fill_random(x, h->n, c->rank);
	rank_ok(reduce(c, x, h));
	memcpy(first, x, h->n * sizeof *x);
	rank_ok(comm_broadcast(c, 0, first, h->n * sizeof *x));
	rank_true(memcmp(first, x, h->n * sizeof *x) == 0);
	mem_free(x);
	mem_free(first);
}

static void all_ranks_hold_the_same_bits(void **state)
{
	(void)state;
	for (int n = 2; n <= DRAWN_RANKS; n++)
		for (int wire = WIRE_F32; wire <= WIRE_BF16; wire++) {
			each_algorithm(&(struct ranks){ .n = n }, (struct how){ 10007, 0, wire }, sum_random);
			each_algorithm(&(struct ranks){ .n = n, .hosts = n / 2 },
			               (struct how){ 70001, 0, wire }, sum_random);
		}
}

/* 1e8, 1, -1e8, 1 by rank: in rank order the sum is 1, in others 0 or 2. */
static void sum_in_order(struct comm *c, void *ctx)
{
	const float of_rank[] = { 1e8f, 1, -1e8f, 1 };
	struct how h = *(struct how *)ctx;
	float *x = room(h.n);
	size_t wrong = 0;

	for (size_t i = 0; i < h.n; i++)
		x[i] = of_rank[c->rank];
	rank_ok(reduce(c, x, &h));
	for (size_t i = 0; i < h.n; i++)
		wrong += x[i] != 1;
	rank_true(wrong == 0);
	mem_free(x);
}

static void ordered_adds_in_rank_order(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 4 }, sum_in_order, &(struct how){ 100003, ALGO_DIRECT, 0 });
}

/* The whole at once and in three unequal buckets. */
static void sum_in_buckets(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	const size_t cut[] = { 0, 13, 6001, h->n };
	float *x = room(h->n), *y = room(h->n);

	fill_random(x, h->n, c->rank);
	memcpy(y, x, h->n * sizeof *x);
	rank_ok(reduce(c, x, h));
	for (int i = 0; i < 3; i++)
		rank_ok(reduce(c, y + cut[i], &(struct how){ cut[i + 1] - cut[i], h->algorithm, h->wire }));
	rank_true(memcmp(x, y, h->n * sizeof *x) == 0);
	mem_free(x);
	mem_free(y);
}

static void ordered_does_not_depend_on_buckets(void **state)
{
	(void)state;
	for (int wire = WIRE_F32; wire <= WIRE_BF16; wire++)
		for (int n = 2; n <= 6; n++)
			ranks_run((struct ranks){ .n = n }, sum_in_buckets,
			          &(struct how){ 90001, ALGO_DIRECT, wire });
}

/* Where ranks read one another's memory the order is that of ranks, too. */
static void sum_by_memory(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = room(h->n), *y = room(h->n);

	fill_random(x, h->n, c->rank);
	memcpy(y, x, h->n * sizeof *x);
	rank_ok(reduce(c, x, &(struct how){ h->n, ALGO_DIRECT, WIRE_F32 }));
	rank_ok(reduce(c, y, &(struct how){ h->n, ALGO_HIERARCHICAL, WIRE_F32 }));
	rank_true(memcmp(x, y, h->n * sizeof *x) == 0);
	mem_free(x);
	mem_free(y);
}

static void sums_in_memory_are_in_rank_order(void **state)
{
	(void)state;
	for (int n = 2; n <= 9; n++)
		ranks_run((struct ranks){ .n = n }, sum_by_memory, &(struct how){ 90001, 0, 0 });
}

/* ---- half formats ---- */

static float through(enum comm_wire w, float x)
{
	uint16_t packed;
	float out;

	wire_pack(w, &packed, &x, 1);
	wire_unpack(w, &out, &packed, 1);
	return out;
}

static void halves_round_to_nearest_even(void **state)
{
	const struct { enum comm_wire w; float x, want; } cases[] = {
		{ WIRE_F16, 1, 1 }, { WIRE_F16, -0.0f, -0.0f }, { WIRE_F16, 65504, 65504 },
		{ WIRE_F16, 65519, 65504 }, { WIRE_F16, 65520, INFINITY }, { WIRE_F16, 1e9f, INFINITY },
		{ WIRE_F16, -INFINITY, -INFINITY }, { WIRE_F16, 2049, 2048 }, { WIRE_F16, 2051, 2052 },
		{ WIRE_F16, 0x1p-24f, 0x1p-24f }, { WIRE_F16, 0x1p-25f, 0 },
		{ WIRE_F16, 0x1.8p-25f, 0x1p-24f },
		{ WIRE_F16, 0x1p-14f, 0x1p-14f }, { WIRE_F16, 0x1.ff8p-15f, 0x1.ff8p-15f },
		{ WIRE_F16, 0x1.8p-24f, 0x1p-23f }, { WIRE_F16, 0x1.4p-23f, 0x1p-23f },
		{ WIRE_BF16, 1, 1 }, { WIRE_BF16, 257, 256 }, { WIRE_BF16, 259, 260 },
		{ WIRE_BF16, 3.4028235e38f, INFINITY }, { WIRE_BF16, 1e-40f, 0x1p-133f },
		{ WIRE_BF16, -INFINITY, -INFINITY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		float got = through(cases[i].w, cases[i].x);

		if (got != cases[i].want || !signbit(got) != !signbit(cases[i].want))
			fail_msg("case %zu: %a became %a, not %a", i, (double)cases[i].x, (double)got,
			         (double)cases[i].want);
	}
	assert_true(isnan(through(WIRE_F16, NAN)) && isnan(through(WIRE_BF16, NAN)));
}

static void every_half_survives_the_journey(void **state)
{
	(void)state;
	for (int w = WIRE_F16; w <= WIRE_BF16; w++)
		for (uint32_t h = 0; h < 65536; h++) {
			uint16_t in = (uint16_t)h, out;
			float x;

			wire_unpack((enum comm_wire)w, &x, &in, 1);
			wire_pack((enum comm_wire)w, &out, &x, 1);
			if (!isnan(x))
				assert_int_equal(in, out);
		}
}

/* 512 times 1.0, summed in bf16, would stop at 256. */
static void sum_ones(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = room(h->n);
	float acc = 0;

	for (size_t i = 0; i < h->n; i++)
		x[i] = 64;
	rank_ok(reduce(c, x, h));
	for (size_t i = 0; i < h->n; i++)
		acc += fabsf(x[i] - 64 * (float)c->size);
	rank_true(acc == 0);
	mem_free(x);
}

static void sums_are_f32_whatever_travels(void **state)
{
	(void)state;
	each_algorithm(&(struct ranks){ .n = 8 }, (struct how){ 64, 0, WIRE_BF16 }, sum_ones);
}

/* ---- choosing, counting, refusing ---- */

static void measure(struct comm *c, void *ctx)
{
	struct comm *helper = NULL;
	double first[COMM_CLASSES];

	(void)ctx;
	rank_ok(comm_measure(c, 70000, &(struct comm_allreduce_opts){ 0 }, 1));
	rank_ok(comm_split(c, &helper));
	memcpy(first, helper->seconds, sizeof first);
	rank_ok(comm_broadcast(c, 0, first, sizeof first));
	rank_true(memcmp(first, helper->seconds, sizeof first) == 0);
	rank_true(comm_seconds(c, 1000) > 0 && comm_seconds(c, 1000000) > comm_seconds(c, 65536));
	sum_whole(helper, &(struct how){ 5003, ALGO_AUTO, 0 });
	comm_close(&helper);
}

static void ranks_agree_on_what_they_measured(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 3 }, measure, NULL);
	ranks_run((struct ranks){ .n = 4, .hosts = 2 }, measure, NULL);
}

static void count_bytes(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	size_t each = h->wire == WIRE_F32 ? 4 : 2;
	float *x = room(h->n);

	memset(x, 0, h->n * sizeof *x);
	rank_ok(reduce(c, x, h));
	rank_true(c->sent == 2 * (uint64_t)(c->size - 1) * (h->n / (size_t)c->size) * each);
	mem_free(x);
}

static void a_ring_sends_no_more_than_it_must(void **state)
{
	(void)state;
	for (int wire = WIRE_F32; wire <= WIRE_BF16; wire++)
		for (int n = 2; n <= 6; n++)
			ranks_run((struct ranks){ .n = n }, count_bytes,
			          &(struct how){ 60000, ALGO_RING, wire });
}

/* The count is the whole process's: nobody may pass a barrier before all have looked. */
static void count_allocations(struct comm *c, void *ctx)
{
	const size_t n = 200003;
	float *x = room(n), *scratch = room(comm_allreduce_scratch(c, n));
	uint64_t before;

	(void)ctx;
	memset(x, 0, n * sizeof *x);
	rank_ok(comm_barrier(c));
	before = mem_count();
	rank_ok(comm_barrier(c));
	for (size_t a = 0; a < ALL; a++)
		for (int wire = WIRE_F32; wire <= WIRE_BF16; wire++)
			rank_ok(comm_allreduce(c, x, n,
			                       &(struct comm_allreduce_opts){ all[a], wire, scratch }));
	rank_ok(comm_broadcast(c, 0, x, n * sizeof *x));
	rank_ok(comm_barrier(c));
	rank_true(mem_count() == before);
	rank_ok(comm_barrier(c));
	mem_free(x);
	mem_free(scratch);
}

static void nothing_is_allocated_on_the_way(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 4 }, count_allocations, NULL);
	ranks_run((struct ranks){ .n = 5, .hosts = 2 }, count_allocations, NULL);
}

static void ask_library(struct comm *c, void *ctx)
{
	float x = 0;

	(void)ctx;
	rank_fails(reduce(c, &x, &(struct how){ 1, ALGO_LIBRARY, WIRE_F32 }), "choose ring or auto");
}

static void a_transport_without_its_own_says_so(void **state)
{
	(void)state;
	ranks_run((struct ranks){ .n = 2 }, ask_library, NULL);
}

/* A rank that stays away is named whatever the algorithm. */
static void one_stays_away(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = room(h->n);

	memset(x, 0, h->n * sizeof *x);
	c->doing = "bucket 4";
	if (c->rank == 3) {
		struct comm_request r = { .peer = 0, .tag = 9, .p = x, .n = 4 };

		while (c->fault.status == TT_OK && comm_start_recv(c, &r) == TT_OK) {
			c->timeout = 100;
			comm_wait(c, &r);
		}
	} else {
		while (reduce(c, x, h) == TT_OK)
			;
	}
	rank_true(c->fault.status != TT_OK);
	mem_free(x);
}

/* Who is late may read what others have left. */
static float left_behind[5][30011];

/* The last rank goes between the halves, or in the middle of one. */
static void one_goes_between(struct comm *c, void *ctx)
{
	const struct how *h = ctx;
	float *x = left_behind[c->rank], *scratch = room(comm_allreduce_scratch(c, h->n));
	const struct comm_allreduce_opts o = { h->algorithm, WIRE_F32, scratch };
	struct comm_span own;
	tt_status st = TT_OK;

	rank_true(h->n <= sizeof left_behind[0] / sizeof *x);
	for (int i = 0; i < 3 && st == TT_OK; i++) {
		st = comm_reduce_scatter(c, x, h->n, &o, &own);
		if (st == TT_OK && i == 1 && c->rank == c->size - 1)
			comm_abandon(c, "it was told to");
		if (st == TT_OK)
			st = comm_gather_parts(c, x, h->n, &o);
	}
	rank_true(st != TT_OK);
	rank_true(c->fault.culprit == c->size - 1);
	rank_contains(c->fault.text, "it was told to");
	mem_free(scratch);
}

static void who_goes_between_halves_is_named(void **state)
{
	(void)state;
	for (int n = 2; n <= 5; n++) {
		each_halves((struct ranks){ .n = n }, 30011, one_goes_between);
		each_halves((struct ranks){ .n = n, .hosts = 2 }, 30011, one_goes_between);
	}
}

static void nobody_hangs_when_a_rank_strays(void **state)
{
	(void)state;
	each_algorithm(&(struct ranks){ .n = 5, .timeout = 0.2 }, (struct how){ 300007, 0, 0 },
	               one_stays_away);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_exact_for_any_ranks_and_size),
		cmocka_unit_test(sums_are_exact_over_hosts),
		cmocka_unit_test(long_vectors_fill_the_pipeline),
		cmocka_unit_test(halves_make_the_sum_for_any_ranks_and_size),
		cmocka_unit_test(halves_make_the_sum_over_hosts),
		cmocka_unit_test(half_formats_carry_whole_numbers),
		cmocka_unit_test(all_ranks_hold_the_same_bits),
		cmocka_unit_test(ordered_adds_in_rank_order),
		cmocka_unit_test(ordered_does_not_depend_on_buckets),
		cmocka_unit_test(halves_round_to_nearest_even),
		cmocka_unit_test(every_half_survives_the_journey),
		cmocka_unit_test(sums_are_f32_whatever_travels),
		cmocka_unit_test(ranks_agree_on_what_they_measured),
		cmocka_unit_test(a_ring_sends_no_more_than_it_must),
		cmocka_unit_test(nothing_is_allocated_on_the_way),
		cmocka_unit_test(a_transport_without_its_own_says_so),
		cmocka_unit_test(sums_in_memory_are_in_rank_order),
		cmocka_unit_test(who_goes_between_halves_is_named),
		cmocka_unit_test(nobody_hangs_when_a_rank_strays),
	};

	return cmocka_run_group_tests(tests, draw, NULL);
}
