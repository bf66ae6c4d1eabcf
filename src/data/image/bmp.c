/* BMP, of Windows and OS/2: palettes, 16, 24 and 32 bits, masks, run lengths. */
#include "data/image/formats.h"

#include <string.h>

#include "base/mem.h"

enum packing { PACK_NONE, PACK_RLE8, PACK_RLE4, PACK_MASKS };

#define FILE_HEAD 14
#define OLD_HEAD  12                /* of OS/2, the only one with sizes of two bytes           */
#define NEW_HEAD  40
#define COLOURS   256

struct bitmap {
	const struct bytes *in;
	int      h, w, upside_down;     /* enum: rows from the bottom up, as they mostly are       */
	uint32_t bits, packing, head, data, colours;
	uint32_t mask[4];               /* red, green, blue, alpha                                 */
	uint8_t  palette[COLOURS][3];
};

static uint32_t get(const struct bytes *in, size_t at, int size)
{
	uint32_t v = 0;

	if (at + (size_t)size > in->n)
		return 0;
	for (int i = size; i-- > 0;)
		v = v << 8 | in->p[at + (size_t)i];
	return v;
}

static tt_status damaged(const struct bytes *in, const char *why)
{
	return err_set(TT_EFORMAT, "%s: damaged BMP: %s", in->name, why);
}

/* ---- the header ---- */

static tt_status read_old_head(struct bitmap *b)
{
	b->w = (int)get(b->in, 18, 2);
	b->h = (int)get(b->in, 20, 2);
	b->bits = get(b->in, 24, 2);
	b->packing = PACK_NONE;
	b->upside_down = 1;
	return TT_OK;
}

static tt_status read_new_head(struct bitmap *b)
{
	const int32_t w = (int32_t)get(b->in, 18, 4), h = (int32_t)get(b->in, 22, 4);

	if (w < 0 || h == INT32_MIN)
		return damaged(b->in, "a negative width");
	b->w = w;
	b->h = h < 0 ? -h : h;
	b->upside_down = h > 0;
	b->bits = get(b->in, 28, 2);
	b->packing = get(b->in, 30, 4);
	b->colours = get(b->in, 46, 4);
	return TT_OK;
}

static void read_masks(struct bitmap *b)
{
	static const uint32_t of_15[4] = { 0x7c00, 0x3e0, 0x1f, 0 };
	static const uint32_t of_32[4] = { 0xff0000, 0xff00, 0xff, 0 };
	const int n = b->head >= 56 ? 4 : 3;      /* alpha is known to newer headers alone */

	memcpy(b->mask, b->bits == 16 ? of_15 : of_32, sizeof b->mask);
	if (b->packing != PACK_MASKS)
		return;
	for (int i = 0; i < n; i++)
		b->mask[i] = get(b->in, FILE_HEAD + NEW_HEAD + 4 * (size_t)i, 4);
	if (b->bits == 32 && (b->mask[0] | b->mask[1] | b->mask[2] | b->mask[3]) == 0)
		memcpy(b->mask, (const uint32_t[]){ 0xff0000, 0xff00, 0xff, 0xff000000 },
		       sizeof b->mask);
}

/* Behind the header, and behind the masks where these follow it. */
static void read_palette(struct bitmap *b)
{
	const uint32_t most = 1u << b->bits, size = b->head == OLD_HEAD ? 3 : 4;
	const uint32_t n = b->colours && b->colours < most ? b->colours : most;
	const size_t at = FILE_HEAD + (size_t)b->head;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t c = 0; c < 3; c++)
			b->palette[i][c] = (uint8_t)get(b->in, at + (size_t)i * size + 2 - c, 1);
	if (b->data == at)              /* some writers forget the palette when they count */
		b->data += n * size;
}

static int is_known(const struct bitmap *b)
{
	switch (b->packing) {
	case PACK_NONE:  return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 ||
	                        b->bits == 24 || b->bits == 32;
	case PACK_RLE8:  return b->bits == 8;
	case PACK_RLE4:  return b->bits == 4;
	case PACK_MASKS: return b->bits == 16 || b->bits == 32;
	default:         return 0;
	}
}

static tt_status read_head(struct bitmap *b, const struct bytes *in)
{
	tt_status st;

	*b = (struct bitmap){ .in = in, .data = get(in, 10, 4), .head = get(in, 14, 4) };
	if (in->n < FILE_HEAD + OLD_HEAD || (b->head != OLD_HEAD && b->head < NEW_HEAD) ||
	    b->head > 124 || in->n < FILE_HEAD + b->head)
		return damaged(in, "its header is of no known size");
	st = b->head == OLD_HEAD ? read_old_head(b) : read_new_head(b);
	if (st != TT_OK)
		return st;
	if (!is_known(b))
		return err_set(TT_EFORMAT, "%s: a BMP of %u bits, packed in way %u, is not known", in->name,
		               b->bits, b->packing);
	if (b->bits <= 8)
		read_palette(b);
	else
		read_masks(b);
	return b->data < in->n ? TT_OK : damaged(in, "it ends before its pixels");
}

static tt_status bmp_probe(const struct bytes *in, struct raster *r)
{
	struct bitmap b;
	tt_status st = read_head(&b, in);

	if (st != TT_OK)
		return st;
	r->h = b.h;
	r->w = b.w;
	r->channels = b.bits >= 16 && b.mask[3] ? 4 : 3;
	return TT_OK;
}

/* ---- pixels ---- */

static uint8_t *row_of(const struct bitmap *b, const struct raster *r, int y)
{
	const int row = b->upside_down ? b->h - 1 - y : y;

	return r->p + (size_t)row * (size_t)r->w * (size_t)r->channels;
}

