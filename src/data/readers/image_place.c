#include "data/readers/image_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "data/image/image.h"

#define MAX_MEMBERS ((size_t)50000000)
#define MAX_CLASSES 100000

/* ---- splits ---- */

static const struct { const char *word; enum split split; } split_folders[] = {
	{ "train", SPLIT_TRAIN }, { "training", SPLIT_TRAIN }, { "test", SPLIT_TEST },
	{ "testing", SPLIT_TEST }, { "val", SPLIT_VAL }, { "valid", SPLIT_VAL },
	{ "validation", SPLIT_VAL },
};

int place_split(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof split_folders / sizeof *split_folders; i++)
		if (strlen(split_folders[i].word) == length &&
		    strncasecmp(name, split_folders[i].word, length) == 0)
			return split_folders[i].split;
	return -1;
}

tt_status place_note(struct image_archive *m, int split, const char *name, size_t length)
{
	const char *before = m->spelling[split];

	if (before && strlen(before) == length && strncmp(before, name, length) == 0)
		return TT_OK;
	if (before)
		return err_set(TT_EFORMAT, "%s: both %s/ and %.*s/ are there; rename one, or add "
		               "?split=none, with which all folders are classes", m->name, before,
		               (int)length, name);
	m->spelling[split] = arena_printf(&m->arena, "%.*s", (int)length, name);
	return m->spelling[split] ? TT_OK : TT_ENOMEM;
}

/* "train/ and val/": those that are there. */
static tt_status no_such_split(const struct image_archive *m, enum split split)
{
	char there[80] = "";
	size_t n = 0;

	for (int i = 0; i < FOLDER_SPLITS; i++)
		if (m->spelling[i])
			n += (size_t)snprintf(there + n, sizeof there - n, "%s%s/", n ? " and " : "",
			                      m->spelling[i]);
	return n ? err_set(TT_ENOENT, "%s: there is no folder %s/ of classes in it, but %s; with "
	                   "?split=none all folders are classes", m->name, folder_words[split], there)
	         : err_set(TT_ENOENT, "%s: there is no folder %s/ of classes in it", m->name,
	                   folder_words[split]);
}

/* ---- members ---- */

int place_is_hidden(const char *name)
{
	return name[0] == '.' || strcmp(name, "__MACOSX") == 0;
}

void place_leave(struct image_archive *m, enum left_out why, const char *path)
{
	if (m->left[why].n++ == 0)
		m->left[why].example = arena_strdup(&m->arena, path);
}

tt_status place_add(struct image_archive *m, const struct member *one)
{
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 256;
		struct member *v = m->n < MAX_MEMBERS ? mem_realloc(m->v, cap * sizeof *v) : NULL;

		if (!v)
			return err_set(TT_ENOMEM, "%s: no memory for more than %zu images", m->name, m->n);
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n++] = *one;
	return TT_OK;
}

/* Once there is a folder of the split, what lies beside it belongs to none. */
static void drop_outside(struct image_archive *m, enum split split)
{
	size_t n = 0;

	if (split == SPLIT_NONE || !m->spelling[split])
		return;
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].split == (int)split)
			m->v[n++] = m->v[i];
		else
			place_leave(m, LEFT_OUTSIDE, m->v[i].path);
	m->n = n;
}

/* Bytes of the first folder's name and its '/', if all lie in that folder, and none directly. */
static size_t common_folder(const struct image_archive *m)
{
	const char *slash = m->n ? strchr(m->v[0].inner, '/') : NULL;
	size_t n = slash ? (size_t)(slash - m->v[0].inner) + 1 : 0;

	for (size_t i = 0; n && i < m->n; i++)
		if (strncmp(m->v[i].inner, m->v[0].inner, n) != 0 || !strchr(m->v[i].inner + n, '/'))
			n = 0;
	return n;
}

/* A folder that somebody has packed with its name is none of a class. */
static void drop_common_folders(struct image_archive *m)
{
	for (size_t n; (n = common_folder(m)) != 0;)
		for (size_t i = 0; i < m->n; i++)
			m->v[i].inner += n;
}

