#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define BUFFER_SIZE ((size_t)64 << 10)

/* For tests: steps (write, fsync, rename) are numbered from 1; fail_at is the
 * number that fails, 0 none. */
static _Atomic uint64_t steps, fail_at;

static int step_fails(void)
{
	uint64_t i = atomic_fetch_add(&steps, 1) + 1;

	if (i != atomic_load(&fail_at))
		return 0;
	errno = ENOSPC;
	return 1;
}

void file_fail_at(uint64_t n)
{
	atomic_store(&fail_at, n ? atomic_load(&steps) + n : 0);
}

uint64_t file_write_count(void)
{
	return atomic_load(&steps);
}

static tt_status fail(const char *path, const char *doing)
{
	int e = errno;

	return err_set(e == ENOENT || e == ENOTDIR ? TT_ENOENT : TT_EIO, "%s: cannot %s: %s", path,
	               doing, strerror(e));
}

/* write(2) until all is out; -1 with errno. */
static int write_fully(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k;

		if (step_fails())
			return -1;
		if ((k = write(fd, p, n)) < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* ---- a file under construction ---- */

struct file_new {
	char  *path, *tmp, *dir;
	int    fd;
	int    committed;
	int    broken;                  /* a write failed: what is there is not the file */
	size_t used;
	char   buffer[BUFFER_SIZE];     /* many small writes become few */
};

/* All names are made at the start: after the rename nothing may fail for memory.  Another thread
 * may write the same file, and a process with our number, in a container or on another machine. */
static tt_status make_names(struct file_new *f, const char *path)
{
	static _Atomic unsigned count;
	const char *slash = strrchr(path, '/');
	struct str tmp = {0}, dir = {0};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	str_addf(&tmp, "%s.tmp.%ld%06ld%u", path, (long)getpid(), now.tv_nsec / 1000, count++ % 1000);
	str_add_bytes(&dir, slash ? path : ".", slash && slash != path ? (size_t)(slash - path) : 1);
	f->tmp = tmp.p;
	f->dir = dir.p;
	f->path = mem_strdup(path);
	return f->path && !tmp.failed && !dir.failed ? TT_OK : TT_ENOMEM;
}

/* A rename would put the new file in the place of a device: root's /dev/null, for instance. */
static tt_status check_replaceable(const char *path)
{
	struct stat s;

	if (stat(path, &s) < 0 || S_ISREG(s.st_mode))
		return TT_OK;
	return err_set(TT_EIO, "%s: is no file that could be replaced", path);
}

tt_status file_new_open(struct file_new **out, const char *path)
{
	struct file_new *f;
	tt_status st;

	if (!*path)
		return err_set(TT_EINVAL, "the name of the file to write is empty");
	if ((st = check_replaceable(path)) != TT_OK)
		return st;
	if (!(f = mem_calloc(1, sizeof *f)))
		return TT_ENOMEM;
	f->committed = 1;                       /* nothing to remove yet */
	f->fd = -1;
	if ((st = make_names(f, path)) != TT_OK)
		goto fail;
	if ((f->fd = open(f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0) {
		st = fail(path, "create");
		goto fail;
	}
	f->committed = 0;
	*out = f;
	return TT_OK;
fail:
	file_new_close(&f);
	return st;
}

static tt_status put(struct file_new *f, const char *p, size_t n)
{
	if (!f->broken && write_fully(f->fd, p, n) == 0)
		return TT_OK;
	if (f->broken)
		errno = EIO;
	f->broken = 1;
	return fail(f->path, "write");
}

static tt_status flush(struct file_new *f)
{
	size_t n = f->used;

	f->used = 0;
	return n || f->broken ? put(f, f->buffer, n) : TT_OK;
}

tt_status file_new_write(struct file_new *f, const void *p, size_t n)
{
	tt_status st;

	if (n > BUFFER_SIZE - f->used && (st = flush(f)) != TT_OK)
		return st;
	if (n > BUFFER_SIZE)
		return put(f, p, n);
	if (n)
		memcpy(f->buffer + f->used, p, n);
	f->used += n;
	return TT_OK;
}

static int sync_fd(int fd)
{
	return step_fails() ? -1 : fsync(fd);
}

/* The rename is safe on disk once the folder that holds the name is. */
static tt_status sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tt_status st = TT_OK;

	/* Some file systems cannot sync a folder and say EINVAL: nothing to be done. */
	if (fd < 0 || (sync_fd(fd) < 0 && errno != EINVAL))
		st = fail(dir, "sync");
	if (fd >= 0)
		close(fd);
	return st;
}

tt_status file_new_commit(struct file_new *f)
{
	tt_status st = flush(f);

	if (st != TT_OK)
		return st;
	if (sync_fd(f->fd) < 0) {
		f->broken = 1;
		return fail(f->path, "sync");
	}
	if (step_fails() || rename(f->tmp, f->path) < 0)
		return fail(f->path, "rename");
	f->committed = 1;
	return sync_folder(f->dir);
}

void file_new_close(struct file_new **f)
{
	if (!f || !*f)
		return;
	if ((*f)->fd >= 0)
		close((*f)->fd);
	if ((*f)->tmp && !(*f)->committed)
		unlink((*f)->tmp);
	mem_free((*f)->tmp);
	mem_free((*f)->dir);
	mem_free((*f)->path);
	mem_free(*f);
	*f = NULL;
}

tt_status file_write_all(const char *path, const void *p, size_t n)
{
	struct file_new *f = NULL;
	tt_status st = file_new_open(&f, path);

	if (st == TT_OK)
		st = file_new_write(f, p, n);
	if (st == TT_OK)
		st = file_new_commit(f);
	file_new_close(&f);
	return st;
}

/* Is it "NAME.tmp.NUMBER", as make_names would have it, with a NAME that ends so? */
static int is_left_over(const char *name, const char *const *tails)
{
	const char *tmp = NULL;

	for (const char *p = name; (p = strstr(p, ".tmp.")); p++)
		tmp = p;
	if (!tmp || !tmp[5] || tmp[5 + strspn(tmp + 5, "0123456789")])
		return 0;
	for (; *tails; tails++) {
		const size_t n = strlen(*tails);

		if ((size_t)(tmp - name) >= n && memcmp(tmp - n, *tails, n) == 0)
			return 1;
	}
	return 0;
}

void file_sweep(const char *dir, const char *const *tails)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (is_left_over(e->d_name, tails))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

/* ---- logs ---- */

struct file_log {
	int  fd;
	char path[];
};

static tt_status fail_log(const char *path, enum file_links links)
{
	struct stat is;
	const int why = errno;

	if (links == FILE_LINKS_REFUSED && lstat(path, &is) == 0 && S_ISLNK(is.st_mode))
		return err_set(TT_EIO, "%s: is a link, and what is written here goes nowhere else: "
		               "remove it", path);
	errno = why;
	return fail(path, "open for appending");
}

tt_status file_log_open(struct file_log **out, const char *path, enum file_links links)
{
	static const int follow[] = { [FILE_LINKS_REFUSED] = O_NOFOLLOW, [FILE_LINKS_FOLLOWED] = 0 };
	struct file_log *f = mem_alloc(sizeof *f + strlen(path) + 1);

	if (!f)
		return TT_ENOMEM;
	strcpy(f->path, path);
	/* Of a pipe that nobody reads this is an error and no wait. */
	f->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC | follow[links],
	             0666);
	if (f->fd < 0) {
		mem_free(f);
		return fail_log(path, links);
	}
	*out = f;
	return TT_OK;
}

/* One write, so that lines of several writers never mix; a short one is an error. */
tt_status file_log_append(struct file_log *f, const void *p, size_t n)
{
	ssize_t k;

	if (step_fails())
		return fail(f->path, "append");
	do
		k = write(f->fd, p, n);
	while (k < 0 && errno == EINTR);
	if (k >= 0 && (size_t)k < n)
		errno = ENOSPC;
	return k == (ssize_t)n ? TT_OK : fail(f->path, "append");
}

tt_status file_log_hold(struct file_log *f)
{
	if (flock(f->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return err_set(TT_EBUSY, "%s: another process writes to it", f->path);
	return TT_OK;
}

tt_status file_log_sync(struct file_log *f)
{
	if (step_fails() || fdatasync(f->fd) < 0)
		return fail(f->path, "sync");
	return TT_OK;
}

tt_status file_log_cut(struct file_log *f, uint64_t size)
{
	return ftruncate(f->fd, (off_t)size) == 0 ? TT_OK : fail(f->path, "cut");
}

void file_log_close(struct file_log **f)
{
	if (!f || !*f)
		return;
	close((*f)->fd);
	mem_free(*f);
	*f = NULL;
}

/* ---- names ---- */

int file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int file_is_dir(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int file_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

tt_status file_mkdirs(const char *path)
{
	char *p = mem_strdup(path);
	tt_status st = TT_OK;

	if (!p)
		return TT_ENOMEM;
	for (char *s = p + (*p == '/'); st == TT_OK; s++) {
		char c = *s;

		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, 0777) < 0) {
			int why = errno == EEXIST ? ENOTDIR : errno;

			if (!file_is_dir(p)) {
				errno = why;            /* of mkdir, not of the look */
				st = fail(p, "create this folder");
			}
		}
		*s = c;
		if (c == '\0')
			break;
	}
	mem_free(p);
	return st;
}
