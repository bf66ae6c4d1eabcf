#include "data/writers/export.h"

#include <ftw.h>
#include <limits.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/image/image.h"
#include "data/reader.h"

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *place)
{
	(void)s;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Names come from outside: only a plain one may become a folder. */
static tt_status class_folder(char *out, const char *dir, const tt_source_info *info, int label)
{
	const char *name = info->class_names ? info->class_names[label] : NULL;
	int digits = info->classes > 100 ? 5 : info->classes > 10 ? 2 : 1;
	int n = name ? snprintf(out, PATH_MAX, "%s/%s", dir, name)
	             : snprintf(out, PATH_MAX, "%s/%0*d", dir, digits, label);

	if (name && (name[0] == '\0' || name[0] == '.' || strchr(name, '/')))
		return err_set(TT_ESUPPORT, "the class name '%s' cannot be a folder", name);
	if (n < 0 || n >= PATH_MAX)
		return err_set(TT_EINVAL, "%s: the path is too long", dir);
	return TT_OK;
}

static tt_status make_folders(const char *dir, const tt_source_info *info)
{
	char folder[PATH_MAX];
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < info->classes; i++)
		if ((st = class_folder(folder, dir, info, i)) == TT_OK)
			st = file_mkdirs(folder);
	return st;
}

/* No fsync for each of many thousand files: the folder's rename is what counts. */
static tt_status write_file(const char *path, const struct str *png)
{
	struct file_log *f = NULL;
	tt_status st = file_log_open(&f, path, FILE_LINKS_REFUSED);

	if (st == TT_OK)
		st = file_log_append(f, png->p, png->len);
	file_log_close(&f);
	return st;
}

static tt_status write_sample(const tt_source *source, const char *dir, int64_t i, uint8_t *chw,
                              struct str *png)
{
	const tt_source_info *info = tt_source_describe(source);
	char folder[PATH_MAX], path[PATH_MAX + 32];
	int32_t label;
	tt_status st;

	if ((st = tt_source_read(source, i, chw, &label, NULL)) != TT_OK ||
	    (st = class_folder(folder, dir, info, label)) != TT_OK)
		return st;
	png->len = 0;
	st = image_encode_png(chw, (int)info->shape[0], (int)info->shape[1], (int)info->shape[2], png);
	if (st != TT_OK)
		return st;
	snprintf(path, sizeof path, "%s/%08lld.png", folder, (long long)i);
	return write_file(path, png);
}

static tt_status write_all(const tt_source *source, const char *dir, int64_t n)
{
	const tt_source_info *info = tt_source_describe(source);
	uint8_t *chw = mem_alloc(source_bytes(info));
	struct str png = {0};
	tt_status st = chw ? make_folders(dir, info) : TT_ENOMEM;

	for (int64_t i = 0; st == TT_OK && i < n; i++)
		st = write_sample(source, dir, (int64_t)rng_spread(rng_key(0, RNG_LOOK), (uint64_t)n,
		                  (uint64_t)info->count, (uint64_t)i), chw, &png);
	mem_free(chw);
	str_release(&png);
	return st;
}

tt_status export_images(const tt_source *source, const char *dir, int64_t n)
{
	const tt_source_info *info = tt_source_describe(source);
	char temporary[PATH_MAX];
	int len = snprintf(temporary, sizeof temporary, "%s.tmp.%ld", dir, (long)getpid());
	tt_status st;

	if (info->ndim != 3 || info->type != TT_SAMPLE_U8 || info->target != TT_TARGET_CLASS)
		return err_set(TT_ESUPPORT, "only images with classes can be written as image folders");
	if (len < 0 || (size_t)len >= sizeof temporary)
		return err_set(TT_EINVAL, "%s: the path is too long", dir);
	if (file_exists(dir))
		return err_set(TT_EINVAL, "%s: exists already; give a new folder", dir);
	n = n > 0 && n < info->count ? n : info->count;
	st = write_all(source, temporary, n);
	if (st == TT_OK && rename(temporary, dir) != 0)
		st = err_set(TT_EIO, "%s: %s", dir, strerror(errno));
	if (st != TT_OK)
		remove_tree(temporary);
	return st;
}
