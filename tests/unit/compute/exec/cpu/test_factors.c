/* A product of factors is the sum over ranks of dy^T x, to the bit: by panels of any width, on any
 * threads, with zeros or without them. */
#include "compute/exec/cpu/factors.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
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
	const int64_t n = samples_of(f, r) * f->k * f->y;
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

struct sample { const float *x, *dy; };         /* [c][places], [k][places] */

static void add_weight(const struct factors *f, struct sample s, const signed char *from, int fused,
                       float *sum)
{
	for (int q = 0; q < f->y; q++)
		if (from[q] >= 0)
			*sum = added(*sum, s.dy[q], s.x[from[q]], fused);
}

/* sum[k][c][taps] += what the definition says of n samples */
static void add_rank(const struct factors *f, int64_t n, struct sample s, float *sum)
{
	const int fused = factors_product.fused();

	for (; n--; s.x += f->c * f->x, s.dy += f->k * f->y)
		for (int64_t i = 0; i < ir_factors_weights(f); i++) {
			const int64_t tap = i % f->taps, c = i / f->taps % f->c, k = i / f->taps / f->c;

			add_weight(f, (struct sample){ s.x + c * f->x, s.dy + k * f->y },
			           f->from + tap * f->y, fused, &sum[i]);
		}
}

/* Of ranks whose factors lie one after the other. */
static tt_status multiply(const struct factors *f, const float *all, int ranks,
                          struct product_rows rows, float *work, float *dw)
{
	const float *of[16];

	assert_in_range(ranks, 1, 16);
	for (int r = 0; r < ranks; r++)
		of[r] = all + ir_factors_floats(f) * r;
	return factors_product.multiply(&(struct product){
		.factors = f, .all = of, .ranks = ranks, .rows = rows,
		.work = factors_product.work(f) ? work : NULL, .dw = dw });
}

/* Some rows are those of the whole, and nothing else is written. */
static void check_parts(const struct factors *f, const float *all, int ranks, const float *whole)
{
	const int64_t row = f->c * f->taps, middle = f->k / 2 / PRODUCT_ROWS * PRODUCT_ROWS;
	const struct product_rows parts[] = { { 0, middle }, { middle, f->k } };

	for (int i = 0; i < 2; i++) {
		const int64_t n = (parts[i].hi - parts[i].lo) * row;
		float *dw = mem_calloc((size_t)n + 1, sizeof *dw), *work = numbers(n + 1, 2);

		dw[n] = 17;
		assert_ok(multiply(f, all, ranks, parts[i], work, dw));
		assert_memory_equal(dw, whole + parts[i].lo * row, (size_t)n * sizeof *dw);
		assert_true(dw[n] == 17);
		mem_free(dw);
		mem_free(work);
	}
}

/* Rank r has rows - r samples, the other rows are zeros; who has none left nothing.  Gives how many
 * ranks have marks. */
static int check(const struct factors *f, int ranks, const struct keep *keep)
{
	const size_t each = (size_t)ir_factors_floats(f);
	const int64_t count = ir_factors_weights(f);
	const int threads = thread_count();
	float *all = mem_calloc(each * (size_t)ranks + 1, sizeof *all);
	float *dw = numbers(count, 0), *again = numbers(count, 1), *work = numbers(count, 2);
	float *want = mem_calloc((size_t)count, sizeof *want);
	int marked = 0;

	for (int r = 0; r < ranks; r++) {
		const int64_t n = samples_of(f, r);
		float *x = numbers(n * f->c * f->x, r), *dy = second_of(f, r, keep);
		struct factors_head h;

		if (n)
			factors_pack(f, n, x, dy, all + each * (size_t)r);
		memcpy(&h, all + each * (size_t)r, sizeof h);
		assert_true(h.floats <= each && h.sparse == (h.floats % each != 0));
		marked += h.sparse != 0;
		add_rank(f, n, (struct sample){ x, dy }, want);
		mem_free(x);
		mem_free(dy);
	}
	thread_set_count(1);
	assert_ok(multiply(f, all, ranks, (struct product_rows){ 0, f->k }, work, dw));
	thread_set_count(3);
	assert_ok(multiply(f, all, ranks, (struct product_rows){ 0, f->k }, work, again));
	thread_set_count(threads);
	for (int64_t i = 0; i < count; i++)
		assert_true(dw[i] == want[i]);
	assert_memory_equal(again, dw, (size_t)count * sizeof *dw);
	check_parts(f, all, ranks, dw);
	mem_free(all);
	mem_free(dw);
	mem_free(again);
	mem_free(work);
	mem_free(want);
	return marked;
}

static struct factors dense(int64_t rows, int64_t c, int64_t k)
{
	return (struct factors){ rows, c, k, 1, 1, 1, { 0 } };
}

