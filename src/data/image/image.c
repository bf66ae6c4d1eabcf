#include "data/image/image.h"

#include <math.h>
#include <string.h>

#include <png.h>
#include <turbojpeg.h>

#include "base/file.h"
#include "base/mem.h"

/* A decoded picture, rows of interleaved pixels as the decoders write them. */
struct raster { int channels, h, w; uint8_t *p; };

/* One codec: how it is recognised, its header, its pixels (raster is allocated). */
struct codec {
	uint8_t   magic[4];
	size_t    magic_size;
	tt_status (*probe)(const struct bytes *in, int *h, int *w);
	tt_status (*decode)(const struct bytes *in, struct raster *r);
};

static tt_status jpeg_error(const struct bytes *in, tjhandle t)
{
	return err_set(TT_EFORMAT, "%s: damaged JPEG: %s", in->name,
	               t ? tjGetErrorStr2(t) : "the decoder does not start");
}

static tt_status jpeg_probe(const struct bytes *in, int *h, int *w)
{
	tjhandle t = tjInitDecompress();
	int subsampling, colours;
	tt_status st = TT_OK;

	if (!t || tjDecompressHeader3(t, in->p, in->n, w, h, &subsampling, &colours) != 0)
		st = jpeg_error(in, t);
	if (t)
		tjDestroy(t);
	return st;
}

/* Warnings count as damage: what libjpeg repairs silently is half a picture in grey. */
static tt_status jpeg_decode(const struct bytes *in, struct raster *r)
{
	tjhandle t = tjInitDecompress();
	tt_status st = TT_OK;
	int format = r->channels == 1 ? TJPF_GRAY : TJPF_RGB;
	int flags = TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT;

	if (!t || tjDecompress2(t, in->p, in->n, r->p, r->w, 0, r->h, format, flags) != 0)
		st = jpeg_error(in, t);
	if (t)
		tjDestroy(t);
	return st;
}

static tt_status png_open(const struct bytes *in, png_image *image)
{
	*image = (png_image){ .version = PNG_IMAGE_VERSION };
	if (png_image_begin_read_from_memory(image, in->p, in->n))
		return TT_OK;
	return err_set(TT_EFORMAT, "%s: damaged PNG: %s", in->name, image->message);
}

static tt_status png_probe(const struct bytes *in, int *h, int *w)
{
	png_image image;
	tt_status st = png_open(in, &image);

	if (st != TT_OK)
		return st;
	*h = image.height > INT32_MAX ? INT32_MAX : (int)image.height;
	*w = image.width > INT32_MAX ? INT32_MAX : (int)image.width;
	png_image_free(&image);
	return TT_OK;
}

/* The luma that JPEG uses, so that grey means the same in both formats. */
static void luma(const uint8_t *rgb, size_t n, uint8_t *grey)
{
	for (size_t i = 0; i < n; i++)
		grey[i] = (uint8_t)((299u * rgb[3 * i] + 587u * rgb[3 * i + 1] +
		                     114u * rgb[3 * i + 2] + 500u) / 1000u);
}

static tt_status png_decode(const struct bytes *in, struct raster *r)
{
	size_t n = (size_t)r->h * (size_t)r->w;
	uint8_t *rgb = r->channels == 3 ? r->p : mem_alloc(3 * n);
	png_image image;
	tt_status st;

	if (!rgb)
		return TT_ENOMEM;
	memset(rgb, 0, 3 * n);                /* what shines through transparency is black */
	if ((st = png_open(in, &image)) == TT_OK) {
		image.format = PNG_FORMAT_RGB;
		if (!png_image_finish_read(&image, NULL, rgb, 0, NULL))
			st = err_set(TT_EFORMAT, "%s: damaged PNG: %s", in->name, image.message);
		png_image_free(&image);
	}
	if (r->channels == 1) {
		luma(rgb, n, r->p);
		mem_free(rgb);
	}
	return st;
}

static const struct codec codecs[] = {
	{ { 0xff, 0xd8, 0xff },     3, jpeg_probe, jpeg_decode },
	{ { 0x89, 'P', 'N', 'G' },  4, png_probe,  png_decode  },
};

static tt_status find_codec(const struct bytes *in, const struct codec **out)
{
	for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (in->n > codecs[i].magic_size &&
		    memcmp(in->p, codecs[i].magic, codecs[i].magic_size) == 0) {
			*out = &codecs[i];
			return TT_OK;
		}
	return err_set(TT_EFORMAT, "%s: neither JPEG nor PNG (%zu bytes)", in->name, in->n);
}

static tt_status probe(const struct codec *c, const struct bytes *in, int *h, int *w)
{
	tt_status st = c->probe(in, h, w);

	if (st != TT_OK)
		return st;
	if (*h < 1 || *w < 1 || *h > IMAGE_MAX_SIDE || *w > IMAGE_MAX_SIDE ||
	    (size_t)*h * (size_t)*w > IMAGE_MAX_PIXELS)
		return err_set(TT_EFORMAT, "%s: a picture of %d x %d pixels is too large", in->name, *h,
		               *w);
	return TT_OK;
}

tt_status image_probe(const struct bytes *in, int *h, int *w)
{
	const struct codec *c;
	tt_status st = find_codec(in, &c);

	return st == TT_OK ? probe(c, in, h, w) : st;
}

