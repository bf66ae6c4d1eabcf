#include "data/readers/image_archive.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <archive.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/image/image.h"
#include "data/readers/image_place.h"

#define PACK_BLOCK ((size_t)1 << 17)

static tt_status no_memory(const char *name)
{
	return err_set(TT_ENOMEM, "%s: no memory to read an archive", name);
}

static tt_status open_pack(struct image_archive *m, const char *path, enum split split)
{
	struct archive *a;
	struct stat s;
	tt_status st;

	if (stat(path, &s) != 0)
		return err_set(errno == ENOENT ? TT_ENOENT : TT_EIO, "%s: no such file or folder", path);
	if (!S_ISREG(s.st_mode))
		return err_set(TT_EFORMAT, "%s: neither a folder nor a regular file", path);
	m->packed_size = (size_t)s.st_size;
	if (!(a = image_pack_new()))
		return no_memory(path);
	if (archive_read_open_filename(a, path, PACK_BLOCK) != ARCHIVE_OK)
		st = image_pack_error(m, a);
	else
		st = image_pack_walk(m, a, split);
	archive_read_free(a);
	return st;
}

tt_status image_archive_open(struct image_archive *m, const char *path, enum split split)
{
	tt_status st;

	if (!(m->name = arena_strdup(&m->arena, path)))
		return TT_ENOMEM;
	st = file_is_dir(path) ? image_folder_walk(m, path, split) : open_pack(m, path, split);
	return st == TT_OK ? place_all(m, split) : st;
}

tt_status image_archive_parse(struct image_archive *m, const struct bytes *in, enum split split)
{
	struct archive *a = image_pack_new();
	tt_status st;

	m->name = in->name;
	m->packed_size = in->n;
	if (!a)
		return no_memory(in->name);
	if (archive_read_open_memory(a, in->p, in->n) != ARCHIVE_OK)
		st = image_pack_error(m, a);
	else
		st = image_pack_walk(m, a, split);
	archive_read_free(a);
	return st == TT_OK ? place_all(m, split) : st;
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
