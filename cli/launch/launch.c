#include "launch/launch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/affinity.h"
#include "sys/policy.h"
#include "base/mem.h"
#include "kit/exit.h"
#include "launch/mpirun.h"
#include "kit/table.h"

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

static tt_status make_command(const struct launch *l, struct arena *a, int resume, struct argv *out)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	tt_status st = argv_init(out, a, l->line.n + MPIRUN_WORDS);

	if (st != TT_OK)
		return st;
	self[n > 0 ? n : 0] = '\0';
	if (l->n_hosts)
		mpirun_words(l, out);
	argv_add(out, arena_strdup(a, n > 0 ? self : l->line.v[0]));
	add_line(l, out);
	argv_add(out, "--run");
	argv_add(out, l->run);
	if (resume)
		argv_add(out, "--resume");
	for (int i = 0; i < out->n; i++)
		if (!out->v[i])
			return TT_ENOMEM;
	out->v[out->n] = NULL;
	return TT_OK;
}

/* ---- showing ---- */

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

/* The workers are started, look where they are, and go. */
static tt_status ask_hosts(const struct launch *l, struct arena *a, int *code)
{
	struct launch probe = *l;
	struct argv command;
	tt_status st;

	probe.run = "--dry-run";         /* stands where a folder would */
	if ((st = make_command(&probe, a, 0, &command)) != TT_OK)
		return st;
	command.v[command.n - 2] = command.v[command.n - 1];
	command.v[--command.n] = NULL;
	return mpirun_ask(&command, code);
}

static tt_status show_places(const struct launch *l, struct arena *a, FILE *f)
{
	struct table t;
	int code = 0;
	tt_status st = TT_OK;

	if (l->n_hosts && (st = ask_hosts(l, a, &code)) != TT_OK)
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
	struct argv command;
	tt_status st;

	if ((st = show_places(l, a, f)) != TT_OK ||
	    (st = make_command(l, a, l->resume, &command)) != TT_OK)
		return st;
	for (int i = 0; i < command.n; i++)
		fprintf(f, "%s%s", i ? " " : "\n", command.v[i]);
	fputc('\n', f);
	return TT_OK;
}

/* ---- running ---- */

/* What workers end with by themselves is final.  Whatever else a launcher ends with, workers were
 * lost: 128 and a signal with Open MPI, the signal alone with MPICH. */
static int worth_another_try(int code, int accused)
{
	static const int final[] = { EXIT_GOOD, EXIT_USAGE, EXIT_NOTHING };

	if (mpirun_signal() || (code == EXIT_FAILED && !accused))
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

/* Whatever code a launcher ends with when a worker was lost, it is worth another try. */
static tt_status lost(const struct launch *l, int *code)
{
	int was = *code;

	*code = EXIT_AGAIN;
	return err_set(TT_EPEER,
	               "a worker was lost (exit code %d); the same line with --run %s --resume "
	               "goes on from the last checkpoint, with any number of workers", was, l->run);
}

static tt_status run_once(const struct launch *l, struct arena *a, int resume, int *culprit,
                          int *code)
{
	struct mpirun_news news = { .accused = mem_calloc((size_t)l->n_hosts + 1, sizeof(int)) };
	struct argv command;
	tt_status st = news.accused ? TT_OK : TT_ENOMEM;

	if (st == TT_OK && (st = make_command(l, a, resume, &command)) == TT_OK &&
	    (st = mpirun_run(l, &command, &news, code)) == TT_OK)
		*culprit = find_culprit(l, news.accused);
	/* The others end with 75, and the launcher takes the code of any. */
	if (st == TT_OK && news.failures && *culprit < 0)
		*code = EXIT_FAILED;
	/* All is said and done only if nobody complained. */
	if (st == TT_OK && news.complaints && *code == 0)
		*code = EXIT_AGAIN;
	mem_free(news.accused);
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
			return lost(l, code);
		count_failure(l, culprit);
		if (l->n_hosts && l->workers < 1)
			return err_set(TT_EPEER, "every host has failed %d times", HOST_FAILURES);
		fprintf(stderr, "tutti train: exit code %d: starting again, %d of %d, with %d workers\n",
		        *code, i + 1, l->restarts, l->workers);
		resume = 1;
	}
}
