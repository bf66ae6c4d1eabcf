#include "kit/mpirun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "kit/exit.h"
#include "plug/plugs.h"

#define WORDS_SECONDS 4.0        /* after a worker has given up: all others have by then */
#define BLAME_SECONDS 10.0       /* after a death, beyond the timeout: the others have missed it */
#define ASK_SECONDS   20.0       /* for hosts to answer what they are */

/* ---- a command line ---- */

tt_status argv_init(struct argv *out, struct arena *a, int room)
{
	const char **v = arena_alloc(a, (size_t)(room + 1) * sizeof *v);

	if (!v)
		return TT_ENOMEM;
	*out = (struct argv){ .arena = a, .v = v };
	return TT_OK;
}

void argv_add(struct argv *out, const char *word)
{
	out->v[out->n++] = word;
}

/* ---- whose launcher ---- */

static const struct {
	const char *library;             /* how its version begins                    */
	const char *program[3];          /* names of its launcher, the surest first   */
	const char *hosts, *flags[8];
	int         soft;                /* a signal that it only passes on; 0: SIGTERM is */
} launchers[] = {
	/* Places are by host, in order; cores are shared out by the workers themselves. */
	{ "Open MPI", { "mpirun.openmpi", "mpirun" }, "--host",
	  { "--map-by", "slot", "--bind-to", "none" }, SIGUSR1 },
	{ "MPICH", { "mpirun.mpich", "mpirun" }, "-hosts", { "-bind-to", "none" }, 0 },
	{ "", { "mpirun" }, "-hosts", { NULL }, 0 },
};

static int launcher(void)
{
	struct plug_info info[32];
	const char *version = "";
	int n = plug_list(info, 32), i = 0;

	for (int k = 0; k < n; k++)
		if (strcmp(info[k].name, "mpi") == 0)
			version = info[k].version;
	while (strncmp(version, launchers[i].library, strlen(launchers[i].library)) != 0)
		i++;
	return i;
}

static int is_in_path(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	for (size_t n; path && *path; path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		snprintf(file, sizeof file, "%.*s/%s", (int)n, path, name);
		if (access(file, X_OK) == 0)
			return 1;
	}
	return 0;
}

/* Several MPI libraries may be installed side by side: `mpirun` may be another one's. */
static const char *program(int which)
{
	const char *named = getenv("TUTTI_MPIRUN");
	const char *const *p = launchers[which].program;

	if (named && *named)
		return named;
	while (p[1] && !is_in_path(*p))
		p++;
	return *p;
}

void mpirun_words(const struct launch *l, struct argv *out)
{
	const int which = launcher();
	struct str hosts = {0};

	for (int i = 0; i < l->n_hosts; i++)
		if (l->host[i].slots)
			str_addf(&hosts, "%s%s:%d", hosts.len ? "," : "", l->host[i].name, l->host[i].slots);
	argv_add(out, program(which));
	argv_add(out, "-np");
	argv_add(out, arena_printf(out->arena, "%d", l->workers));
	argv_add(out, launchers[which].hosts);
	argv_add(out, str_status(&hosts) == TT_OK && hosts.p ? arena_strdup(out->arena, hosts.p)
	                                                     : NULL);
	for (int i = 0; launchers[which].flags[i]; i++)
		argv_add(out, launchers[which].flags[i]);
	if (geteuid() == 0 && launchers[which].soft)
		argv_add(out, "--allow-run-as-root");
	str_release(&hosts);
}

/* ---- signals ---- */

static volatile pid_t child;     /* whom signals are passed on to: they belong to the process */
static volatile sig_atomic_t told, soft;

/* At first softly, so that the workers have the time to write a checkpoint. */
static void pass_on(int sig)
{
	if (child > 0)
		kill(child, soft && !told ? (int)soft : sig);
	told = sig;
}

int mpirun_signal(void)
{
	return (int)told;
}

static void pass_signals(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction s = { .sa_handler = handler };

	sigemptyset(&s.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &s, NULL);
}

/* ---- what is said ---- */