static void colour_row(const struct bitmap *b, const uint8_t *from, uint8_t *to)
{
	const unsigned bits = b->bits, each = 8 / bits, last = (1u << bits) - 1;

	for (unsigned x = 0; x < (unsigned)b->w; x++) {
		const unsigned shift = 8 - bits - x % each * bits;

		memcpy(to + 3 * (size_t)x, b->palette[from[x / each] >> shift & last], 3);
	}
}

/* The bits under a mask as 0 to 255; no bits are 0, and of alpha that is not asked. */
static uint8_t masked(uint32_t pixel, uint32_t mask)
{
	const uint64_t v = pixel & mask, low = mask & (~mask + 1);

	return mask ? (uint8_t)(v / low * 255 / (mask / low)) : 0;
}

static void masked_row(const struct bitmap *b, const uint8_t *from, int channels, uint8_t *to)
{
	const size_t size = b->bits / 8;

	for (int x = 0; x < b->w; x++, from += size, to += channels) {
		const uint32_t pixel = size == 2 ? (uint32_t)(from[0] | from[1] << 8)
			: from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
			  (uint32_t)from[3] << 24;

		for (int c = 0; c < channels; c++)
			to[c] = masked(pixel, b->mask[c]);
	}
}

static void plain_row(const struct bitmap *b, const uint8_t *from, uint8_t *to)
{
	for (int x = 0; x < b->w; x++, from += 3, to += 3) {
		to[0] = from[2];
		to[1] = from[1];
		to[2] = from[0];
	}
}

static tt_status read_plain(const struct bitmap *b, struct raster *r)
{
	const size_t stride = ((size_t)b->w * b->bits + 31) / 32 * 4;
	const size_t last = ((size_t)b->w * b->bits + 7) / 8;

	if (b->in->n - b->data < stride * (size_t)(b->h - 1) + last)
		return damaged(b->in, "it ends early");
	for (int y = 0; y < b->h; y++) {
		const uint8_t *from = b->in->p + b->data + (size_t)y * stride;
		uint8_t *to = row_of(b, r, y);

		if (b->bits <= 8)
			colour_row(b, from, to);
		else if (b->bits == 24)
			plain_row(b, from, to);
		else
			masked_row(b, from, r->channels, to);
	}
	return TT_OK;
}

/* ---- run lengths ---- */

/* Where the next pixel goes; what is outside of the picture is left out. */
struct pen { const struct bitmap *b; const struct raster *r; size_t at; int x, y; };

static void draw(struct pen *p, unsigned index)
{
	if (p->x < p->b->w && p->y < p->b->h)
		memcpy(row_of(p->b, p->r, p->y) + 3 * (size_t)p->x, p->b->palette[index], 3);
	p->x += p->x < p->b->w;
}

/* Of a byte the whole, or the upper half for even pixels and the lower for odd ones. */
static unsigned index_in(const struct bitmap *b, uint8_t byte, unsigned i)
{
	return b->packing == PACK_RLE8 ? byte : i % 2 ? byte & 15u : byte >> 4;
}

/* n pixels one by one, filled up to an even number of bytes. */
static tt_status draw_literally(struct pen *p, unsigned n)
{
	const unsigned each = p->b->packing == PACK_RLE8 ? 1 : 2, size = (n + each - 1) / each;

	if (p->b->in->n - p->at < size)
		return damaged(p->b->in, "it ends early");
	for (unsigned i = 0; i < n; i++)
		draw(p, index_in(p->b, p->b->in->p[p->at + i / each], i));
	p->at += size + (size & 1);
	return TT_OK;
}

/* What a pair that begins with 0 means; *more is 0 behind the last one. */
static tt_status escape(struct pen *p, unsigned code, int *more)
{
	const struct bytes *in = p->b->in;

	if (code > 2)
		return draw_literally(p, code);
	*more = code != 1;
	if (code == 0) {
		p->x = 0;
		p->y++;
	} else if (code == 2) {
		if (in->n - p->at < 2)
			return damaged(in, "it ends early");
		p->x = p->x + in->p[p->at] < p->b->w ? p->x + in->p[p->at] : p->b->w;
		p->y += in->p[p->at + 1];
		p->at += 2;
	}
	return TT_OK;
}

/* Pixels that are jumped over have the first colour. */
static tt_status read_runs(const struct bitmap *b, struct raster *r)
{
	struct pen p = { .b = b, .r = r, .at = b->data };
	tt_status st = TT_OK;

	for (size_t i = 0; i < raster_pixels(r); i++)
		memcpy(r->p + 3 * i, b->palette[0], 3);
	for (int more = 1; st == TT_OK && more && p.y < b->h;) {
		unsigned n, byte;

		if (p.at + 2 > b->in->n)
			return damaged(b->in, "it ends early");
		n = b->in->p[p.at];
		byte = b->in->p[p.at + 1];
		p.at += 2;
		if (n == 0)
			st = escape(&p, byte, &more);
		for (unsigned k = 0; k < n; k++)
			draw(&p, index_in(b, (uint8_t)byte, k));
	}
	return st;
}

static tt_status bmp_decode(const struct bytes *in, struct raster *r)
{
	struct bitmap b;
	tt_status st = read_head(&b, in);

	if (st != TT_OK)
		return st;
	return b.packing == PACK_RLE8 || b.packing == PACK_RLE4 ? read_runs(&b, r) : read_plain(&b, r);
}

const struct codec bmp_codec = { .name = "BMP", .probe = bmp_probe, .decode = bmp_decode };
