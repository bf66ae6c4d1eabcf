/* A product of factors is the sum over ranks of dy^T x: by panels of any width, on any threads. */
#include "compute/exec/cpu/factors.h"

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

/* Rank r has rows - r samples, the last perhaps none. */
static void check(const struct factors *f, int ranks)
{
	const size_t each = factors_count(f);
	const int threads = thread_count();
	float *all = mem_alloc_aligned(each * (size_t)ranks * sizeof *all);
	float *dw = numbers(f->k * f->c, 0), *again = numbers(f->k * f->c, 1);
	double *want = mem_calloc((size_t)(f->k * f->c), sizeof *want);

	for (int r = 0; r < ranks; r++) {
		const int64_t n = f->rows > r ? f->rows - r : 0;
		float *x = numbers(n * f->c, r), *dy = numbers(n * f->k, 3 * r + 1);

		factors_pack(f, n, x, dy, all + each * (size_t)r);
		for (int64_t i = 0; i < n; i++)
			for (int64_t k = 0; k < f->k; k++)
				for (int64_t c = 0; c < f->c; c++)
					want[k * f->c + c] += (double)dy[i * f->k + k] * x[i * f->c + c];
		mem_free(x);
		mem_free(dy);
	}
	thread_set_count(1);
	factors_multiply(f, all, ranks, dw);
	thread_set_count(3);
	factors_multiply(f, all, ranks, again);
	thread_set_count(threads);
	for (int64_t i = 0; i < f->k * f->c; i++)
		assert_near(dw[i], want[i], 1e-6 * (double)(f->rows * ranks));
	assert_memory_equal(again, dw, (size_t)(f->k * f->c) * sizeof *dw);
	mem_free(all);
	mem_free(dw);
	mem_free(again);
	mem_free(want);
}

static void a_product_is_the_sum_over_ranks(void **state)
{
	static const struct factors f[] = {
		{ 1, 1, 1 }, { 3, 32, 8 }, { 5, 31, 7 }, { 5, 33, 9 }, { 4, 100, 3 }, { 2, 5, 50 },
		{ 64, 300, 130 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof f / sizeof *f; i++)
		for (int ranks = 1; ranks <= 9; ranks += 4)
			check(&f[i], ranks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product_is_the_sum_over_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
