/* A dense layer turned is the sum of its definition, of any size; each element is added up by fused
 * steps in the order of the inputs, where the processor has them. */
#include "compute/exec/cpu/turned.h"

#include <math.h>
#include <stdlib.h>

#include "compute/exec/cpu/packed.h"
#include "sys/thread.h"
#include "support/support.h"

static float *numbers(int64_t n, int64_t from)
{
	float *v = malloc((size_t)n * sizeof *v);

	assert_non_null(v);
	for (int64_t i = 0; i < n; i++)
		v[i] = (float)((from + i) * 7919 % 201) / 100 - 1;
	return v;
}

static float by_definition(const struct turned *t, int64_t i, int64_t k)
{
	float sum = 0;

	for (int64_t c = 0; c < t->c; c++)
		sum = fmaf(t->w[k * t->c + c], t->x[i * t->c + c], sum);
	return sum + (t->b ? t->b[k] : 0);
}

/* Under sanitizers loops are those of a plain processor: there the last bits are not these. */
static void check(struct turned t, int exact)
{
	float *x = numbers(t.n * t.c, 1), *w = numbers(t.k * t.c, 5), *b = numbers(t.k, 9);
	float *y = numbers(t.n * t.k, 0);

	t.x = x, t.w = w, t.b = t.n % 2 ? NULL : b, t.y = y;
	t.room = aligned_alloc(64, (turned_room(&t) * sizeof(float) + 63) / 64 * 64);
	assert_non_null(t.room);
	turned_run(&t);
	for (int64_t i = 0; i < t.n; i++)
		for (int64_t k = 0; k < t.k; k++) {
			const float wanted = by_definition(&t, i, k), got = y[i * t.k + k];

			if (exact ? got != wanted : fabsf(got - wanted) > 1e-5f * (float)t.c)
				fail_msg("%d x %d x %d: y[%d][%d] is %.9g, not %.9g", (int)t.n, (int)t.c, (int)t.k,
				         (int)i, (int)k, (double)got, (double)wanted);
		}
	free(x), free(w), free(b), free(y), free(t.room);
}

static int exact(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__) || \
	!defined(__x86_64__)
	return 0;
#else
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}

static void it_is_the_definition(void **state)
{
	static const int64_t size[][3] = {
		{ 64, 784, 512 }, { 16, 64, 64 }, { 17, 65, 67 }, { 80, 143, 96 }, { 1, 3, 2 },
		{ 33, 16, 100 }, { 130, 200, 47 },
	};

	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		thread_set_count(threads);
		for (size_t i = 0; i < sizeof size / sizeof *size; i++)
			check((struct turned){ .n = size[i][0], .c = size[i][1], .k = size[i][2] }, exact());
	}
	thread_set_count(1);
}

/* Half the speed is lost where product and sum are rounded one after the other. */
static void products_are_fused(void **state)
{
	const float b[2] = { 1, 1 + 0x1p-12f }, a[2] = { -(1 + 0x1p-11f), 1 + 0x1p-12f };
	const float *row[] = { a };
	const struct packed p = { .k = 2, .cols = 1, .stride = 2 };
	const struct packed_part all = packed_all(&p);
	_Alignas(64) float packed[2 * PACKED_PANEL], c[PACKED_PANEL];

	(void)state;
	if (!exact())
		skip();
	packed_from_columns(&p, b, packed);
	packed_times(&p, &all, &(struct packed_rows){ row, 1 }, packed, c);
	assert_true(c[0] == 0x1p-24f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_definition),
		cmocka_unit_test(products_are_fused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
