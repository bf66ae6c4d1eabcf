/* TIFF by libtiff: grey, RGB, palette, CMYK and YCbCr, in strips or tiles, packed in any way that
 * the library knows; of several pictures the first.
 *
 *   file --libtiff--> strips and tiles --samples--> bytes side by side --colours--> raster */
#include "plug/tiff/tiff_own.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/image/exif.h"
#include "sys/plug.h"

#define TIFF_HEAD  8                       /* bytes that are none of a picture */
#define ROOM_MAX   ((tmsize_t)1 << 28)     /* of one strip or tile, unpacked */

/* ---- the file, in memory ---- */

static tmsize_t read_some(thandle_t h, void *out, tmsize_t n)
{
	struct reading *d = h;
	const size_t left = d->at < d->in->n ? d->in->n - d->at : 0;
	const size_t taken = (size_t)n < left ? (size_t)n : left;

	memcpy(out, d->in->p + d->at, taken);
	d->at += taken;
	return (tmsize_t)taken;
}

static tmsize_t write_nothing(thandle_t h, void *p, tmsize_t n)
{
	(void)h;
	(void)p;
	(void)n;
	return -1;
}

static toff_t go_to(thandle_t h, toff_t to, int from)
{
	struct reading *d = h;

	d->at = (size_t)to + (from == SEEK_CUR ? d->at : from == SEEK_END ? d->in->n : 0);
	return d->at;
}

static toff_t size_of(thandle_t h)
{
	return ((struct reading *)h)->in->n;
}

static int close_nothing(thandle_t h)
{
	(void)h;
	return 0;
}

static int hear_error(TIFF *tif, void *ctx, const char *module, const char *format, va_list ap)
{
	struct reading *d = ctx;

	(void)tif;
	(void)module;
	if (!d->text[0])
		vsnprintf(d->text, sizeof d->text, format, ap);
	return 1;
}

static int hear_warning(TIFF *tif, void *ctx, const char *module, const char *format, va_list ap)
{
	(void)tif;
	(void)ctx;
	(void)module;
	(void)format;
	(void)ap;
	return 1;
}

static tt_status damaged(struct reading *d)
{
	tt_status st = err_set(TT_EFORMAT, "%s: damaged TIFF: %s", d->in->name,
	                       d->text[0] ? d->text : "it cannot be read");

	reading_close(d);
	return st;
}

static tt_status unknown(struct reading *d, const char *what, unsigned value)
{
	tt_status st = err_set(TT_EFORMAT, "%s: a TIFF with %s %u is not known", d->in->name, what,
	                       value);

	reading_close(d);
	return st;
}

static tt_status open_tiff(struct reading *d, const struct bytes *in)
{
	TIFFOpenOptions *o = TIFFOpenOptionsAlloc();

	*d = (struct reading){ .in = in };
	if (!o)
		return err_set(TT_ENOMEM, "%s: no memory to read a TIFF", in->name);
	TIFFOpenOptionsSetMaxSingleMemAlloc(o, 2 * ROOM_MAX);
	TIFFOpenOptionsSetErrorHandlerExtR(o, hear_error, d);
	TIFFOpenOptionsSetWarningHandlerExtR(o, hear_warning, d);
	d->tif = TIFFClientOpenExt(in->name, "rm", d, read_some, write_nothing, go_to, close_nothing,
	                           size_of, NULL, NULL, o);
	TIFFOpenOptionsFree(o);
	return d->tif ? TT_OK : damaged(d);
}

void reading_close(struct reading *d)
{
	if (d->tif)
		TIFFClose(d->tif);
	d->tif = NULL;
}

/* ---- what it holds ---- */

static void read_tags(struct reading *d)
{
	struct layout *l = &d->layout;
	uint16_t *extra = NULL, n_extra = 0;

	TIFFGetField(d->tif, TIFFTAG_IMAGEWIDTH, &l->w);
	TIFFGetField(d->tif, TIFFTAG_IMAGELENGTH, &l->h);
	TIFFGetFieldDefaulted(d->tif, TIFFTAG_BITSPERSAMPLE, &l->bits);
	TIFFGetFieldDefaulted(d->tif, TIFFTAG_SAMPLESPERPIXEL, &l->samples);
	TIFFGetFieldDefaulted(d->tif, TIFFTAG_PLANARCONFIG, &l->planar);
	TIFFGetFieldDefaulted(d->tif, TIFFTAG_SAMPLEFORMAT, &l->format);
	TIFFGetFieldDefaulted(d->tif, TIFFTAG_COMPRESSION, &l->compression);
	TIFFGetFieldDefaulted(d->tif, TIFFTAG_EXTRASAMPLES, &n_extra, &extra);
	if (!TIFFGetField(d->tif, TIFFTAG_PHOTOMETRIC, &l->colours))
		l->colours = PHOTOMETRIC_MINISWHITE;
	l->extra = n_extra && extra ? extra[0] : EXTRA_NONE;
	l->palette = l->colours == PHOTOMETRIC_PALETTE &&
		TIFFGetField(d->tif, TIFFTAG_COLORMAP, &l->map[0], &l->map[1], &l->map[2]);
	/* What libjpeg turns into RGB needs no more of it. */
	if (l->colours == PHOTOMETRIC_YCBCR && l->compression == COMPRESSION_JPEG &&
	    l->planar == PLANARCONFIG_CONTIG &&
	    TIFFSetField(d->tif, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB))
		l->colours = PHOTOMETRIC_RGB;
}