/* CLASS/FOLDER/FILE into its parts; 0: it lies in no folder of a class. */
static tt_status take_apart(struct image_archive *m, struct member *one, int *whole)
{
	char *text = arena_strdup(&m->arena, one->inner), *file, *folder;

	if (!text)
		return TT_ENOMEM;
	*whole = (file = strrchr(text, '/')) != NULL && file != text;
	if (!*whole)
		return TT_OK;
	*file = '\0';
	one->file = file + 1;
	one->class_name = text;
	one->folder = "";
	if ((folder = strchr(text, '/'))) {
		*folder = '\0';
		one->folder = folder + 1;
	}
	return TT_OK;
}

static tt_status take_all_apart(struct image_archive *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		int whole;

		if (take_apart(m, &m->v[i], &whole) != TT_OK)
			return TT_ENOMEM;
		if (whole)
			m->v[n++] = m->v[i];
		else
			place_leave(m, LEFT_OUTSIDE, m->v[i].path);
	}
	m->n = n;
	return TT_OK;
}

static int compare(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int c = strcmp(x->class_name, y->class_name);

	if (!c)
		c = strcmp(x->folder, y->folder);
	return c ? c : strcmp(x->file, y->file);
}

static int starts_class(const struct image_archive *m, size_t i)
{
	return i == 0 || strcmp(m->v[i - 1].class_name, m->v[i].class_name) != 0;
}

static tt_status number_classes(struct image_archive *m)
{
	int classes = 0;

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

static tt_status nothing_there(const struct image_archive *m)
{
	struct str left = {0};
	tt_status st;

	image_archive_tell(m, &left);
	st = err_set(TT_EFORMAT, "%s: no folder of images (" IMAGE_FORMATS ") in it%s%s", m->name,
	             left.len ? "; left out: " : "", left.len ? left.p : "");
	str_release(&left);
	return st;
}

tt_status place_all(struct image_archive *m, enum split split)
{
	int splits = 0;
	tt_status st;

	for (int i = 0; i < FOLDER_SPLITS; i++)
		splits += m->spelling[i] != NULL;
	if (split != SPLIT_NONE && !m->spelling[split] && (split != SPLIT_TRAIN || splits))
		return no_such_split(m, split);
	drop_outside(m, split);
	if (!m->on_disk && (split == SPLIT_NONE || !m->spelling[split]))
		drop_common_folders(m);
	if ((st = take_all_apart(m)) != TT_OK)
		return st;
	if (m->n == 0)
		return nothing_there(m);
	qsort(m->v, m->n, sizeof *m->v, compare);
	return number_classes(m);
}

/* ---- what was left out ---- */

static const char *const reasons[LEFT_KINDS][2] = {
	[LEFT_NAME]     = { "file that is not named as an image",
	                    "files that are not named as images" },
	[LEFT_HIDDEN]   = { "hidden file or folder", "hidden files or folders" },
	[LEFT_KIND]     = { "that is no regular file", "that are no regular files" },
	[LEFT_DANGLING] = { "link to nothing", "links to nothing" },
	[LEFT_LOOP]     = { "folder too deep or in itself", "folders too deep or in themselves" },
	[LEFT_ELSEWHERE] = { "whose name leads out of the archive",
	                     "whose names lead out of the archive" },
	[LEFT_OUTSIDE]  = { "outside of the folders of classes", "outside of the folders of classes" },
};

void image_archive_tell(const struct image_archive *m, struct str *out)
{
	const char *before = "";

	for (int i = 0; i < LEFT_KINDS; i++) {
		const size_t n = m->left[i].n;

		if (n == 0)
			continue;
		str_addf(out, "%s%zu %s (%s%s)", before, n, reasons[i][n > 1],
		         m->left[i].example ? m->left[i].example : "?", n > 1 ? ", ..." : "");
		before = ", ";
	}
}
