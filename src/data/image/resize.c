/* Resizing by a triangle that is as wide as the shrinking factor: bilinear when growing, an average
 * when shrinking, so that no pixel is left out.
 *
 *   across   tiles of 16 rows of RGB_, or 64 of grey: an output column is a sum of tile columns
 *   down     an output row is a sum of rows
 *
 * so that both are sums of arrays that lie side by side, 64 bytes at a time.
 * Weights have 22 bits of fraction, rows are rounded to bytes before columns are summed: the result
 * is that of Pillow's resize to the bit. */
#include "data/image/raster.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/simd.h"

#define FRACTION 22
#define CHUNK    64                /* bytes that are summed at once: 16 pixels of RGB_          */

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

/* Weights that were rounded up may add up to a little more than 1. */
INLINE uint8_t narrow(int32_t sum)
{
	const int32_t v = sum >> FRACTION;

	return (uint8_t)(v > 255 ? 255 : v);
}

/* out = sum of w[k] * (in + k * stride), for as many terms as the compiler knows. */
INLINE void sum_few(const uint8_t *in, size_t stride, const int32_t *w, int terms, uint8_t *out)
{
	for (size_t i = 0; i < CHUNK; i++) {
		int32_t sum = 1 << (FRACTION - 1);

		for (int k = 0; k < terms; k++)
			sum += w[k] * in[(size_t)k * stride + i];
		out[i] = narrow(sum);
	}
}

INLINE void sum_many(const uint8_t *in, size_t stride, const int32_t *w, int terms, uint8_t *out)
{
	int32_t sum[CHUNK];

	for (size_t i = 0; i < CHUNK; i++)
		sum[i] = 1 << (FRACTION - 1);
	for (int k = 0; k < terms; k++)
		for (size_t i = 0; i < CHUNK; i++)
			sum[i] += w[k] * in[(size_t)k * stride + i];
	for (size_t i = 0; i < CHUNK; i++)
		out[i] = narrow(sum[i]);
}

INLINE void sum_chunk(const uint8_t *restrict in, size_t stride, const int32_t *restrict w,
                      int terms, uint8_t *restrict out)
{
	switch (terms) {
	case 1:  sum_few(in, stride, w, 1, out); break;
	case 2:  sum_few(in, stride, w, 2, out); break;
	case 3:  sum_few(in, stride, w, 3, out); break;
	case 4:  sum_few(in, stride, w, 4, out); break;
	case 5:  sum_few(in, stride, w, 5, out); break;
	default: sum_many(in, stride, w, terms, out); break;
	}
}

/* tile[in][64] to out[t->n][64]. */
SIMD static void sum_across(const uint8_t *tile, const struct taps *t, uint8_t *out)
{
	for (int x = 0; x < t->n; x++)
		sum_chunk(tile + (size_t)t->first[x] * CHUNK, CHUNK,
		          t->weight + (size_t)x * (size_t)t->most, t->count[x], out + (size_t)x * CHUNK);
}

/* Rows of `stride` bytes, a multiple of 64: `count` of them to one. */
SIMD static void sum_down(const uint8_t *in, size_t stride, const int32_t *w, int count,
                          uint8_t *out)
{
	for (size_t x = 0; x < stride; x += CHUNK)
		sum_chunk(in + x, stride, w, count, out + x);
}

/* ---- the two passes ---- */

/* What lies between them: as many rows, across already, as an output row is made of. */
struct band {
	int      first, rows, room;    /* of the picture's rows, those that are here            */
	size_t   pixel, stride;        /* pixels of 4 bytes (RGB and one that is idle) or 1     */
	uint8_t *p;
};

struct resizing {
	const struct raster *in;
	struct taps  across, down;
	struct band  band;
	uint8_t     *tile, *sums, *row;
};

/* Pixels of `pixel` bytes, which is a number for the compiler. */
INLINE void spread(const uint8_t *from, size_t c, size_t w, size_t pixel, uint8_t *to)
{
	for (size_t x = 0; x + 1 < w; x++)
		memcpy(to + x * CHUNK, from + x * c, pixel);        /* the idle byte is the next one's */
	memcpy(to + (w - 1) * CHUNK, from + (w - 1) * c, c);
}

INLINE void gather(const uint8_t *from, size_t w, size_t pixel, uint8_t *to)
{
	for (size_t x = 0; x < w; x++)
		memcpy(to + x * pixel, from + x * CHUNK, pixel);
}

