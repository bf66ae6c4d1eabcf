#include "distribute/launch/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tutti/launch.h>

#include "base/mem.h"
#include "distribute/launch/child.h"
#include "distribute/launch/supervisor.h"
#include "sys/thread.h"

#define TICK_SECONDS 0.25
#define KNOCK_SECONDS 2.0
#define WORDS_WAIT   60.0        /* seconds for the launcher's first words                 */
#define END_SECONDS  15.0        /* beyond the timeout: guards end their workers before    */

/* ---- places ---- */

void crew_write_place(const struct endpoint *at, char text[CREW_PLACE])
{
	const unsigned char *p = (const void *)at;

	for (size_t i = 0; i < sizeof *at; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
}

int crew_read_place(const char *text, struct endpoint *out)
{
	struct endpoint at;
	unsigned char *p = (void *)&at;

	for (size_t i = 0; i < sizeof at; i++) {
		unsigned byte;

		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return 0;
		p[i] = (unsigned char)byte;
	}
	if (!at.port || at.n > ENDPOINT_ADDRESSES)
		return 0;
	*out = at;
	return 1;
}

/* ---- the launcher's words ---- */

/* Something is to be read, in time.  Meanwhile the launcher hears that we are here. */
static int wait_for_word(int rank, double end)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int ready = 0;

	while (ready == 0 && thread_seconds() < end) {
		ready = poll(&p, 1, (int)(1000 * KNOCK_SECONDS));
		if (ready == 0)
			fprintf(stderr, GUARD_KNOCK "%d\n", rank);
	}
	return ready > 0;
}

/* One line, without what follows it.  0: there is none, in time. */
static int hear_line(int rank, char *line, size_t size)
{
	const double end = thread_seconds() + WORDS_WAIT;

	for (size_t n = 0; n + 1 < size; n++) {
		if (!wait_for_word(rank, end) || read(STDIN_FILENO, line + n, 1) != 1)
			return 0;
		if (line[n] == '\n') {
			line[n] = '\0';
			return 1;
		}
	}
	return 0;
}

static const char *after(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0 ? line + strlen(word) : NULL;
}

static tt_status no_words(void)
{
	return err_set(TT_EIO, "a launcher was to say on standard input where the others are, and did "
	               "not; by hand, the rendezvous is tcp://host:port");
}

/* The launcher was asked to end before anything began: so are we. */
static tt_status pass_to_us(const char *number)
{
	const int sig = atoi(number);

	if (sig > 0)
		raise(sig);
	return err_set(TT_ESTOPPED, "stopped on request before the workers have met");
}

static tt_status say_place(struct crew *c)
{
	char text[CREW_PLACE];

	c->at = (struct endpoint){ 0 };
	if ((c->listener = endpoint_listen(ENDPOINT_ANY, &c->at.port)) < 0)
		return err_set(TT_EIO, "cannot listen for other workers: %s", strerror(errno));
	endpoint_find_addresses(&c->at, ENDPOINT_ANY);
	crew_write_place(&c->at, text);
	fprintf(stderr, CREW_ANSWER "%s\n", text);
	return TT_OK;
}

tt_status crew_listen(struct crew *c, int rank)
{
	char line[1024];
	const char *rest;
	tt_status st;

	if (!hear_line(rank, line, sizeof line) || !(rest = after(line, CREW_SECRET)))
		return no_words();
	st = secret_set(&c->secret, rest, "the launcher");
	explicit_bzero(line, sizeof line);
	if (st != TT_OK)
		return st;
	fprintf(stderr, GUARD_KNOCK "%d\n", rank);
	if (rank == 0)
		return say_place(c);
	if (!hear_line(rank, line, sizeof line))
		return no_words();
	if ((rest = after(line, CREW_STOP)))
		return pass_to_us(rest);
	if (!(rest = after(line, CREW_RENDEZVOUS)) || !crew_read_place(rest, &c->at))
		return no_words();
	return TT_OK;
}

/* ---- waiting for all ---- */

struct members {
	pid_t  *pid;                     /* [n]; 0: it has ended */
	int     n, left, code, first;    /* first: rank           */
	int     lifeline;                /* -1: nobody speaks    */
	char    line[64];
	size_t  got;
	double  told, timeout;
};

static void tell(struct members *m, int sig)
{
	if (m->told == 0)
		m->told = thread_seconds();
	for (int i = 0; i < m->n; i++)
		if (m->pid[i])
			kill(m->pid[i], sig);
}

