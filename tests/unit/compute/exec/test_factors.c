/* A product of factors is the sum over ranks of dy^T x, to the bit: by panels of any width, on any
 * threads, with zeros or without them. */
#include "compute/exec/cpu/factors.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "support/support.h"

static float number(int64_t i) { return (float)(i * 7919 % 201) / 100 - 1; }

static float *numbers(int64_t n, int64_t from)
{
	float *v = mem_alloc_aligned((size_t)(n + 1) * sizeof *v);

	for (int64_t i = 0; i < n; i++)
		v[i] = number(from + i);
	return v;
}

/* Of rank r's second factor all but every keep[r % 3]-th number are zeros. */
struct keep { int every[3]; };

static int64_t samples_of(const struct factors *f, int r) { return f->rows > r ? f->rows - r : 0; }

static float *second_of(const struct factors *f, int r, const struct keep *keep)
{
	const int64_t n = samples_of(f, r) * f->k;
	float *dy = numbers(n, 3 * r + 1);

	for (int64_t i = 0; i < n; i++)
		if (number(i * 31 + r) * 100 > (float)(200 / keep->every[r % 3]) - 99.5f)
			dy[i] = 0;
	return dy;
}

/* sum + d * x as the product rounds it */
static float added(float sum, float d, float x, int fused)
{
	volatile float both = d * x;

	return fused ? fmaf(d, x, sum) : sum + both;
}

/* sum[k][c] += dy[n][k]^T x[n][c] */
static void add_rank(const struct factors *f, int64_t n, const float *x, const float *dy,
                     float *sum)
{
	const int fused = factors_fused();

	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < f->k; k++)
			for (int64_t c = 0; c < f->c; c++) {
				float *to = &sum[k * f->c + c];

				*to = added(*to, dy[i * f->k + k], x[i * f->c + c], fused);
			}
}

/* Rank r has rows - r samples, the other rows are zeros; who has none left nothing.  Gives how many
 * ranks have marks. */
static int check(const struct factors *f, int ranks, const struct keep *keep)
{
	const size_t each = factors_count(f);
	const int64_t count = f->k * f->c;
	const int threads = thread_count();
	float *all = mem_calloc(each * (size_t)ranks + 1, sizeof *all);
	float *dw = numbers(count, 0), *again = numbers(count, 1);
	float *want = mem_calloc((size_t)count, sizeof *want);
	int marked = 0;

	for (int r = 0; r < ranks; r++) {
		const int64_t n = samples_of(f, r);
		float *x = numbers(n * f->c, r), *dy = second_of(f, r, keep);
		struct factors_head h;

		if (n)
			factors_pack(f, n, x, dy, all + each * (size_t)r);
		memcpy(&h, all + each * (size_t)r, sizeof h);
		assert_true(h.floats <= each && h.sparse == (h.floats % each != 0));
		marked += h.sparse != 0;
		add_rank(f, n, x, dy, want);
		mem_free(x);
		mem_free(dy);
	}
	thread_set_count(1);
	assert_ok(factors_multiply(f, all, ranks, dw));
	thread_set_count(3);
	assert_ok(factors_multiply(f, all, ranks, again));
	thread_set_count(threads);
	for (int64_t i = 0; i < count; i++)
		assert_true(dw[i] == want[i]);
	assert_memory_equal(again, dw, (size_t)count * sizeof *dw);
	mem_free(all);
	mem_free(dw);
	mem_free(again);
	mem_free(want);
	return marked;
}

static const struct factors shapes[] = {
	{ 1, 1, 1 }, { 3, 32, 8 }, { 5, 31, 7 }, { 5, 33, 9 }, { 4, 100, 3 }, { 2, 5, 50 },
	{ 64, 300, 130 }, { 63, 128, 20 }, { 65, 129, 9 }, { 130, 260, 11 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void a_product_is_the_sum_over_ranks(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++)
		for (int ranks = 1; ranks <= 9; ranks += 4)
			check(&shapes[i], ranks, &(struct keep){ { 1, 1, 1 } });
}

static void zeros_make_no_difference(void **state)
{
	(void)state;
	for (int i = SHAPES - 4; i < SHAPES; i++) {
		assert_int_equal(check(&shapes[i], 5, &(struct keep){ { 4, 2, 10 } }), 5);
		assert_int_equal(check(&shapes[i], 5, &(struct keep){ { 1, 4, 4 } }), 3);
		assert_int_equal(check(&shapes[i], 5, &(struct keep){ { 4, 1, 1 } }), 2);
	}
}

/* As if they came from elsewhere: more marks than numbers, rows that nobody has. */
static void marks_that_do_not_add_up_are_an_error(void **state)
{
	const struct factors f = { 70, 40, 16 };
	float *all = mem_calloc(2 * factors_count(&f), sizeof *all), dw[16 * 40];
	float *x = numbers(70 * 40, 0), *dy = second_of(&f, 0, &(struct keep){ { 5, 5, 5 } });
	unsigned char *marks = (unsigned char *)(all + factors_count(&f)) +
	                       sizeof(struct factors_head) + sizeof *x * 70 * 40;

	(void)state;
	for (int r = 0; r < 2; r++)
		factors_pack(&f, 70, x, dy, all + (size_t)r * factors_count(&f));
	assert_ok(factors_multiply(&f, all, 2, dw));
	marks[15] = 1;                          /* row 64 + 56 */
	assert_status(factors_multiply(&f, all, 2, dw), TT_EINTERNAL);
	assert_error("the factors of rank 1's gradient do not add up");
	for (int k = 0; k < 16; k++) {
		memset(marks + 16 * k, 255, 8);
		memcpy(marks + 16 * k + 8, "\x3f\0\0\0\0\0\0", 8);
	}
	assert_status(factors_multiply(&f, all, 2, dw), TT_EINTERNAL);
	mem_free(all);
	mem_free(x);
	mem_free(dy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product_is_the_sum_over_ranks),
		cmocka_unit_test(zeros_make_no_difference),
		cmocka_unit_test(marks_that_do_not_add_up_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
