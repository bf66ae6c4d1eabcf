#include "launch/launch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/affinity.h"
#include "sys/policy.h"
#include "base/file.h"
#include "base/mem.h"
#include "kit/exit.h"
#include "kit/paths.h"
#include "kit/shell.h"
#include "kit/table.h"
#include "launch/mpirun.h"
#include "launch/ssh.h"

#define HOSTS_MAX 4096
#define SLOTS_MAX 4096
#define HOST_FAILURES 2          /* a host that fails so often is left out */

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
	{ "--resume", 0 }, { "--launcher", 1 }, { "--secret", 1 },
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

/* The command line as it was typed, without what is the launcher's, and the run's folder. */
static void add_line(const struct launch *l, struct argv *out)
{
	for (int i = 1; i < l->line.n; ) {
		int skip = own_words(l->line.v[i]);

		if (!skip)
			argv_add(out, l->line.v[i]);
		i += skip ? skip : 1;
	}
}

/* What the workers are to do. */
enum task { TASK_BEGIN, TASK_RESUME, TASK_SHOW_PLACE };

static void add_task(const struct launch *l, enum task task, struct argv *out)
{
	if (task == TASK_SHOW_PLACE) {
		argv_add(out, "--dry-run");
		return;
	}
	argv_add(out, "--run");
	argv_add(out, l->run);
	if (task == TASK_RESUME)
		argv_add(out, "--resume");
}

/* The command line of a worker. */
static tt_status make_line(const struct launch *l, enum task task, struct argv *out)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n > 0 ? n : 0] = '\0';
	argv_add(out, arena_strdup(out->arena, n > 0 ? self : l->line.v[0]));
	add_line(l, out);
	add_task(l, task, out);
	for (int i = 0; i < out->n; i++)
		if (!out->v[i])
			return TT_ENOMEM;
	out->v[out->n] = NULL;
	return TT_OK;
}

#define LINE_WORDS 8            /* that make_line may add to those typed */

/* ---- launchers ---- */

const char *const launcher_words[] = {
	[LAUNCHER_AUTO] = "auto", [LAUNCHER_MPIRUN] = "mpirun", [LAUNCHER_SSH] = "ssh", NULL
};

/* One command starts all workers; without hosts it is the worker's own. */
static tt_status mpirun_command(const struct launch *l, struct arena *a, enum task task,
                                struct argv *out)
{
	tt_status st = argv_init(out, a, l->line.n + LINE_WORDS + MPIRUN_WORDS);

	if (st != TT_OK)
		return st;
	if (l->n_hosts)
		mpirun_words(l, out);
	return make_line(l, task, out);
}

static tt_status run_mpirun(const struct launch *l, struct arena *a, enum task task,
                            struct launch_news *news, int *code)
{
	struct argv command;
	tt_status st = mpirun_command(l, a, task, &command);

	if (st != TT_OK)
		return st;
	return task == TASK_SHOW_PLACE ? mpirun_ask(&command, code)
	                               : mpirun_run(l, &command, news, code);
}

static tt_status ssh_line(const struct launch *l, struct arena *a, enum task task,
                          struct argv *out)
{
	tt_status st = argv_init(out, a, l->line.n + LINE_WORDS);

	return st == TT_OK ? make_line(l, task, out) : st;
}

static tt_status run_ssh(const struct launch *l, struct arena *a, enum task task,
                         struct launch_news *news, int *code)
{
	struct argv line;
	tt_status st = ssh_line(l, a, task, &line);

	if (st != TT_OK)
		return st;
	return task == TASK_SHOW_PLACE ? ssh_ask(l, &line, code) : ssh_run(l, &line, news, code);
}

static void print_command(const struct argv *command, FILE *f)
{
	struct str s = { 0 };

	for (int i = 0; i < command->n; i++) {
		str_add(&s, i ? " " : "");
		shell_add(&s, command->v[i]);
	}
	if (str_status(&s) == TT_OK)
		fprintf(f, "%s\n", s.p);
	str_release(&s);
}