/* Interleaved rows to planes, same size. */
static void to_planes(const struct raster *r, uint8_t *out)
{
	size_t n = (size_t)r->h * (size_t)r->w;

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

/* For one axis: output place i is the sum of weight[i * most + k] * in[first[i] + k]. */
struct taps { int n, most; int *first, *count; float *weight; };

static void taps_release(struct taps *t)
{
	mem_free(t->first);
	mem_free(t->count);
	mem_free(t->weight);
}

/* A triangle as wide as the shrinking factor: bilinear when growing, an average when
 * shrinking, so that no pixel is left out. */
static tt_status taps_init(struct taps *t, int in, int out)
{
	double scale = (double)in / out, reach = scale > 1 ? scale : 1;

	*t = (struct taps){ .n = out, .most = (int)ceil(reach) * 2 + 1 };
	t->first = mem_calloc((size_t)out, sizeof *t->first);
	t->count = mem_calloc((size_t)out, sizeof *t->count);
	t->weight = mem_calloc((size_t)out * (size_t)t->most, sizeof *t->weight);
	if (!t->first || !t->count || !t->weight)
		return TT_ENOMEM;
	for (int i = 0; i < out; i++) {
		double centre = (i + 0.5) * scale, sum = 0;
		int lo = (int)fmax(0, floor(centre - reach + 0.5));
		int hi = (int)fmin(in, floor(centre + reach + 0.5));
		float *w = t->weight + (size_t)i * (size_t)t->most;

		t->first[i] = lo;
		t->count[i] = hi - lo;
		for (int k = 0; k < hi - lo; k++) {
			w[k] = (float)fmax(0, 1 - fabs(lo + k + 0.5 - centre) / reach);
			sum += (double)w[k];
		}
		for (int k = 0; k < hi - lo; k++)
			w[k] = (float)((double)w[k] / sum);
	}
	return TT_OK;
}

/* One channel, row by row: r [h][w][C] to wide [h][t->n]. */
static void resize_rows(const struct raster *r, int channel, const struct taps *t, float *wide)
{
	for (int y = 0; y < r->h; y++) {
		const uint8_t *row = r->p + (size_t)y * (size_t)r->w * (size_t)r->channels;

		for (int x = 0; x < t->n; x++) {
			const float *w = t->weight + (size_t)x * (size_t)t->most;
			float sum = 0;

			for (int k = 0; k < t->count[x]; k++)
				sum += w[k] * row[(t->first[x] + k) * r->channels + channel];
			wide[(size_t)y * (size_t)t->n + (size_t)x] = sum;
		}
	}
}

/* And down the columns: wide [h][w] to out [t->n][w]. */
static void resize_columns(const float *wide, int width, const struct taps *t, uint8_t *out)
{
	for (int y = 0; y < t->n; y++)
		for (int x = 0; x < width; x++) {
			const float *w = t->weight + (size_t)y * (size_t)t->most;
			float sum = 0.5f;

			for (int k = 0; k < t->count[y]; k++)
				sum += w[k] * wide[(size_t)(t->first[y] + k) * (size_t)width + (size_t)x];
			out[(size_t)y * (size_t)width + (size_t)x] =
				(uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
		}
}

static tt_status resize(const struct raster *r, int h, int w, uint8_t *out)
{
	struct taps across = {0}, down = {0};
	float *wide = mem_calloc((size_t)r->h * (size_t)w, sizeof *wide);
	tt_status st = wide ? taps_init(&across, r->w, w) : TT_ENOMEM;

	if (st == TT_OK)
		st = taps_init(&down, r->h, h);
	for (int c = 0; st == TT_OK && c < r->channels; c++) {
		resize_rows(r, c, &across, wide);
		resize_columns(wide, w, &down, out + (size_t)c * (size_t)h * (size_t)w);
	}
	taps_release(&across);
	taps_release(&down);
	mem_free(wide);
	return st;
}

tt_status image_decode(const struct bytes *in, int channels, int h, int w, uint8_t *out)
{
	struct raster r = { .channels = channels };
	const struct codec *c;
	tt_status st = find_codec(in, &c);

	if (st != TT_OK || (st = probe(c, in, &r.h, &r.w)) != TT_OK)
		return st;
	if (!(r.p = mem_alloc((size_t)r.h * (size_t)r.w * (size_t)channels)))
		return TT_ENOMEM;
	st = c->decode(in, &r);
	if (st == TT_OK && r.h == h && r.w == w)
		to_planes(&r, out);
	else if (st == TT_OK)
		st = resize(&r, h, w, out);
	mem_free(r.p);
	return st;
}

tt_status image_load(const char *path, int channels, int h, int w, uint8_t *out)
{
	char *file = NULL;
	struct bytes in = { .name = path };
	tt_status st = file_read_all(path, IMAGE_MAX_FILE, &file, &in.n);

	if (st != TT_OK)
		return st;
	in.p = (const uint8_t *)file;
	st = image_decode(&in, channels, h, w, out);
	mem_free(file);
	return st;
}

/* Planes to interleaved rows. */
static void to_rows(const uint8_t *chw, int channels, size_t n, uint8_t *out)
{
	for (int c = 0; c < channels; c++)
		for (size_t i = 0; i < n; i++)
			out[i * (size_t)channels + (size_t)c] = chw[(size_t)c * n + i];
}

tt_status image_encode_png(const uint8_t *chw, int channels, int h, int w, struct str *out)
{
	png_image image = { .version = PNG_IMAGE_VERSION, .height = (uint32_t)h,
	                    .width = (uint32_t)w,
	                    .format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB };
	size_t n = (size_t)h * (size_t)w;
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	uint8_t *rows = mem_alloc(n * (size_t)channels);
	uint8_t *file = mem_alloc(size);
	tt_status st = rows && file ? TT_OK : TT_ENOMEM;

	if (st == TT_OK) {
		to_rows(chw, channels, n, rows);
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
