/* A collection in an archive, by libarchive. */
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/mem.h"
#include "data/image/image.h"
#include "data/readers/image_place.h"

/* Bounds against archives that unpack to more than anybody meant. */
#define MAX_BLOB     ((size_t)8 << 30)
#define MAX_UNPACKED ((int64_t)1 << 38)
#define FREE_BYTES   ((int64_t)1 << 26)       /* which may be there whatever the archive's size */
#define MAX_RATIO    250
#define STEP         ((size_t)1 << 16)

struct pack {
	struct image_archive *m;
	struct archive       *archive;
	enum split            split;
	int64_t               total;              /* bytes of all members so far                */
};

tt_status image_pack_error(const struct image_archive *m, struct archive *a)
{
	const char *text = archive_error_string(a);

	return err_set(TT_EFORMAT, "%s: damaged archive after %zu images: %s", m->name, m->n,
	               text ? text : "cannot be read");
}

/* Filters and formats by name: libarchive's own "all" would start programs for rare ones. */
struct archive *image_pack_new(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_zip(a);
	return a;
}

/* ---- sizes ---- */

static tt_status too_much(const struct pack *k)
{
	return err_set(TT_EFORMAT, "%s: unpacks to more than %d times its size, or to more than %lld "
	               "bytes; unpack it to a folder", k->m->name, MAX_RATIO, (long long)MAX_UNPACKED);
}

static tt_status count_bytes(struct pack *k, int64_t more)
{
	const int64_t most = FREE_BYTES + MAX_RATIO * (int64_t)k->m->packed_size;

	if (more < 0 || more > MAX_UNPACKED - k->total)
		return too_much(k);
	k->total += more;
	return k->total > most ? too_much(k) : TT_OK;
}

static tt_status reserve_blob(struct image_archive *m, size_t more)
{
	size_t cap = m->blob_cap ? m->blob_cap : (size_t)1 << 20;
	uint8_t *p;

	if (more > MAX_BLOB || m->blob_size + more > MAX_BLOB)
		return err_set(TT_EFORMAT, "%s: more than %zu bytes of images; unpack it to a folder",
		               m->name, MAX_BLOB);
	if (m->blob_size + more <= m->blob_cap)
		return TT_OK;
	while (cap < m->blob_size + more)
		cap *= 2;
	if (!(p = mem_realloc(m->blob, cap)))
		return TT_ENOMEM;
	m->blob = p;
	m->blob_cap = cap;
	return TT_OK;
}

/* Append the current member's data to the blob, as much as there really is. */
static tt_status keep_data(struct pack *k, struct archive_entry *e, size_t *size)
{
	struct image_archive *m = k->m;
	const size_t begin = m->blob_size;
	tt_status st;

	for (la_ssize_t n = 1; n > 0; m->blob_size += (size_t)n) {
		if ((st = reserve_blob(m, STEP)) != TT_OK)
			return st;
		if ((n = archive_read_data(k->archive, m->blob + m->blob_size, STEP)) < 0)
			return image_pack_error(m, k->archive);
		if (m->blob_size + (size_t)n - begin > IMAGE_MAX_FILE)
			return err_set(TT_EFORMAT, "%s: member %s of more than %zu bytes is too large", m->name,
			               archive_entry_pathname(e), IMAGE_MAX_FILE);
		if (!archive_entry_size_is_set(e) && (st = count_bytes(k, n)) != TT_OK)
			return st;
	}
	*size = m->blob_size - begin;
	if (archive_entry_size_is_set(e) && (int64_t)*size < archive_entry_size(e))
		return err_set(TT_EFORMAT, "%s: the archive ends within a member", m->name);
	return TT_OK;
}

/* ---- names ---- */

/* Without empty parts and ".": where text ends. */
static void clean(char *path)
{
	char *to = path, *begin = path;

	for (char *p = path, *end; *p; p = end) {
		size_t n = strcspn(p, "/");

		end = p + n + strspn(p + n, "/");
		if (n == 0 || (n == 1 && p[0] == '.'))
			continue;
		if (to != begin)
			*to++ = '/';
		memmove(to, p, n);
		to += n;
	}
	*to = '\0';
}

