/* Every way to resize gives the pixels of Pillow: here those of its loops, written down once more
 * without any thought of speed. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "data/image/resize.h"

static double triangle(double x)
{
	return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

/* One line of `n` values, `step` apart, to `to` values. */
static void line(const uint8_t *in, size_t step, int n, uint8_t *out, size_t out_step, int to)
{
	const double scale = (double)n / to, reach = scale > 1 ? scale : 1;

	for (int i = 0; i < to; i++) {
		const double centre = (i + 0.5) * scale;
		const int lo = (int)fmax(centre - reach + 0.5, 0), hi = (int)fmin(centre + reach + 0.5, n);
		double all = 0;
		int64_t sum = 1 << 21;

		for (int k = lo; k < hi; k++)
			all += triangle((k - centre + 0.5) * (1 / reach));
		for (int k = lo; k < hi; k++)
			sum += (int)(0.5 + triangle((k - centre + 0.5) * (1 / reach)) / all * (1 << 22)) *
			       (int64_t)in[(size_t)k * step];
		out[(size_t)i * out_step] = (uint8_t)(sum >> 22 > 255 ? 255 : sum >> 22);
	}
}

/* in[H][W][c] to out[c][h][w]. */
static void plain(const struct raster *r, int h, int w, uint8_t *out)
{
	const size_t c = (size_t)r->channels, W = (size_t)r->w, H = (size_t)r->h;
	uint8_t *across = malloc(H * (size_t)w * c);

	assert_non_null(across);
	for (size_t i = 0; i < c; i++)
		for (size_t y = 0; y < H; y++)
			line(r->p + y * W * c + i, c, r->w, across + (i * H + y) * (size_t)w, 1, w);
	for (size_t i = 0; i < c; i++)
		for (size_t x = 0; x < (size_t)w; x++)
			line(across + i * H * (size_t)w + x, (size_t)w, r->h,
			     out + i * (size_t)h * (size_t)w + x, (size_t)w, h);
	free(across);
}

/* Noise, all white (where weights that were rounded up add up to more than 1), or stripes. */
static void paint(uint8_t *p, size_t n, int kind)
{
	struct rng r;

	rng_init(&r, rng_key(1, RNG_TEST), (uint64_t)n, 0);
	for (size_t i = 0; i < n; i++)
		p[i] = kind == 0 ? (uint8_t)rng_u32(&r) : kind == 1 ? 255 : (uint8_t)(i % 2 * 255);
}

static int all_ways_agree(int H, int W, int h, int w, int channels, int kind)
{
	/* Of its own size to the byte: a sanitizer sees who reads beyond. */
	struct raster r = { .channels = channels, .h = H, .w = W };
	const size_t n = (size_t)(h * w * channels);
	uint8_t *wanted = malloc(n), *out = malloc(n);
	int tried = 0;

	r.p = malloc(raster_pixels(&r) * (size_t)channels);
	assert_true(wanted && out && r.p);
	paint(r.p, raster_pixels(&r) * (size_t)channels, kind);
	plain(&r, h, w, wanted);
	for (const struct resize_choice *one = resize_ways; one < resize_ways + RESIZE_WAYS; one++) {
		tt_status st;

		memset(out, 7, n);
		if (!one->there() || (st = resize_by(one->way, &r, h, w, out)) == TT_ESUPPORT)
			continue;
		assert_ok(st);
		if (memcmp(out, wanted, n) != 0)
			fail_msg("%s: %dx%dx%d to %dx%d, picture %d: not Pillow's pixels", one->way->name, H, W,
			         channels, h, w, kind);
		tried++;
	}
	free(wanted);
	free(out);
	free(r.p);
	return tried;
}

static void every_way_has_pillows_pixels(void **state)
{
	static const int sizes[][4] = {
		{ 256, 256, 224, 224 }, { 1, 1, 3, 5 }, { 5, 64, 7, 3 }, { 37, 29, 64, 77 },
		{ 33, 21, 33, 22 },
		{ 64, 22, 10, 21 }, { 64, 64, 1, 1 }, { 90, 200, 30, 31 }, { 47, 130, 46, 129 },
		{ 17, 500, 16, 41 }, { 200, 300, 9, 8 }, { 20, 1000, 3, 70 }, { 3, 128, 200, 131 },
		{ 12, 43, 40, 300 }, { 15, 777, 15, 64 }, { 31, 640, 17, 160 }, { 4, 3000, 2, 5 },
		{ 5, 900, 3, 100 }, { 3, 4032, 2, 224 }, { 2, 2100, 1, 224 }, { 2, 1300, 2, 31 },
		{ 9, 2017, 3, 224 }, { 23, 202, 11, 22 }, { 6, 22, 2, 2 }, { 7, 64, 5, 1 },
		{ 13, 731, 6, 33 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int channels = 1; channels <= 3; channels += 2)
			for (int kind = 0; kind < 3; kind++)
				assert_true(all_ways_agree(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3],
				                           channels, kind) > 0);
}

static void any_size_has_pillows_pixels(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, rng_key(2, RNG_TEST), 0, 0);
	for (int i = 0; i < 300; i++) {
		const int H = 1 + (int)(rng_u32(&r) % 40), W = 1 + (int)(rng_u32(&r) % 300);
		const int h = 1 + (int)(rng_u32(&r) % 40), w = 1 + (int)(rng_u32(&r) % 300);

		all_ways_agree(H, W, h, w, i % 2 ? 3 : 1, i % 3);
	}
}

static const char *first_way(const struct raster *r, uint8_t *out)
{
	for (const struct resize_choice *one = resize_ways; one < resize_ways + RESIZE_WAYS; one++)
		if (one->there() && resize_by(one->way, r, 224, 224, out) == TT_OK)
			return one->way->name;
	return "none";
}

/* The picture that a loader resizes most must not fall to a slower way unseen, nor a camera's. */
static void the_fast_way_takes_photographs(void **state)
{
	static const struct { int h, w; const char *way; } sizes[] = {
		{ 256, 256, "dots" },   { 375, 500, "dots" },  { 32, 32, "dots" },
		{ 1080, 1920, "dots" }, { 3000, 4000, "far" }, { 4032, 3024, "far" },
	};
	uint8_t *out = malloc((size_t)224 * 224 * 3);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes && resize_ways[0].there(); i++) {
		struct raster r = { .channels = 3, .h = sizes[i].h, .w = sizes[i].w };

		r.p = calloc(raster_pixels(&r), 3);
		assert_non_null(r.p);
		assert_string_equal(first_way(&r, out), sizes[i].way);
		free(r.p);
	}
	free(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_has_pillows_pixels),
		cmocka_unit_test(any_size_has_pillows_pixels),
		cmocka_unit_test(the_fast_way_takes_photographs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
