/* PNG by libpng, pixels as they are stored: gAMA, cHRM, iCCP and sRGB change nothing. */
#include "data/image/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#include "base/mem.h"
#include "data/image/formats.h"

struct decoder {
	png_structp         png;
	png_infop           info;
	const struct bytes *in;
	size_t              at;
	uint8_t            *wide;          /* 16 bits of grey, before they are made 8          */
	char                text[160];
};

static void fail(png_structp png, png_const_charp text)
{
	struct decoder *d = png_get_error_ptr(png);

	snprintf(d->text, sizeof d->text, "%s", text);
	png_longjmp(png, 1);
}

static void keep_silent(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

static void take(png_structp png, png_bytep out, size_t n)
{
	struct decoder *d = png_get_io_ptr(png);

	if (n > d->in->n - d->at)
		png_error(png, "it ends early");
	memcpy(out, d->in->p + d->at, n);
	d->at += n;
}

static void release(struct decoder *d)
{
	png_destroy_read_struct(&d->png, &d->info, NULL);
	mem_free(d->wide);
}

static tt_status damaged(struct decoder *d)
{
	tt_status st = err_set(TT_EFORMAT, "%s: damaged PNG: %s", d->in->name, d->text);

	release(d);
	return st;
}

static tt_status init(struct decoder *d, const struct bytes *in)
{
	*d = (struct decoder){ .in = in };
	if ((d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, fail, keep_silent)) &&
	    (d->info = png_create_info_struct(d->png)))
		return TT_OK;
	release(d);
	return err_set(TT_ENOMEM, "%s: no memory to read a PNG", in->name);
}

/* To be called under setjmp. */
static void start(struct decoder *d)
{
	static const uint8_t profiles[] = { 'i', 'C', 'C', 'P', 0, 's', 'P', 'L', 'T', 0 };

	png_set_read_fn(d->png, d, take);
	png_set_user_limits(d->png, IMAGE_MAX_SIDE, IMAGE_MAX_SIDE);
	png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, profiles, 2);
	png_read_info(d->png, d->info);
}

static int is_deep_grey(const struct decoder *d)
{
	return png_get_color_type(d->png, d->info) == PNG_COLOR_TYPE_GRAY &&
	       png_get_bit_depth(d->png, d->info) == 16;
}

static int channels(const struct decoder *d)
{
	const int type = png_get_color_type(d->png, d->info);

	if ((type & PNG_COLOR_MASK_ALPHA) || png_get_valid(d->png, d->info, PNG_INFO_tRNS))
		return 4;
	return type == PNG_COLOR_TYPE_GRAY ? 1 : 3;
}

static tt_status png_probe(const struct bytes *in, struct raster *r)
{
	struct decoder d;
	tt_status st = init(&d, in);

	if (st != TT_OK)
		return st;
	if (setjmp(png_jmpbuf(d.png)))
		return damaged(&d);
	start(&d);
	r->h = (int)png_get_image_height(d.png, d.info);
	r->w = (int)png_get_image_width(d.png, d.info);
	r->channels = channels(&d);
	release(&d);
	return TT_OK;
}

/* To be called under setjmp: bytes of each row into p. */
static void read_rows(struct decoder *d, uint8_t *p, size_t stride, int h)
{
	const int passes = png_set_interlace_handling(d->png);

	png_read_update_info(d->png, d->info);
	if (png_get_rowbytes(d->png, d->info) != stride)
		png_error(d->png, "its rows are of another size than its header says");
	for (int pass = 0; pass < passes; pass++)
		for (int y = 0; y < h; y++)
			png_read_row(d->png, p + (size_t)y * stride, NULL);
}

/* Grey of 16 bits, big end first, which a transparent shade may have given an alpha. */
static void from_wide(const uint8_t *wide, struct raster *r)
{
	const size_t n = raster_pixels(r), step = r->channels == 4 ? 4 : 2;

	for (size_t i = 0; i < n; i++, wide += step) {
		const uint8_t v = raster_deep(r, (unsigned)wide[0] << 8 | wide[1]);

		memset(r->p + i * (size_t)r->channels, v, (size_t)r->channels);
		if (step == 4)
			r->p[4 * i + 3] = wide[2];
	}
}

/* To be called under setjmp. */
static void read_pixels(struct decoder *d, struct raster *r)
{
	const size_t stride = (size_t)r->w * (size_t)r->channels;

	png_set_expand(d->png);
	if (d->wide) {
		const size_t wide = (size_t)r->w * (r->channels == 4 ? 4 : 2);

		read_rows(d, d->wide, wide, r->h);
		from_wide(d->wide, r);
		return;
	}
	png_set_strip_16(d->png);
	if (r->channels == 4) {
		png_set_gray_to_rgb(d->png);
		png_set_add_alpha(d->png, 255, PNG_FILLER_AFTER);
	}
	read_rows(d, r->p, stride, r->h);
}

static tt_status png_decode(const struct bytes *in, struct raster *r)
{
	struct decoder d;
	tt_status st = init(&d, in);

	if (st != TT_OK)
		return st;
	if (setjmp(png_jmpbuf(d.png)))
		return damaged(&d);
	start(&d);
	if (is_deep_grey(&d) && !(d.wide = mem_alloc(4 * raster_pixels(r)))) {
		release(&d);
		return TT_ENOMEM;
	}
	read_pixels(&d, r);
	release(&d);
	return TT_OK;
}

const struct codec png_codec = { .name = "PNG", .probe = png_probe, .decode = png_decode };

/* ---- out ---- */

/* Planes to interleaved rows. */
static void to_rows(const uint8_t *chw, int n_channels, size_t n, uint8_t *out)
{
	for (int c = 0; c < n_channels; c++)
		for (size_t i = 0; i < n; i++)
			out[i * (size_t)n_channels + (size_t)c] = chw[(size_t)c * n + i];
}

tt_status image_encode_png(const uint8_t *chw, int n_channels, int h, int w, struct str *out)
{
	png_image image = { .version = PNG_IMAGE_VERSION, .height = (uint32_t)h,
	                    .width = (uint32_t)w,
	                    .format = n_channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
	size_t n = (size_t)h * (size_t)w;
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	uint8_t *rows = mem_alloc(n * (size_t)n_channels);
	uint8_t *file = mem_alloc(size);
	tt_status st = rows && file ? TT_OK : TT_ENOMEM;

	if (st == TT_OK) {
		to_rows(chw, n_channels, n, rows);
		if (!png_image_write_to_memory(&image, file, &size, 0, rows, 0, NULL))
			st = err_set(TT_EINTERNAL, "PNG encoder: %s", image.message);
	}
	if (st == TT_OK) {
		str_add_bytes(out, file, size);
		st = str_status(out);
	}
	mem_free(rows);
	mem_free(file);
	return st;
}
