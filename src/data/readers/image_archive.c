#include "data/readers/image_archive.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/image/image.h"

/* Bounds against archives that unpack to more than anybody meant. */
#define MAX_MEMBERS  ((size_t)50000000)
#define MAX_BLOB     ((size_t)8 << 30)
#define MAX_UNPACKED ((int64_t)1 << 38)
#define MAX_CLASSES  100000
#define TAR_BLOCK    ((size_t)1 << 17)

static int is_picture(const char *file)
{
	static const char *const ends[] = { ".jpg", ".jpeg", ".png", ".bmp" };
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return file[0] != '.';          /* ._x.jpg is a note of macOS, no picture */
	return 0;
}

static tt_status add_member(struct image_archive *m, const struct member *one)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 256;
		struct member *v = m->n < MAX_MEMBERS ? mem_realloc(m->v, cap * sizeof *v) : NULL;

		if (!v)
			return err_set(TT_ENOMEM, "%s: no memory for more than %zu pictures", m->name, m->n);
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n++] = *one;
	return TT_OK;
}

/* ---- a folder ---------------------------------------------------------------- */

typedef tt_status (*visit)(struct image_archive *m, const char *path, const char *name, void *ctx);

static tt_status each_entry(struct image_archive *m, const char *path, visit f, void *ctx)
{
	DIR *d = opendir(path);
	tt_status st = TT_OK;

	if (!d)
		return err_set(errno == ENOENT ? TT_ENOENT : TT_EIO, "%s: %s", path, strerror(errno));
	for (struct dirent *e; st == TT_OK && (e = readdir(d)) != NULL;) {
		char *full;

		if (e->d_name[0] == '.')
			continue;
		full = arena_printf(&m->arena, "%s/%s", path, e->d_name);
		st = full ? f(m, full, full + strlen(path) + 1, ctx) : TT_ENOMEM;
	}
	closedir(d);
	return st;
}

static tt_status visit_file(struct image_archive *m, const char *path, const char *name,
							void *class_name)
{
	if (!is_picture(name) || file_is_dir(path))
		return TT_OK;
	return add_member(m, &(struct member){ .class_name = class_name, .file = name, .path = path });
}

static tt_status visit_class(struct image_archive *m, const char *path, const char *name, void *ctx)
{
	const size_t before = m->n;
	tt_status st;

	(void)ctx;
	if (!file_is_dir(path))
		return TT_OK;
	st = each_entry(m, path, visit_file, (void *)(uintptr_t)name);
	if (st == TT_OK && m->n == before)      /* without it the classes behind would be renumbered */
		return err_set(TT_EFORMAT, "%s: no JPEG or PNG picture in this folder of a class: put some "
		               "in, or remove it", path);
	return st;
}

static tt_status no_such_split(const struct image_archive *m, enum split split)
{
	return err_set(TT_ENOENT, "%s: there is no folder %s/ in it", m->name, folder_words[split]);
}

/* Where the classes lie: DIR/SPLIT, or DIR if it has no such folders. */
static tt_status open_folder(struct image_archive *m, const char *path, enum split split)
{
	char *below[FOLDER_SPLITS];
	int seen = 0;

	for (int i = 0; i < FOLDER_SPLITS; i++) {
		if (!(below[i] = arena_printf(&m->arena, "%s/%s", path, folder_words[i])))
			return TT_ENOMEM;
		seen += file_is_dir(below[i]);
	}
	m->on_disk = 1;
	if (file_is_dir(below[split]))
		return each_entry(m, below[split], visit_class, NULL);
	if (split != SPLIT_TRAIN || seen)
		return no_such_split(m, split);
	return each_entry(m, path, visit_class, NULL);
}

/* ---- a tar ------------------------------------------------------------------- */

/* What a walk over the tar knows. */
struct walk {
	struct archive *archive;
	enum split      split;
	int             seen;          /* members were found below SPLIT/   */
	int             others;        /* and below another split's folder  */
	size_t          loose;         /* members below none of them        */
};

static tt_status tar_error(const struct image_archive *m, struct walk *w)
{
	const char *text = archive_error_string(w->archive);

	return err_set(TT_EFORMAT, "%s: damaged archive after %zu pictures: %s", m->name, m->n,
	               text ? text : "cannot be read");
}

