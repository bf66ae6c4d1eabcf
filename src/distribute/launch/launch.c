#include "distribute/launch/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/shell.h"
#include "base/sized.h"
#include "distribute/launch/mpirun.h"
#include "distribute/launch/place.h"
#include "distribute/launch/ssh.h"
#include "distribute/launch/voice.h"

#define HOSTS_MAX 4096
#define SLOTS_MAX 4096
#define HOST_FAILURES 2          /* a host that fails so often is left out */
#define TIMEOUT 60.0

/* ---- hosts ---- */

/* As ssh and the MPI launchers take it: no option, no list. */
static int is_host_name(const char *word)
{
	return *word && *word != '-' && !strstr(word, "@-") && !strpbrk(word, " \t\n'\"\\;&|<>$`()");
}

static tt_status add_host(tt_launch *l, char *word)
{
	char *colon = strrchr(word, ':'), *end;
	long slots = 1;

	if (colon) {
		*colon = '\0';
		slots = strtol(colon + 1, &end, 10);
		if (end == colon + 1 || *end || slots < 1 || slots > SLOTS_MAX)
			return err_set(TT_EINVAL,
			               "hosts: '%s' workers on %s; a number from 1 to %d is wanted",
			               colon + 1, word, SLOTS_MAX);
	}
	if (!*word)
		return err_set(TT_EINVAL, "hosts: a host has no name; write a:8,b:8");
	if (!is_host_name(word))
		return err_set(TT_EINVAL, "hosts: '%s' is no name of a host", word);
	l->host[l->n_hosts++] = (struct launch_host){ .name = word, .slots = (int)slots };
	l->workers += (int)slots;
	return TT_OK;
}

static tt_status read_hosts(tt_launch *l, const char *text)
{
	char *copy = arena_strdup(&l->arena, text), *rest = copy, *word;
	int n = 1;
	tt_status st = TT_OK;

	for (const char *p = text; *p; p++)
		n += *p == ',';
	if (n > HOSTS_MAX)
		return err_set(TT_EINVAL, "hosts: more than %d of them", HOSTS_MAX);
	if (!copy || !(l->host = arena_alloc(&l->arena, (size_t)n * sizeof *l->host)))
		return TT_ENOMEM;
	l->workers = 0;
	while (st == TT_OK && (word = strsep(&rest, ",")))
		st = add_host(l, word);
	return st;
}

/* ---- launchers ---- */

static const char *const words[] = {
	[LAUNCHER_AUTO] = "auto", [LAUNCHER_MPIRUN] = "mpirun", [LAUNCHER_SSH] = "ssh", NULL
};

const char *const *tt_launchers(void) { return words; }

static const struct {
	tt_status (*run)(const tt_launch *l, const struct argv *command, struct launch_news *news,
	                 int *code);
	tt_status (*ask)(const tt_launch *l, const struct argv *command, int *code);
	/* Command line i, or an empty one. */
	tt_status (*line)(const tt_launch *l, const struct argv *command, int i, struct argv *out);
} launchers[] = {
	[LAUNCHER_MPIRUN] = { mpirun_run, mpirun_ask, mpirun_line },
	[LAUNCHER_SSH]    = { ssh_run, ssh_ask, ssh_line },
};

static enum launcher choose(const tt_launch *l)
{
	if (l->launcher != LAUNCHER_AUTO)
		return l->launcher;
	return !l->n_hosts || mpirun_is_best() ? LAUNCHER_MPIRUN : LAUNCHER_SSH;
}

static tt_status read_launcher(tt_launch *l)
{
	if (!l->o.launcher)
		return TT_OK;
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], l->o.launcher) == 0) {
			l->launcher = (enum launcher)i;
			return TT_OK;
		}
	return err_set(TT_EINVAL, "launcher: '%s'; auto, mpirun or ssh is wanted", l->o.launcher);
}

/* ---- a launcher is made ---- */

static int count_words(const char *const *line)
{
	int n = 0;

	while (line && line[n])
		n++;
	return n;
}

static tt_status copy_line(tt_launch *l, const char *const **line)
{
	const int n = count_words(*line);
	struct argv copy;
	tt_status st;

	if (!*line)
		return TT_OK;
	if ((st = argv_init(&copy, &l->arena, n)) != TT_OK)
		return st;
	for (int i = 0; i < n; i++)
		argv_add(&copy, arena_strdup(&l->arena, (*line)[i]));
	*line = copy.v;
	return argv_end(&copy);
}