/* What somebody failed with by himself says more than that he lost another. */
static void add_code(struct members *m, int code)
{
	if (code && (!m->code || m->code == TT_EXIT_AGAIN))
		m->code = code;
}

/* A guard that has died cannot say so, and its worker dies with it. */
static void say_killed(const struct members *m, int which, pid_t pid, int sig)
{
	const char *name = sigabbrev_np(sig);
	char host[65] = "localhost";

	gethostname(host, sizeof host - 1);
	if (!m->told)
		fprintf(stderr, "tutti train: rank %d (host %s, pid %d) was killed by SIG%s: its guard "
		        "was, and it goes with it\n", m->first + which, host, (int)pid, name ? name : "?");
}

static void look_at_members(struct members *m)
{
	int status;
	pid_t pid;

	while (m->left && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < m->n; i++)
			if (m->pid[i] == pid) {
				m->pid[i] = 0;
				m->left--;
				add_code(m, WIFEXITED(status) ? WEXITSTATUS(status) : TT_EXIT_AGAIN);
				if (WIFSIGNALED(status))
					say_killed(m, i, pid, WTERMSIG(status));
			}
}

static void hear_char(struct members *m, char c)
{
	const char *rest;

	if (c != '\n') {
		if (m->got + 1 < sizeof m->line)
			m->line[m->got++] = c;
		return;
	}
	m->line[m->got] = '\0';
	m->got = 0;
	if ((rest = after(m->line, CREW_STOP)))
		tell(m, atoi(rest) > 0 ? atoi(rest) : SIGTERM);
}

static void listen_to_launcher(struct members *m)
{
	char buf[256];
	ssize_t n;

	if (m->lifeline < 0)
		return;
	while ((n = read(m->lifeline, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n; i++)
			hear_char(m, buf[i]);
	if (n == 0) {                        /* the launcher is gone */
		m->lifeline = -1;
		tell(m, SIGTERM);
	}
}

static void fill_heard(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (const int *sig = child_signals; *sig; sig++)
		sigaddset(set, *sig);
}

/* A signal, or nothing for a while. */
static void wait_a_tick(struct members *m)
{
	sigset_t set;
	int sig;

	fill_heard(&set);
	sig = sigtimedwait(&set, NULL, &(struct timespec){ .tv_nsec = (long)(TICK_SECONDS * 1e9) });
	if (sig > 0 && sig != SIGCHLD)
		tell(m, sig);
	look_at_members(m);
	listen_to_launcher(m);
	if (m->told > 0 && thread_seconds() > m->told + m->timeout + END_SECONDS)
		tell(m, SIGKILL);
}

static void block(sigset_t *before)
{
	sigset_t set;

	fill_heard(&set);
	sigprocmask(SIG_BLOCK, &set, before);
}

/* No worker hears the launcher: its input is empty. */
static void become_worker(pid_t crew, const sigset_t *before)
{
	const int none = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != crew)
		_exit(TT_EXIT_AGAIN);
	dup2(none, STDIN_FILENO);
	close(none);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, before, NULL);
}

tt_status crew_start(const struct crew_opts *o, int *which)
{
	struct members m = { .lifeline = o->by == CREW_LAUNCHED ? STDIN_FILENO : -1,
	                     .timeout = o->timeout, .first = o->rank };
	const pid_t self = getpid();
	sigset_t before;

	if (!(m.pid = mem_calloc((size_t)o->workers, sizeof *m.pid)))
		return TT_ENOMEM;
	block(&before);
	fflush(NULL);
	for (int i = 0; i < o->workers; i++) {
		if ((m.pid[m.n] = fork()) == 0) {
			become_worker(self, &before);
			mem_free(m.pid);
			*which = i;
			return TT_OK;
		}
		if (m.pid[m.n] < 0) {
			fprintf(stderr, "tutti train: a worker cannot be started: %s\n", strerror(errno));
			add_code(&m, TT_EXIT_FAILED);
			tell(&m, SIGTERM);
			break;
		}
		m.left = ++m.n;
	}
	signal(SIGPIPE, SIG_IGN);
	close_range(STDERR_FILENO + 1, ~0U, 0);         /* the listener is the first worker's */
	if (m.lifeline >= 0)
		fcntl(m.lifeline, F_SETFL, fcntl(m.lifeline, F_GETFL) | O_NONBLOCK);
	while (m.left)
		wait_a_tick(&m);
	_exit(m.code);
}
