#include "distribute/launch/mpirun.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "sys/thread.h"
#include "distribute/launch/monitor.h"
#include "distribute/launch/supervisor.h"
#include "sys/plug.h"

#define LINE_WORDS    24         /* that stand before the command                                */
#define END_SECONDS   10.0       /* beyond the timeout, from a signal to the end                */
#define DEATH_SECONDS 10.0       /* for the kernel to end what was killed; it may hang on a disk */
#define SOON_SECONDS  0.5        /* likewise, where no worker has anything to save              */
#define ASK_SECONDS   20.0       /* for hosts to answer what they are                           */
#define ALONE_SECONDS 10.0       /* for a host to answer at all                                 */
#define ALONE_MOST    64         /* hosts that are asked alone, all at once                     */
#define DRAIN_READS   64         /* of what is still in the pipe; who is left may write for ever */

/* ---- whose launcher ---- */

static const struct {
	const char *library;             /* how its version begins                    */
	const char *program[3];          /* names of its launcher, the surest first   */
	const char *hosts, *flags[8];
	int         soft;                /* SIGTERM ends it; others it only passes on */
} launchers[] = {
	/* Places are by host, in order; cores are shared out by the workers themselves. */
	{ "Open MPI", { "mpirun.openmpi", "mpirun" }, "--host",
	  { "--map-by", "slot", "--bind-to", "none" }, 1 },
	{ "MPICH", { "mpirun.mpich", "mpirun" }, "-hosts", { "-bind-to", "none" }, 0 },
	{ "", { "mpirun" }, "-hosts", { NULL }, 0 },
};

/* The library that this build was linked with; "": none. */
static const char *library(void)
{
	const struct plug *mpi;

	return plug_find(PLUG_TRANSPORT, "mpi", &mpi) == TT_OK ? mpi->version() : "";
}

