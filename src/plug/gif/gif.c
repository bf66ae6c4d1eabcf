/* GIF by giflib: the first picture, on its screen. */
#include <gif_lib.h>

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "data/image/codec.h"
#include "sys/plug.h"

/* The first picture, before its pixels. */
struct frame {
	GifFileType          *gif;
	const struct bytes   *in;
	size_t                at;
	int                   clear;       /* the colour that is transparent, -1: none            */
	const ColorMapObject *map;         /* NULL: grey                                          */
};

static int take(GifFileType *gif, GifByteType *out, int n)
{
	struct frame *f = gif->UserData;
	const size_t left = f->in->n - f->at, taken = (size_t)n < left ? (size_t)n : left;

	memcpy(out, f->in->p + f->at, taken);
	f->at += taken;
	return (int)taken;
}

static void close_frame(struct frame *f)
{
	int code;

	if (f->gif)
		(void)DGifCloseFile(f->gif, &code);
	f->gif = NULL;
}

static tt_status damaged(struct frame *f, int code)
{
	const char *word = GifErrorString(code);
	tt_status st = err_set(TT_EFORMAT, "%s: damaged GIF: %s", f->in->name,
	                       word ? word : "it holds no image");

	close_frame(f);
	return st;
}

/* All blocks of an extension; one of them may say what is transparent. */
static int read_extension(struct frame *f)
{
	GraphicsControlBlock control;
	GifByteType *block;
	int kind;

	if (DGifGetExtension(f->gif, &kind, &block) == GIF_ERROR)
		return GIF_ERROR;
	if (kind == GRAPHICS_EXT_FUNC_CODE && block &&
	    DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
		f->clear = control.TransparentColor;
	while (block)
		if (DGifGetExtensionNext(f->gif, &block) == GIF_ERROR)
			return GIF_ERROR;
	return GIF_OK;
}

/* Up to the first picture's pixels; on success to be closed. */
static tt_status open_frame(struct frame *f, const struct bytes *in)
{
	GifRecordType record = UNDEFINED_RECORD_TYPE;
	int code = 0;

	*f = (struct frame){ .in = in, .clear = -1 };
	if (!(f->gif = DGifOpen(f, take, &code)))
		return damaged(f, code);
	while (record != IMAGE_DESC_RECORD_TYPE) {
		if (DGifGetRecordType(f->gif, &record) == GIF_ERROR)
			return damaged(f, f->gif->Error);
		if (record == TERMINATE_RECORD_TYPE)
			return damaged(f, 0);
		if (record == EXTENSION_RECORD_TYPE && read_extension(f) == GIF_ERROR)
			return damaged(f, f->gif->Error);
	}
	if (DGifGetImageDesc(f->gif) == GIF_ERROR)
		return damaged(f, f->gif->Error);
	f->map = f->gif->Image.ColorMap ? f->gif->Image.ColorMap : f->gif->SColorMap;
	return TT_OK;
}

static int most(int a, int b)
{
	return a > b ? a : b;
}

/* A picture that is larger than the screen makes it larger. */
static tt_status gif_probe(const struct bytes *in, struct raster *r)
{
	struct frame f;
	tt_status st = open_frame(&f, in);

	if (st != TT_OK)
		return st;
	r->w = most(f.gif->SWidth, f.gif->Image.Left + f.gif->Image.Width);
	r->h = most(f.gif->SHeight, f.gif->Image.Top + f.gif->Image.Height);
	r->channels = f.clear >= 0 ? 4 : 3;
	close_frame(&f);
	return TT_OK;
}

static void put(const struct frame *f, struct raster *r, size_t at, int index)
{
	uint8_t *p = r->p + at * (size_t)r->channels;

	if (!f->map) {
		memset(p, index, 3);
	} else {
		const GifColorType none = { 0, 0, 0 };
		const GifColorType *c = index < f->map->ColorCount ? &f->map->Colors[index] : &none;

		p[0] = c->Red;
		p[1] = c->Green;
		p[2] = c->Blue;
	}
	if (r->channels == 4)
		p[3] = index == f->clear ? 0 : 255;
}

/* Rows in the order of the file: all, or every eighth, those between, every quarter, every half. */
static tt_status read_rows(struct frame *f, struct raster *r, GifPixelType *line)
{
	static const struct { int first, step; } passes[] = { { 0, 8 }, { 4, 8 }, { 2, 4 }, { 1, 2 } };
	const GifImageDesc *i = &f->gif->Image;
	const int n = i->Interlace ? 4 : 1;

	for (int pass = 0; pass < n; pass++)
		for (int y = i->Interlace ? passes[pass].first : 0; y < i->Height;
		     y += i->Interlace ? passes[pass].step : 1) {
			size_t at = (size_t)(i->Top + y) * (size_t)r->w + (size_t)i->Left;

			if (DGifGetLine(f->gif, line, i->Width) == GIF_ERROR)
				return damaged(f, f->gif->Error);
			for (int x = 0; x < i->Width; x++)
				put(f, r, at++, line[x]);
		}
	return TT_OK;
}

static tt_status gif_decode(const struct bytes *in, struct raster *r)
{
	struct frame f;
	GifPixelType *line;
	tt_status st = open_frame(&f, in);

	if (st != TT_OK)
		return st;
	for (size_t i = 0; i < raster_pixels(r); i++)
		put(&f, r, i, f.clear >= 0 ? f.clear : 0);
	if (!(line = mem_alloc((size_t)f.gif->Image.Width + 1))) {
		close_frame(&f);
		return TT_ENOMEM;
	}
	st = read_rows(&f, r, line);
	mem_free(line);
	close_frame(&f);
	return st;
}

static const char *version(void)
{
	static char text[24];

	snprintf(text, sizeof text, "%d.%d.%d", GIFLIB_MAJOR, GIFLIB_MINOR, GIFLIB_RELEASE);
	return text;
}

static const struct codec gif_codec = { .name = "GIF", .probe = gif_probe, .decode = gif_decode };

extern const struct plug gif_plug;
const struct plug gif_plug = PLUG(
	.kind = PLUG_CODEC, .name = "gif", .version = version, .ops = &gif_codec,
	.serves = "GIF images");