static tt_status show_mpirun(const struct launch *l, struct arena *a, enum task task, FILE *f)
{
	struct argv command;
	tt_status st = mpirun_command(l, a, task, &command);

	if (st == TT_OK)
		print_command(&command, f);
	return st;
}

static tt_status show_ssh(const struct launch *l, struct arena *a, enum task task, FILE *f)
{
	struct argv line, command;
	tt_status st = ssh_line(l, a, task, &line);

	for (int i = 0; i < l->n_hosts && st == TT_OK; i++)
		if ((st = ssh_command(l, i, &line, &command)) == TT_OK)
			print_command(&command, f);
	return st;
}

static const struct {
	tt_status (*run)(const struct launch *l, struct arena *a, enum task task,
	                 struct launch_news *news, int *code);
	tt_status (*show)(const struct launch *l, struct arena *a, enum task task, FILE *f);
} launchers[] = {
	[LAUNCHER_MPIRUN] = { run_mpirun, show_mpirun }, [LAUNCHER_SSH] = { run_ssh, show_ssh },
};

static enum launcher choose(const struct launch *l)
{
	if (l->launcher != LAUNCHER_AUTO)
		return l->launcher;
	return !l->n_hosts || mpirun_is_best() ? LAUNCHER_MPIRUN : LAUNCHER_SSH;
}

/* ---- showing ---- */

void launch_threads(int asked, int workers, int *most, int *least)
{
	const int threads = policy_threads(asked);

	*most = policy_share(threads, 0, workers);
	*least = policy_share(threads, workers - 1, workers);
}

/* Threads of this process, as learner_threads and local_workers_stay will have it. */
static void show_threads(const struct launch *l, struct table *t)
{
	struct affinity all, part;
	char text[CORES_TEXT];
	int threads;

	affinity_mine(&all);
	threads = policy_threads(l->threads);
	table_add(t, "worker\thost\tthreads\ton cores");
	for (int i = 0; i < l->workers; i++) {
		affinity_part(&all, i, l->workers, &part);
		table_add(t, "%d\tthis, a thread\t%d\t%s", i, policy_share(threads, i, l->workers),
		          affinity_text(&part, text));
	}
}

/* What is known without asking. */
static void show_parts(const struct launch *l, struct table *t)
{
	int rank = 0;

	table_add(t, "worker\thost\tthreads\ton cores");
	for (int i = 0; i < l->n_hosts; i++)
		for (int k = 0; k < l->host[i].slots; k++)
			table_add(t, "%d\t%s\t?\tpart %d of %d of what it has", rank++, l->host[i].name, k + 1,
			          l->host[i].slots);
}

static tt_status show_places(const struct launch *l, struct arena *a, FILE *f)
{
	struct table t;
	int code = 0;
	tt_status st = TT_OK;

	/* The workers are started, look where they are, and go. */
	if (l->n_hosts && (st = launchers[choose(l)].run(l, a, TASK_SHOW_PLACE, NULL, &code)) != TT_OK)
		return st;
	if (l->n_hosts && code == 0)
		return TT_OK;
	table_init(&t, "rlrl");
	if (l->n_hosts)
		show_parts(l, &t);
	else
		show_threads(l, &t);
	table_print(&t, f);
	table_release(&t);
	if (l->n_hosts)
		fprintf(f, "\nthe hosts did not answer (exit code %d): this is what was asked for\n", code);
	return TT_OK;
}

tt_status launch_show(const struct launch *l, struct arena *a, FILE *f)
{
	tt_status st = show_places(l, a, f);

	if (st != TT_OK)
		return st;
	fputc('\n', f);
	return launchers[choose(l)].show(l, a, l->resume ? TASK_RESUME : TASK_BEGIN, f);
}

/* ---- running ---- */