/* The class, file and split that a member's path tells; 0 if it is no picture of a class. */
static int take_path(char *path, struct member *one, int *split)
{
	char *file = strrchr(path, '/'), *class_name, *parent;

	if (!file || file == path || !is_picture(file + 1))
		return 0;
	*file++ = '\0';
	class_name = strrchr(path, '/');
	one->class_name = class_name ? class_name + 1 : path;
	one->file = file;
	*split = -1;
	if (class_name) {
		*class_name = '\0';
		parent = strrchr(path, '/');
		parent = parent ? parent + 1 : path;
		for (int s = 0; s < FOLDER_SPLITS; s++)
			if (strcmp(parent, folder_words[s]) == 0)
				*split = s;
	}
	return one->class_name[0] != '\0';
}

static tt_status reserve_blob(struct image_archive *m, size_t more)
{
	size_t cap = m->blob_cap ? m->blob_cap : (size_t)1 << 20;
	uint8_t *p;

	if (more > MAX_BLOB || m->blob_size + more > MAX_BLOB)
		return err_set(TT_EFORMAT, "%s: more than %zu bytes of pictures; unpack it to a folder",
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

/* Append the current member's data to the blob. */
static tt_status keep_data(struct image_archive *m, struct walk *w, size_t size)
{
	size_t done = 0;
	tt_status st = reserve_blob(m, size);

	while (st == TT_OK && done < size) {
		la_ssize_t n = archive_read_data(w->archive, m->blob + m->blob_size + done, size - done);

		if (n < 0)
			return tar_error(m, w);
		if (n == 0)
			return err_set(TT_EFORMAT, "%s: the archive ends within a member", m->name);
		done += (size_t)n;
	}
	m->blob_size += done;
	return st;
}

static int is_link(struct archive_entry *e)
{
	return archive_entry_hardlink(e) || archive_entry_filetype(e) == AE_IFLNK;
}

static tt_status keep_member(struct image_archive *m, struct walk *w, struct archive_entry *e)
{
	const char *name = archive_entry_pathname(e);
	int64_t size = archive_entry_size(e);
	struct member one = { .offset = m->blob_size };
	char *path, *whole;
	int split;
	tt_status st;

	if (name && is_link(e) && is_picture(name))
		return err_set(TT_EFORMAT, "%s: member %s is a link; pack what it points to (tar "
		               "--dereference --hard-dereference)", m->name, name);
	if (!name || archive_entry_filetype(e) != AE_IFREG)
		return TT_OK;
	path = arena_strdup(&m->arena, name);
	whole = arena_strdup(&m->arena, name);
	if (!path || !whole)
		return TT_ENOMEM;
	if (!take_path(path, &one, &split))
		return TT_OK;
	w->seen |= split == (int)w->split;
	if (split >= 0 && split != (int)w->split) {
		w->others = 1;
		return TT_OK;
	}
	if (size < 0 || (uint64_t)size > IMAGE_MAX_FILE)
		return err_set(TT_EFORMAT, "%s: member %s of %lld bytes is too large", m->name, name,
		               (long long)size);
	w->loose += split < 0;
	one.size = (size_t)size;
	one.path = whole;
	one.label = split;                    /* for now: drop_loose looks at it */
	st = keep_data(m, w, one.size);
	return st == TT_OK ? add_member(m, &one) : st;
}

/* Once there is a folder of a split, what lies beside it belongs to none. */
static tt_status drop_loose(struct image_archive *m, const struct walk *w)
{
	size_t n = 0;

	if (!w->seen && (w->split != SPLIT_TRAIN || w->others))
		return no_such_split(m, w->split);
	if (!w->seen || w->loose == 0)
		return TT_OK;
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].label >= 0)
			m->v[n++] = m->v[i];
	m->n = n;
	return TT_OK;
}

static tt_status walk_tar(struct image_archive *m, struct walk *w)
{
	struct archive_entry *e;
	int64_t total = 0;
	tt_status st = TT_OK;

	while (st == TT_OK) {
		int code = archive_read_next_header(w->archive, &e);

		if (code == ARCHIVE_EOF)
			return drop_loose(m, w);
		if (code < ARCHIVE_WARN)
			return tar_error(m, w);
		int64_t size = archive_entry_size(e);
		if (size < 0 || size > MAX_UNPACKED - total)
			return err_set(TT_EFORMAT, "%s: unpacks to more than %lld bytes; unpack it to a folder",
			               m->name, (long long)MAX_UNPACKED);
		total += size + 512;
		st = keep_member(m, w, e);
	}
	return st;
}

