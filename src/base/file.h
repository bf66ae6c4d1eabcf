/* file.h -- whole files in, whole files out, nothing half-written.
 *
 * Every write of tutti passes here, so that a test can make the n-th one fail
 * (full disk).  Errors name the path and the system's reason. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Open for reading, without waiting: what is no file (a pipe, a device, a folder) is refused, but
 * for descriptors the process was started with (/dev/stdin, /dev/fd/N).  *size: 0 is unknown. */
tt_status file_open(const char *path, int *fd, uint64_t *size);
/* Read all of a file; *out is owned by the caller (mem_free), NUL-terminated
 * beyond *size.  More than `max` bytes is TT_EFORMAT (0: no bound). */
tt_status file_read_all(const char *path, size_t max, char **out, size_t *size);
/* Read a part of it; what is not there is TT_EIO. */
struct file_part { void *to; uint64_t from; size_t n; };
tt_status file_read_at(int fd, const char *path, struct file_part part);
/* The first line, cut to what there is room for; 0 if there is none. */
int       file_first_line(const char *path, char *out, size_t room);

/* A file under construction: written to path.tmp.NUMBER, a new one, then commit = flush,
 * fsync, rename, fsync of the folder.  close without commit removes it.  What is there
 * already must be a plain file: devices and folders are refused. */
struct file_new;
tt_status file_new_open(struct file_new **out, const char *path);
tt_status file_new_write(struct file_new *f, const void *p, size_t n);
tt_status file_new_commit(struct file_new *f);              /* still to be closed    */
void      file_new_close(struct file_new **f);              /* NULL and *f NULL fine */
tt_status file_write_all(const char *path, const void *p, size_t n);   /* all of the above */
/* Remove from a folder what writers that were killed have left of files whose names end so; the
 * list ends with NULL.  Nobody may be writing these just now. */
void      file_sweep(const char *dir, const char *const *tails);

/* An append-only file (logs, events): opened once, each append is one write(2).  In a folder that
 * others may write to, such as a run's, a link that stands there under its name is no way to make
 * us write elsewhere: TT_EIO.  A file that the user named may be a link. */
enum file_links { FILE_LINKS_REFUSED, FILE_LINKS_FOLLOWED };
struct file_log;
tt_status file_log_open(struct file_log **out, const char *path, enum file_links links);
tt_status file_log_append(struct file_log *f, const void *p, size_t n);
/* Until it is closed, or the process ends, no other one holds it: TT_EBUSY.  Where a file system
 * has no locks, everybody may. */
tt_status file_log_hold(struct file_log *f);
tt_status file_log_sync(struct file_log *f);                 /* what was appended is on the disk */
/* Cut it to `size` bytes: what a failed append has left goes. */
tt_status file_log_cut(struct file_log *f, uint64_t size);
void      file_log_close(struct file_log **f);

int       file_exists(const char *path);
int       file_is_dir(const char *path);
/* Do both names lead to one thing that is there? */
int       file_same(const char *a, const char *b);
tt_status file_mkdirs(const char *path);                     /* like mkdir -p */

/* For tests: the n-th write, fsync or rename from now fails with ENOSPC; 0 is off. */
void     file_fail_at(uint64_t n);
uint64_t file_write_count(void);

#endif
