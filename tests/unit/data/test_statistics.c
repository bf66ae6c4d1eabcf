/* Mean and standard deviation, range and quartiles of what a net reads: of every type, in blocks,
 * to the last digits. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/loader.h"
#include "data/statistics.h"

#define N 5000                          /* more than one block of the widest */

static tt_source *source_of(enum tt_type type, const void *x, int64_t planes, int64_t features)
{
	const tt_column c = { .size = sizeof c, .type = type, .name = "x", .ndim = planes ? 3 : 1,
	                      .shape = { features, planes, planes }, .data = x };
	const tt_column *columns[] = { &c };
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 1, .column = columns,
	                                              .kind = TT_TARGET_NONE), N));
	return s;
}

static tt_status find(struct statistics *out, struct arena *a, const tt_source *s, int how)
{
	return statistics_find(out, a, &(struct statistics_of){ s, how }, NULL);
}

static void bytes_are(const uint8_t *u, int how, double centre, double scale)
{
	struct statistics is;
	struct arena a = {0};
	tt_source *s = source_of(TT_U8, u, 1, 1);

	assert_ok(find(&is, &a, s, how));
	assert_near(is.mean.v[0], centre, 1e-7);
	assert_near(is.std.v[0], scale, 1e-7);
	tt_source_close(&s);
	arena_release(&a);
}

/* Far from zero, tiny, and constant: sums of squares would lose all of it. */
static void columns_have_scales_of_their_own(void **state)
{
	float *x = mem_calloc(N * 300, sizeof *x);
	struct statistics is;
	struct arena a = {0};
	tt_source *s;

	(void)state;
	for (int i = 0; i < N; i++) {
		x[i * 300] = 1e6f + (float)(i % 2);
		x[i * 300 + 1] = 1e-6f * (float)(i % 2);
		x[i * 300 + 2] = 0.1f;
	}
	s = source_of(TT_F32, x, 0, 300);
	assert_ok(find(&is, &a, s, NORMALISE_STANDARD));
	assert_int_equal(is.mean.n, 300);
	assert_near(is.mean.v[0], 1e6 + 0.5, 1e-9);
	assert_near(is.std.v[0], 0.5, 1e-9);
	assert_near(is.std.v[1], 0.5 * (double)1e-6f, 1e-15);
	assert_true(is.mean.v[2] == (double)0.1f);
	assert_true(is.std.v[2] == 1 && is.std.v[299] == 1);
	x[N * 300 - 1] = NAN;
	assert_status(find(&is, &a, s, NORMALISE_STANDARD), TT_EFORMAT);
	assert_error("feature or channel 299");
	tt_source_close(&s);
	arena_release(&a);
	mem_free(x);
}

static void types_mean_what_the_net_sees(void **state)
{
	uint8_t *u = mem_calloc(N * 12, 1);
	int64_t *w = mem_calloc(N, sizeof *w);
	struct statistics is;
	struct arena a = {0};
	tt_source *s;

	(void)state;
	for (int i = 0; i < N; i++) {
		memset(u + i * 12, i % 2 ? 255 : 0, 4);     /* one channel of 2x2 pixels of three */
		w[i] = i % 2 ? 3 : -3;
	}
	s = source_of(TT_U8, u, 2, 3);
	assert_ok(find(&is, &a, s, NORMALISE_STANDARD));
	assert_int_equal(is.mean.n, 3);
	assert_near(is.mean.v[0], 0.5, 1e-12);
	assert_near(is.std.v[0], 0.5, 1e-12);
	assert_true(is.mean.v[1] == 0 && is.std.v[1] == 1);
	tt_source_close(&s);
	s = source_of(TT_I64, w, 0, 1);
	assert_ok(find(&is, &a, s, NORMALISE_STANDARD));
	assert_near(is.mean.v[0], 0, 1e-12);
	assert_near(is.std.v[0], 3, 1e-12);
	tt_source_close(&s);
	arena_release(&a);
	mem_free(u);
	mem_free(w);
}

/* What numpy.quantile and scikit-learn's MinMaxScaler and RobustScaler say. */
static void ranges_and_quartiles(void **state)
{
	float *x = mem_calloc(N * 300, sizeof *x);
	uint8_t *u = mem_calloc(N, 1);
	struct statistics is;
	struct arena a = {0};
	tt_source *s;

	(void)state;
	for (int i = 0; i < N; i++) {
		x[i * 300] = (float)(i * 1237 % N);             /* 0 .. 4999, each once           */
		x[i * 300 + 1] = i ? 7 : 1e6f;                  /* one wild number                */
		x[i * 300 + 2] = -2;
		u[i] = (uint8_t)(51 * (i % 4));                 /* 0, 0.2, 0.4, 0.6               */
	}
	s = source_of(TT_F32, x, 0, 300);
	assert_ok(find(&is, &a, s, NORMALISE_MINMAX));
	assert_true(is.mean.v[0] == 0 && is.std.v[0] == N - 1);
	assert_true(is.mean.v[1] == 7 && is.std.v[1] == 1e6 - 7);
	assert_true(is.mean.v[2] == -2 && is.std.v[2] == 1);
	assert_ok(find(&is, &a, s, NORMALISE_ROBUST));
	assert_near(is.mean.v[0], 2499.5, 1e-12);
	assert_near(is.std.v[0], 2499.5, 1e-12);
	assert_true(is.mean.v[1] == 7 && is.std.v[1] == 1);
	tt_source_close(&s);
	bytes_are(u, NORMALISE_MINMAX, 0, 0.6);
	bytes_are(u, NORMALISE_ROBUST, 0.3, 0.3);
	x[N * 300 - 1] = INFINITY;
	s = source_of(TT_F32, x, 0, 300);
	assert_status(find(&is, &a, s, NORMALISE_MINMAX), TT_EFORMAT);
	tt_source_close(&s);
	arena_release(&a);
	mem_free(x);
	mem_free(u);
}

static int at_once(void *ctx)
{
	(void)ctx;
	return 1;
}

static void who_waits_may_give_up(void **state)
{
	const struct statistics_stop stop = { at_once, NULL };
	float x[N] = {0};
	struct statistics is;
	struct arena a = {0};
	tt_source *s = source_of(TT_F32, x, 0, 1);

	(void)state;
	assert_status(statistics_find(&is, &a, &(struct statistics_of){ s, NORMALISE_ROBUST }, &stop),
	              TT_ESTOPPED);
	tt_source_close(&s);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_have_scales_of_their_own),
		cmocka_unit_test(types_mean_what_the_net_sees),
		cmocka_unit_test(ranges_and_quartiles),
		cmocka_unit_test(who_waits_may_give_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
