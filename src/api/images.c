/* images.c -- pictures in and out of sources, as tutti/data.h has them. */
#include <tutti/data.h>

#include "base/sized.h"
#include "data/writers/export.h"
#include "data/image/image.h"
#include "data/writers/sheet.h"

int tt_image_is_named(const char *path) { return path && image_is_named(path); }

static tt_status take_opts(const tt_image_opts *given, struct image_want *want)
{
	tt_image_opts o;
	tt_status st = sized_options(&o, sizeof o, given, "tt_image_opts");

	if (st != TT_OK)
		return st;
	want->turn = o.orientation == TT_ORIENTATION_STORED ? IMAGE_AS_STORED : IMAGE_UPRIGHT;
	want->deep = o.gray16 == TT_GRAY16_SCALE ? IMAGE_DEEP_SCALE : IMAGE_DEEP_CLIP;
	return image_colour(o.background ? o.background : "none", &want->background);
}

tt_status tt_image_read(const char *path, const int64_t shape[3], uint8_t *out)
{
	return tt_image_read_as(path, shape, NULL, out);
}

tt_status tt_image_read_as(const char *path, const int64_t shape[3], const tt_image_opts *opts,
                           uint8_t *out)
{
	struct image_want want = {0};
	tt_status st;

	if (!path || !shape || !out)
		return err_null(__func__);
	if ((shape[0] != 1 && shape[0] != 3) || shape[1] < 1 || shape[1] > IMAGE_MAX_SIDE ||
	    shape[2] < 1 || shape[2] > IMAGE_MAX_SIDE)
		return err_set(TT_EINVAL, "tt_image_read: [%lld, %lld, %lld] is no image: 1 or 3 planes "
		               "of 1 to %d rows and columns", (long long)shape[0], (long long)shape[1],
		               (long long)shape[2], IMAGE_MAX_SIDE);
	want.channels = (int)shape[0];
	want.h = (int)shape[1];
	want.w = (int)shape[2];
	st = take_opts(opts, &want);
	return st == TT_OK ? image_load(path, &want, out) : st;
}

tt_status tt_source_sheet(const tt_source *s, int64_t n, int columns, const char *path)
{
	if (!s || !path)
		return err_null(__func__);
	return sheet_write(path, s, n, columns);
}

tt_status tt_source_export(const tt_source *s, int64_t n, const char *dir)
{
	if (!s || !dir)
		return err_null(__func__);
	return export_images(s, dir, n);
}