/* An absolute name, or one with "..": what packs pictures writes none, and who unpacks the archive
 * has the file in another place or not at all. */
static int leads_elsewhere(const char *name)
{
	if (name[0] == '/')
		return 1;
	for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
			return 1;
	return 0;
}

static int any_is_hidden(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
		if (place_is_hidden(p) || strncmp(p, "__MACOSX/", 9) == 0)
			return 1;
	return 0;
}

/* The first folder that is called like a split and holds a folder of a class: where that begins. */
static const char *find_split(const char *path, int *split, const char **name, size_t *length)
{
	for (const char *p = path, *slash; (slash = strchr(p, '/')); p = slash + 1) {
		*length = (size_t)(slash - p);
		*name = p;
		if ((*split = place_split(p, *length)) >= 0 && strchr(slash + 1, '/'))
			return slash + 1;
	}
	*split = -1;
	return path;
}

static const char *path_of(struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);

	return name ? name : archive_entry_pathname_utf8(e);    /* a letter that this locale has not */
}

static int is_link(struct archive_entry *e)
{
	return archive_entry_hardlink(e) || archive_entry_filetype(e) == AE_IFLNK;
}

/* ---- members ---- */

/* May it become a sample?  0: it is left out, and counted. */
static int is_wanted(struct pack *k, struct archive_entry *e, const char *path)
{
	const char *name = path_of(e);
	const char *slash = strrchr(path, '/');
	enum left_out why = LEFT_KINDS;

	if (archive_entry_filetype(e) == AE_IFDIR)
		return 0;
	if (name && leads_elsewhere(name))
		why = LEFT_ELSEWHERE;
	else if (any_is_hidden(path))
		why = LEFT_HIDDEN;
	else if (!image_is_named(slash ? slash + 1 : path))
		why = LEFT_NAME;
	else if (archive_entry_filetype(e) != AE_IFREG)
		why = LEFT_KIND;
	if (why != LEFT_KINDS)
		place_leave(k->m, why, path);
	return why == LEFT_KINDS;
}

static tt_status keep_picture(struct pack *k, struct archive_entry *e, const char *path)
{
	struct member one = { .path = path, .offset = k->m->blob_size, .split = -1 };
	const char *name;
	size_t length;
	tt_status st;

	one.inner = k->split == SPLIT_NONE ? path : find_split(path, &one.split, &name, &length);
	if (one.split >= 0 && (st = place_note(k->m, one.split, name, length)) != TT_OK)
		return st;
	if (one.split >= 0 && one.split != (int)k->split)
		return TT_OK;                           /* another split's: nobody asked for it */
	st = keep_data(k, e, &one.size);
	return st == TT_OK ? place_add(k->m, &one) : st;
}

static tt_status keep_member(struct pack *k, struct archive_entry *e)
{
	const char *name = path_of(e);
	char *path = arena_strdup(&k->m->arena, name ? name : "(a name that cannot be read)");
	const char *slash;

	if (!path)
		return TT_ENOMEM;
	clean(path);
	slash = strrchr(path, '/');
	if (is_link(e) && image_is_named(slash ? slash + 1 : path) && !any_is_hidden(path))
		return err_set(TT_EFORMAT, "%s: member %s is a link; pack what it points to (tar "
		               "--dereference --hard-dereference)", k->m->name, path);
	if (!is_wanted(k, e, path))
		return TT_OK;
	if (archive_entry_is_encrypted(e))
		return err_set(TT_EFORMAT, "%s: member %s is encrypted; unpack it to a folder", k->m->name,
		               path);
	return keep_picture(k, e, path);
}

tt_status image_pack_walk(struct image_archive *m, struct archive *a, enum split split)
{
	struct pack k = { .m = m, .archive = a, .split = split };
	struct archive_entry *e;
	tt_status st = TT_OK;

	while (st == TT_OK) {
		int code = archive_read_next_header(a, &e);

		if (code == ARCHIVE_EOF)
			return TT_OK;
		if (code < ARCHIVE_WARN)
			return image_pack_error(m, a);
		st = count_bytes(&k, archive_entry_size_is_set(e) ? archive_entry_size(e) : 0);
		if (st == TT_OK)
			st = keep_member(&k, e);
	}
	return st;
}
