#include "lab/pool/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/plain.h"
#include "sys/thread.h"

#define JOURNAL_LARGEST ((size_t)4 << 30)

/* ---- the lock ---- */

static tt_status busy(const char *dir, int fd)
{
	char who[200];
	const ssize_t n = pread(fd, who, sizeof who - 1, 0);

	who[n > 0 ? n : 0] = '\0';
	who[strcspn(who, "\n")] = '\0';
	plain_make(who);
	return err_set(TT_EBUSY, "%s: another search is at work in this folder%s%s%s", dir,
	               *who ? " (" : "", who, *who ? ")" : "");
}

static tt_status take_lock(struct journal *j, const char *dir)
{
	char host[96] = "?", text[200];
	struct str path = {0};
	int fd, n;

	str_addf(&path, "%s/lock", dir);
	fd = path.failed ? -1 : open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	str_release(&path);
	if (fd < 0)
		return err_set(TT_EIO, "%s/lock: cannot open: %s", dir, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		const tt_status st = errno == EWOULDBLOCK ? busy(dir, fd) :
		                     err_set(TT_EIO, "%s: cannot be locked: %s", dir, strerror(errno));

		close(fd);
		return st;
	}
	j->lock = fd;
	gethostname(host, sizeof host - 1);
	n = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
		return TT_OK;                   /* who it is, is for people */
	return TT_OK;
}

/* ---- read ---- */

static tt_status torn(const struct journal *j, int line)
{
	return err_set(TT_EFORMAT, "%s:%d: no event of a search can be read here, and more follow; "
	               "keep the lines before it to go on from there", j->path.p, line);
}

static tt_status read_event(const struct journal *j, const char *text, size_t n, int line,
                            struct arena *a, struct node **out)
{
	struct node *event = NULL;
	const char *what;

	if (memchr(text, 0, n) || node_parse_json(a, j->path.p, text, n, &event) != TT_OK ||
	    event->kind != NODE_MAP || node_text(node_get(event, "event"), &what) != TT_OK)
		return torn(j, line);
	*out = event;
	return TT_OK;
}

static tt_status read_all(struct journal *j, char *text, size_t size, journal_fn *f, void *ctx)
{
	tt_status st = TT_OK;
	int line = 1;

	for (char *p = text, *end; st == TT_OK && p < text + size; p = end + 1, line++) {
		struct arena a = {0};
		struct node *event;

		if (!(end = memchr(p, '\n', (size_t)(text + size - p))))
			break;                  /* torn: cut off when we append */
		st = read_event(j, p, (size_t)(end - p), line, &a, &event);
		if (st != TT_OK && end + 1 == text + size && line > 1)
			st = TT_OK;             /* the last: of a crash of the machine */
		else if (st == TT_OK && (st = f(ctx, event, line)) == TT_OK)
			j->size = (uint64_t)(end + 1 - text);
		arena_release(&a);
	}
	return st;
}

static tt_status resume(struct journal *j, journal_fn *f, void *ctx)
{
	char *text;
	size_t size;
	tt_status st;

	if (!file_exists(j->path.p))
		return err_set(TT_ENOENT, "%s: there is no search to go on with", j->path.p);
	if ((st = file_read_all(j->path.p, JOURNAL_LARGEST, &text, &size)) != TT_OK)
		return st;
	st = read_all(j, text, size, f, ctx);
	mem_free(text);
	return st;
}

/* ---- life ---- */

static tt_status open_file(struct journal *j, enum journal_way way, journal_fn *f, void *ctx)
{
	tt_status st;

	if (way == JOURNAL_NEW && file_exists(j->path.p))
		return err_set(TT_EINVAL, "%s: this folder holds a search already; go on with it by "
		               "--resume, or name another folder", j->path.p);
	if (way == JOURNAL_RESUME && (st = resume(j, f, ctx)) != TT_OK)
		return st;
	if ((st = file_log_open(&j->file, j->path.p, FILE_LINKS_REFUSED)) != TT_OK)
		return st;
	return way == JOURNAL_RESUME ? file_log_cut(j->file, j->size) : TT_OK;
}

tt_status journal_open(struct journal *j, const char *dir, enum journal_way way, journal_fn *f,
                       void *ctx)
{
	tt_status st;

	j->lock = -1;
	j->size = 0;
	str_addf(&j->path, "%s/journal.jsonl", dir);
	if ((st = str_status(&j->path)) == TT_OK && (st = take_lock(j, dir)) == TT_OK)
		st = open_file(j, way, f, ctx);
	if (st != TT_OK)
		journal_close(j);
	return st;
}

void journal_close(struct journal *j)
{
	if (j->file)
		journal_sync(j, 0);
	file_log_close(&j->file);
	if (j->lock >= 0)
		close(j->lock);
	j->lock = -1;
	str_release(&j->path);
	str_release(&j->line);
}

/* ---- write ---- */

static tt_status try_append(struct journal *j)
{
	tt_status st = file_log_append(j->file, j->line.p, j->line.len);

	if (st == TT_OK) {
		j->size += j->line.len;
		j->dirty = 1;
	} else {
		file_log_cut(j->file, j->size);         /* half a line must not stay before a whole one */
	}
	return st;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
}

tt_status journal_append(struct journal *j)
{
	char why[ERR_MAX];
	int told = 0;
	tt_status st;

	str_add(&j->line, "\n");
	if ((st = str_status(&j->line)) != TT_OK)
		return st;
	while ((st = try_append(j)) != TT_OK) {
		snprintf(why, sizeof why, "%s", tt_last_error());
		if (!j->full || !j->full(j->ctx, !told++, why))
			return err_set(st, "%s", why);
		nap();
	}
	j->line.len = 0;
	return TT_OK;
}

tt_status journal_sync(struct journal *j, double seconds)
{
	const double now = thread_seconds();
	tt_status st;

	if (!j->dirty || now - j->synced < seconds)
		return TT_OK;
	j->synced = now;
	st = file_log_sync(j->file);
	j->dirty = st != TT_OK;                 /* then the next time */
	return st;
}