/* What workers end with by themselves is final.  Whatever else a launcher ends with, workers were
 * lost: 128 and a signal with Open MPI, the signal alone with MPICH. */
static int worth_another_try(int code, int accused)
{
	static const int final[] = { EXIT_GOOD, EXIT_USAGE, EXIT_NOTHING };

	if (process_signal() || (code == EXIT_FAILED && !accused))
		return 0;
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		if (code == final[i])
			return 0;
	return 1;
}

/* The host that most workers accuse; -1: nobody does. */
static int find_culprit(const struct launch *l, const int *accused)
{
	int worst = -1;

	for (int i = 0; i < l->n_hosts; i++)
		if (accused[i] > (worst < 0 ? 0 : accused[worst]))
			worst = i;
	return worst;
}

static void count_failure(struct launch *l, int culprit)
{
	struct launch_host *h;

	if (culprit < 0)
		return;
	h = &l->host[culprit];
	if (++h->failures < HOST_FAILURES)
		return;
	l->workers -= h->slots;
	h->slots = 0;
	fprintf(stderr, "tutti train: %s has failed %d times and is left out\n", h->name,
	        HOST_FAILURES);
}

/* Is there anything to go on with? */
static int has_trained(const struct launch *l, struct arena *a)
{
	const char *last;

	return paths_last(a, l->run, &last) == TT_OK && file_exists(last);
}

/* Whatever code a launcher ends with when a worker was lost, it is worth another try. */
static tt_status lost(const struct launch *l, struct arena *a, int *code)
{
	int was = *code;

	*code = EXIT_AGAIN;
	if (!has_trained(l, a))
		return err_set(TT_EPEER, "a worker was lost (exit code %d) before the first checkpoint: "
		               "nothing was trained", was);
	return err_set(TT_EPEER,
	               "a worker was lost (exit code %d); the same line with --run %s --resume "
	               "goes on from the last checkpoint, with any number of workers", was, l->run);
}

/* Another try would not find it either. */
static tt_status unknown_host(const char *name, int *code)
{
	*code = EXIT_USAGE;
	return err_set(TT_EINVAL, "--hosts: no address is known of host %s; nothing was trained", name);
}

static tt_status run_once(const struct launch *l, struct arena *a, int resume, int *culprit,
                          int *code)
{
	struct launch_news news = { .accused = mem_calloc((size_t)l->n_hosts + 1, sizeof(int)) };
	const enum task task = resume ? TASK_RESUME : TASK_BEGIN;
	tt_status st = news.accused ? TT_OK : TT_ENOMEM;

	if (st == TT_OK && (st = launchers[choose(l)].run(l, a, task, &news, code)) == TT_OK)
		*culprit = find_culprit(l, news.accused);
	/* The others end with 75, and the launcher takes the code of any. */
	if (st == TT_OK && news.failures && *culprit < 0)
		*code = EXIT_FAILED;
	/* All is said and done only if nobody complained. */
	if (st == TT_OK && news.complaints && *code == 0)
		*code = EXIT_AGAIN;
	mem_free(news.accused);
	if (st == TT_OK && *code && *news.unknown && !has_trained(l, a))
		return unknown_host(news.unknown, code);
	return st;
}

tt_status launch_run(struct launch *l, struct arena *a, int *code)
{
	int resume = l->resume, culprit = -1;
	tt_status st;

	for (int i = 0; ; i++) {
		if ((st = run_once(l, a, resume, &culprit, code)) != TT_OK)
			return st;
		if (!worth_another_try(*code, culprit >= 0))
			return TT_OK;
		if (i >= l->restarts)
			return lost(l, a, code);
		count_failure(l, culprit);
		if (l->n_hosts && l->workers < 1)
			return err_set(TT_EPEER, "every host has failed %d times", HOST_FAILURES);
		fprintf(stderr, "tutti train: exit code %d: starting again, %d of %d, with %d workers\n",
		        *code, i + 1, l->restarts, l->workers);
		resume = 1;
	}
}