/* How many samples of a pixel are colours, and channels of the raster they become. */
static const struct kind {
	uint16_t colours;
	uint8_t  samples, channels;
	uint8_t  alpha;                    /* enum: may another be alpha?                        */
} kinds[] = {
	{ PHOTOMETRIC_MINISWHITE, 1, 1, 0 }, { PHOTOMETRIC_MINISBLACK, 1, 1, 1 },
	{ PHOTOMETRIC_RGB, 3, 3, 1 },        { PHOTOMETRIC_PALETTE, 1, 3, 1 },
	{ PHOTOMETRIC_SEPARATED, 4, 3, 0 },  { PHOTOMETRIC_YCBCR, 3, 3, 0 },
};

static int bits_are_known(const struct layout *l)
{
	if (l->format == SAMPLEFORMAT_IEEEFP)
		return l->bits == 32 && l->colour_samples == 1 && !l->palette;
	if (l->bits == 8 || (l->bits == 16 && !l->palette))
		return 1;
	if (l->samples != 1)
		return 0;
	return l->bits == 1 || l->bits == 2 || l->bits == 4 || (l->bits == 32 && !l->palette);
}

static tt_status check(struct reading *d)
{
	struct layout *l = &d->layout;
	const struct kind *k = NULL;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].colours == l->colours)
			k = &kinds[i];
	if (!k)
		return unknown(d, "the colours", l->colours);
	l->colour_samples = k->samples;
	l->channels = k->channels;
	if (l->samples < k->samples || l->samples > SAMPLES_MAX)
		return unknown(d, "samples for each pixel:", l->samples);
	if (l->colours == PHOTOMETRIC_PALETTE && !l->palette)
		return unknown(d, "colours without a palette:", l->colours);
	if (!bits_are_known(l))
		return unknown(d, "bits for each sample:", l->bits);
	if (l->samples > k->samples && k->alpha && l->extra != EXTRASAMPLE_UNSPECIFIED)
		l->channels = 4;
	return TT_OK;
}

static tt_status start(struct reading *d, const struct bytes *in)
{
	tt_status st = open_tiff(d, in);

	if (st != TT_OK)
		return st;
	read_tags(d);
	return check(d);
}

static tt_status tiff_probe(const struct bytes *in, struct raster *r)
{
	struct reading d;
	tt_status st = start(&d, in);

	if (st != TT_OK)
		return st;
	r->h = d.layout.h > INT32_MAX ? INT32_MAX : (int)d.layout.h;
	r->w = d.layout.w > INT32_MAX ? INT32_MAX : (int)d.layout.w;
	r->channels = d.layout.channels;
	r->orientation = exif_of_tiff(in->p, in->n);
	reading_close(&d);
	return TT_OK;
}

/* ---- pixels ---- */

/* Strips and tiles are blocks alike: a strip is a tile as wide as the picture. */
struct blocks { uint32_t h, w; tmsize_t room, row; };

static int look_at_blocks(struct reading *d, struct blocks *b)
{
	if (TIFFIsTiled(d->tif)) {
		TIFFGetField(d->tif, TIFFTAG_TILEWIDTH, &b->w);
		TIFFGetField(d->tif, TIFFTAG_TILELENGTH, &b->h);
		b->room = TIFFTileSize(d->tif);
		b->row = TIFFTileRowSize(d->tif);
	} else {
		TIFFGetFieldDefaulted(d->tif, TIFFTAG_ROWSPERSTRIP, &b->h);
		b->w = d->layout.w;
		b->h = b->h < d->layout.h ? b->h : d->layout.h;
		b->room = TIFFStripSize(d->tif);
		b->row = TIFFScanlineSize(d->tif);
	}
	return b->w > 0 && b->h > 0 && b->room > 0 && b->room <= ROOM_MAX && b->row > 0;
}