static tt_status copy_text(tt_launch *l, const char **text)
{
	if (*text && !(*text = arena_strdup(&l->arena, *text)))
		return TT_ENOMEM;
	return TT_OK;
}

static tt_status check(const tt_launch_opts *o)
{
	if (!count_words(o->command))
		return err_set(TT_EINVAL, "tt_launch_opts: command is empty: nothing is to be started");
	if (o->workers < 0 || o->threads < 0 || o->restarts < 0 || !(o->timeout >= 0))
		return err_set(TT_EINVAL, "tt_launch_opts: %d workers, %d threads, %d restarts, timeout "
		               "%g s: none may be negative", o->workers, o->threads, o->restarts,
		               o->timeout);
	return TT_OK;
}

static tt_status fill(tt_launch *l)
{
	tt_launch_opts *o = &l->o;
	tt_status st;

	if ((st = check(o)) != TT_OK || (st = copy_line(l, &o->command)) != TT_OK ||
	    (st = copy_line(l, &o->again)) != TT_OK || (st = copy_line(l, &o->ask)) != TT_OK ||
	    (st = copy_text(l, &o->log)) != TT_OK || (st = read_launcher(l)) != TT_OK)
		return st;
	l->timeout = o->timeout > 0 ? o->timeout : TIMEOUT;
	l->workers = o->workers ? o->workers : 1;
	return o->hosts ? read_hosts(l, o->hosts) : TT_OK;
}

tt_status tt_launch_new(tt_launch **out, const tt_launch_opts *given)
{
	tt_launch_opts o;
	tt_launch *l;
	tt_status st;

	if (!out || !given)
		return err_null("tt_launch_new");
	st = sized_take(&o, sizeof o, given, offsetof(tt_launch_opts, again), "tt_launch_opts");
	if (st != TT_OK)
		return st;
	if (!(l = mem_calloc(1, sizeof *l)))
		return TT_ENOMEM;
	l->o = o;
	if ((st = fill(l)) == TT_OK)
		*out = l;
	else
		tt_launch_free(&l);
	return st;
}

void tt_launch_free(tt_launch **l)
{
	if (!l || !*l)
		return;
	arena_release(&(*l)->arena);
	mem_free(*l);
	*l = NULL;
}

/* ---- showing ---- */

int tt_launch_workers(const tt_launch *l) { return l ? l->workers : 0; }

tt_status tt_launch_place(const tt_launch *l, int worker, tt_place *out)
{
	tt_place p = { .size = sizeof p };
	int k = worker, host = 0;

	if (!l || !out)
		return err_null("tt_launch_place");
	if (worker < 0 || worker >= l->workers)
		return err_set(TT_EINVAL, "tt_launch_place: worker %d of %d", worker, l->workers);
	if (!l->n_hosts) {
		place_of_thread(l->o.threads, worker, l->workers, &p);
		return sized_give(out, &p, sizeof p, "tt_place");
	}
	while (k >= l->host[host].slots)
		k -= l->host[host++].slots;
	snprintf(p.host, sizeof p.host, "%s", l->host[host].name);
	snprintf(p.cores, sizeof p.cores, "part %d of %d of what it has", k + 1, l->host[host].slots);
	return sized_give(out, &p, sizeof p, "tt_place");
}

static struct argv as_argv(tt_launch *l, const char *const *line)
{
	/* Nobody adds to it. */
	return (struct argv){ &l->arena, (const char **)(uintptr_t)line, count_words(line) };
}

const char *tt_launch_line(tt_launch *l, int i)
{
	struct argv command, line = { .n = 0 };
	struct str s = { 0 };
	const char *text = NULL;

	if (!l || i < 0)
		return NULL;
	command = as_argv(l, l->o.command);
	if (launchers[choose(l)].line(l, &command, i, &line) != TT_OK)
		return NULL;
	for (int k = 0; k < line.n; k++) {
		str_add(&s, k ? " " : "");
		shell_add(&s, line.v[k]);
	}
	if (line.n && str_status(&s) == TT_OK)
		text = arena_strdup(&l->arena, s.p);
	str_release(&s);
	return text;
}

