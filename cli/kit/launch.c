#include "kit/launch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"
#include "kit/exit.h"
#include "kit/table.h"
#include "plug/plugs.h"

#define HOSTS_MAX 4096
#define SLOTS_MAX 4096
#define HOST_FAILURES 2          /* a host that fails so often is left out */

/* ---- inside a launcher ---- */

int launch_inside(void)
{
	static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (getenv(names[i]))
			return 1;
	return 0;
}

/* This worker's part of the cores that its neighbours may use as well. */
static void take_cores(const struct comm *c, const cpu_set_t *may)
{
	const int cores = CPU_COUNT(may), mine = c->local, all = c->locals;
	cpu_set_t own;
	int k = 0;

	if (cores < all)
		return;                      /* more workers than cores: the kernel knows best */
	CPU_ZERO(&own);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, may)) {
			if (k * all / cores == mine)
				CPU_SET(i, &own);
			k++;
		}
	sched_setaffinity(0, sizeof own, &own);
}

/* A launcher may have bound each worker to cores of its own: then all is well. */
static tt_status share_cores(struct comm *c)
{
	cpu_set_t mine, *all = mem_calloc((size_t)c->size, sizeof *all);
	int same = 1;
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	CPU_ZERO(&mine);
	sched_getaffinity(0, sizeof mine, &mine);
	c->doing = "the start";
	st = comm_allgather(c, &mine, sizeof mine, all);
	for (int i = 0; st == TT_OK && i < c->size; i++)
		if (c->host_of[i] == c->host)
			same = same && CPU_EQUAL(&all[i], &mine);
	if (st == TT_OK && same && c->locals > 1)
		take_cores(c, &mine);
	mem_free(all);
	return st;
}

tt_status launch_join(struct comm **out, double timeout)
{
	struct comm *c;
	tt_status st = plug_mpi_comm(&c, timeout);

	if (st != TT_OK)
		return st;
	if ((st = share_cores(c)) != TT_OK) {
		comm_close(&c);
		return st;
	}
	*out = c;
	return TT_OK;
}

/* ---- hosts ---- */

static tt_status add_host(struct launch *l, char *word)
{
	char *colon = strrchr(word, ':'), *end;
	long slots = 1;

	if (colon) {
		*colon = '\0';
		slots = strtol(colon + 1, &end, 10);
		if (end == colon + 1 || *end || slots < 1 || slots > SLOTS_MAX)
			return err_set(TT_EINVAL,
			               "--hosts: '%s' workers on %s; a number from 1 to %d is wanted",
			               colon + 1, word, SLOTS_MAX);
	}
	if (!*word)
		return err_set(TT_EINVAL, "--hosts: a host has no name; write a:8,b:8");
	l->host[l->n_hosts++] = (struct launch_host){ .name = word, .slots = (int)slots };
	l->workers += (int)slots;
	return TT_OK;
}

tt_status launch_hosts(struct arena *a, const char *text, struct launch *out)
{
	char *copy = arena_strdup(a, text), *rest = copy, *word;
	int n = 1;
	tt_status st = TT_OK;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	if (n > HOSTS_MAX)
		return err_set(TT_EINVAL, "--hosts: more than %d hosts", HOSTS_MAX);
	if (!copy || !(out->host = arena_alloc(a, (size_t)n * sizeof *out->host)))
		return TT_ENOMEM;
	out->n_hosts = out->workers = 0;
	while (st == TT_OK && (word = strsep(&rest, ",")))
		st = add_host(out, word);
	return st;
}

/* ---- the command ---- */

/* Options that are the launcher's own business, and whether a value follows. */
static const struct { const char *name; int value; } own[] = {
	{ "--hosts", 1 }, { "--restarts", 1 }, { "--dry-run", 0 }, { "--run", 1 }, { "-r", 1 },
	{ "--resume", 0 },
};

/* 0: not ours; else how many words it takes. */
static int own_words(const char *word)
{
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		size_t n = strlen(own[i].name);

		if (strcmp(word, own[i].name) == 0)
			return 1 + own[i].value;
		if (strncmp(word, own[i].name, n) == 0 && (word[n] == '=' || own[i].name[1] != '-'))
			return 1;
	}
	return 0;
}

struct argv { struct arena *arena; const char **v; int n; };

static void add(struct argv *out, const char *word)
{
	out->v[out->n++] = word;
}

/* The words that Open MPI and MPICH understand both are few. */
static void add_mpirun(const struct launch *l, struct argv *out, int open_mpi)
{
	struct str hosts = {0};

	for (int i = 0; i < l->n_hosts; i++)
		if (l->host[i].failures < HOST_FAILURES)
			str_addf(&hosts, "%s%s:%d", hosts.len ? "," : "", l->host[i].name, l->host[i].slots);
	add(out, "mpirun");
	add(out, "-np");
	add(out, arena_printf(out->arena, "%d", l->workers));
	add(out, open_mpi ? "--host" : "-hosts");
	add(out, str_status(&hosts) == TT_OK && hosts.p ? arena_strdup(out->arena, hosts.p) : NULL);
	if (open_mpi) {
		add(out, "--bind-to");
		add(out, "none");             /* share_cores does it, for any number of threads */
		if (geteuid() == 0)
			add(out, "--allow-run-as-root");
	}
	str_release(&hosts);
}

static int is_open_mpi(void)
{
	struct plug_info info[32];
	int n = plug_list(info, 32);

	for (int i = 0; i < n; i++)
		if (strcmp(info[i].name, "mpi") == 0)
			return strncmp(info[i].version, "Open MPI", 8) == 0;
	return 0;
}

