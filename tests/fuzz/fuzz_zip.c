/* Any bytes as the members of a zip, whose sums and offsets are right, so that what is tried is
 * what comes behind libarchive (fuzz_tar tries all before it):
 *
 *   FLAGS | bytes of the name | name | bytes of the data | data | FLAGS | ...
 *
 * Refused, or every sample lies inside the blob, has a class, and a name that leads nowhere
 * else. */
#include <stdlib.h>
#include <string.h>

#include "data/readers/image_archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMBERS_MOST 16
#define ROOM         (16 << 10)

struct out { uint8_t p[ROOM]; size_t n; };

static uint32_t crc(const uint8_t *p, size_t n)
{
	uint32_t c = ~0u;

	for (size_t i = 0; i < n; i++) {
		c ^= p[i];
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (0xedb88320u & -(c & 1));
	}
	return ~c;
}

static void put(struct out *o, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		o->p[o->n++] = (uint8_t)(v >> 8 * i);
}

static void put_bytes(struct out *o, const uint8_t *p, size_t n)
{
	if (n)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

struct part { const uint8_t *name, *data; uint8_t flags, name_n, data_n; };

/* What both heads of a member share, from its version on. */
static void put_head(struct out *o, const struct part *m)
{
	put(o, 20, 2);
	put(o, (m->flags & 1) | (uint32_t)(m->flags & 2) << 10, 2);      /* encrypted; UTF-8 */
	put(o, 0, 2);                                                    /* stored           */
	put(o, 0x00210000, 4);
	put(o, crc(m->data, m->data_n), 4);
	put(o, m->data_n, 4);
	put(o, m->data_n, 4);
	put(o, m->name_n, 2);
	put(o, 0, 2);
}

static void put_member(struct out *o, struct out *directory, const struct part *m)
{
	static const uint32_t modes[] = { 0100644, 0040755, 0120777, 0010644 };
	const uint32_t at = (uint32_t)o->n;

	put(o, 0x04034b50, 4);
	put_head(o, m);
	put_bytes(o, m->name, m->name_n);
	put_bytes(o, m->data, m->data_n);
	put(directory, 0x02014b50, 4);
	put(directory, 3 << 8 | 20, 2);                                  /* made by Unix     */
	put_head(directory, m);
	put(directory, 0, 2);
	put(directory, 0, 2);
	put(directory, 0, 2);
	put(directory, modes[m->flags >> 2 & 3] << 16, 4);
	put(directory, at, 4);
	put_bytes(directory, m->name, m->name_n);
}

static int take_part(struct part *m, const uint8_t **p, size_t *n)
{
	if (*n < 3 || *n < 3u + (*p)[1] || *n < 3u + (*p)[1] + (*p)[2u + (*p)[1]])
		return 0;
	m->flags = (*p)[0];
	m->name_n = (*p)[1];
	m->name = *p + 2;
	m->data_n = m->name[m->name_n];
	m->data = m->name + m->name_n + 1;
	*n -= 3u + m->name_n + m->data_n;
	*p = m->data + m->data_n;
	return 1;
}

static void pack(struct out *o, const uint8_t *data, size_t size)
{
	static struct out directory;
	struct part m;
	uint32_t members = 0, at;

	o->n = directory.n = 0;
	for (; members < MEMBERS_MOST && take_part(&m, &data, &size); members++)
		put_member(o, &directory, &m);
	at = (uint32_t)o->n;
	put_bytes(o, directory.p, directory.n);
	put(o, 0x06054b50, 4);
	put(o, 0, 4);
	put(o, members, 2);
	put(o, members, 2);
	put(o, (uint32_t)directory.n, 4);
	put(o, at, 4);
	put(o, 0, 2);
}

static void check(const struct image_archive *m)
{
	struct bytes one;
	void *owned;

	for (size_t i = 0; i < m->n; i++) {
		if (image_archive_read(m, i, &one, &owned) != TT_OK || owned)
			abort();
		if (one.n && (one.p < m->blob || one.p + one.n > m->blob + m->blob_size))
			abort();
		if (m->v[i].label < 0 || m->v[i].label >= m->classes || !*m->v[i].class_name)
			abort();
		if (strncmp(one.name, "../", 3) == 0 || strstr(one.name, "/../"))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct out zip;
	struct image_archive m = {0};

	if (size == 0)
		return 0;
	pack(&zip, data + 1, size - 1);
	if (image_archive_parse(&m, &(struct bytes){ zip.p, zip.n, "fuzz" },
	                        (enum split)(data[0] % FOLDER_SPLITS)) == TT_OK)
		check(&m);
	image_archive_release(&m);
	return 0;
}
