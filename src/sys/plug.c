#include "sys/plug.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS_MAX 4
#define PATH_MOST   1024
#define WHY_MOST    320
#define PATH_FD     (PLUG_MAX + 32)

const char *const plug_kind_words[] = {
	[PLUG_DEVICE] = "device", [PLUG_TRANSPORT] = "transport", [PLUG_CODEC] = "codec",
	[PLUG_FILE] = "file", [PLUG_STORE] = "store",
	[PLUG_TRACKER] = "tracker", NULL
};

const char plug_home = 'T';

/* One that is there (plug), or one that is not (plug NULL, why). */
struct entry {
	const struct plug *plug;
	enum plug_kind     kind;
	const char        *serves;
	char               name[64], from[PATH_MOST], why[WHY_MOST];
};

/* Guards all below.  Held while plugs are loaded, so that each is loaded once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry entries[PLUG_MAX];
static int  n_entries;
static char folders[FOLDERS_MAX][PATH_MOST];
static int  n_folders;
static int  loaded[PLUG_KINDS];

/* ---- the list ---- */

static struct entry *entry_of(enum plug_kind kind, const char *name)
{
	for (int i = 0; i < n_entries; i++)
		if (entries[i].kind == kind && strcmp(entries[i].name, name) == 0)
			return &entries[i];
	if (n_entries == PLUG_MAX)
		return NULL;
	entries[n_entries] = (struct entry){ .kind = kind };
	snprintf(entries[n_entries].name, sizeof entries->name, "%s", name);
	return &entries[n_entries++];
}

void plug_link(const struct plug *p)
{
	struct entry *e;

	pthread_mutex_lock(&lock);
	if ((e = entry_of(p->kind, p->name))) {
		e->plug = p;
		snprintf(e->from, sizeof e->from, "linked in");
	}
	pthread_mutex_unlock(&lock);
}

void plug_absent(enum plug_kind kind, const char *name, const char *serves, const char *why)
{
	struct entry *e;

	pthread_mutex_lock(&lock);
	if ((e = entry_of(kind, name)) && !e->plug) {
		e->serves = serves;
		snprintf(e->why, sizeof e->why, "%s", why);
	}
	pthread_mutex_unlock(&lock);
}

/* ---- is it ours? ---- */

/* Why a folder or file is not to be trusted; NULL if it is. */
static const char *distrust(const struct stat *s)
{
	if (s->st_uid != 0 && s->st_uid != geteuid())
		return "belongs to another user";
	if (s->st_mode & S_IWOTH)
		return "can be written by everybody";
	if ((s->st_mode & S_IWGRP) && s->st_gid != 0 && s->st_gid != getegid())
		return "can be written by another group";
	return NULL;
}

/* Who may write the folder above can put another in the place of this one, unless, as in /tmp, each
 * may move only what is his own. */
static const char *distrust_above(const char *path, char above[PATH_MAX])
{
	const char *why = NULL;
	struct stat s;

	if (!realpath(path, above))
		return strerror(errno);
	for (char *slash; !why && (slash = strrchr(above, '/')) && above[1]; ) {
		slash[slash == above] = '\0';
		if (stat(above, &s) != 0)
			return strerror(errno);
		if (s.st_mode & S_ISVTX)
			s.st_mode &= ~(mode_t)(S_IWOTH | S_IWGRP);
		why = distrust(&s);
	}
	return why;
}

/* An open descriptor of a folder that is safe; -1, with the error set. */
static int open_folder(const char *path)
{
	char above[PATH_MAX] = "";
	struct stat s;
	const char *why;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &s) != 0)
		(void)err_set(TT_ENOENT, "plug folder %s: %s", path, strerror(errno));
	else if ((why = distrust(&s)))
		(void)err_set(TT_EINVAL, "plug folder %s %s: its code would run with your rights", path,
		              why);
	else if ((why = distrust_above(path, above)))
		(void)err_set(TT_EINVAL, "plug folder %s lies in %s, which %s: its code would run with "
		              "your rights", path, above, why);
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