static tt_status make_command(const struct launch *l, struct arena *a, int resume, struct argv *out)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	*out = (struct argv){ .arena = a,
	                      .v = arena_alloc(a, (size_t)(l->line.n + 24) * sizeof *out->v) };
	if (!out->v)
		return TT_ENOMEM;
	self[n > 0 ? n : 0] = '\0';
	if (l->n_hosts)
		add_mpirun(l, out, is_open_mpi());
	add(out, arena_strdup(a, n > 0 ? self : l->line.v[0]));
	for (int i = 1; i < l->line.n; ) {
		int skip = own_words(l->line.v[i]);

		if (!skip)
			add(out, l->line.v[i]);
		i += skip ? skip : 1;
	}
	add(out, "--run");
	add(out, l->run);
	if (resume)
		add(out, "--resume");
	for (int i = 0; i < out->n; i++)
		if (!out->v[i])
			return TT_ENOMEM;
	out->v[out->n] = NULL;
	return TT_OK;
}

/* ---- showing ---- */

static void show_ranks(const struct launch *l, struct table *t)
{
	int rank = 0;

	table_add(t, "worker\thost\tof its cores");
	if (!l->n_hosts)
		for (; rank < l->workers; rank++) {
			int cores = thread_cores() / l->workers + (rank < thread_cores() % l->workers);

			table_add(t, "%d\tthis, a thread\t%d of %d", rank, cores ? cores : 1, thread_cores());
		}
	for (int i = 0; i < l->n_hosts; i++)
		for (int k = 0; k < l->host[i].slots; k++)
			table_add(t, "%d\t%s\tpart %d of %d", rank++, l->host[i].name, k + 1, l->host[i].slots);
}

tt_status launch_show(const struct launch *l, struct arena *a, FILE *f)
{
	struct table t;
	struct argv command;
	tt_status st = make_command(l, a, l->resume, &command);

	if (st != TT_OK)
		return st;
	table_init(&t, "rll");
	show_ranks(l, &t);
	table_print(&t, f);
	table_release(&t);
	for (int i = 0; i < command.n; i++)
		fprintf(f, "%s%s", i ? " " : "\n", command.v[i]);
	fputc('\n', f);
	return TT_OK;
}

/* ---- running ---- */

static volatile pid_t child;     /* whom signals are passed on to: they belong to the process */
static volatile sig_atomic_t told;

static void pass_on(int sig)
{
	told = sig;
	if (child > 0)
		kill(child, sig);
}

static void pass_signals(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction s = { .sa_handler = handler };

	sigemptyset(&s.sa_mask);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &s, NULL);
}

static tt_status start_and_wait(const struct argv *command, int *code)
{
	int status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) < 0)
		return err_set(TT_ENOMEM, "%s cannot be started: %s", command->v[0], strerror(errno));
	if (pid == 0) {
		execvp(command->v[0], (char *const *)command->v);
		fprintf(stderr, "%s: %s%s\n", command->v[0], strerror(errno),
		        errno == ENOENT ? "; --hosts needs an MPI launcher, such as openmpi-bin's" : "");
		_exit(EXIT_FAILED);
	}
	child = pid;
	pass_signals(pass_on);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	pass_signals(SIG_DFL);
	child = 0;
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
	return TT_OK;
}

/* A worker that was killed takes its launcher down with any code above 128. */
static int worth_another_try(int code)
{
	return !told && (code == EXIT_AGAIN || code >= EXIT_SIGNAL);
}

/* The last host that the run's log puts the blame on: "rank 3 (host b, pid 411)". */
static void blame(struct launch *l)
{
	struct str path = {0};
	char *text = NULL, *at, *last = NULL;
	size_t size;

	str_addf(&path, "%s/log.txt", l->run);
	if (str_status(&path) == TT_OK && file_read_all(path.p, 0, &text, &size) == TT_OK)
		for (at = text; (at = strstr(at, "(host ")); at += 6)
			last = at + 6;
	for (int i = 0; last && i < l->n_hosts; i++) {
		size_t n = strlen(l->host[i].name);

		if (strncmp(last, l->host[i].name, n) == 0 && last[n] == ',' &&
		    ++l->host[i].failures == HOST_FAILURES) {
			l->workers -= l->host[i].slots;
			fprintf(stderr, "%s has failed %d times and is left out\n", l->host[i].name,
			        HOST_FAILURES);
		}
	}
	mem_free(text);
	str_release(&path);
}

/* Whatever code a launcher ends with when a worker was killed, it is worth another try. */
static tt_status lost(const struct launch *l, int *code)
{
	int was = *code;

	*code = EXIT_AGAIN;
	return err_set(TT_EPEER,
	               "a worker was lost (exit code %d); the same line with --run %s --resume "
	               "goes on from the last checkpoint, with any number of workers", was, l->run);
}

tt_status launch_run(struct launch *l, struct arena *a, int *code)
{
	struct argv command;
	int resume = l->resume;
	tt_status st;

	for (int i = 0; ; i++) {
		if ((st = make_command(l, a, resume, &command)) != TT_OK ||
		    (st = start_and_wait(&command, code)) != TT_OK)
			return st;
		if (!worth_another_try(*code))
			return TT_OK;
		if (i >= l->restarts)
			return lost(l, code);
		blame(l);
		if (l->n_hosts && l->workers < 1)
			return err_set(TT_EPEER, "every host has failed %d times", HOST_FAILURES);
		fprintf(stderr, "exit code %d: starting again, %d of %d, with %d workers\n", *code, i + 1,
		        l->restarts, l->workers);
		resume = 1;
	}
}