static int launcher(void)
{
	const char *version = library();
	int i = 0;

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

static void add_words(const tt_launch *l, struct argv *out)
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

tt_status mpirun_line(const tt_launch *l, const struct argv *command, int i, struct argv *out)
{
	tt_status st = argv_init(out, command->arena, command->n + LINE_WORDS);

	if (st != TT_OK || i > 0)
		return st;
	if (l->n_hosts)
		add_words(l, out);
	for (int k = 0; k < command->n; k++)
		argv_add(out, command->v[k]);
	return argv_end(out);
}

/* That of a machine without such devices is empty or missing. */
static int has_rdma(void)
{
	DIR *d = opendir("/sys/class/infiniband");
	const struct dirent *e = NULL;

	while (d && (e = readdir(d)) && e->d_name[0] == '.')
		;
	if (d)
		closedir(d);
	return e != NULL;
}

static int is_in_batch_job(void)
{
	static const char *const jobs[] = { "SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID" };

	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
		if (getenv(jobs[i]))
			return 1;
	return 0;
}

int mpirun_is_best(void)
{
	const char *named = getenv("TUTTI_MPIRUN");

	if (named && *named)
		return 1;
	return (has_rdma() || is_in_batch_job()) && *library() && is_in_path(program(launcher()));
}

/* ---- signals ---- */

static volatile pid_t child;     /* whom signals are passed on to: they belong to the process */
static volatile sig_atomic_t soft;
static volatile sig_atomic_t up; /* there are workers */

/* At first softly, so that the workers have the time to write a checkpoint. */
static void pass_on(int sig, int again)
{
	if (child > 0)
		kill(child, !soft || !up || again ? sig : sig == SIGINT ? GUARD_SOFT_INT : GUARD_SOFT_TERM);
}

/* ---- each host alone ---- */

static pid_t ask_alone(const tt_launch *l, int host, struct arena *a, int quiet)
{
	struct launch_host h = l->host[host];
	tt_launch one = *l;
	struct argv command;
	pid_t pid = 0;

	h.slots = one.workers = one.n_hosts = 1;
	one.host = &h;
	if (argv_init(&command, a, LINE_WORDS) != TT_OK)
		return 0;
	add_words(&one, &command);
	argv_add(&command, "true");
	if (argv_end(&command) != TT_OK)
		return 0;
	return child_start(&command, (struct child_streams){ -1, quiet, quiet, CHILD_WITH_US },
	                     &pid) == TT_OK ? pid : 0;
}

/* How many have not answered yet. */
static int hear_answers(struct launch_monitor *e, pid_t *pid)
{
	int open = 0, status = SIGKILL;

	for (int i = 0; i < e->launch->n_hosts; i++) {
		if (pid[i] && waitpid(pid[i], &status, WNOHANG) != 0) {
			if (child_code(status) == 0)
				launch_monitor_answered(e, i);
			pid[i] = 0;
		}
		open += pid[i] > 0;
	}
	return open;
}

/* A launcher that waits for a host's answer does not say for whose. */
static void ask_each(struct launch_monitor *e, struct arena *a)
{
	const double end = thread_seconds() + ALONE_SECONDS;
	const int n = e->launch->n_hosts, quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid[ALONE_MOST] = { 0 };

	for (int i = 0; i < n && n <= ALONE_MOST; i++)
		if (e->launch->host[i].slots)
			pid[i] = ask_alone(e->launch, i, a, quiet);
	while (n <= ALONE_MOST && hear_answers(e, pid) && !child_signal() && thread_seconds() < end)
		poll(NULL, 0, 50);
	for (int i = 0; i < ALONE_MOST; i++)
		if (pid[i])
			child_kill(pid[i]);
	close(quiet);
}

/* ---- waiting, with an end ---- */

/* Is anything amiss?  Then patience has an end now; 1 if nobody but us has seen it. */
static int look_around(struct launch_monitor *e, const struct argv *command, pid_t pid)
{
	enum monitor_silence s;

	up = launch_monitor_is_up(e);
	if (child_signal() && !e->end)
		e->end = e->now + (up ? END_SECONDS + e->launch->timeout : SOON_SECONDS);
	if (e->end > 0 || (s = launch_monitor_missed(e)) == MONITOR_WELL)
		return 0;
	if (s == MONITOR_START) {
		child_kill(pid);
		ask_each(e, command->arena);
	}
	launch_monitor_name_silent(e, s);
	e->end = e->now;
	return 1;
}

/* Its deadline is past.  It asked its processes to end long ago, and waits for a host that is not
 * there; those that are there end with it. */
static int press(const struct launch_monitor *e, pid_t pid)
{
	if (!e->end || e->now <= e->end)
		return 0;
	child_kill(pid);
	return 1;
}

/* Until the launcher is gone; processes that it has left behind may hold the pipe. */
static int attend(struct launch_monitor *e, const struct argv *command, pid_t pid, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = SIGKILL, open = 1, ended = 0;

	while (waitpid(pid, &status, WNOHANG) == 0 && !(e->end && e->now > e->end + DEATH_SECONDS)) {
		launch_monitor_tick(e);
		ended |= look_around(e, command, pid) | press(e, pid);
		if (poll(&p, open ? 1 : 0, 100) > 0)
			open = launch_monitor_hear(e, 0, fd);
		else
			launch_monitor_flush(e);
	}
	for (int i = 0; i < DRAIN_READS && poll(&p, 1, 0) > 0 && launch_monitor_hear(e, 0, fd); i++)
		;
	launch_monitor_flush(e);
	if (!ended)
		return child_code(status);
	return child_signal() ? TT_EXIT_SIGNAL + child_signal() : TT_EXIT_AGAIN;
}

static tt_status listen_and_wait(const struct argv *command, struct launch_monitor *e, int *code)
{
	int pipes[2];
	pid_t pid;
	tt_status st;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_set(TT_EIO, "no pipe for %s: %s", command->v[0], strerror(errno));
	st = child_start(command, (struct child_streams){ -1, -1, pipes[1], CHILD_WITH_US },
	                   &pid);
	close(pipes[1]);
	if (st == TT_OK) {
		child = pid;
		child_signals_pass(pass_on);
		*code = attend(e, command, pid, pipes[0]);
		launch_monitor_conclude(e, *code);
	}
	close(pipes[0]);
	return st;
}

/* Threads have no launcher between them and us, and miss one another by themselves. */
static tt_status just_wait(const struct argv *command, int *code)
{
	int status;
	pid_t pid;
	tt_status st = child_start(command, (struct child_streams){ -1, -1, -1, CHILD_WITH_US },
	                             &pid);

	if (st != TT_OK)
		return st;
	child = pid;
	child_signals_pass(pass_on);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*code = child_code(status);
	return TT_OK;
}

static tt_status run_hosts(const tt_launch *l, const struct argv *line, struct launch_news *news,
                           int *code)
{
	struct launch_monitor e;
	tt_status st;

	if (!*library() && !getenv("TUTTI_MPIRUN"))
		return err_set(TT_ESUPPORT, "launcher mpirun: this tutti was built without MPI: install "
		               "libopenmpi-dev and build again, or leave it to the launcher ssh");
	if ((st = launch_monitor_init(&e, l, news, MONITOR_ALOUD)) != TT_OK)
		return st;
	soft = launchers[launcher()].soft;
	st = listen_and_wait(line, &e, code);
	launch_monitor_release(&e);
	return st;
}

tt_status mpirun_run(const tt_launch *l, const struct argv *command, struct launch_news *news,
                     int *code)
{
	struct argv line;
	tt_status st = mpirun_line(l, command, 0, &line);

	soft = 0;
	if (st == TT_OK)
		st = l->n_hosts ? run_hosts(l, &line, news, code) : just_wait(&line, code);
	child_signals_pass(NULL);
	child = 0;
	return st;
}

tt_status mpirun_ask(const tt_launch *l, const struct argv *command, int *code)
{
	const double end = thread_seconds() + ASK_SECONDS;
	int quiet = open("/dev/null", O_RDWR | O_CLOEXEC), status = SIGKILL;
	struct argv line;
	pid_t pid;
	tt_status st = mpirun_line(l, command, 0, &line);

	if (st == TT_OK)
		st = child_start(&line, (struct child_streams){ -1, -1, quiet, CHILD_WITH_US }, &pid);

	while (st == TT_OK && waitpid(pid, &status, WNOHANG) == 0 &&
	       thread_seconds() < end + DEATH_SECONDS) {
		if (thread_seconds() > end || child_signal())
			child_kill(pid);
		poll(NULL, 0, 50);
	}
	if (st == TT_OK)
		*code = child_code(status);
	close(quiet);
	return st;
}