tt_status plug_add_folder(const char *path)
{
	tt_status st = TT_OK;
	int fd = open_folder(path);

	if (fd < 0)
		return access(path, F_OK) == 0 ? TT_EINVAL : TT_ENOENT;
	close(fd);
	pthread_mutex_lock(&lock);
	for (int k = 0; k < PLUG_KINDS && st == TT_OK; k++)
		if (loaded[k])
			st = err_set(TT_EINVAL, "plug folder %s: plugs are loaded already; name folders first",
			             path);
	if (st == TT_OK && (n_folders == FOLDERS_MAX || strlen(path) >= PATH_MOST))
		st = err_set(TT_EINVAL, "plug folder %s: at most %d folders, of shorter paths", path,
		             FOLDERS_MAX);
	if (st == TT_OK)
		snprintf(folders[n_folders++], PATH_MOST, "%s", path);
	pthread_mutex_unlock(&lock);
	return st;
}

/* ---- loading ---- */

/* Why what was loaded is no plug for us; NULL if it is one. */
static const char *misfit(const struct plug *p, enum plug_kind kind, const char *name)
{
	if (!p)
		return "holds no plug";
	if (p->abi != PLUG_ABI || strcmp(p->tutti, TT_VERSION) != 0)
		return "was built for another version of tutti";
	if (p->kind != kind || strcmp(p->name, name) != 0)
		return "is another plug than its name says";
	if (p->home && p->home != &plug_home)
		return "is made for libtutti.so, and this program has tutti linked in";
	return NULL;
}

/* The descriptor is what was looked at, so nobody can put another file in its place.  dlopen takes
 * equal paths for one object, and the next file may well have this number again: each path has
 * another number of slashes. */
static void fd_path(char out[PATH_FD], int fd)
{
	static const char slashes[PLUG_MAX + 1] = "////////////////////////////////";
	static int before;

	snprintf(out, PATH_FD, "/proc/self/fd%.*s%d", before++ % PLUG_MAX + 1, slashes, fd);
}

/* Why the file cannot hold all that its header promises: the loader would map what is not there,
 * and die of it.  NULL: it may; what is no shared object at all the loader says itself. */
static const char *cut_short(int fd, uint64_t size)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) part;

	if (pread(fd, &head, sizeof head, 0) != (ssize_t)sizeof head ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	if (head.e_phentsize != sizeof part)
		return "is a damaged shared object";
	for (uint64_t i = 0; i < head.e_phnum; i++) {
		const uint64_t at = head.e_phoff + i * sizeof part;

		if (at < head.e_phoff || at > INT64_MAX ||
		    pread(fd, &part, sizeof part, (off_t)at) != (ssize_t)sizeof part ||
		    part.p_offset > size || part.p_filesz > size - part.p_offset)
			return "is a damaged shared object: it is cut short";
	}
	return NULL;
}

static void load_object(struct entry *e, int fd)
{
	char path[PATH_FD];
	const struct plug *p, *const *row;
	const char *why;
	void *so;

	fd_path(path, fd);
	if (!(so = dlopen(path, RTLD_NOW | RTLD_LOCAL))) {
		const char *text = dlerror(), *colon = text ? strstr(text, ": ") : NULL;

		/* "/proc/self/fd/5: undefined symbol ..." says nothing by its path */
		if (text && colon && strncmp(text, path, strlen(path)) == 0)
			text = colon + 2;
		snprintf(e->why, sizeof e->why, "%s", text ? text : "cannot be loaded");
		return;
	}
	row = dlsym(so, PLUG_SYMBOL);
	p = row ? *row : NULL;
	if ((why = misfit(p, e->kind, e->name))) {
		snprintf(e->why, sizeof e->why, "%s", why);
		dlclose(so);
		return;
	}
	e->plug = p;
	e->why[0] = '\0';
}

static void load_file(const char *folder, int dir, const char *file, enum plug_kind kind)
{
	const size_t prefix = strlen(plug_kind_words[kind]) + 1, n = strlen(file);
	struct entry *e;
	char name[64];
	struct stat s;
	const char *why;
	int fd;

	if (n - prefix - 3 >= sizeof name)
		return;
	snprintf(name, sizeof name, "%.*s", (int)(n - prefix - 3), file + prefix);
	if (!(e = entry_of(kind, name)) || e->plug)
		return;                                  /* the first one found counts */
	snprintf(e->from, sizeof e->from, "%s/%s", folder, file);
	fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &s) != 0)
		snprintf(e->why, sizeof e->why, "%s", strerror(errno));
	else if (!S_ISREG(s.st_mode))
		snprintf(e->why, sizeof e->why, "is no file");
	else if ((why = distrust(&s)) || (why = cut_short(fd, (uint64_t)s.st_size)))
		snprintf(e->why, sizeof e->why, "%s", why);
	else
		load_object(e, fd);
	if (fd >= 0)
		close(fd);
}

