/* Any bytes as EXIF: as the header of a TIFF, and where a JPEG, PNG and WebP file keep theirs. */
#include <stdlib.h>
#include <string.h>

#include "data/image/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MOST 2048

static void check(int orientation)
{
	if (orientation < 1 || orientation > 8)
		abort();
}

/* The bytes behind what a file of a format begins with. */
static void within(const uint8_t *head, size_t n, const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(n + size);

	if (!file)
		abort();
	memcpy(file, head, n);
	if (size)
		memcpy(file + n, data, size);
	check(exif_orientation(&(struct bytes){ file, n + size, "fuzz" }));
	free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t jpeg[] = { 0xff, 0xd8 }, png[] = "\x89PNG\r\n\x1a\n";
	uint8_t webp[] = "RIFF\0\0\0\0WEBP", app1[] = "\xff\xd8\xff\xe1\0\0Exif\0\0";

	if (size > FILE_MOST)
		return 0;
	check(exif_of_tiff(data, size));
	check(exif_orientation(&(struct bytes){ data, size, "fuzz" }));
	app1[4] = (uint8_t)((size + 8) >> 8);
	app1[5] = (uint8_t)(size + 8);
	webp[4] = (uint8_t)(size + 4);
	webp[5] = (uint8_t)((size + 4) >> 8);
	within(jpeg, sizeof jpeg, data, size);
	within(app1, sizeof app1 - 1, data, size);
	within(png, sizeof png - 1, data, size);
	within(webp, sizeof webp - 1, data, size);
	return 0;
}
