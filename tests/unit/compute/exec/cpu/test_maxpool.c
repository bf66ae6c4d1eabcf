/* Max pooling gives the definition's numbers however channels lie; the last NaN of a window is its
 * largest, as PyTorch has it. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "sys/thread.h"
#include "compute/exec/cpu/bf16.h"
#include "compute/exec/cpu/maxpool.h"

enum { N = 2, H = 7, W = 5, OH = 4, OW = 3, MOST = 40 };    /* windows of 3x3, 2 apart, padding 1 */

static const struct way { int channels, lanes, is_last; } ways[] = {
	{ 3, 1, 0 }, { 32, 16, 0 }, { 16, 8, 0 }, { 35, 16, 1 }, { 16, 16, 1 }, { 3, 16, 1 },
};

static struct maxpool shape(const struct way *w, enum maxpool_type t)
{
	return (struct maxpool){ .type = t, .images = N, .h = H, .w = W, .oh = OH, .ow = OW, .kh = 3,
	                         .kw = 3, .sh = 2, .sw = 2, .top = 1, .left = 1,
	                         .planes = (w->channels + w->lanes - 1) / w->lanes,
	                         .channels = w->channels, .lanes = w->lanes, .is_last = w->is_last };
}

/* Where channel c of point p of image n lies. */
static int64_t place(const struct way *w, int64_t n, int64_t c, int64_t p, int64_t points)
{
	if (w->is_last)
		return (n * points + p) * w->channels + c;
	return ((n * (w->channels / w->lanes) + c / w->lanes) * points + p) * w->lanes + c % w->lanes;
}

struct image { float v[N * MOST * H * W]; uint16_t half[N * MOST * H * W]; };

static float get(const struct image *x, enum maxpool_type t, int64_t i)
{
	return t == MAXPOOL_BF16 ? bf16_value(x->half[i]) : x->v[i];
}

static void set(struct image *x, enum maxpool_type t, int64_t i, float v)
{
	x->v[i] = v;
	if (t == MAXPOOL_BF16)
		x->half[i] = bf16_of(v);
}

static void *data(struct image *x, enum maxpool_type t)
{
	return t == MAXPOOL_BF16 ? (void *)x->half : x->v;
}

static struct image x, y, dy, dx;
static uint8_t arg[N * MOST * H * W];

/* Small whole numbers, so that there are ties; some are none, two in many a window. */
static void fill(const struct way *w, enum maxpool_type t)
{
	memset(&dx, 0x7f, sizeof dx);
	for (int64_t i = 0; i < (int64_t)N * w->channels * H * W; i++)
		set(&x, t, i, i % 29 % 7 == 4 ? NAN : (float)(i * 7919 % 23 - 11));
	for (int64_t i = 0; i < (int64_t)N * w->channels * OH * OW; i++)
		set(&dy, t, i, (float)(i * 31 % 17 - 8));
}

static int same(float a, float b) { return a == b || (isnan(a) && isnan(b)); }

/* One channel of one image: forward against the definition, dy added up where it says. */
static void check(const struct way *w, enum maxpool_type t, int64_t n, int64_t c)
{
	float want_dx[H * W] = { 0 };

	for (int64_t o = 0; o < OH * OW; o++) {
		int64_t best = -1, out = place(w, n, c, o, OH * OW);

		for (int64_t i = 0; i < 9; i++) {
			int64_t h = o / OW * 2 - 1 + i / 3, v = o % OW * 2 - 1 + i % 3;
			float now, found;

			if (h < 0 || h >= H || v < 0 || v >= W)
				continue;
			now = get(&x, t, place(w, n, c, h * W + v, H * W));
			found = best < 0 ? 0 : get(&x, t, place(w, n, c, best, H * W));
			if (best < 0 || now > found || isnan(now))
				best = h * W + v;
		}
		assert_true(same(get(&y, t, out), get(&x, t, place(w, n, c, best, H * W))));
		want_dx[best] += get(&dy, t, out);
	}
	for (int64_t p = 0; p < H * W; p++)
		assert_true(get(&dx, t, place(w, n, c, p, H * W)) == want_dx[p]);
}

static void it_is_the_definition_however_channels_lie(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		for (int t = MAXPOOL_F32; t <= MAXPOOL_BF16; t++) {
			struct maxpool g = shape(&ways[i], t);

			fill(&ways[i], t);
			maxpool_forward(&g, data(&x, t), data(&y, t), arg);
			maxpool_backward(&g, data(&dy, t), arg, data(&dx, t));
			for (int64_t n = 0; n < N; n++)
				for (int64_t c = 0; c < ways[i].channels; c++)
					check(&ways[i], t, n, c);
		}
}

/* Without places, and with a relu: what is above 0, and every NaN. */
static void a_relu_behind_it_keeps_a_nan(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct maxpool g = shape(&ways[i], MAXPOOL_F32);
		int64_t count = (int64_t)N * ways[i].channels * OH * OW;

		fill(&ways[i], MAXPOOL_F32);
		maxpool_forward(&g, x.v, y.v, arg);
		g.relu = 1;
		maxpool_forward(&g, x.v, dx.v, NULL);
		for (int64_t k = 0; k < count; k++)
			assert_true(same(dx.v[k], y.v[k] <= 0 ? 0 : y.v[k]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_definition_however_channels_lie),
		cmocka_unit_test(a_relu_behind_it_keeps_a_nan),
	};

	thread_set_count(2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