/* A directory with too few offsets says 0 for the rest, from where libtiff would read the head of
 * the file as if it were pixels. */
static int lies_in_file(struct reading *d, uint32_t block)
{
	const uint64_t at = TIFFGetStrileOffset(d->tif, block);

	return at >= TIFF_HEAD && at < d->in->n;
}

static tmsize_t read_block(struct reading *d, const struct place *at, uint8_t *p, tmsize_t room)
{
	const int tiled = TIFFIsTiled(d->tif);
	const uint32_t block = tiled ? TIFFComputeTile(d->tif, at->x, at->y, 0, at->plane)
	                             : TIFFComputeStrip(d->tif, at->y, at->plane);

	if (!lies_in_file(d, block)) {
		if (!d->text[0])
			snprintf(d->text, sizeof d->text, "strip or tile %u lies outside of the file", block);
		return -1;
	}
	return tiled ? TIFFReadEncodedTile(d->tif, block, p, room)
	             : TIFFReadEncodedStrip(d->tif, block, p, room);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Every block of one plane into `to`, which has `width` bytes for a pixel. */
static int read_plane(struct reading *d, const struct blocks *b, uint8_t *block,
                      struct samples *to)
{
	for (uint32_t y = 0; y < d->layout.h; y += b->h)
		for (uint32_t x = 0; x < d->layout.w; x += b->w) {
			const struct place at = { y, x, to->plane };
			const uint32_t rows = least(b->h, d->layout.h - y), n = least(b->w, d->layout.w - x);
			const tmsize_t got = read_block(d, &at, block, b->room);

			if (got < 0 || got < b->row * (tmsize_t)rows)
				return 0;
			for (uint32_t i = 0; i < rows; i++)
				samples_take(&d->layout, block + b->row * (tmsize_t)i, n,
				             &(struct place){ y + i, x, to->plane }, to);
		}
	return 1;
}

static int read_samples(struct reading *d, struct samples *to)
{
	const int planes = d->layout.planar == PLANARCONFIG_SEPARATE ? to->width : 1;
	struct blocks b = {0};
	uint8_t *block;
	int good = look_at_blocks(d, &b);

	if (!good || !(block = mem_calloc(1, (size_t)b.room)))
		return 0;
	for (to->plane = 0; good && to->plane < planes; to->plane++)
		good = read_plane(d, &b, block, to);
	mem_free(block);
	return good;
}

/* YCbCr that libjpeg does not turn itself. */
static int read_rgba(struct reading *d, struct raster *r)
{
	uint32_t *rgba = mem_calloc(raster_pixels(r), sizeof *rgba);
	int good = rgba && TIFFReadRGBAImageOriented(d->tif, d->layout.w, d->layout.h, rgba,
	                                             ORIENTATION_TOPLEFT, 1);

	for (size_t i = 0; good && i < raster_pixels(r); i++) {
		r->p[3 * i] = (uint8_t)TIFFGetR(rgba[i]);
		r->p[3 * i + 1] = (uint8_t)TIFFGetG(rgba[i]);
		r->p[3 * i + 2] = (uint8_t)TIFFGetB(rgba[i]);
	}
	mem_free(rgba);
	return good;
}

static tt_status tiff_decode(const struct bytes *in, struct raster *r)
{
	struct samples s = { .raster = r };
	struct reading d;
	tt_status st = start(&d, in);
	int good;

	if (st != TT_OK)
		return st;
	s.width = d.layout.colour_samples + (r->channels == 4);
	if (d.layout.colours == PHOTOMETRIC_YCBCR) {
		good = read_rgba(&d, r);
	} else {
		s.p = samples_fit(&d.layout, &s) ? r->p : mem_alloc(raster_pixels(r) * (size_t)s.width);
		good = s.p && read_samples(&d, &s);
		if (good)
			samples_colour(&d.layout, &s);
		if (s.p != r->p)
			mem_free(s.p);
	}
	if (!good)
		return damaged(&d);
	reading_close(&d);
	return TT_OK;
}

static const char *version(void)
{
	static char text[24];

	snprintf(text, sizeof text, "%d", TIFFLIB_VERSION);
	return text;
}

static const struct codec tiff_codec = {
	.name = "TIFF", .probe = tiff_probe, .decode = tiff_decode
};

extern const struct plug tiff_plug;
const struct plug tiff_plug = PLUG(
	.kind = PLUG_CODEC, .name = "tiff", .version = version, .ops = &tiff_codec,
	.serves = "TIFF images");
