#include "sys/shm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME  "tutti-shared"
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)       /* who reads it meets no end */

tt_status shm_alloc(struct shm *s, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct shm made = { .size = (size + page) / page * page };

	if ((made.fd = memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING)) < 0)
		goto fail;
	if (ftruncate(made.fd, (off_t)made.size) != 0 || fcntl(made.fd, F_ADD_SEALS, SEALS) != 0 ||
	    (made.p = mmap(NULL, made.size, PROT_READ | PROT_WRITE, MAP_SHARED, made.fd, 0)) ==
	    MAP_FAILED) {
		close(made.fd);
		goto fail;
	}
	*s = made;
	return TT_OK;
fail:
	return err_set(TT_ENOMEM, "no shared memory of %zu bytes: %s", size, strerror(errno));
}

void shm_free(struct shm *s)
{
	if (!s->p)
		return;
	munmap(s->p, s->size);
	close(s->fd);
	*s = (struct shm){ 0 };
}

/* ---- another process' ---- */

/* A line of /proc/PID/maps. */
struct mapping { uintptr_t lo, hi; uint64_t offset, inode; int ours; };

static int read_mapping(const char *line, struct mapping *m)
{
	char name[64] = "";
	int n = sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*4s %" SCNx64 " %*x:%*x %" SCNu64 " %63s",
	               &m->lo, &m->hi, &m->offset, &m->inode, name);

	m->ours = n == 5 && strcmp(name, "/memfd:" NAME) == 0;
	return n >= 4;
}

static int find_mapping(pid_t pid, uintptr_t at, struct mapping *m)
{
	char path[64], line[512];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	if (!(f = fopen(path, "re")))
		return 0;
	while (!found && fgets(line, sizeof line, f))
		found = read_mapping(line, m) && at >= m->lo && at < m->hi;
	fclose(f);
	return found;
}

/* The file of this inode among those that the process has open; -1: none. */
static int open_block(pid_t pid, uint64_t inode)
{
	char path[sizeof "/proc//fd/" + 16 + NAME_MAX];
	const struct dirent *e;
	struct stat s;
	int fd = -1;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	if (!(d = opendir(path)))
		return -1;
	while (fd < 0 && (e = readdir(d))) {
		snprintf(path, sizeof path, "/proc/%d/fd/%s", (int)pid, e->d_name);
		if (e->d_name[0] == '.' || stat(path, &s) != 0 || s.st_ino != inode)
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		/* Seals tell it from another file system's file of this number. */
		if (fd >= 0 && (fcntl(fd, F_GET_SEALS) & SEALS) != SEALS) {
			close(fd);
			fd = -1;
		}
	}
	closedir(d);
	return fd;
}

static const char *map_block(pid_t pid, const struct mapping *m)
{
	const size_t size = m->hi - m->lo;
	struct stat s;
	const int fd = open_block(pid, m->inode);
	void *p = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &s) == 0 && m->offset + size <= (uint64_t)s.st_size)
		p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)m->offset);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

void shm_map(pid_t pid, const void *at, struct shm_view *out)
{
	const uintptr_t a = (uintptr_t)at;
	struct mapping m = { .lo = a, .hi = a + 1 };

	if (!find_mapping(pid, a, &m))
		m = (struct mapping){ .lo = a, .hi = a + 1 };
	*out = (struct shm_view){ (const char *)m.lo, (const char *)m.hi,
	                             m.ours ? map_block(pid, &m) : NULL };
}

void shm_unmap(struct shm_view *v)
{
	if (v->here)
		munmap((void *)(uintptr_t)v->here, (size_t)(v->hi - v->lo));
	*v = (struct shm_view){ 0 };
}
