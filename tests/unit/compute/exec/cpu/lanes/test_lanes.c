/* test_lanes.c -- what tests/op cannot see of the kernels with images in the lanes: numbers that
 * are none, threads, and the way there and back. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/cpu/lanes/lanes.h"

static float *numbers(int64_t n)
{
	float *v = mem_alloc_aligned((size_t)n * sizeof *v);

	assert_non_null(v);
	for (int64_t i = 0; i < n; i++)
		v[i] = (float)((i * 7919) % 1999 - 999) / 1000;
	return v;
}

/* Points that do and do not fill blocks of 16. */
static void images_come_back_from_the_lanes_as_they_went(void **state)
{
	(void)state;
	for (int64_t points = 1; points <= 50; points += 7) {
		float *x = numbers(32 * points), *lanes = numbers(32 * points);
		float *back = numbers(32 * points);

		lanes_from_plain(x, 32, points, lanes);
		for (int64_t i = 0; i < 32 * points; i++) {
			int64_t n = i / points, p = i % points;

			assert_true(lanes[(n / 16 * points + p) * 16 + n % 16] == x[i]);
		}
		lanes_to_plain(lanes, 32, points, back);
		assert_memory_equal(back, x, (size_t)(32 * points) * sizeof *x);
		mem_free(x);
		mem_free(lanes);
		mem_free(back);
	}
}

/* In image 3: two NaN in a window, of which the last counts; in image 5 a window of -inf. */
static void check_pool(int64_t k)
{
	const struct lanes_pool g = { .n = 16, .c = 1, .h = k, .w = k, .oh = 1, .ow = 1, .kh = k,
	                              .kw = k, .sh = k, .sw = k };
	float *x = numbers(16 * k * k), *y = numbers(16);
	uint8_t arg[16];

	for (int64_t p = 0; p < k * k; p++)
		x[p * 16 + 5] = -INFINITY;
	x[1 * 16 + 3] = x[(k * k - 1) * 16 + 3] = NAN;
	lanes_maxpool(&g, x, y, arg);
	assert_true(isnan(y[3]) && arg[3] == k * k - 1);
	assert_true(isinf(y[5]) && y[5] < 0 && arg[5] == 0);
	for (int l = 0; l < 16; l++)
		for (int64_t p = 0; p < k * k; p++)
			assert_true(l == 3 || x[p * 16 + l] <= y[l]);
	mem_free(x);
	mem_free(y);
}

static void the_last_nan_of_a_window_wins(void **state)
{
	(void)state;
	check_pool(2);
	check_pool(3);
}

static const struct lanes_conv conv = { .n = 48, .c = 3, .k = 7, .h = 9, .w = 11, .kh = 3, .kw = 5,
                                        .pad = { 1, 2, 1, 2 } };
enum { X = 48 * 3 * 9 * 11, Y = 48 * 7 * 9 * 11, W = 7 * 3 * 3 * 5 };
struct results { float *y, *dx, *dw, *db; };

static struct results convolve(int threads)
{
	struct results r = { numbers(Y), numbers(X), numbers(W), numbers(7) };
	float *x = numbers(X), *dy = numbers(Y), *w = numbers(W), *b = numbers(7), *scratch;

	thread_set_count(threads);
	scratch = numbers((int64_t)(lanes_scratch(&conv) + lanes_dw_scratch(&conv)));
	lanes_forward(&conv, x, w, b, r.y, scratch);
	lanes_dx(&conv, dy, w, r.dx, scratch);
	lanes_dw(&conv, x, dy, r.dw, r.db, scratch);
	thread_set_count(1);
	mem_free(x);
	mem_free(dy);
	mem_free(w);
	mem_free(b);
	mem_free(scratch);
	return r;
}

static void release(struct results *r)
{
	mem_free(r->y);
	mem_free(r->dx);
	mem_free(r->dw);
	mem_free(r->db);
}

/* Sums over images may be added in another order: to the bit only with the same threads. */
static void threads_do_not_change_a_convolution(void **state)
{
	struct results one = convolve(1);

	(void)state;
	for (int threads = 2; threads <= 5; threads++) {
		struct results many = convolve(threads), again = convolve(threads);

		assert_memory_equal(many.y, one.y, Y * sizeof(float));
		assert_memory_equal(many.dx, one.dx, X * sizeof(float));
		assert_memory_equal(many.dw, again.dw, W * sizeof(float));
		assert_memory_equal(many.db, again.db, 7 * sizeof(float));
		for (int i = 0; i < W; i++)
			assert_true(fabsf(many.dw[i] - one.dw[i]) < 1e-3f);
		release(&many);
		release(&again);
	}
	release(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_come_back_from_the_lanes_as_they_went),
		cmocka_unit_test(the_last_nan_of_a_window_wins),
		cmocka_unit_test(threads_do_not_change_a_convolution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
