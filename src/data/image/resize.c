/* Resizing by a triangle that is as wide as the shrinking factor: bilinear when growing, an average
 * when shrinking, so that no pixel is left out.
 *
 *   rows      16 bytes side by side: 4 rows of RGB_, or 16 rows of grey, output column by column
 *   columns   64 bytes side by side: one output row at a time
 *
 * Weights have 22 bits of fraction, rows are rounded to bytes before columns are summed: the result
 * is that of Pillow's resize to the bit. */
#include "data/image/raster.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"

#define FRACTION 22
#define SIDE     16                /* bytes in one vector of sums                               */
#define CHUNK    64                /* bytes of a row that columns are summed for at once        */

typedef uint8_t bytes16 __attribute__((vector_size(SIDE)));
typedef int32_t sums __attribute__((vector_size(SIDE * sizeof(int32_t))));

/* For one axis: output place i is the sum of weight[i * most + k] * in[first[i] + k]. */
struct taps { int n, most; int32_t *first, *count, *weight; };

static void taps_release(struct taps *t)
{
	mem_free(t->first);
	mem_free(t->count);
	mem_free(t->weight);
}

static double triangle(double x)
{
	return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

/* The weights of one output place, which add up to 1. */
static void weigh(const struct taps *t, int i, int in, double *w)
{
	const double scale = (double)in / t->n, reach = scale > 1 ? scale : 1, inverse = 1 / reach;
	const double centre = (i + 0.5) * scale;
	int lo = (int)(centre - reach + 0.5), hi = (int)(centre + reach + 0.5);
	double sum = 0;

	lo = lo < 0 ? 0 : lo;
	hi = hi > in ? in : hi;
	for (int k = 0; k < hi - lo; k++)
		sum += w[k] = triangle((k + lo - centre + 0.5) * inverse);
	for (int k = 0; k < hi - lo; k++) {
		const double part = sum != 0 ? w[k] / sum : w[k];

		t->weight[(size_t)i * (size_t)t->most + (size_t)k] =
			(int32_t)(0.5 + part * (1 << FRACTION));
	}
	t->first[i] = lo;
	t->count[i] = hi - lo;
}

static tt_status taps_init(struct taps *t, int in, int out)
{
	const double scale = (double)in / out;
	double *w;

	*t = (struct taps){ .n = out, .most = (int)ceil(scale > 1 ? scale : 1) * 2 + 1 };
	t->first = mem_alloc((size_t)out * sizeof *t->first);
	t->count = mem_alloc((size_t)out * sizeof *t->count);
	t->weight = mem_alloc((size_t)out * (size_t)t->most * sizeof *t->weight);
	w = mem_alloc((size_t)t->most * sizeof *w);
	if (t->first && t->count && t->weight && w)
		for (int i = 0; i < out; i++)
			weigh(t, i, in, w);
	mem_free(w);
	return t->first && t->count && t->weight && w ? TT_OK : TT_ENOMEM;
}

/* ---- sums ---- */

INLINE sums widen(const uint8_t *p)
{
	bytes16 b;

	memcpy(&b, p, sizeof b);
	return __builtin_convertvector(b, sums);
}

INLINE sums half(void)
{
	return (sums){0} + (1 << (FRACTION - 1));
}

/* Weights that were rounded up may add up to a little more than 1. */
INLINE void narrow(sums s, uint8_t *p)
{
	bytes16 b;
	sums over;

	s >>= FRACTION;
	over = s > 255;
	s = (s & ~over) | (255 & over);
	b = __builtin_convertvector(s, bytes16);
	memcpy(p, &b, sizeof b);
}

/* tile[in][16] to out[t->n][16]. */
SIMD static void sum_rows(const uint8_t *tile, const struct taps *t, uint8_t *out)
{
	for (int x = 0; x < t->n; x++) {
		const int32_t *w = t->weight + (size_t)x * (size_t)t->most;
		const uint8_t *p = tile + (size_t)t->first[x] * SIDE;
		sums s = half();

		for (int k = 0; k < t->count[x]; k++)
			s += widen(p + k * SIDE) * w[k];
		narrow(s, out + (size_t)x * SIDE);
	}
}

/* Rows of `stride` bytes, a multiple of CHUNK: `count` of them with their weights to one. */
SIMD static void sum_columns(const uint8_t *in, size_t stride, const int32_t *w, int count,
                             uint8_t *out)
{
	for (size_t x = 0; x < stride; x += CHUNK) {
		sums a = half(), b = a, c = a, d = a;

		for (int k = 0; k < count; k++) {
			const uint8_t *p = in + (size_t)k * stride + x;

			a += widen(p) * w[k];
			b += widen(p + SIDE) * w[k];
			c += widen(p + 2 * SIDE) * w[k];
			d += widen(p + 3 * SIDE) * w[k];
		}
		narrow(a, out + x);
		narrow(b, out + x + SIDE);
		narrow(c, out + x + 2 * SIDE);
		narrow(d, out + x + 3 * SIDE);
	}
}

/* ---- the two passes ---- */

/* A picture between them: pixels of 4 bytes (RGB and one that is idle) or 1. */
struct strip { size_t pixel, stride; uint8_t *p; };

/* Pixels of `pixel` bytes, which is a number for the compiler. */
INLINE void spread(const uint8_t *from, size_t c, size_t w, size_t pixel, uint8_t *to)
{
	for (size_t x = 0; x + 1 < w; x++)
		memcpy(to + x * SIDE, from + x * c, pixel);         /* the idle byte is the next one's */
	memcpy(to + (w - 1) * SIDE, from + (w - 1) * c, c);
}

INLINE void gather(const uint8_t *from, size_t w, size_t pixel, uint8_t *to)
{
	for (size_t x = 0; x < w; x++)
		memcpy(to + x * pixel, from + x * SIDE, pixel);
}

/* `rows` rows of the raster from y on, one behind the other: tile[w][16]. */
static void fill_tile(const struct raster *r, int y, int rows, uint8_t *tile)
{
	const size_t w = (size_t)r->w;

	for (int i = 0; i < rows; i++) {
		const uint8_t *from = r->p + (size_t)(y + i) * w * (size_t)r->channels;

		if (r->channels == 3)
			spread(from, 3, w, 4, tile + 4 * i);
		else
			spread(from, 1, w, 1, tile + i);
	}
}

/* tile[w][16] to rows of the strip, from y on. */
static void empty_tile(const uint8_t *tile, int w, int rows, const struct strip *s, int y)
{
	for (int i = 0; i < rows; i++) {
		uint8_t *to = s->p + (size_t)(y + i) * s->stride;

		if (s->pixel == 4)
			gather(tile + 4 * i, (size_t)w, 4, to);
		else
			gather(tile + i, (size_t)w, 1, to);
	}
}

static tt_status resize_rows(const struct raster *r, int w, const struct strip *s)
{
	const int each = SIDE / (int)s->pixel;
	uint8_t *tile = mem_calloc((size_t)r->w + (size_t)w, SIDE), *out = tile + (size_t)r->w * SIDE;
	struct taps t = {0};
	tt_status st = tile ? TT_OK : TT_ENOMEM;

	if (st == TT_OK && w != r->w)
		st = taps_init(&t, r->w, w);
	for (int y = 0; st == TT_OK && y < r->h; y += each) {
		const int rows = r->h - y < each ? r->h - y : each;

		fill_tile(r, y, rows, tile);
		if (w != r->w)
			sum_rows(tile, &t, out);
		empty_tile(w != r->w ? out : tile, w, rows, s, y);
	}
	taps_release(&t);
	mem_free(tile);
	return st;
}

/* One row to its place in each plane. */
SIMD static void to_planes(const uint8_t *row, size_t w, size_t plane, uint8_t *out)
{
	for (size_t x = 0; x < w; x++) {
		out[x]             = row[4 * x];
		out[plane + x]     = row[4 * x + 1];
		out[2 * plane + x] = row[4 * x + 2];
	}
}

static void put_row(const struct strip *s, const uint8_t *row, int w, size_t plane, uint8_t *out)
{
	if (s->pixel == 1)
		memcpy(out, row, (size_t)w);
	else
		to_planes(row, (size_t)w, plane, out);
}

static tt_status resize_columns(const struct strip *s, int in, int h, int w, uint8_t *out)
{
	const size_t plane = (size_t)h * (size_t)w;
	uint8_t *row = mem_alloc(s->stride);
	struct taps t = {0};
	tt_status st = row ? TT_OK : TT_ENOMEM;

	if (st == TT_OK)
		st = taps_init(&t, in, h);
	for (int y = 0; st == TT_OK && y < h; y++) {
		sum_columns(s->p + (size_t)t.first[y] * s->stride, s->stride,
		            t.weight + (size_t)y * (size_t)t.most, t.count[y], row);
		put_row(s, row, w, plane, out + (size_t)y * (size_t)w);
	}
	taps_release(&t);
	mem_free(row);
	return st;
}

static size_t up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

tt_status raster_resize(const struct raster *r, int h, int w, uint8_t *out)
{
	struct strip s = { .pixel = r->channels == 3 ? 4 : 1 };
	tt_status st;

	s.stride = up((size_t)w * s.pixel, CHUNK);
	if (!(s.p = mem_alloc((size_t)r->h * s.stride)))
		return TT_ENOMEM;
	st = resize_rows(r, w, &s);
	if (st == TT_OK && h == r->h)
		for (int y = 0; y < h; y++)
			put_row(&s, s.p + (size_t)y * s.stride, w, (size_t)h * (size_t)w,
			        out + (size_t)y * (size_t)w);
	else if (st == TT_OK)
		st = resize_columns(&s, r->h, h, w, out);
	mem_free(s.p);
	return st;
}
