/*   +--------+--------+
 *   | sample | sample |   samples grow by a whole factor until they can be seen
 *   | circle | square |
 *   +--------+--------+ */
#include "data/writers/sheet.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/image/image.h"
#include "data/reader.h"

#define TILE_MIN   64              /* pixels of a sample's picture on the sheet */
#define GAP        4
#define CAPTION    14
#define PAPER      255
#define INK        0

/* Five rows of three pixels, top first: one octal digit per row. */
static const char glyph_names[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
static const uint16_t glyphs[] = {
	025755, 065656, 034443, 065556, 074647, 074644, 034553, 055755, 072227, 011152, 055655,
	044447, 057755, 065555, 025552, 065644, 025563, 065655, 034216, 072222, 055557, 055552,
	055775, 055255, 055222, 071247,
	075557, 026227, 061247, 061216, 055711, 074616, 034757, 071222, 075757, 075716,
	000700, 000007, 000002,
};

struct sheet {
	int      channels, h, w;       /* of the paper                              */
	uint8_t *p;                    /* CHW                                       */
	int      zoom, tile_h, tile_w; /* of a sample: picture alone                */
	int      columns;
};

static void dot(struct sheet *s, int y, int x, int size)
{
	for (int c = 0; c < s->channels; c++)
		for (int i = 0; i < size && y + i < s->h; i++)
			for (int k = 0; k < size && x + k < s->w; k++)
				s->p[((size_t)c * (size_t)s->h + (size_t)(y + i)) * (size_t)s->w +
				     (size_t)(x + k)] = INK;
}

static void put_glyph(struct sheet *s, char c, int y, int x, int size)
{
	const char *at = strchr(glyph_names, tolower((unsigned char)c));

	if (!at || !*at)
		return;
	for (int i = 0; i < 15; i++)
		if (glyphs[at - glyph_names] >> (14 - i) & 1)
			dot(s, y + i / 3 * size, x + i % 3 * size, size);
}

/* As large as fits below the picture; what is too long is cut. */
static void put_text(struct sheet *s, const char *text, int y, int x)
{
	int n = (int)strlen(text), size = n * 8 <= s->tile_w ? 2 : 1;

	for (int i = 0; i < n && (i + 1) * 4 * size <= s->tile_w + size; i++)
		put_glyph(s, text[i], y, x + i * 4 * size, size);
}

static void put_picture(struct sheet *s, const tt_source_info *info, const uint8_t *chw, int y0,
                        int x0)
{
	for (int c = 0; c < s->channels; c++)
		for (int y = 0; y < s->tile_h; y++)
			for (int x = 0; x < s->tile_w; x++)
				s->p[((size_t)c * (size_t)s->h + (size_t)(y0 + y)) * (size_t)s->w +
				     (size_t)(x0 + x)] =
					chw[(c * info->shape[1] + y / s->zoom) * info->shape[2] +
					    x / s->zoom];
}

/* Sample `at` in place i. */
static tt_status put_sample(struct sheet *s, const tt_source *source, int64_t i, int64_t at,
                            uint8_t *chw)
{
	const tt_source_info *info = tt_source_describe(source);
	int y = GAP + (int)(i / s->columns) * (s->tile_h + CAPTION + GAP);
	int x = GAP + (int)(i % s->columns) * (s->tile_w + GAP);
	int32_t label = -1;
	char number[16];
	tt_status st = tt_source_read(source, at, chw, &label, NULL);

	if (st != TT_OK)
		return st;
	put_picture(s, info, chw, y, x);
	if (label < 0)
		return TT_OK;
	snprintf(number, sizeof number, "%d", (int)label);
	put_text(s, info->class_names ? info->class_names[label] : number, y + s->tile_h + 2, x);
	return TT_OK;
}

static tt_status plan(struct sheet *s, const tt_source_info *info, int64_t n)
{
	int64_t h = info->shape[1], w = info->shape[2], least = h < w ? h : w;
	int64_t rows = (n + s->columns - 1) / s->columns;

	s->channels = (int)info->shape[0];
	s->zoom = (int)((TILE_MIN + least - 1) / least);
	s->tile_h = (int)h * s->zoom;
	s->tile_w = (int)w * s->zoom;
	h = GAP + rows * (s->tile_h + CAPTION + GAP);
	w = GAP + (int64_t)s->columns * (s->tile_w + GAP);
	if (h > IMAGE_MAX_SIDE || w > IMAGE_MAX_SIDE || (size_t)(h * w) > IMAGE_MAX_PIXELS)
		return err_set(TT_EINVAL, "a sheet of %lld x %lld pixels is too large: fewer samples",
		               (long long)h, (long long)w);
	s->h = (int)h;
	s->w = (int)w;
	return TT_OK;
}

tt_status sheet_render(const tt_source *source, int64_t n, int columns, struct str *out)
{
	const tt_source_info *info = tt_source_describe(source);
	struct sheet s = { .columns = columns };
	uint8_t *chw = NULL;
	size_t size;
	tt_status st;

	if (info->ndim != 3 || info->type != TT_SAMPLE_U8)
		return err_set(TT_ESUPPORT, "a sheet shows images; this source has none");
	n = n < info->count ? n : info->count;
	if (n < 1 || n > SHEET_MAX || columns < 1 || columns > SHEET_MAX)
		return err_set(TT_EINVAL, "a sheet of %lld samples in %d columns", (long long)n, columns);
	if ((st = plan(&s, info, n)) != TT_OK)
		return st;
	size = (size_t)s.channels * (size_t)s.h * (size_t)s.w;
	s.p = mem_alloc(size);
	chw = mem_alloc(source_bytes(info));
	st = s.p && chw ? TT_OK : TT_ENOMEM;
	if (st == TT_OK)
		memset(s.p, PAPER, size);
	for (int64_t i = 0; st == TT_OK && i < n; i++)
		st = put_sample(&s, source, i, (int64_t)rng_spread(rng_key(0, RNG_LOOK), (uint64_t)n,
		                (uint64_t)info->count, (uint64_t)i), chw);
	if (st == TT_OK)
		st = image_encode_png(s.p, s.channels, s.h, s.w, out);
	mem_free(s.p);
	mem_free(chw);
	return st;
}

tt_status sheet_write(const char *path, const tt_source *source, int64_t n, int columns)
{
	struct str png = {0};
	tt_status st = sheet_render(source, n, columns, &png);

	if (st == TT_OK)
		st = file_write_all(path, png.p, png.len);
	str_release(&png);
	return st;
}