static const int64_t shapes[][3] = {            /* samples, c, k */
	{ 1, 1, 1 }, { 3, 32, 8 }, { 5, 31, 7 }, { 5, 33, 9 }, { 4, 100, 3 }, { 2, 5, 50 },
	{ 64, 300, 130 }, { 63, 128, 20 }, { 65, 129, 9 }, { 130, 260, 11 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes, LARGE = SHAPES - 4 };

static void a_product_is_the_sum_over_ranks(void **state)
{
	(void)state;
	for (int i = 0; i < SHAPES; i++) {
		const struct factors f = dense(shapes[i][0], shapes[i][1], shapes[i][2]);

		for (int ranks = 1; ranks <= 9; ranks += 4)
			check(&f, ranks, &(struct keep){ { 1, 1, 1 } });
	}
}

static void zeros_make_no_difference(void **state)
{
	(void)state;
	for (int i = LARGE; i < SHAPES; i++) {
		const struct factors f = dense(shapes[i][0], shapes[i][1], shapes[i][2]);

		assert_int_equal(check(&f, 5, &(struct keep){ { 4, 2, 10 } }), 5);
		assert_int_equal(check(&f, 5, &(struct keep){ { 1, 4, 4 } }), 3);
		assert_int_equal(check(&f, 5, &(struct keep){ { 4, 1, 1 } }), 2);
	}
}

/* Convolutions: sides of x, kernel, stride, padding, dilation; and what of dy is left. */
static void a_product_over_places_is_too(void **state)
{
	static const int row[][5] = {
		{ 2, 3, 1, 1, 1 }, { 4, 3, 1, 1, 1 }, { 1, 3, 1, 1, 1 }, { 4, 2, 2, 0, 1 },
		{ 7, 3, 2, 1, 1 }, { 6, 3, 1, 0, 1 }, { 6, 2, 1, 0, 4 }, { 8, 1, 1, 0, 1 },
	};
	static const struct keep keep[] = { { { 1, 1, 1 } }, { { 4, 3, 6 } }, { { 1, 4, 4 } } };

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const int *g = row[i], y = (g[0] + 2 * g[3] - g[4] * (g[1] - 1) - 1) / g[2] + 1;
		const struct ir_attr a = { .kernel = { g[1], g[1] }, .stride = { g[2], g[2] },
			.pad = { g[3], g[3], g[3], g[3] }, .dilation = { g[4], g[4] }, .groups = 1 };
		const struct tensor_desc x = tensor_desc_make(DTYPE_F32, 4, (const int64_t[]){
			33, 133, g[0], g[0] });
		const struct tensor_desc dy = tensor_desc_make(DTYPE_F32, 4, (const int64_t[]){
			33, 11, y, y });
		struct factors f;

		assert_true(ir_factors(&a, &x, &dy, 33, &f));
		for (int k = 0; k < 3; k++)
			check(&f, 4, &keep[k]);
	}
}

static int has_factors(int side, int kernel, int groups)
{
	const struct ir_attr a = { .kernel = { kernel, kernel }, .stride = { 1, 1 },
		.dilation = { 1, 1 }, .pad = { 1, 1, 1, 1 }, .groups = groups };
	const int y = side + 3 - kernel;
	const struct tensor_desc d = tensor_desc_make(DTYPE_F32, 4, (const int64_t[]){
		2, 8, side, side });
	const struct tensor_desc dy = tensor_desc_make(DTYPE_F32, 4, (const int64_t[]){ 2, 8, y, y });
	struct factors f;

	return ir_factors(&a, &d, &dy, 2, &f);
}

/* Groups, more places than a word has marks or that do not divide it, more pairs than there is
 * room for. */
static void not_every_convolution_has_factors(void **state)
{
	(void)state;
	assert_true(has_factors(2, 3, 1));
	assert_true(has_factors(4, 3, 1));
	assert_false(has_factors(2, 3, 2));
	assert_false(has_factors(3, 3, 1));
	assert_false(has_factors(16, 3, 1));
	assert_false(has_factors(8, 3, 1));
}

/* As if they came from elsewhere: more marks than numbers, rows that nobody has. */
static void marks_that_do_not_add_up_are_an_error(void **state)
{
	const struct factors f = dense(70, 40, 16);
	const size_t each = (size_t)ir_factors_floats(&f);
	float *all = mem_calloc(2 * each, sizeof *all), dw[16 * 40];
	float *x = numbers(70 * 40, 0), *dy = second_of(&f, 0, &(struct keep){ { 5, 5, 5 } });
	unsigned char *marks = (unsigned char *)(all + each) + sizeof(struct factors_head) +
	                       sizeof *x * 70 * 40;

	(void)state;
	for (int r = 0; r < 2; r++)
		factors_pack(&f, 70, x, dy, all + (size_t)r * each);
	assert_ok(multiply(&f, all, 2, (struct product_rows){ 0, 16 }, NULL, dw));
	marks[0] ^= 1;                          /* a number more, or less, than its head says */
	assert_status(multiply(&f, all, 2, (struct product_rows){ 0, 16 }, NULL, dw), TT_EINTERNAL);
	marks[0] ^= 1;
	marks[8 * 16 + 7] = 1;                  /* row 64 + 56 */
	assert_status(multiply(&f, all, 2, (struct product_rows){ 0, 16 }, NULL, dw), TT_EINTERNAL);
	assert_error("the factors of rank 1's gradient do not add up");
	for (int k = 0; k < 16; k++) {
		memset(marks + 8 * k, 255, 8);
		memcpy(marks + 8 * 16 + 8 * k, "\x3f\0\0\0\0\0\0", 8);
	}
	assert_status(multiply(&f, all, 2, (struct product_rows){ 0, 16 }, NULL, dw), TT_EINTERNAL);
	mem_free(all);
	mem_free(x);
	mem_free(dy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product_is_the_sum_over_ranks),
		cmocka_unit_test(zeros_make_no_difference),
		cmocka_unit_test(a_product_over_places_is_too),
		cmocka_unit_test(not_every_convolution_has_factors),
		cmocka_unit_test(marks_that_do_not_add_up_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