static int is_of_kind(const char *file, enum plug_kind kind)
{
	const size_t prefix = strlen(plug_kind_words[kind]), n = strlen(file);

	return n > prefix + 4 && strncmp(file, plug_kind_words[kind], prefix) == 0 &&
	       file[prefix] == '-' && strcmp(file + n - 3, ".so") == 0;
}

/* Names in order, so that what is loaded does not depend on how the folder was filled. */
static void load_folder(const char *path, enum plug_kind kind)
{
	struct dirent **names = NULL;
	int dir = open_folder(path), n;

	if (dir < 0)
		return;
	n = scandirat(dir, ".", &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (is_of_kind(names[i]->d_name, kind))
			load_file(path, dir, names[i]->d_name, kind);
		free(names[i]);                          /* libc's own, not through base/mem */
	}
	free(names);
	close(dir);
}

/* Beside the object that this code is in: libtutti.so, or a program that has it linked in. */
static void own_folder(char out[PATH_MOST])
{
	Dl_info info;
	char real[PATH_MAX], *slash;

	out[0] = '\0';
	if (!dladdr((void *)(uintptr_t)&plug_link, &info) || !info.dli_fname ||
	    !realpath(info.dli_fname, real) || !(slash = strrchr(real, '/')))
		return;
	*slash = '\0';
	if (strlen(real) + sizeof "/" PLUG_FOLDER <= PATH_MOST)
		snprintf(out, PATH_MOST, "%.*s/%s", PATH_MOST - 20, real, PLUG_FOLDER);
}

static void load_kind(enum plug_kind kind)
{
	char own[PATH_MOST];

	if (loaded[kind])
		return;
	loaded[kind] = 1;
	for (int i = n_folders - 1; i >= 0; i--)
		load_folder(folders[i], kind);
	own_folder(own);
	if (*own && access(own, F_OK) == 0)
		load_folder(own, kind);
}

/* ---- asking ---- */

int plug_all(enum plug_kind kind, const struct plug **out, int max)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	load_kind(kind);
	for (int i = 0; i < n_entries && n < max; i++) {
		int at = n;

		if (entries[i].kind != kind || !entries[i].plug)
			continue;
		while (at > 0 && out[at - 1]->order > entries[i].plug->order) {
			out[at] = out[at - 1];
			at--;
		}
		out[at] = entries[i].plug;
		n++;
	}
	pthread_mutex_unlock(&lock);
	return n;
}

tt_status plug_find(enum plug_kind kind, const char *name, const struct plug **out)
{
	tt_status st = TT_ESUPPORT;
	const char *word = plug_kind_words[kind];

	pthread_mutex_lock(&lock);
	load_kind(kind);
	for (int i = 0; i < n_entries; i++) {
		const struct entry *e = &entries[i];

		if (e->kind != kind || strcmp(e->name, name) != 0)
			continue;
		if (e->plug) {
			*out = e->plug;
			st = TT_OK;
		} else {
			st = err_set(TT_ESUPPORT, "the %s '%s' is missing: %s%s%s", word, name, e->from,
			             *e->from ? ": " : "", e->why);
		}
		goto out;
	}
	st = err_set(TT_ESUPPORT, "there is no %s '%s'; `tutti info` lists what there is", word, name);
out:
	pthread_mutex_unlock(&lock);
	return st;
}

int plug_report(struct plug_report *out, int max)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	for (int k = 0; k < PLUG_KINDS; k++)
		load_kind((enum plug_kind)k);
	for (int i = 0; i < n_entries && n < max; i++, n++) {
		const struct entry *e = &entries[i];

		out[n] = (struct plug_report){ .kind = e->kind, .name = e->name, .serves = e->serves,
		                               .from = e->from, .why = e->plug ? NULL : e->why };
		if (e->plug) {
			out[n].serves = e->plug->serves;
			out[n].version = e->plug->version();
		}
	}
	pthread_mutex_unlock(&lock);
	return n;
}
