/* Resizing by sums of arrays that lie side by side, 64 bytes at a time:
 *
 *   across   tiles of 16 rows of RGB_, or 64 of grey: an output column is a sum of tile columns
 *   down     an output row is a sum of rows
 *
 * Pixels of the band have 4 bytes, RGB and one that is idle, or 1. */
#include "data/image/resize.h"

#include <string.h>

#include "base/simd.h"

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

/* ---- tiles ---- */

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

static size_t pixel(const struct resizing *z)
{
	return z->in->channels == 3 ? 4 : 1;
}

/* sums[w][64] to rows of the band. */
static void empty_tile(const struct resizing *z, const uint8_t *sums, int rows, uint8_t *to)
{
	const size_t w = (size_t)z->across.n;

	for (int i = 0; i < rows; i++, to += z->band.stride)
		if (pixel(z) == 4)
			gather(sums + 4 * i, w, 4, to);
		else
			gather(sums + i, w, 1, to);
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

/* ---- the way: a tile, its sums, a row ---- */

static int plan(struct resizing *z)
{
	z->band.stride = resize_whole((size_t)z->across.n * pixel(z));
	z->at_once = CHUNK / (int)pixel(z);
	z->own = ((size_t)z->in->w + (size_t)z->across.n) * CHUNK + z->band.stride;
	return 1;
}

static void begin(struct resizing *z)
{
	(void)z;
}

static void across(struct resizing *z, int y, int rows, uint8_t *to)
{
	uint8_t *sums = z->p + (size_t)z->in->w * CHUNK;

	fill_tile(z->in, y, rows, z->p);
	sum_across(z->p, &z->across, sums);
	empty_tile(z, sums, rows, to);
}

static void down(struct resizing *z, int y, const uint8_t *from, uint8_t *out)
{
	const size_t w = (size_t)z->across.n, plane = w * (size_t)z->down.n;
	uint8_t *row = z->p + ((size_t)z->in->w + w) * CHUNK;

	sum_down(from, z->band.stride, z->down.weight + (size_t)y * (size_t)z->down.most,
	         z->down.count[y], row);
	if (pixel(z) == 4)
		to_planes(row, w, plane, out + (size_t)y * w);
	else
		memcpy(out + (size_t)y * w, row, w);
}

const struct resize_way resize_tiles = { "tiles", plan, begin, across, down };