/* Sixteen rows of RGB as 16 pixels of 4 bytes, column by column. */
SIMD static void fill_whole(const uint8_t *from, size_t stride, size_t w, uint8_t *tile)
{
	for (size_t x = 0; x < w; x++)
		for (size_t i = 0; i < 16; i++)
			memcpy(tile + x * CHUNK + 4 * i, from + i * stride + 3 * x, 4);
}

/* `rows` rows of the picture from y on, one behind the other: tile[w][64]. */
static void fill_tile(const struct raster *r, int y, int rows, uint8_t *tile)
{
	const size_t w = (size_t)r->w, stride = w * (size_t)r->channels;
	const uint8_t *from = r->p + (size_t)y * stride;

	if (r->channels == 3 && rows == 16)
		fill_whole(from, stride, w - 1, tile);
	for (int i = 0; i < rows; i++, from += stride) {
		if (r->channels == 3 && rows == 16)
			memcpy(tile + (w - 1) * CHUNK + 4 * i, from + (w - 1) * 3, 3);
		else if (r->channels == 3)
			spread(from, 3, w, 4, tile + 4 * i);
		else
			spread(from, 1, w, 1, tile + i);
	}
}

/* sums[w][64] to the end of the band. */
static void empty_tile(const uint8_t *sums, size_t w, int rows, struct band *b)
{
	for (int i = 0; i < rows; i++) {
		uint8_t *to = b->p + (size_t)b->rows++ * b->stride;

		if (b->pixel == 4)
			gather(sums + 4 * i, w, 4, to);
		else
			gather(sums + i, w, 1, to);
	}
}

/* Rows before the first one that is still needed make room. */
static void drop_rows(struct band *b, int needed)
{
	const int n = needed - b->first < b->rows ? needed - b->first : b->rows;

	memmove(b->p, b->p + (size_t)n * b->stride, (size_t)(b->rows - n) * b->stride);
	b->first += n;
	b->rows -= n;
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

static void put_row(struct resizing *z, int y, uint8_t *out)
{
	const struct band *b = &z->band;
	const size_t w = (size_t)z->across.n, plane = w * (size_t)z->down.n;

	sum_down(b->p + (size_t)(z->down.first[y] - b->first) * b->stride, b->stride,
	         z->down.weight + (size_t)y * (size_t)z->down.most, z->down.count[y], z->row);
	if (b->pixel == 4)
		to_planes(z->row, w, plane, out + (size_t)y * w);
	else
		memcpy(out + (size_t)y * w, z->row, w);
}

static void run(struct resizing *z, uint8_t *out)
{
	const int h = z->in->h, each = CHUNK / (int)z->band.pixel;
	struct band *b = &z->band;

	for (int y = 0, done = 0; y < h; y += each) {
		const int rows = h - y < each ? h - y : each;

		drop_rows(b, z->down.first[done]);
		fill_tile(z->in, y, rows, z->tile);
		sum_across(z->tile, &z->across, z->sums);
		empty_tile(z->sums, (size_t)z->across.n, rows, b);
		for (; done < z->down.n && z->down.first[done] + z->down.count[done] <= y + rows; done++)
			put_row(z, done, out);
		if (done == z->down.n)
			return;
	}
}

/* One block, in whole lines of the cache: what is summed at once never lies in two. */
static tt_status take_room(struct resizing *z, size_t w)
{
	const size_t tile = (size_t)z->in->w * CHUNK, sums = w * CHUNK, row = z->band.stride;
	const size_t band = (size_t)z->band.room * row;

	if (!(z->tile = mem_alloc_aligned(tile + sums + row + band)))
		return TT_ENOMEM;
	memset(z->tile, 0, tile + sums + row + band);    /* idle bytes are summed as well */
	z->sums = z->tile + tile;
	z->row = z->sums + sums;
	z->band.p = z->row + row;
	return TT_OK;
}

static tt_status prepare(struct resizing *z, int h, int w)
{
	struct band *b = &z->band;
	tt_status st;

	if ((st = taps_init(&z->across, z->in->w, w)) != TT_OK ||
	    (st = taps_init(&z->down, z->in->h, h)) != TT_OK)
		return st;
	b->pixel = z->in->channels == 3 ? 4 : 1;
	b->stride = ((size_t)w * b->pixel + CHUNK - 1) / CHUNK * CHUNK;
	b->room = z->down.most + CHUNK / (int)b->pixel;
	return take_room(z, (size_t)w);
}

tt_status raster_resize(const struct raster *r, int h, int w, uint8_t *out)
{
	struct resizing z = { .in = r };
	tt_status st = prepare(&z, h, w);

	if (st == TT_OK)
		run(&z, out);
	taps_release(&z.across);
	taps_release(&z.down);
	mem_free(z.tile);
	return st;
}