struct ear {
	const struct launch *launch;
	struct mpirun_news  *news;
	int                 *mentioned;  /* [hosts]: by the launcher, which speaks of hosts only */
	int                 *waited;     /* [hosts]: workers there that others did not start with */
	time_t               started;
	double               end;        /* when patience is over; 0: it is not tried            */
	char                 line[1024];
	size_t               n;
};

static int host_of(const struct launch *l, int rank)
{
	for (int i = 0; i < l->n_hosts; i++) {
		if (rank < l->host[i].slots)
			return i;
		rank -= l->host[i].slots;
	}
	return -1;
}

static int is_word_end(char c)
{
	return !c || !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", c);
}

static int mentions(const char *line, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = line; (p = strstr(p, name)); p++)
		if ((p == line || is_word_end(p[-1])) && is_word_end(p[n]))
			return 1;
	return 0;
}

/* "rank 3 (host b, pid 411) was killed by SIGKILL": who is to blame, and how long are the others to
 * be waited for? */
static void hear_worker(struct ear *e, const char *line)
{
	const char *rank = strstr(line, "rank "), *verdict = strstr(line, "pid ");
	const int host = rank ? host_of(e->launch, atoi(rank + 5)) : -1;
	double wait = WORDS_SECONDS, end;

	if (host < 0 || !verdict || !(verdict = strstr(verdict, ") ")))
		return;
	if (strncmp(verdict, ") was killed", 12) == 0)
		wait = e->launch->timeout + BLAME_SECONDS;
	end = thread_seconds() + wait;
	e->end = e->end > 0 && e->end < end ? e->end : end;
	e->news->complaints++;
	/* Who waits is not who is missed, and numbers that overflow are nobody's fault. */
	if (strstr(verdict, "in vain"))
		e->waited[host]++;
	else if (!strstr(verdict, "not finite"))
		e->news->accused[host]++;
}

static void hear_line(struct ear *e)
{
	e->line[e->n] = '\0';
	e->n = 0;
	if (strncmp(e->line, "tutti ", 6) == 0)
		hear_worker(e, e->line);
	else
		for (int i = 0; i < e->launch->n_hosts; i++)
			e->mentioned[i] += mentions(e->line, e->launch->host[i].name);
}

/* 0 at the end. */
static int hear(struct ear *e, int fd)
{
	char buf[4096];
	const ssize_t n = read(fd, buf, sizeof buf);

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	fwrite(buf, 1, (size_t)n, stderr);
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			hear_line(e);
		else if (e->n < sizeof e->line - 1)
			e->line[e->n++] = buf[i];
	}
	return 1;
}

/* The MPI library does not say whom it waits for, at the start and at the end: it is who has not
 * complained. */
static void name_absent(const struct ear *e)
{
	const struct launch *l = e->launch;
	int silent = 0, hosts = 0;

	for (int i = 0; i < l->n_hosts; i++) {
		hosts += l->host[i].slots > 0;
		silent += l->host[i].slots > 0 && !e->waited[i];
	}
	if (!silent || silent == hosts)
		return;
	for (int i = 0; i < l->n_hosts; i++) {
		if (!l->host[i].slots || (2 * silent > hosts) == !e->waited[i])
			continue;
		e->news->accused[i]++;
		fprintf(stderr, "tutti train: host %s %s\n", l->host[i].name, e->waited[i]
		        ? "is cut off: its workers wait for those of more than half of the hosts"
		        : "cannot be reached: the others' workers wait for its own");
	}
}

/* If no worker has said anything, a launcher that complains of one host alone means that one. */
static void conclude(struct ear *e, int code)
{
	int one = -1, waited = 0;

	for (int i = 0; i < e->launch->n_hosts; i++) {
		waited += e->waited[i];
		if (e->mentioned[i])
			one = one == -1 ? i : -2;
	}
	if (code && waited == e->news->complaints)
		name_absent(e);
	if (code && !e->news->complaints && one >= 0)
		e->news->accused[one]++;
}

/* ---- running ---- */

