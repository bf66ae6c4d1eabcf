#include "data/image/raster.h"

#include <string.h>

#include "base/mem.h"
#include "base/simd.h"

/* ---- channels ---- */

/* ITU-R 601 in 16 bits of fraction. */
INLINE uint8_t luma(const uint8_t *p)
{
	return (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
}

/* Each of these writes pixel i no later than it reads it, where it is not larger. */
SIMD static void rgb_to_grey(const uint8_t *in, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = luma(in + 3 * i);
}

static void drop_alpha(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		memmove(p + 3 * i, p + 4 * i, 3);
}

/* (v * a + under * (255 - a)) / 255, rounded. */
static uint8_t blend(unsigned v, unsigned under, unsigned a)
{
	unsigned t = v * a + under * (255 - a) + 128;

	return (uint8_t)(((t >> 8) + t) >> 8);
}

static void lay_over(uint8_t *p, size_t n, uint32_t colour)
{
	const uint8_t under[3] = { (uint8_t)(colour >> 16), (uint8_t)(colour >> 8), (uint8_t)colour };

	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < 3; c++)
			p[4 * i + c] = blend(p[4 * i + c], under[c], p[4 * i + 3]);
}

static tt_status grey_to_rgb(struct raster *r)
{
	const size_t n = raster_pixels(r);
	uint8_t *rgb = mem_alloc(3 * n);

	if (!rgb)
		return TT_ENOMEM;
	for (size_t i = 0; i < n; i++)
		memset(rgb + 3 * i, r->p[i], 3);
	mem_free(r->p);
	r->p = rgb;
	r->channels = 3;
	return TT_OK;
}

tt_status raster_paint(struct raster *r, const struct image_want *want)
{
	const size_t n = raster_pixels(r);

	if (r->channels == 4) {
		if (want->background & IMAGE_COLOUR)
			lay_over(r->p, n, want->background);
		drop_alpha(r->p, n);
		r->channels = 3;
	}
	if (r->channels == 1 && want->channels == 3)
		return grey_to_rgb(r);
	if (r->channels == 3 && want->channels == 1) {
		rgb_to_grey(r->p, n, r->p);
		r->channels = 1;
	}
	return TT_OK;
}

/* ---- orientation ---- */

/* Where the pixel of row y, column x comes from: the two swapped, then counted from the end. */
static const struct { uint8_t swap, from_bottom, from_right; } turns[9] = {
	[2] = { 0, 0, 1 }, [3] = { 0, 1, 1 }, [4] = { 0, 1, 0 }, [5] = { 1, 0, 0 },
	[6] = { 1, 1, 0 }, [7] = { 1, 1, 1 }, [8] = { 1, 0, 1 },
};

tt_status raster_turn(struct raster *r, int orientation)
{
	const int swap = turns[orientation].swap, h = swap ? r->w : r->h, w = swap ? r->h : r->w;
	const size_t c = (size_t)r->channels;
	uint8_t *p, *to;

	if (orientation <= 1)
		return TT_OK;
	if (!(p = to = mem_alloc(raster_pixels(r) * c)))
		return TT_ENOMEM;
	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++, to += c) {
			int row = swap ? x : y, column = swap ? y : x;

			row = turns[orientation].from_bottom ? r->h - 1 - row : row;
			column = turns[orientation].from_right ? r->w - 1 - column : column;
			memcpy(to, r->p + ((size_t)row * (size_t)r->w + (size_t)column) * c, c);
		}
	mem_free(r->p);
	*r = (struct raster){ .channels = r->channels, .h = h, .w = w, .deep = r->deep, .p = p };
	return TT_OK;
}

/* ---- planes ---- */

void raster_planes(const struct raster *r, uint8_t *out)
{
	const size_t n = raster_pixels(r);

	if (r->channels == 1) {
		memcpy(out, r->p, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		out[i]         = r->p[3 * i];
		out[n + i]     = r->p[3 * i + 1];
		out[2 * n + i] = r->p[3 * i + 2];
	}
}
