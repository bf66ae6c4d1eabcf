#include "data/image/image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/image/exif.h"
#include "data/image/formats.h"
#include "data/image/raster.h"
#include "sys/plug.h"

/* How a file says what it is; whose codec is not here has a plug of that name. */
static const struct format {
	const char         *magic;
	size_t              at, size;
	const char         *plug;
	const struct codec *codec;
} formats[] = {
	{ "\xff\xd8\xff",      0, 3, NULL, &jpeg_codec },
	{ "\x89PNG\r\n\x1a\n", 0, 8, NULL, &png_codec },
	{ "WEBP",              8, 4, "webp", NULL },
	{ "GIF87a",            0, 6, "gif", NULL },
	{ "GIF89a",            0, 6, "gif", NULL },
	{ "II*\0",             0, 4, "tiff", NULL },
	{ "MM\0*",             0, 4, "tiff", NULL },
	{ "BM",                0, 2, NULL, &bmp_codec },
	{ "P5",                0, 2, NULL, &pnm_codec },
	{ "P6",                0, 2, NULL, &pnm_codec },
};

static tt_status load_codec(const struct bytes *in, const char *name, const struct codec **out)
{
	const struct plug *p;
	tt_status st = plug_find(PLUG_CODEC, name, &p);

	if (st != TT_OK)
		return err_at(st, "%s", in->name);
	*out = p->ops;
	return TT_OK;
}

static tt_status find_codec(const struct bytes *in, const struct codec **out)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		const struct format *f = &formats[i];

		if (in->n <= f->at + f->size || memcmp(in->p + f->at, f->magic, f->size) != 0)
			continue;
		if (!f->codec)
			return load_codec(in, f->plug, out);
		*out = f->codec;
		return TT_OK;
	}
	return err_set(TT_EFORMAT, "%s: no image (" IMAGE_FORMATS "; %zu bytes)", in->name, in->n);
}

/* The header, within limits. */
static tt_status probe(const struct codec *c, const struct bytes *in, struct raster *r)
{
	tt_status st = c->probe(in, r);

	if (st != TT_OK)
		return st;
	if (r->h < 1 || r->w < 1)
		return err_set(TT_EFORMAT, "%s: a %s of %d x %d pixels", in->name, c->name, r->h, r->w);
	if (r->h > IMAGE_MAX_SIDE || r->w > IMAGE_MAX_SIDE || raster_pixels(r) > IMAGE_MAX_PIXELS)
		return err_set(TT_EFORMAT, "%s: an image of %d x %d pixels is too large", in->name, r->h,
		               r->w);
	return TT_OK;
}

int image_is_named(const char *file)
{
	static const char *const ends[] = {
		".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm",
		".pgm"
	};
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return 1;
	return 0;
}

tt_status image_colour(const char *text, uint32_t *out)
{
	static const struct { const char *word; uint32_t colour; } words[] = {
		{ "none", 0 }, { "black", IMAGE_COLOUR }, { "white", IMAGE_COLOUR | 0xffffff },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(text, words[i].word) == 0) {
			*out = words[i].colour;
			return TT_OK;
		}
	if (strlen(text) != 6 || strspn(text, "0123456789abcdefABCDEF") != 6)
		return err_set(TT_ESPEC, "background: '%s' is no colour; write none, white, black or six "
		               "digits RRGGBB from 000000 to ffffff", text);
	*out = IMAGE_COLOUR | (uint32_t)strtoul(text, NULL, 16);
	return TT_OK;
}

static int orientation(const struct bytes *in, const struct raster *r, enum image_turn turn)
{
	return r->orientation ? r->orientation : turn == IMAGE_UPRIGHT ? exif_orientation(in) : 1;
}

tt_status image_probe(const struct bytes *in, enum image_turn turn, int *h, int *w)
{
	struct raster r = {0};
	const struct codec *c;
	tt_status st = find_codec(in, &c);

	if (st != TT_OK || (st = probe(c, in, &r)) != TT_OK)
		return st;
	if (orientation(in, &r, turn) >= 5) {
		*h = r.w;
		*w = r.h;
	} else {
		*h = r.h;
		*w = r.w;
	}
	return TT_OK;
}

/* From pixels as they are stored to those that are wanted. */
static tt_status finish(const struct bytes *in, struct raster *r, const struct image_want *want,
                        uint8_t *out)
{
	tt_status st = raster_paint(r, want);

	if (st == TT_OK)
		st = raster_turn(r, orientation(in, r, want->turn));
	if (st != TT_OK)
		return st;
	if (r->h != want->h || r->w != want->w)
		return raster_resize(r, want->h, want->w, out);
	raster_planes(r, out);
	return TT_OK;
}

tt_status image_decode(const struct bytes *in, const struct image_want *want, uint8_t *out)
{
	struct raster r = { .deep = want->deep };
	const struct codec *c;
	tt_status st = find_codec(in, &c);

	if (st != TT_OK || (st = probe(c, in, &r)) != TT_OK)
		return st;
	if (!(r.p = mem_alloc(raster_pixels(&r) * (size_t)r.channels)))
		return TT_ENOMEM;
	st = c->decode(in, &r);
	if (st == TT_OK)
		st = finish(in, &r, want, out);
	mem_free(r.p);
	return st;
}

tt_status image_load(const char *path, const struct image_want *want, uint8_t *out)
{
	char *file = NULL;
	struct bytes in = { .name = path };
	tt_status st = file_read_all(path, IMAGE_MAX_FILE, &file, &in.n);

	if (st != TT_OK)
		return st;
	in.p = (const uint8_t *)file;
	st = image_decode(&in, want, out);
	mem_free(file);
	return st;
}
