/* Activations agree with libm over their whole range and hand NaN on; softmax is the definition. */
#include "support/support.h"

#include <math.h>

#include "sys/thread.h"
#include "compute/exec/cpu/act.h"
#include "compute/exec/cpu/bf16.h"
#include "compute/ir/op.h"

enum { COUNT = 4001 };

static float x[COUNT], y[COUNT];
static uint16_t half[COUNT];

/* From -100 to 100, closer around 0; then what is special. */
static void fill(void)
{
	static const float special[] = { NAN, -NAN, INFINITY, -INFINITY, -0.0f, 3e38f, -3e38f, 1e-30f };

	for (int i = 0; i < COUNT; i++) {
		double t = (i - COUNT / 2) / (COUNT / 2.0);

		x[i] = (float)(100 * t * t * t);
	}
	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		x[17 + 16 * i] = special[i];
}

/* As near as four units in the last place of the larger of value and one. */
static void check(float got, double want, double tolerance)
{
	if (isnan(want) || isinf(want))
		assert_true(isnan(want) ? isnan(got) : got == (float)want);
	else
		assert_near(got, want, tolerance);
}

static void every_activation_is_libms(void **state)
{
	int known = 0;

	(void)state;
	for (int act = ACT_NONE; act < ACT_COUNT; act++) {
		const struct act a = { act, 0.75f, COUNT };

		if (!act_knows(act))
			continue;
		known++;
		fill();
		act_forward(&a, x, y);
		for (int i = 0; i < COUNT; i++)
			check(y[i], ref_act_value(act, a.alpha, x[i]), 5e-7);
		for (int i = 0; i < COUNT; i++)
			half[i] = bf16_of(x[i]);
		act_forward_bf16(&a, half, half);
		for (int i = 0; i < COUNT; i++)
			check(bf16_value(half[i]),
			      ref_act_value(act, a.alpha, bf16_value(bf16_of(x[i]))), 4e-3);
		act_forward(&a, x, x);
		for (int i = 0; i < COUNT; i++)
			assert_true(x[i] == y[i] || isnan(y[i]));
	}
	assert_true(known >= 4);
}

static void a_sum_with_a_relu_keeps_a_nan(void **state)
{
	const struct act_sum s = { x, y, y, COUNT };

	(void)state;
	fill();
	for (int i = 0; i < COUNT; i++)
		y[i] = i % 5 ? 0.5f : NAN;
	act_add_relu(&s);
	for (int i = 0; i < COUNT; i++) {
		float sum = x[i] + (i % 5 ? 0.5f : NAN);

		assert_true(isnan(sum) ? isnan(y[i]) : y[i] == (sum <= 0 ? 0 : sum));
	}
}

static void a_softmax_sums_to_one_and_a_nan_takes_its_row(void **state)
{
	enum { WIDTH = 33, ROWS = 40 };

	(void)state;
	for (int i = 0; i < ROWS * WIDTH; i++)
		x[i] = (float)(i * 7919 % 401 - 200) / 7;
	x[WIDTH + 20] = NAN;
	x[2 * WIDTH] = NAN;
	x[3 * WIDTH + 5] = INFINITY;
	act_softmax(x, ROWS, WIDTH, y);
	for (int r = 0; r < ROWS; r++) {
		double most = -INFINITY, sum = 0;

		for (int i = 0; i < WIDTH; i++)
			most = fmax(most, x[r * WIDTH + i]);
		for (int i = 0; i < WIDTH; i++)
			sum += exp(x[r * WIDTH + i] - most);
		for (int i = 0; i < WIDTH; i++)
			check(y[r * WIDTH + i], exp(x[r * WIDTH + i] - most) / sum, 5e-7);
		assert_int_equal(isnan(y[r * WIDTH + 7]) != 0, r >= 1 && r <= 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_activation_is_libms),
		cmocka_unit_test(a_sum_with_a_relu_keeps_a_nan),
		cmocka_unit_test(a_softmax_sums_to_one_and_a_nan_takes_its_row),
	};

	thread_set_count(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