/* Filters by name: libarchive's own "all" would start programs for rare ones. */
static struct archive *new_archive(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_format_tar(a);
	return a;
}

static tt_status open_tar(struct image_archive *m, const char *path, enum split split)
{
	struct walk w = { .archive = new_archive(), .split = split };
	tt_status st;

	if (!w.archive)
		return err_set(TT_ENOMEM, "%s: no memory to read an archive", path);
	if (!file_exists(path))
		st = err_set(TT_ENOENT, "%s: no such file or folder", path);
	else if (archive_read_open_filename(w.archive, path, TAR_BLOCK) != ARCHIVE_OK)
		st = tar_error(m, &w);
	else
		st = walk_tar(m, &w);
	archive_read_free(w.archive);
	return st;
}

/* ---- both -------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = x->class_name == y->class_name ? 0 : strcmp(x->class_name, y->class_name);

	return c ? c : strcmp(x->file, y->file);
}

static int starts_class(const struct image_archive *m, size_t i)
{
	return i == 0 || strcmp(m->v[i - 1].class_name, m->v[i].class_name) != 0;
}

/* Sort, and number the classes. */
static tt_status finish(struct image_archive *m)
{
	int classes = 0;

	if (m->n == 0)
		return err_set(TT_EFORMAT, "%s: no folder of JPEG or PNG pictures in it", m->name);
	qsort(m->v, m->n, sizeof *m->v, compare);
	for (size_t i = 0; i < m->n; i++)
		classes += starts_class(m, i);
	if (classes > MAX_CLASSES)
		return err_set(TT_EFORMAT, "%s: more than %d classes", m->name, MAX_CLASSES);
	if (!(m->class_names = arena_alloc(&m->arena, (size_t)classes * sizeof *m->class_names)))
		return TT_ENOMEM;
	for (size_t i = 0; i < m->n; i++) {
		if (starts_class(m, i))
			m->class_names[m->classes++] = m->v[i].class_name;
		m->v[i].label = m->classes - 1;
	}
	return TT_OK;
}

tt_status image_archive_open(struct image_archive *m, const char *path, enum split split)
{
	tt_status st;

	if (!(m->name = arena_strdup(&m->arena, path)))
		return TT_ENOMEM;
	st = file_is_dir(path) ? open_folder(m, path, split) : open_tar(m, path, split);
	return st == TT_OK ? finish(m) : st;
}

tt_status image_archive_parse_tar(struct image_archive *m, const struct bytes *in, enum split split)
{
	struct walk w = { .archive = new_archive(), .split = split };
	tt_status st;

	m->name = in->name;
	if (!w.archive)
		return err_set(TT_ENOMEM, "%s: no memory to read an archive", in->name);
	if (archive_read_open_memory(w.archive, in->p, in->n) != ARCHIVE_OK)
		st = tar_error(m, &w);
	else
		st = walk_tar(m, &w);
	archive_read_free(w.archive);
	return st == TT_OK ? finish(m) : st;
}

tt_status image_archive_read(const struct image_archive *m, size_t i, struct bytes *out,
							 void **owned)
{
	const struct member *one = &m->v[i];
	char *p = NULL;
	tt_status st = TT_OK;

	*owned = NULL;
	out->name = one->path;
	if (m->on_disk) {
		st = file_read_all(one->path, IMAGE_MAX_FILE, &p, &out->n);
		*owned = p;
		out->p = (const uint8_t *)p;
	} else if (one->size) {                     /* nothing but empty files: no blob */
		out->p = m->blob + one->offset;
		out->n = one->size;
	} else {
		out->p = (const uint8_t *)"";
		out->n = 0;
	}
	return st;
}

void image_archive_release(struct image_archive *m)
{
	mem_free(m->v);
	mem_free(m->blob);
	arena_release(&m->arena);
	*m = (struct image_archive){0};
}
