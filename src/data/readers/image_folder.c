/* A collection on disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/image/image.h"
#include "data/readers/image_place.h"

#define DEPTH_MAX 32

struct walk {
	struct image_archive *m;
	size_t                root;             /* bytes of the path before `inner` begins    */
	int                   split, depth;
	struct { dev_t dev; ino_t ino; } above[DEPTH_MAX];     /* the folders that we are in  */
};

enum kind { KIND_FILE, KIND_FOLDER, KIND_DANGLING, KIND_OTHER };

/* What a name is, behind links. */
static enum kind kind_of(int folder, const struct dirent *e)
{
	struct stat s;

	if (e->d_type == DT_REG)
		return KIND_FILE;
	if (e->d_type == DT_DIR)
		return KIND_FOLDER;
	if (fstatat(folder, e->d_name, &s, 0) != 0)
		return KIND_DANGLING;
	return S_ISDIR(s.st_mode) ? KIND_FOLDER : S_ISREG(s.st_mode) ? KIND_FILE : KIND_OTHER;
}

static tt_status cannot(const char *path)
{
	return err_set(errno == ENOENT ? TT_ENOENT : TT_EIO, "%s: %s", path, strerror(errno));
}

/* Does it hold a folder?  One of pictures alone is a class, whatever its name. */
static int holds_folders(const char *path)
{
	DIR *d = opendir(path);
	int found = 0;

	if (!d)
		return 0;
	for (struct dirent *e; !found && (e = readdir(d)) != NULL;)
		found = !place_is_hidden(e->d_name) && kind_of(dirfd(d), e) == KIND_FOLDER;
	closedir(d);
	return found;
}

/* Down into a folder; 0: it is one that we are in, or too deep. */
static int enter(struct walk *w, int folder)
{
	struct stat s;

	if (w->depth == DEPTH_MAX || fstat(folder, &s) != 0)
		return 0;
	for (int i = 0; i < w->depth; i++)
		if (w->above[i].dev == s.st_dev && w->above[i].ino == s.st_ino)
			return 0;
	w->above[w->depth].dev = s.st_dev;
	w->above[w->depth++].ino = s.st_ino;
	return 1;
}

static tt_status take_file(struct walk *w, const char *path, enum kind kind)
{
	const char *file = strrchr(path, '/') + 1;

	if (!image_is_named(file))
		place_leave(w->m, LEFT_NAME, path);
	else if (kind == KIND_DANGLING)
		place_leave(w->m, LEFT_DANGLING, path);
	else if (kind == KIND_OTHER)
		place_leave(w->m, LEFT_KIND, path);
	else
		return place_add(w->m, &(struct member){ .inner = path + w->root, .path = path,
		                                         .split = w->split });
	return TT_OK;
}

typedef tt_status (*visit)(struct walk *w, const char *path, enum kind kind);

/* Every name in a folder that is not hidden. */
static tt_status each(struct walk *w, const char *path, visit f)
{
	DIR *d = opendir(path);
	tt_status st = TT_OK;

	if (!d)
		return cannot(path);
	if (!enter(w, dirfd(d))) {
		place_leave(w->m, LEFT_LOOP, path);
		closedir(d);
		return TT_OK;
	}
	for (struct dirent *e; st == TT_OK && (e = readdir(d)) != NULL;) {
		char *full;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		full = arena_printf(&w->m->arena, "%s/%s", path, e->d_name);
		if (!full)
			st = TT_ENOMEM;
		else if (place_is_hidden(e->d_name))
			place_leave(w->m, LEFT_HIDDEN, full);
		else
			st = f(w, full, kind_of(dirfd(d), e));
	}
	w->depth--;
	closedir(d);
	return st;
}

static tt_status visit_inside(struct walk *w, const char *path, enum kind kind)
{
	return kind == KIND_FOLDER ? each(w, path, visit_inside) : take_file(w, path, kind);
}

/* A folder of a class, which holds a picture at least: without one, the classes behind it would be
 * renumbered. */
static tt_status visit_class(struct walk *w, const char *path, enum kind kind)
{
	const size_t before = w->m->n, loops = w->m->left[LEFT_LOOP].n;
	tt_status st;

	if (kind != KIND_FOLDER)
		return take_file(w, path, kind);
	if ((st = each(w, path, visit_inside)) != TT_OK || w->m->n > before ||
	    w->m->left[LEFT_LOOP].n > loops)
		return st;
	return err_set(TT_EFORMAT, "%s: no image (" IMAGE_FORMATS ") in this folder of a class: put "
	               "some in, or remove it", path);
}

/* ---- the top ---- */

static tt_status visit_split(struct walk *w, const char *path, enum kind kind)
{
	const char *name = path + w->root;
	const int split = place_split(name, strlen(name));

	return kind == KIND_FOLDER && split >= 0 && holds_folders(path)
		? place_note(w->m, split, name, strlen(name)) : TT_OK;
}

/* What lies beside the split's folder, which nobody enters. */
static tt_status visit_beside(struct walk *w, const char *path, enum kind kind)
{
	const char *name = path + w->root;
	const int split = place_split(name, strlen(name));

	if (split < 0 || !w->m->spelling[split])
		place_leave(w->m, kind == KIND_FOLDER || image_is_named(name) ? LEFT_OUTSIDE : LEFT_NAME,
		            path);
	return TT_OK;
}

static tt_status walk_split(struct walk *w, const char *path, enum split split)
{
	const char *folder = arena_printf(&w->m->arena, "%s/%s", path, w->m->spelling[split]);
	tt_status st = folder ? each(w, path, visit_beside) : TT_ENOMEM;

	if (st != TT_OK)
		return st;
	w->root = strlen(folder) + 1;
	w->split = (int)split;
	return each(w, folder, visit_class);
}

tt_status image_folder_walk(struct image_archive *m, const char *path, enum split split)
{
	struct walk w = { .m = m, .root = strlen(path) + 1, .split = -1 };
	tt_status st;

	m->on_disk = 1;
	if (split != SPLIT_NONE && (st = each(&w, path, visit_split)) != TT_OK)
		return st;
	memset(m->left, 0, sizeof m->left);             /* counted once more below */
	if (split != SPLIT_NONE && m->spelling[split])
		return walk_split(&w, path, split);
	for (int i = 0; i < FOLDER_SPLITS; i++)
		if (m->spelling[i])
			return TT_OK;                           /* another split's alone: place_all says so */
	return each(&w, path, visit_class);
}
