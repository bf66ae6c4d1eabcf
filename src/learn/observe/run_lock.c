#include "learn/observe/run_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/policy.h"
#include "sys/thread.h"

#define RECORD 512                      /* bytes of the file, all written at once */
#define WORD 96
#define NAP 0.02                        /* seconds between looks */
#define GRACE 0.3                       /* for a holder that lives                           */
#define GRACE_FAR 2.0                   /* for one that we cannot see                        */
#define GRACE_DYING 10.0                /* for one that was killed: on a busy machine it lasts */
#define TRIES 100

const struct run_lock_how run_lock_usual = {
	.way = RUN_LOCK_FLOCK, .beat = 3, .patience = 15,
};

/* What the file says. */
struct record {
	long      pid;
	long long born;                     /* when the process began, in the kernel's ticks */
	long      beat;                     /* raised; -1: given back */
	char      host[WORD];
	char      where[WORD];              /* this start of the machine, and its pids' space */
	char      token[WORD];              /* no two are the same */
	char      since[WORD];
};

struct run_lock {
	struct run_lock_how how;
	int                 fd;             /* -1: not ours yet */
	int                 no_flock;       /* here */
	int                 number;         /* of lock.N; 0: lock */
	char               *dir;
	struct str          path;
	struct record       mine;
	pid_t               process;
	struct thread      *thread;         /* NULL: none may be started */
	pthread_mutex_t     lock;
	pthread_cond_t      over;
	int                 quit;           /* guarded */
};

/* ---- who are we, and is somebody still there? ---- */

static void read_word(const char *path, char out[WORD])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, WORD - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, " \n")] = '\0';
}

/* In the kernel's ticks; 0: there is no such process, or none that is more than a corpse. */
static long long born(long pid)
{
	char path[64], text[1024];
	const char *at;
	long long when = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	if (!(f = fopen(path, "re")))
		return 0;
	/* The name, in brackets, may hold anything; after the state 19 numbers on is what we want. */
	if (fgets(text, sizeof text, f) && (at = strrchr(text, ')')) && at[1] == ' ' &&
	    !strchr("ZXx", at[2])) {
		at += 2;
		for (int i = 0; i < 19 && at; i++)
			at = (at = strchr(at, ' ')) ? at + 1 : NULL;
		when = at ? strtoll(at, NULL, 10) : 0;
	}
	fclose(f);
	return when;
}

static void describe(struct record *r)
{
	static _Atomic int count;
	char boot[WORD], space[32] = "";
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	read_word("/proc/sys/kernel/random/boot_id", boot);
	if (readlink("/proc/self/ns/pid", space, sizeof space - 1) < 0)
		space[0] = '\0';
	*r = (struct record){ .pid = (long)getpid(), .born = born(getpid()), .beat = 1 };
	if (gethostname(r->host, sizeof r->host - 1) != 0 || !r->host[0])
		strcpy(r->host, "unknown");
	snprintf(r->where, sizeof r->where, "%.50s/%s", boot, space);
	snprintf(r->token, sizeof r->token, "%.40s.%ld.%lld%09ld.%d", r->host, r->pid,
	         (long long)now.tv_sec, now.tv_nsec, count++);
	if (!localtime_r(&now.tv_sec, &tm) ||
	    !strftime(r->since, sizeof r->since, "%Y-%m-%dT%H:%M:%S", &tm))
		strcpy(r->since, "unknown");
}

/* Was it killed, and only waits for its turn to die? */
static int is_dying(long pid)
{
	char path[64], line[256];
	unsigned long long mask = 0, all = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/status", pid);
	if (!(f = fopen(path, "re")))
		return 1;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "SigPnd: %llx", &mask) == 1 || sscanf(line, "ShdPnd: %llx", &mask) == 1)
			all |= mask;
	fclose(f);
	return all >> (SIGKILL - 1) & 1;
}

enum life { GONE, DYING, ALIVE, FAR };
static const double grace[] = { [GONE] = GRACE_DYING, [DYING] = GRACE_DYING, [ALIVE] = GRACE,
                                [FAR] = GRACE_FAR };

static enum life life_of(const struct record *r)
{
	struct record we;
	long long then;

	describe(&we);
	if (!r->pid || strcmp(r->where, we.where) != 0)
		return FAR;
	then = born(r->pid);
	if (!then || then != r->born)
		return GONE;
	return is_dying(r->pid) ? DYING : ALIVE;
}

/* ---- the record ---- */

static int write_record(int fd, const struct record *r)
{
	char text[RECORD + 1];
	int n = snprintf(text, sizeof text, "pid %ld\nhost %s\nsince %s\nbeat %ld\nborn %lld\n"
	                 "where %s\ntoken %s\n", r->pid, r->host, r->since, r->beat, r->born, r->where,
	                 r->token);

	memset(text + n, '\n', (size_t)(RECORD - n));
	return pwrite(fd, text, RECORD, 0) == RECORD ? 0 : -1;
}