tt_status tt_launch_ask(tt_launch *l, int *code)
{
	struct argv command;
	tt_status st;

	if (!l || !code)
		return err_null("tt_launch_ask");
	if (!l->o.ask || !l->n_hosts)
		return err_set(TT_EINVAL, "tt_launch_ask: no hosts to ask, or nothing to ask them");
	command = as_argv(l, l->o.ask);
	child_signals_take();
	st = launchers[choose(l)].ask(l, &command, code);
	child_signals_give_back();
	if (!child_signal())
		return st;
	*code = TT_EXIT_SIGNAL + child_signal();
	return err_set(TT_ESTOPPED, "stopped by SIG%s", sigabbrev_np(child_signal()));
}

/* ---- running ---- */

/* What workers end with by themselves is final.  Whatever else a launcher ends with, workers were
 * lost: 128 and a signal with Open MPI, the signal alone with MPICH. */
static int worth_another_try(int code, int accused)
{
	static const int final[] = { TT_EXIT_GOOD, TT_EXIT_USAGE, TT_EXIT_NOTHING };

	if (child_signal() || (code == TT_EXIT_FAILED && !accused))
		return 0;
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		if (code == final[i])
			return 0;
	return 1;
}

/* The host that most workers accuse; -1: nobody does. */
static int find_culprit(const tt_launch *l, const int *accused)
{
	int worst = -1;

	for (int i = 0; i < l->n_hosts; i++)
		if (accused[i] > (worst < 0 ? 0 : accused[worst]))
			worst = i;
	return worst;
}

static void count_failure(tt_launch *l, int culprit)
{
	struct launch_host *h;

	if (culprit < 0)
		return;
	h = &l->host[culprit];
	if (++h->failures < HOST_FAILURES)
		return;
	l->workers -= h->slots;
	h->slots = 0;
	voice_say(l, "%s has failed %d times and is left out", h->name, HOST_FAILURES);
}

/* What all the codes and complaints come to. */
static int judge(const struct launch_news *news, int culprit, int code)
{
	/* The others end with 75, and the launcher takes the code of any. */
	if (news->failures && culprit < 0 && !child_signal())
		return TT_EXIT_FAILED;
	/* All is said and done only if nobody complained. */
	if (news->complaints && code == TT_EXIT_GOOD)
		return TT_EXIT_AGAIN;
	/* On their way signals may have become others, and who is asked early ends as he likes. */
	if (child_signal() && code != TT_EXIT_GOOD && code != TT_EXIT_NOTHING)
		return TT_EXIT_SIGNAL + child_signal();
	return code;
}

static tt_status run_once(tt_launch *l, const char *const *line, int *culprit, int *code)
{
	struct launch_news news = { .accused = mem_calloc((size_t)l->n_hosts + 1, sizeof(int)) };
	const struct argv command = as_argv(l, line);
	tt_status st = news.accused ? TT_OK : TT_ENOMEM;

	l->starts++;
	if (st == TT_OK && (st = launchers[choose(l)].run(l, &command, &news, code)) == TT_OK) {
		*culprit = find_culprit(l, news.accused);
		*code = judge(&news, *culprit, *code);
	}
	mem_free(news.accused);
	/* Another try would not find it either. */
	if (st == TT_OK && *code && *news.unknown) {
		*code = TT_EXIT_USAGE;
		return err_set(TT_EINVAL, "hosts: no address is known of host %s", news.unknown);
	}
	return st;
}

static tt_status run_all(tt_launch *l, int *code)
{
	const char *const *line = l->o.command;
	int culprit = -1;
	tt_status st;

	for (int i = 0; ; i++) {
		if ((st = run_once(l, line, &culprit, code)) != TT_OK)
			return st;
		if (i > 0 && *code == TT_EXIT_NOTHING)
			*code = TT_EXIT_GOOD;        /* all but the end had been done */
		if (!worth_another_try(*code, culprit >= 0))
			return TT_OK;
		if (i >= l->o.restarts)
			return err_set(TT_EPEER, "a worker was lost (exit code %d)", *code);
		count_failure(l, culprit);
		if (l->n_hosts && l->workers < 1)
			return err_set(TT_EPEER, "every host has failed %d times", HOST_FAILURES);
		voice_say(l, "exit code %d: starting again, %d of %d, with %d workers", *code, i + 1,
		           l->o.restarts, l->workers);
		line = l->o.again ? l->o.again : l->o.command;
	}
}

tt_status tt_launch_run(tt_launch *l, int *code)
{
	tt_status st;

	if (!l || !code)
		return err_null("tt_launch_run");
	*code = TT_EXIT_FAILED;
	child_signals_take();
	st = run_all(l, code);
	child_signals_give_back();
	if (st == TT_EPEER)
		*code = TT_EXIT_AGAIN;
	return st;
}