static tt_status start(const struct argv *command, int err, pid_t *out)
{
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) < 0)
		return err_set(TT_ENOMEM, "%s cannot be started: %s", command->v[0], strerror(errno));
	if (pid > 0) {
		*out = pid;
		return TT_OK;
	}
	if (err >= 0)
		dup2(err, STDERR_FILENO);
	execvp(command->v[0], (char *const *)(uintptr_t)command->v);
	fprintf(stderr, "%s: %s%s\n", command->v[0], strerror(errno), errno == ENOENT
	        ? "; --hosts needs the launcher of an MPI library, such as openmpi-bin's" : "");
	_exit(EXIT_FAILED);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

/* The first worker has said in the run's log that all is over, and since then there was time enough
 * for everybody to leave: a launcher that is still there waits for a host that is not. */
static void look_at_log(struct ear *e)
{
	char path[4096], tail[256] = "";
	const char *last;
	struct stat s;
	FILE *f;

	snprintf(path, sizeof path, "%s/log.txt", e->launch->run);
	if (e->end > 0 || stat(path, &s) != 0 || s.st_mtime <= e->started ||
	    time(NULL) - s.st_mtime < e->launch->timeout + BLAME_SECONDS || !(f = fopen(path, "re")))
		return;
	fseek(f, -(long)(s.st_size < 255 ? s.st_size : 255), SEEK_END);
	tail[fread(tail, 1, sizeof tail - 1, f)] = '\0';
	fclose(f);
	if ((last = strstr(tail, "  end: ")) && !strstr(last, "  start: "))
		e->end = thread_seconds();
}

/* Its deadline is past.  It asked its processes to end long ago, and waits for a host that is not
 * there; those that are there end with it. */
static void press(const struct ear *e, pid_t pid)
{
	if (e->end > 0 && thread_seconds() > e->end)
		kill(pid, SIGKILL);
}

/* Until the launcher is gone; processes that it has left behind may hold the pipe. */
static int attend(struct ear *e, pid_t pid, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = 0, open = 1;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		look_at_log(e);
		press(e, pid);
		if (poll(&p, open ? 1 : 0, 100) > 0)
			open = hear(e, fd);
	}
	while (poll(&p, 1, 0) > 0 && hear(e, fd))
		;
	return code_of(status);
}

static tt_status listen_and_wait(const struct argv *command, struct ear *e, int *code)
{
	int pipes[2];
	pid_t pid;
	tt_status st;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_set(TT_EIO, "no pipe for %s: %s", command->v[0], strerror(errno));
	st = start(command, pipes[1], &pid);
	close(pipes[1]);
	if (st == TT_OK) {
		child = pid;
		pass_signals(pass_on);
		*code = attend(e, pid, pipes[0]);
		conclude(e, *code);
	}
	close(pipes[0]);
	return st;
}

static tt_status just_wait(const struct argv *command, int *code)
{
	int status;
	pid_t pid;
	tt_status st = start(command, -1, &pid);

	if (st != TT_OK)
		return st;
	child = pid;
	pass_signals(pass_on);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*code = code_of(status);
	return TT_OK;
}

tt_status mpirun_run(const struct launch *l, const struct argv *command, struct mpirun_news *news,
                     int *code)
{
	struct ear e = { .launch = l, .news = news, .started = time(NULL) };
	tt_status st;

	soft = l->n_hosts ? launchers[launcher()].soft : 0;
	if (!l->n_hosts)
		st = just_wait(command, code);
	else if (!(e.mentioned = mem_calloc((size_t)l->n_hosts, sizeof *e.mentioned)) ||
	         !(e.waited = mem_calloc((size_t)l->n_hosts, sizeof *e.waited)))
		st = TT_ENOMEM;
	else
		st = listen_and_wait(command, &e, code);
	pass_signals(SIG_DFL);
	child = 0;
	mem_free(e.mentioned);
	mem_free(e.waited);
	return st;
}

tt_status mpirun_ask(const struct argv *command, int *code)
{
	int quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct mpirun_news news = { 0 };
	struct ear e = { .news = &news, .end = thread_seconds() + ASK_SECONDS };
	int status = 0;
	pid_t pid;
	tt_status st = start(command, quiet, &pid);

	while (st == TT_OK && waitpid(pid, &status, WNOHANG) == 0) {
		press(&e, pid);
		poll(NULL, 0, 50);
	}
	if (st == TT_OK)
		*code = code_of(status);
	close(quiet);
	return st;
}