/* All zero where nothing can be read, or a record that nobody has finished. */
static void read_record(int fd, struct record *r)
{
	char text[RECORD + 1];
	ssize_t n = fd < 0 ? 0 : pread(fd, text, RECORD, 0);

	*r = (struct record){ 0 };
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "pid %ld host %95s since %95s beat %ld born %lld where %95s token %95s",
	           &r->pid, r->host, r->since, &r->beat, &r->born, r->where, r->token) != 7)
		*r = (struct record){ 0 };
}

static void read_path(const char *path, struct record *r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	read_record(fd, r);
	if (fd >= 0)
		close(fd);
}

static tt_status busy(const char *dir, const struct record *r)
{
	if (!r->pid)
		return err_set(TT_EBUSY, "%s: another process has just begun to train in this run folder",
		               dir);
	return err_set(TT_EBUSY, "%s: process %ld on host %s trains in this run folder, since %s: wait "
	               "for it, stop it, or name another folder", dir, r->pid, r->host, r->since);
}

static void nap(double seconds)
{
	nanosleep(&(struct timespec){ .tv_sec = (time_t)seconds,
	          .tv_nsec = (long)(1e9 * (seconds - (double)(time_t)seconds)) }, NULL);
}

/* Does the beat of a holder elsewhere go on?  Clocks of machines differ: what counts is whether it
 * moves while we look. */
static tt_status watch(const struct run_lock *l, const struct record *was)
{
	const double until = thread_seconds() + l->how.patience;
	struct record now;

	do {
		if (policy_interrupted() || (l->how.stop && l->how.stop(l->how.ctx)))
			return err_set(TT_ESTOPPED, "stopped on request while waiting for %s", l->dir);
		nap(NAP);
		read_path(l->path.p, &now);
		if (strcmp(now.token, was->token) != 0 || now.beat != was->beat)
			return now.pid && now.beat >= 0 ? busy(l->dir, &now) : TT_OK;
	} while (thread_seconds() < until);
	return TT_OK;
}

/* Is the holder that a record names no holder any more? */
static tt_status outlive(const struct run_lock *l, const struct record *r)
{
	const double start = thread_seconds();
	enum life life;

	if (r->beat < 0)
		return TT_OK;
	while ((life = life_of(r)) == DYING && thread_seconds() < start + GRACE_DYING)
		nap(NAP);
	if (life == GONE)
		return TT_OK;
	return life == FAR ? watch(l, r) : busy(l->dir, r);
}

/* ---- by flock ---- */

