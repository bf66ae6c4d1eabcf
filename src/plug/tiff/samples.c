#include "plug/tiff/tiff_own.h"

#include <string.h>

/* ---- samples of any size to bytes ---- */

static uint8_t clipped(double v)
{
	return v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0;
}

static uint8_t few_bits(const struct layout *l, const uint8_t *row, size_t i)
{
	const unsigned each = 8u / l->bits, top = (1u << l->bits) - 1;
	const unsigned v = row[i / each] >> (8 - l->bits - i % each * l->bits) & top;

	return (uint8_t)(l->palette ? v : v * 255 / top);
}

/* Of several samples the upper half, of grey what the raster wants. */
static uint8_t of_16(const struct layout *l, const uint8_t *row, size_t i, const struct raster *r)
{
	uint16_t v;

	memcpy(&v, row + 2 * i, sizeof v);
	if (l->samples > 1)
		return (uint8_t)(v >> 8);
	if (l->format == SAMPLEFORMAT_INT)
		return (int16_t)v < 0 ? 0 : raster_deep(r, v);
	return raster_deep(r, v);
}

static uint8_t of_32(const struct layout *l, const uint8_t *row, size_t i)
{
	uint32_t v;
	float f;

	memcpy(&v, row + 4 * i, sizeof v);
	memcpy(&f, row + 4 * i, sizeof f);
	return l->format == SAMPLEFORMAT_IEEEFP ? clipped((double)f)
		: l->format == SAMPLEFORMAT_INT ? clipped((double)(int32_t)v) : clipped((double)v);
}

static uint8_t sample(const struct layout *l, const uint8_t *row, size_t i, const struct raster *r)
{
	switch (l->bits) {
	case 8:  return row[i];
	case 16: return of_16(l, row, i, r);
	case 32: return of_32(l, row, i);
	default: return few_bits(l, row, i);
	}
}

void samples_take(const struct layout *l, const uint8_t *row, uint32_t n, const struct place *at,
                  struct samples *to)
{
	const int planes = l->planar == PLANARCONFIG_SEPARATE, each = planes ? 1 : to->width;
	uint8_t *p = to->p + ((size_t)at->y * l->w + at->x) * (size_t)to->width + at->plane;

	for (size_t i = 0; i < n; i++, p += to->width)
		for (int k = 0; k < each; k++)
			p[k] = sample(l, row, planes ? i : i * l->samples + (size_t)k, to->raster);
}

/* ---- samples to colours ---- */

static unsigned part(unsigned a, unsigned x)
{
	unsigned t = a * x + 128;

	return ((t >> 8) + t) >> 8;
}

static void of_inks(const uint8_t *s, uint8_t *p)
{
	const unsigned light = 255u - s[3];

	for (int c = 0; c < 3; c++)
		p[c] = (uint8_t)(light - part(s[c], light));
}

static void of_palette(const struct layout *l, unsigned index, uint8_t *p)
{
	const unsigned top = (1u << l->bits) - 1;

	for (int c = 0; c < 3; c++)
		p[c] = index <= top ? (uint8_t)(l->map[c][index] >> 8) : 0;
}

/* Colours that were multiplied by their alpha. */
static void divide(uint8_t *p)
{
	for (int c = 0; c < 3; c++)
		p[c] = p[3] == 0 ? 0 : clipped(p[c] * 255u / p[3]);
}

int samples_fit(const struct layout *l, const struct samples *s)
{
	return s->width == s->raster->channels && l->colours != PHOTOMETRIC_SEPARATED && !l->palette;
}

static void colour_pixel(const struct layout *l, const uint8_t *s, int channels, uint8_t *p)
{
	if (l->colours == PHOTOMETRIC_SEPARATED)
		of_inks(s, p);
	else if (l->palette)
		of_palette(l, s[0], p);
	else
		memset(p, s[0], 3);                /* grey with alpha */
	if (channels == 4)
		p[3] = s[1];
}

void samples_colour(const struct layout *l, struct samples *s)
{
	struct raster *r = s->raster;
	const size_t n = raster_pixels(r);

	if (!samples_fit(l, s))
		for (size_t i = 0; i < n; i++)
			colour_pixel(l, s->p + i * (size_t)s->width, r->channels,
			             r->p + i * (size_t)r->channels);
	if (l->colours == PHOTOMETRIC_MINISWHITE && l->bits <= 8)
		for (size_t i = 0; i < n; i++)
			r->p[i] = (uint8_t)~r->p[i];
	if (l->extra == EXTRASAMPLE_ASSOCALPHA && l->colours == PHOTOMETRIC_RGB && r->channels == 4)
		for (size_t i = 0; i < n; i++)
			divide(r->p + 4 * i);
}
