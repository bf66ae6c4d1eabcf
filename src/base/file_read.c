/* file_read.c -- whole files in.
 *
 * What is read is a file: opening a pipe or a device by its name may wait for ever, and neither has
 * an end that could be trusted.  Nothing is mapped: a mapped file that another process cuts short
 * kills its reader. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PART ((size_t)64 << 10)         /* first room where the size is not known */

static tt_status fail(const char *path, const char *doing)
{
	int e = errno;

	return err_set(e == ENOENT || e == ENOTDIR ? TT_ENOENT : TT_EIO, "%s: cannot %s: %s", path,
	               doing, strerror(e));
}

/* A descriptor that whoever started us has left open, as the shell's <(...) does: who writes into
 * it is there. */
static int was_handed_in(const char *path)
{
	return strcmp(path, "/dev/stdin") == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
	       strncmp(path, "/proc/self/fd/", 14) == 0;
}

static const char *what_is(mode_t mode)
{
	return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" :
	       S_ISSOCK(mode) ? "a socket" : "a device";
}

static tt_status check_kind(const char *path, int fd, const struct stat *info)
{
	if (S_ISREG(info->st_mode) || strcmp(path, "/dev/null") == 0)
		return TT_OK;
	if (S_ISFIFO(info->st_mode) && was_handed_in(path))
		return fcntl(fd, F_SETFL, 0) == 0 ? TT_OK : fail(path, "read");
	return err_set(TT_EIO, "%s: is %s, not a file", path, what_is(info->st_mode));
}

tt_status file_open(const char *path, int *out, uint64_t *size)
{
	struct stat info;
	tt_status st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENXIO)
		return err_set(TT_EIO, "%s: is a socket, not a file", path);
	if (fd < 0)
		return fail(path, "open");
	if (fstat(fd, &info) < 0)
		st = fail(path, "read");
	else
		st = check_kind(path, fd, &info);
	if (st != TT_OK) {
		close(fd);
		return st;
	}
	*out = fd;
	*size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
	return TT_OK;
}

static tt_status too_big(const char *path, size_t max)
{
	return err_set(TT_EFORMAT, "%s: is larger than the %zu bytes allowed here", path, max);
}

/* What has been read, and room for one byte more. */
struct text { char *p; size_t n, room; };

static tt_status grow(struct text *t)
{
	size_t room = 2 * t->room;
	char *p = mem_realloc(t->p, room + 1);

	if (!p)
		return TT_ENOMEM;
	t->p = p;
	t->room = room;
	return TT_OK;
}

/* To the end: the size is a guess, `max` the law. */
static tt_status read_rest(int fd, const char *path, size_t max, struct text *t)
{
	tt_status st;
	ssize_t k;

	for (;;) {
		if (t->n == t->room && (st = grow(t)) != TT_OK)
			return st;
		k = read(fd, t->p + t->n, t->room - t->n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(path, "read");
		if (k == 0)
			return TT_OK;
		t->n += (size_t)k;
		if (max && t->n > max)
			return too_big(path, max);
	}
}

static tt_status check_whole(const char *path, size_t size, size_t n)
{
	if (n >= size)
		return TT_OK;
	return err_set(TT_EIO, "%s: became shorter while it was read: %zu bytes of %zu are there", path,
	               n, size);
}

/* One byte more than the file has, so that its end is seen without asking for room. */
static tt_status read_all(int fd, const char *path, size_t max, struct text *t)
{
	const size_t size = t->room;
	tt_status st;

	t->room = size ? size + 1 : PART;
	if (!(t->p = mem_alloc(t->room + 1)))
		return TT_ENOMEM;
	st = read_rest(fd, path, max, t);
	return st == TT_OK ? check_whole(path, size, t->n) : st;
}

tt_status file_read_all(const char *path, size_t max, char **out, size_t *size)
{
	struct text t = {0};
	uint64_t bytes;
	tt_status st;
	int fd;

	if ((st = file_open(path, &fd, &bytes)) != TT_OK)
		return st;
	t.room = (size_t)bytes;
	st = max && bytes > max ? too_big(path, max) : read_all(fd, path, max, &t);
	close(fd);
	if (st != TT_OK) {
		mem_free(t.p);
		return st;
	}
	t.p[t.n] = '\0';
	*out = t.p;
	*size = t.n;
	return TT_OK;
}

tt_status file_read_at(int fd, const char *path, struct file_part part)
{
	char *p = part.to;

	while (part.n) {
		ssize_t k = pread(fd, p, part.n, (off_t)part.from);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fail(path, "read");
		if (k == 0)
			return err_set(TT_EIO, "%s: became shorter while it was read: nothing is at byte %llu",
			               path, (unsigned long long)part.from);
		p += k;
		part.from += (uint64_t)k;
		part.n -= (size_t)k;
	}
	return TT_OK;
}

int file_first_line(const char *path, char *out, size_t room)
{
	uint64_t size;
	ssize_t n;
	int fd;

	if (file_open(path, &fd, &size) != TT_OK)
		return 0;
	n = read(fd, out, room - 1);
	close(fd);
	if (n <= 0)
		return 0;
	out[n] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return 1;
}
