/* images.c -- pictures in and out of sources, as tutti/data.h has them. */
#include <tutti/data.h>

#include "data/writers/export.h"
#include "data/image/image.h"
#include "data/writers/sheet.h"

tt_status tt_image_read(const char *path, const int64_t shape[3], uint8_t *out)
{
	if (!path || !shape || !out)
		return err_null(__func__);
	if ((shape[0] != 1 && shape[0] != 3) || shape[1] < 1 || shape[1] > IMAGE_MAX_SIDE ||
	    shape[2] < 1 || shape[2] > IMAGE_MAX_SIDE)
		return err_set(TT_EINVAL, "tt_image_read: [%lld, %lld, %lld] is no picture: 1 or 3 planes "
		               "of 1 to %d rows and columns", (long long)shape[0], (long long)shape[1],
		               (long long)shape[2], IMAGE_MAX_SIDE);
	return image_load(path, (int)shape[0], (int)shape[1], (int)shape[2], out);
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
