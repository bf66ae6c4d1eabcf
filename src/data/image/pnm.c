/* PGM and PPM, the binary kinds (P5 and P6), of any maximum. */
#include "data/image/formats.h"

#include <math.h>
#include <string.h>

#define NUMBER_MAX 100000000u      /* larger ones are no sizes of anything */

struct header { uint32_t w, h, top; size_t at; int channels; };

/* The next number behind white space and comments; 0 where there is none. */
static uint32_t number(const struct bytes *in, size_t *at)
{
	uint32_t v = 0;
	size_t i = *at;

	while (i < in->n && ((in->p[i] && strchr(" \t\r\n\v\f", in->p[i])) || in->p[i] == '#')) {
		if (in->p[i] == '#')
			while (i < in->n && in->p[i] != '\n' && in->p[i] != '\r')
				i++;
		else
			i++;
	}
	while (i < in->n && in->p[i] >= '0' && in->p[i] <= '9' && v < NUMBER_MAX)
		v = 10 * v + (uint32_t)(in->p[i++] - '0');
	*at = i;
	return v;
}

static tt_status read_header(const struct bytes *in, struct header *h)
{
	*h = (struct header){ .at = 2, .channels = in->p[1] == '6' ? 3 : 1 };
	h->w = number(in, &h->at);
	h->h = number(in, &h->at);
	h->top = number(in, &h->at);
	h->at++;                       /* one white space, and the pixels begin */
	if (h->w && h->h && h->top && h->top <= 65535 && h->at <= in->n)
		return TT_OK;
	return err_set(TT_EFORMAT, "%s: damaged PNM: width %u, height %u, maximum %u", in->name, h->w,
	               h->h, h->top);
}

static tt_status pnm_probe(const struct bytes *in, struct raster *r)
{
	struct header h;
	tt_status st = read_header(in, &h);

	if (st != TT_OK)
		return st;
	r->h = (int)h.h;
	r->w = (int)h.w;
	r->channels = h.channels;
	return TT_OK;
}

/* Of 0 to h->top, as one of 0 to `most`. */
static unsigned scaled(const struct header *h, unsigned v, unsigned most)
{
	return (unsigned)lrint((double)(v < h->top ? v : h->top) / h->top * most);
}

static tt_status pnm_decode(const struct bytes *in, struct raster *r)
{
	const size_t n = raster_pixels(r) * (size_t)r->channels;
	struct header h;
	tt_status st = read_header(in, &h);
	const size_t size = h.top > 255 ? 2 : 1;

	if (st != TT_OK)
		return st;
	if ((in->n - h.at) / size < n)
		return err_set(TT_EFORMAT, "%s: damaged PNM: it ends early", in->name);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = in->p + h.at + i * size;
		const unsigned v = size == 2 ? (unsigned)p[0] << 8 | p[1] : p[0];

		r->p[i] = size == 2 && h.channels == 1 ? raster_deep(r, scaled(&h, v, 65535))
			: h.top == 255 ? (uint8_t)v : (uint8_t)scaled(&h, v, 255);
	}
	return TT_OK;
}

const struct codec pnm_codec = { .name = "PNM", .probe = pnm_probe, .decode = pnm_decode };
