#include "data/image/exif.h"

#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT      3

/* ---- numbers of either end first ---- */

struct span { const uint8_t *p; size_t n; int little; };

static uint32_t get(const struct span *s, size_t at, size_t size)
{
	uint32_t v = 0;

	if (at > s->n || size > s->n - at)
		return 0;
	for (size_t i = 0; i < size; i++)
		v = v << 8 | s->p[at + (s->little ? size - 1 - i : i)];
	return v;
}

int exif_of_tiff(const uint8_t *p, size_t n)
{
	struct span s = { p, n, n > 0 && p[0] == 'I' };
	uint32_t at, entries;

	if (n < 14 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0))
		return 1;
	at = get(&s, 4, 4);
	entries = get(&s, at, 2);
	for (size_t e = at + (size_t)2; entries > 0 && e + 12 <= n; entries--, e += 12)
		if (get(&s, e, 2) == TAG_ORIENTATION) {
			uint32_t v = get(&s, e + 8, get(&s, e + 2, 2) == TYPE_SHORT ? 2 : 4);

			return v >= 1 && v <= 8 ? (int)v : 1;
		}
	return 1;
}

/* ---- where formats keep it ---- */

/* FF, a marker, two bytes of size; the picture begins behind SOS. */
static int of_jpeg(const struct bytes *in)
{
	struct span s = { in->p, in->n, 0 };

	for (size_t at = 2; at + 4 <= in->n && in->p[at] == 0xff;) {
		const int marker = in->p[at + 1];
		const size_t size = get(&s, at + 2, 2);

		if (marker == 0xff) {                 /* padding */
			at++;
			continue;
		}
		if (marker == 0xda || size < 2 || size > in->n - at - 2)
			return 1;
		if (marker == 0xe1 && size >= 8 && memcmp(in->p + at + 4, "Exif\0\0", 6) == 0)
			return exif_of_tiff(in->p + at + 10, size - 8);
		at += 2 + size;
	}
	return 1;
}

/* Size, type, data, checksum. */
static int of_png(const struct bytes *in)
{
	struct span s = { in->p, in->n, 0 };

	for (size_t at = 8; at + 12 <= in->n;) {
		const size_t size = get(&s, at, 4);

		if (size > in->n - at - 12)
			return 1;
		if (memcmp(in->p + at + 4, "eXIf", 4) == 0)
			return exif_of_tiff(in->p + at + 8, size);
		at += 12 + size;
	}
	return 1;
}

/* Type, size, data and a byte that makes it even; some writers leave "Exif" before the data. */
static int of_webp(const struct bytes *in)
{
	struct span s = { in->p, in->n, 1 };

	for (size_t at = 12; at + 8 <= in->n;) {
		const size_t size = get(&s, at + 4, 4), whole = size + (size & 1);
		const size_t skip = size >= 6 && at + 14 <= in->n &&
		                    memcmp(in->p + at + 8, "Exif\0\0", 6) == 0 ? 6 : 0;

		if (size > in->n - at - 8)
			return 1;
		if (memcmp(in->p + at, "EXIF", 4) == 0)
			return exif_of_tiff(in->p + at + 8 + skip, size - skip);
		at += 8 + whole;
	}
	return 1;
}

int exif_orientation(const struct bytes *in)
{
	if (in->n > 12 && memcmp(in->p, "\xff\xd8\xff", 3) == 0)
		return of_jpeg(in);
	if (in->n > 12 && memcmp(in->p, "\x89PNG", 4) == 0)
		return of_png(in);
	if (in->n > 12 && memcmp(in->p, "RIFF", 4) == 0)
		return of_webp(in);
	return 1;
}