/* Is what we have locked what the next one will find under its name? */
static int is_still_there(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static tt_status failed(const char *path)
{
	return err_set(TT_EIO, "%s: cannot be locked: %s", path, strerror(errno));
}

/* Some network file systems. */
static int knows_no_flock(int e)
{
	return e == ENOSYS || e == EOPNOTSUPP || e == ENOLCK;
}

/* If nobody holds it, l->fd is ours. */
static tt_status try_flock(struct run_lock *l)
{
	int fd = open(l->path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
	tt_status st = TT_OK;

	if (fd < 0)
		return failed(l->path.p);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (is_still_there(fd, l->path.p)) {
			l->fd = fd;
			return TT_OK;
		}
	} else if (errno != EWOULDBLOCK && errno != EINTR) {
		l->no_flock = knows_no_flock(errno);
		st = failed(l->path.p);
	}
	close(fd);
	return st;
}

/* Whoever was killed a moment ago may still hold it. */
static tt_status wait_flock(struct run_lock *l)
{
	const double start = thread_seconds();
	struct record holder;
	tt_status st;

	for (;;) {
		if ((st = try_flock(l)) != TT_OK || l->fd >= 0)
			return st;
		read_path(l->path.p, &holder);
		if (thread_seconds() > start + grace[life_of(&holder)])
			return busy(l->dir, &holder);
		nap(NAP);
	}
}

static tt_status take_flock(struct run_lock *l)
{
	struct record before;
	tt_status st = wait_flock(l);

	if (st != TT_OK)
		return st;
	read_record(l->fd, &before);
	/* A lock that we have is no other process' of this machine. */
	if (before.pid && before.beat >= 0 && life_of(&before) == FAR &&
	    (st = watch(l, &before)) != TT_OK)
		return st;
	return write_record(l->fd, &l->mine) == 0 ? TT_OK : failed(l->path.p);
}

/* ---- by numbers ---- */

/* N of lock.N, or 0. */
static int number_of(const char *name)
{
	char *end;
	long n;

	if (strncmp(name, "lock.", 5) != 0)
		return 0;
	n = strtol(name + 5, &end, 10);
	return *end || n < 1 || n > INT32_MAX - 1 ? 0 : (int)n;
}

/* The highest; those below it go, if asked for. */
static int highest(const char *dir, int below)
{
	DIR *d = opendir(dir);
	int most = 0;

	for (const struct dirent *e; d && (e = readdir(d));) {
		const int n = number_of(e->d_name);

		if (n && n < below)
			unlinkat(dirfd(d), e->d_name, 0);
		most = n > most ? n : most;
	}
	if (d)
		closedir(d);
	return most;
}

static tt_status name(struct run_lock *l, int number)
{
	l->number = number;
	l->path.len = 0;
	str_addf(&l->path, number ? "%s/lock.%d" : "%s/lock", l->dir, number);
	return str_status(&l->path);
}

/* The next number: if nobody has it, l->fd is ours. */
static tt_status claim(struct run_lock *l, int number)
{
	tt_status st = name(l, number);

	if (st != TT_OK)
		return st;
	l->fd = open(l->path.p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (l->fd < 0)
		return errno == EEXIST ? TT_OK : failed(l->path.p);
	if (write_record(l->fd, &l->mine) != 0)
		return failed(l->path.p);
	if (highest(l->dir, 0) == number)
		return TT_OK;
	/* Others went on while we slept, and have swept away what we saw. */
	close(l->fd);
	l->fd = -1;
	unlink(l->path.p);
	return TT_OK;
}

static tt_status take_number(struct run_lock *l)
{
	struct record r;
	tt_status st = TT_OK;

	for (int i = 0; i < TRIES && st == TT_OK; i++) {
		const int last = highest(l->dir, 0);

		if (last) {
			if ((st = name(l, last)) != TT_OK)
				return st;
			read_path(l->path.p, &r);
			if ((st = outlive(l, &r)) != TT_OK)
				return st;
		}
		if ((st = claim(l, last + 1)) == TT_OK && l->fd >= 0) {
			(void)highest(l->dir, l->number);
			return TT_OK;
		}
	}
	return st != TT_OK ? st : busy(l->dir, &r);
}

/* ---- the beat ---- */

static void beat(void *ctx)
{
	struct run_lock *l = ctx;
	const double pause = l->how.beat;
	struct timespec until;

	pthread_mutex_lock(&l->lock);
	while (!l->quit) {
		const double at = thread_seconds() + pause;

		until = (struct timespec){ (time_t)at, (long)(1e9 * (at - (double)(time_t)at)) };
		if (pthread_cond_clockwait(&l->over, &l->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT ||
		    l->quit)
			continue;
		if (run_lock_check(l) != TT_OK)
			break;                          /* the next who writes will see it, too */
		l->mine.beat++;
		(void)write_record(l->fd, &l->mine);
	}
	pthread_mutex_unlock(&l->lock);
}

/* ---- life ---- */

static tt_status take(struct run_lock *l)
{
	tt_status st = name(l, 0);

	if (st != TT_OK)
		return st;
	if (l->how.way == RUN_LOCK_FLOCK) {
		st = take_flock(l);
		if (!l->no_flock)
			return st;
		unlink(l->path.p);
	}
	return take_number(l);
}

static void release(struct run_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->over);
	str_release(&l->path);
	mem_free(l->dir);
	mem_free(l);
}

tt_status run_lock_take(struct run_lock **out, const char *dir, const struct run_lock_how *how)
{
	struct run_lock *l = mem_calloc(1, sizeof *l);
	tt_status st = TT_ENOMEM;

	if (!l)
		return st;
	l->how = *how;
	l->fd = -1;
	l->process = getpid();
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->over, NULL);
	describe(&l->mine);
	if (!(l->dir = mem_strdup(dir)) || (st = take(l)) != TT_OK ||
	    (policy_may_start() && (st = thread_start(&l->thread, "tutti-lock", beat, l)) != TT_OK)) {
		release(l);
		return st;
	}
	*out = l;
	return TT_OK;
}

tt_status run_lock_check(const struct run_lock *l)
{
	struct record now;

	if (!l)
		return TT_OK;
	read_path(l->path.p, &now);
	if (strcmp(now.token, l->mine.token) == 0 && (!l->number || highest(l->dir, 0) == l->number))
		return TT_OK;
	if (!now.pid)
		return err_set(TT_EBUSY, "%s: the lock of this run folder was taken away: somebody else "
		               "may train in it, and nothing is written any more", l->dir);
	return busy(l->dir, &now);
}

static void end_beat(struct run_lock *l)
{
	pthread_mutex_lock(&l->lock);
	l->quit = 1;
	pthread_cond_signal(&l->over);
	pthread_mutex_unlock(&l->lock);
	thread_join(&l->thread);
}

/* The file goes while we hold it: whoever has it open already sees that it is not the one. */
void run_lock_give(struct run_lock **lp)
{
	struct run_lock *l = lp ? *lp : NULL;

	if (!l)
		return;
	*lp = NULL;
	if (l->process != getpid())
		return;
	if (l->thread)
		end_beat(l);
	if (run_lock_check(l) == TT_OK && !l->number)
		unlink(l->path.p);
	l->mine.beat = -1;
	if (l->number)
		(void)write_record(l->fd, &l->mine);
	release(l);
}
