#include "distribute/launch/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/launch.h>

#include "distribute/launch/child.h"
#include "sys/thread.h"

#define TICK_SECONDS  0.25
#define START_SECONDS 30.0       /* beyond the timeout, for processes to come up everywhere       */
#define WORDS_SECONDS 1.0        /* for what the other workers have to say when all give up       */
#define BLAME_SECONDS 5.0        /* beyond the timeout, until they have missed a dead worker      */

struct supervisor {
	pid_t  worker, launcher;
	struct supervisor_opts o;
	int    line;                 /* where the worker says that it has joined           */
	double started, knock;       /* knock: when to do so next                          */
	double stopped;              /* since when the worker is; 0: it is not             */
	double told;                 /* when we were asked to end; 0: nobody did           */
	double parting;              /* since when the worker is; 0: it is not             */
	int    joined, status, over; /* over: status is the worker's last                  */
};

/* ---- words ---- */

static void say(const struct supervisor *g, const char *what)
{
	char host[65] = "localhost";

	gethostname(host, sizeof host - 1);
	fprintf(stderr, "tutti train: rank %d (host %s, pid %d) %s\n", g->o.rank, host, (int)g->worker,
	        what);
}

static void say_signal(const struct supervisor *g, const char *verb, int sig)
{
	char text[80];
	const char *name = sigabbrev_np(sig);

	snprintf(text, sizeof text, "was %s by SIG%s%s", verb, name ? name : "?",
	         sig == SIGKILL ? " (if nobody did, memory was lacking)" : "");
	say(g, text);
}

/* In one piece, and not at all where nobody reads any more: a guard must not be held up. */
static void knock(struct supervisor *g)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
	char text[64];
	int n;

	if (!(g->o.every > 0) || thread_seconds() < g->knock)
		return;
	g->knock = thread_seconds() + g->o.every;
	n = snprintf(text, sizeof text, GUARD_KNOCK "%d\n", g->o.rank);
	if (poll(&p, 1, 0) > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		g->o.every = 0;
}

/* ---- what happens ---- */

static void look_at_worker(struct supervisor *g)
{
	int status;

	while (!g->over && waitpid(g->worker, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0) {
		if (WIFSTOPPED(status)) {
			g->stopped = thread_seconds();
		} else if (WIFCONTINUED(status)) {
			g->stopped = 0;
		} else {
			g->status = status;
			g->over = 1;
		}
	}
}

static void listen_to_worker(struct supervisor *g)
{
	char word;

	while (read(g->line, &word, 1) == 1) {
		if (word == GUARD_JOINED)
			g->joined = 1;
		else
			g->parting = thread_seconds();
	}
}

static void fill_heard(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (const int *sig = child_signals; *sig; sig++)
		sigaddset(set, *sig);
}

/* The worker is asked as we are. */
static int meaning(const struct supervisor *g, int sig)
{
	if (!g->o.softly)
		return sig;
	return sig == GUARD_SOFT_TERM ? SIGTERM : sig == GUARD_SOFT_INT ? SIGINT : sig;
}

/* A signal, or nothing for a while. */
static void wait_a_tick(struct supervisor *g)
{
	sigset_t set;
	int sig;

	fill_heard(&set);
	sig = sigtimedwait(&set, NULL, &(struct timespec){ .tv_nsec = (long)(TICK_SECONDS * 1e9) });
	if (sig > 0 && sig != SIGCHLD) {
		g->told = thread_seconds();
		kill(g->worker, meaning(g, sig));
	}
	look_at_worker(g);
	listen_to_worker(g);
	knock(g);
}

/* Why the worker has to go now; NULL: it has not. */
static const char *enough(const struct supervisor *g)
{
	const double now = thread_seconds();

	if (g->stopped > 0 && g->told > 0)
		return "is stopped and cannot end by itself";
	if (g->stopped > 0 && now - g->stopped > g->o.timeout + BLAME_SECONDS)
		return "was stopped for too long";
	if (!g->joined && now - g->started > g->o.timeout + START_SECONDS)
		return "waited in vain for all others to start";
	if (g->parting > 0 && now - g->parting > g->o.timeout + BLAME_SECONDS)
		return "waited in vain for all others to end";
	if (g->told > 0 && now - g->told > g->o.timeout + BLAME_SECONDS)
		return "was asked to end and did not";
	return NULL;
}

/* The launcher has died: nobody would tell the worker. */
static void look_at_launcher(struct supervisor *g)
{
	if (g->told > 0 || getppid() == g->launcher)
		return;
	g->told = thread_seconds();
	kill(g->worker, SIGTERM);
}

/* Until `seconds` are over, or somebody asks us to end. */
static void stay(struct supervisor *g, double seconds)
{
	const double end = thread_seconds() + seconds;

	while (!g->told && thread_seconds() < end && getppid() == g->launcher)
		wait_a_tick(g);
}

static int exit_code(struct supervisor *g)
{
	if (WIFEXITED(g->status) && WEXITSTATUS(g->status) != TT_EXIT_AGAIN)
		return WEXITSTATUS(g->status);
	if (WIFEXITED(g->status)) {
		stay(g, WORDS_SECONDS);
	} else if (!g->told) {
		say_signal(g, "killed", WTERMSIG(g->status));
		stay(g, g->joined ? g->o.timeout + BLAME_SECONDS : 0);
	}
	return TT_EXIT_AGAIN;
}

static int watch(struct supervisor *g)
{
	const char *why;

	signal(SIGPIPE, SIG_IGN);            /* the launcher may be gone; the worker is not yet */
	knock(g);
	while (!g->over) {
		wait_a_tick(g);
		look_at_launcher(g);
		if (g->over || !(why = enough(g)))
			continue;
		say(g, why);
		g->told = thread_seconds();          /* and so its death is no news */
		kill(g->worker, SIGKILL);
		waitpid(g->worker, &g->status, 0);
		g->over = 1;
	}
	return exit_code(g);
}

/* ---- one becomes two ---- */

/* Signals come from the guard only, so each comes once. */
static void be_worker(pid_t guard, const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(TT_EXIT_AGAIN);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

/* What ps shows. */
static void call_it(const char *what, int rank)
{
	char name[16];

	snprintf(name, sizeof name, "tutti %s %d", what, rank);
	prctl(PR_SET_NAME, name);
}

tt_status supervisor_start(const struct supervisor_opts *o, int *line)
{
	struct supervisor g = { .o = *o, .launcher = getppid() };
	const pid_t self = getpid();
	sigset_t set, before;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_set(TT_EIO, "a worker's guard has no pipe: %s", strerror(errno));
	fill_heard(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	fflush(NULL);
	g.started = thread_seconds();
	if ((g.worker = fork()) < 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return err_set(TT_ENOMEM, "a worker cannot be started: %s", strerror(errno));
	}
	close(pipes[g.worker ? 1 : 0]);
	call_it(g.worker ? "guard" : "rank", o->rank);
	if (g.worker) {                      /* with nothing open that is the worker's */
		g.line = dup2(pipes[0], STDERR_FILENO + 1);
		close_range(STDERR_FILENO + 2, ~0U, 0);
		_exit(watch(&g));
	}
	be_worker(self, &before);
	*line = pipes[1];
	return TT_OK;
}

void supervisor_tell(int line, enum supervisor_word word)
{
	const char c = (char)word;

	if (write(line, &c, 1) != 1)
		return;                      /* the guard is gone, and we are about to be */
}
