/* JPEG by libjpeg: grey, YCbCr, RGB, CMYK and YCCK.
 *
 * What it repairs silently would be half a picture in grey, so most of its warnings are errors
 * here; those that leave the pixels whole are not. */
#include "data/image/formats.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#define VECTOR    32            /* bytes that libjpeg-turbo writes at once                      */
#define SCANS_MAX  100           /* a file of some bytes could ask for thousands of large ones */

struct decoder {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr         error;
	struct jpeg_progress_mgr      progress;
	struct jpeg_source_mgr        source;
	jmp_buf                       escape;
	char                          text[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr jpeg)
{
	struct decoder *d = jpeg->client_data;

	jpeg->err->format_message(jpeg, d->text);
	longjmp(d->escape, 1);
}

/* Bytes too many before a marker, an unknown version: the pixels are whole. */
static int is_harmless(int code)
{
	return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM ||
	       code == JWRN_BOGUS_PROGRESSION;
}

static void hear(j_common_ptr jpeg, int level)
{
	if (level < 0 && !is_harmless(jpeg->err->msg_code))
		fail(jpeg);
}

static void keep_silent(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void count_scans(j_common_ptr jpeg)
{
	struct decoder *d = jpeg->client_data;

	if (d->jpeg.input_scan_number <= SCANS_MAX)
		return;
	snprintf(d->text, sizeof d->text, "more than %d scans", SCANS_MAX);
	longjmp(d->escape, 1);
}

/* ---- the source: all of it is there ---- */

static void nothing(j_decompress_ptr jpeg)
{
	(void)jpeg;
}

static boolean ended(j_decompress_ptr jpeg)
{
	struct decoder *d = jpeg->client_data;

	snprintf(d->text, sizeof d->text, "it ends early");
	longjmp(d->escape, 1);
}

static void skip(j_decompress_ptr jpeg, long n)
{
	if (n <= 0)
		return;
	if ((size_t)n > jpeg->src->bytes_in_buffer)
		(void)ended(jpeg);
	jpeg->src->next_input_byte += n;
	jpeg->src->bytes_in_buffer -= (size_t)n;
}

/* To be called under setjmp. */
static void start(struct decoder *d, const struct bytes *in)
{
	d->jpeg.client_data = d;
	jpeg_create_decompress(&d->jpeg);
	d->source = (struct jpeg_source_mgr){
		.next_input_byte = in->p, .bytes_in_buffer = in->n, .init_source = nothing,
		.fill_input_buffer = ended, .skip_input_data = skip, .term_source = nothing,
		.resync_to_restart = jpeg_resync_to_restart,
	};
	d->progress.progress_monitor = count_scans;
	d->jpeg.src = &d->source;
	d->jpeg.progress = &d->progress;
	jpeg_read_header(&d->jpeg, TRUE);
}

static void init(struct decoder *d)
{
	memset(d, 0, sizeof *d);
	d->jpeg.err = jpeg_std_error(&d->error);
	d->error.error_exit = fail;
	d->error.emit_message = hear;
	d->error.output_message = keep_silent;
}

static tt_status damaged(const struct bytes *in, struct decoder *d)
{
	jpeg_destroy_decompress(&d->jpeg);
	return err_set(TT_EFORMAT, "%s: damaged JPEG: %s", in->name, d->text);
}

static tt_status jpeg_probe(const struct bytes *in, struct raster *r)
{
	struct decoder d;
	int n;

	init(&d);
	if (setjmp(d.escape))
		return damaged(in, &d);
	start(&d, in);
	r->h = (int)d.jpeg.image_height;
	r->w = (int)d.jpeg.image_width;
	n = d.jpeg.num_components;
	r->channels = n == 1 ? 1 : 3;
	jpeg_destroy_decompress(&d.jpeg);
	if (n == 1 || n == 3 || n == 4)
		return TT_OK;
	return err_set(TT_EFORMAT, "%s: a JPEG of %d colours; known are grey, RGB and CMYK", in->name,
	               n);
}

/* Of x parts in 255 the part a, rounded. */
static unsigned part(unsigned a, unsigned x)
{
	unsigned t = a * x + 128;

	return ((t >> 8) + t) >> 8;
}

/* Inks are stored as Adobe does, 255 for none of it. */
static void inks_to_rgb(const uint8_t *ink, int n, uint8_t *rgb)
{
	for (int i = 0; i < n; i++, ink += 4, rgb += 3)
		for (int c = 0; c < 3; c++)
			rgb[c] = (uint8_t)(ink[3] - part(255u - ink[c], ink[3]));
}

/* A row, the decoder's, that is not aligned for vectors: to aligned ones libjpeg-turbo writes past
 * the cache, and they have to come back from memory at once. */
static JSAMPROW odd_row(struct decoder *d, int w)
{
	uint8_t *p = d->jpeg.mem->alloc_large((j_common_ptr)&d->jpeg, JPOOL_IMAGE,
	                                      (size_t)w * 4 + 2 * VECTOR);

	return p + (VECTOR - (uintptr_t)p % VECTOR) + VECTOR / 2;
}

/* To be called under setjmp. */
static void read_rows(struct decoder *d, struct raster *r)
{
	const size_t stride = (size_t)r->w * (size_t)r->channels;
	const int inks = d->jpeg.num_components == 4;
	JSAMPROW line;

	d->jpeg.out_color_space = inks ? JCS_CMYK : r->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
	d->jpeg.dct_method = JDCT_ISLOW;
	jpeg_start_decompress(&d->jpeg);
	line = odd_row(d, r->w);
	while (d->jpeg.output_scanline < d->jpeg.output_height) {
		uint8_t *row = r->p + d->jpeg.output_scanline * stride;

		if (jpeg_read_scanlines(&d->jpeg, &line, 1) != 1)
			continue;
		if (inks)
			inks_to_rgb(line, r->w, row);
		else
			memcpy(row, line, stride);
	}
	jpeg_finish_decompress(&d->jpeg);
}

static tt_status jpeg_decode(const struct bytes *in, struct raster *r)
{
	struct decoder d;

	init(&d);
	if (setjmp(d.escape))
		return damaged(in, &d);
	start(&d, in);
	read_rows(&d, r);
	jpeg_destroy_decompress(&d.jpeg);
	return TT_OK;
}

const struct codec jpeg_codec = { .name = "JPEG", .probe = jpeg_probe, .decode = jpeg_decode };
