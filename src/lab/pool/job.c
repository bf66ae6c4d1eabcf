#include "lab/pool/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/plain.h"
#include "lab/pool/command.h"
#include "sys/thread.h"

#define PATIENCE 10.0                   /* seconds between SIGTERM and SIGKILL */

static tt_status open_in(const char *dir, const char *name, int flags, int *fd)
{
	struct str path = {0};
	tt_status st;

	str_addf(&path, "%s/%s", dir, name);
	if ((st = str_status(&path)) == TT_OK && (*fd = open(path.p, flags | O_CLOEXEC, 0666)) < 0)
		st = err_set(TT_EIO, "%s: cannot open: %s", path.p, strerror(errno));
	str_release(&path);
	return st;
}

/* ---- start ---- */

struct streams { int in, out, err; pid_t parent; };

static void become(const struct tt_command *c, const struct streams *s)
{
	static const int usual[] = { SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXFSZ };
	const char *why;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != s->parent)
		_exit(128 + SIGTERM);
	dup2(s->in, 0);
	dup2(s->out, 1);
	dup2(s->err, 2);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		signal(usual[i], SIG_DFL);
	execvp(c->v[0], c->v);
	why = strerrorname_np(errno);
	dprintf(2, "%s: cannot be started: %s\n", c->v[0],
	        errno == ENOENT ? "no such program" : why ? why : "?");
	_exit(errno == ENOENT ? JOB_CANNOT + 1 : JOB_CANNOT);
}

/* No handler of ours runs in the child before its signals are the usual ones. */
static tt_status start(struct job *j, const struct tt_command *c, const struct streams *s)
{
	sigset_t before;
	pid_t pid;

	fflush(NULL);
	thread_block_signals(&before);
	if ((pid = fork()) == 0) {
		thread_restore_signals(&before);
		become(c, s);
	}
	thread_restore_signals(&before);
	if (pid < 0)
		return err_set(TT_ENOMEM, "%s cannot be started: %s", c->v[0], strerror(errno));
	setpgid(pid, pid);                      /* whoever of us two comes first */
	j->pid = pid;
	j->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (j->pidfd >= 0)
		fcntl(j->pidfd, F_SETFD, FD_CLOEXEC);
	j->began = thread_seconds();
	return TT_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Asked before it starts: it may be quick. */
static int64_t size_of(int fd)
{
	struct stat info;

	return fd >= 0 && fstat(fd, &info) == 0 ? (int64_t)info.st_size : 0;
}

tt_status job_start(struct job *j, const struct tt_command *c, const char *dir, int64_t *at)
{
	struct streams s = { -1, -1, -1, getpid() };
	struct job new = { .pidfd = -1, .out = -1 };
	int64_t before = 0;
	tt_status st;

	if ((st = open_in("/dev", "null", O_RDONLY, &s.in)) == TT_OK &&
	    (st = open_in(dir, JOB_OUTPUT, O_WRONLY | O_CREAT | O_APPEND, &s.out)) == TT_OK &&
	    (st = open_in(dir, JOB_ERRORS, O_WRONLY | O_CREAT | O_APPEND, &s.err)) == TT_OK &&
	    (st = job_open_output(&new, dir, before = size_of(s.out))) == TT_OK &&
	    (st = start(&new, c, &s)) == TT_OK) {
		*at = before;
		*j = new;
	} else {
		close_fd(new.out);
	}
	close_fd(s.in);
	close_fd(s.out);
	close_fd(s.err);
	return st;
}

tt_status job_open_output(struct job *j, const char *dir, int64_t at)
{
	int fd;

	j->out = -1;
	if (open_in(dir, JOB_OUTPUT, O_RDONLY, &fd) != TT_OK)
		return TT_OK;                   /* it has said nothing */
	lseek(fd, (off_t)at, SEEK_SET);
	j->out = fd;
	return TT_OK;
}

/* ---- end ---- */

int job_ended(struct job *j, int *code)
{
	int status;

	if (!j->pid || waitpid(j->pid, &status, WNOHANG) != j->pid)
		return 0;
	kill(-j->pid, SIGKILL);                 /* what it has left behind in its group */
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	j->pid = 0;
	return 1;
}

void job_end(struct job *j, double now)
{
	if (!j->pid)
		return;
	if (!j->told_to_end) {
		j->told_to_end = now;
		kill(-j->pid, SIGTERM);
		kill(-j->pid, SIGCONT);
	} else if (now - j->told_to_end > PATIENCE && !j->killed) {
		j->killed = 1;
		kill(-j->pid, SIGKILL);
	}
}

void job_kill(struct job *j)
{
	int status;

	if (!j->pid)
		return;
	kill(-j->pid, SIGKILL);
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	j->pid = 0;
}

void job_close(struct job *j)
{
	job_kill(j);
	close_fd(j->pidfd);
	close_fd(j->out);
	j->pidfd = j->out = -1;
}

/* ---- looks ---- */

long long job_born(pid_t pid)
{
	char path[64], text[1024];
	const char *at;
	long long when = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	if (!(f = fopen(path, "re")))
		return 0;
	/* The name, in brackets, may hold anything; it is 20 numbers after it. */
	if (fgets(text, sizeof text, f) && (at = strrchr(text, ')'))) {
		for (int i = 0; i < 20 && at; i++)
			at = (at = strchr(at, ' ')) ? at + 1 : NULL;
		when = at ? strtoll(at, NULL, 10) : 0;
	}
	fclose(f);
	return when;
}

void job_last_words(const char *dir, char out[200])
{
	char text[2048];
	ssize_t n = 0;
	char *line;
	off_t size;
	int fd;

	out[0] = '\0';
	if (open_in(dir, JOB_ERRORS, O_RDONLY, &fd) != TT_OK)
		return;
	size = lseek(fd, 0, SEEK_END);
	n = pread(fd, text, sizeof text - 1, size > 2000 ? size - 2000 : 0);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	while (n > 0 && strchr(" \r\n\t", text[n - 1]))
		text[--n] = '\0';
	line = strrchr(text, '\n');
	snprintf(out, 200, "%.199s", line ? line + 1 : text);
	plain_make(out);
}
