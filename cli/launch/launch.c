#include "launch/launch.h"

#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "kit/paths.h"
#include "kit/table.h"

/* ---- being one of several ---- */

/* What is wrong with the place of a worker that is started by hand; TT_OK: nothing. */
static tt_status check_place(const struct launch_args *f)
{
	const long long rank = f->rank, world = f->world, last = world - 1;
	const long long here = f->local ? f->local : 1;

	if (rank < 0 || world < 1)
		return err_set(TT_EINVAL, "--rendezvous: --rank and --world say which worker this is of "
		               "how many, counted from 0: --rank 0 --world 2; %s is missing",
		               world >= 1 ? "--rank" : rank >= 0 ? "--world" : "each of the two");
	if (rank > last && last == 0)
		return err_set(TT_EINVAL, "--rank is %lld, but with --world 1 it must be 0", rank);
	if (rank > last)
		return err_set(TT_EINVAL, "--rank is %lld, but with --world %lld it must be 0 %s %lld",
		               rank, world, last == 1 ? "or" : "to", last);
	if (rank + here > world)
		return err_set(TT_EINVAL, "--local %lld starts workers %lld to %lld, but with --world %lld "
		               "the last one is %lld", here, rank, rank + here - 1, world, last);
	return TT_OK;
}

/* Two ways to say how many workers there are: neither is taken in silence. */
static tt_status check_workers(const struct launch_args *o)
{
	const int name = o->hosts ? (int)strcspn(o->hosts, ":,") : 0;

	if (!o->workers || (!o->hosts && !o->rendezvous))
		return TT_OK;
	if (o->hosts)
		return err_set(TT_EINVAL, "--workers %s and --hosts %s both say how many workers there "
		               "are; leave --workers out and give each host its number: --hosts %.*s:%s",
		               o->workers, o->hosts, name, o->hosts, o->workers);
	return err_set(TT_EINVAL, "--workers %s does not go with --rendezvous; --world says how many "
	               "workers there are, and --local how many of them start here: --world %s "
	               "--rank 0 --local %s", o->workers, o->workers, o->workers);
}

static tt_status check(const struct launch_args *o)
{
	tt_status st = check_workers(o);

	if (st != TT_OK)
		return st;
	if (o->rendezvous)
		return check_place(o);
	if (o->rank >= 0 || o->world || o->local)
		return err_set(TT_EINVAL, "--rank, --world and --local go with --rendezvous "
		               "tcp://host:port, where the first worker listens");
	return TT_OK;
}

/* Started by hand: it says for whom it waits. */
static int talks(const struct launch_args *o)
{
	return !o->quiet && o->rendezvous && strcmp(o->rendezvous, "-") != 0;
}

static void say_waiting(void *ctx, int n, const char *ranks)
{
	const struct launch_args *o = ctx;

	fprintf(stderr, "waiting at %s for %d of %lld workers: %s\n", o->rendezvous, n,
	        (long long)o->world, ranks);
}

tt_status launch_find(const struct launch_args *o, tt_worker **out)
{
	tt_status st = check(o);

	if (st != TT_OK)
		return st;
	return tt_worker_find(out, TT_WORKER_OPTS(
		.rendezvous = o->rendezvous, .rank = (int)o->rank, .world = (int)o->world,
		.local = (int)o->local, .secret = o->secret, .waits = talks(o) ? say_waiting : NULL,
		.ctx = (void *)(uintptr_t)o));
}

void launch_joined(const struct launch_args *o, const tt_group *g)
{
	if (talks(o) && tt_group_rank(g))
		fprintf(stderr, "worker %d of %d has joined\n", tt_group_rank(g), tt_group_world(g));
}

/* ---- places ---- */

static void begin_places(struct table *t)
{
	table_init(t, "rlrl");
	table_add(t, "worker\thost\tthreads\ton cores");
}

static void add_place(struct table *t, int worker, const tt_place *p)
{
	char threads[16] = "?";

	if (p->threads)
		snprintf(threads, sizeof threads, "%d", p->threads);
	table_add(t, "%d\t%s\t%s\t%s", worker, *p->host ? p->host : "this, a thread", threads,
	          p->cores);
}

static void end_places(struct table *t, FILE *f)
{
	table_print(t, f);
	table_release(t);
}

tt_status launch_show_group(tt_group *g, int threads, FILE *f)
{
	const int world = tt_group_world(g);
	tt_place *all = mem_calloc((size_t)world, sizeof *all);
	struct table t;
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	for (int i = 0; i < world; i++)
		all[i].size = sizeof *all;
	st = tt_group_places(g, threads, all);
	if (st == TT_OK && tt_group_rank(g) == 0) {
		begin_places(&t);
		for (int i = 0; i < world; i++)
			add_place(&t, i, &all[i]);
		end_places(&t, f);
	}
	mem_free(all);
	return st;
}

void launch_threads(int asked, int workers, int *most, int *least)
{
	const char *const command[] = { "-", NULL };
	tt_launch *l = NULL;
	tt_place first = TT_SIZED(tt_place), last = TT_SIZED(tt_place);

	*most = *least = 1;
	if (tt_launch_new(&l, TT_LAUNCH_OPTS(.command = command, .workers = workers,
	                                     .threads = asked)) == TT_OK &&
	    tt_launch_place(l, 0, &first) == TT_OK && tt_launch_place(l, workers - 1, &last) == TT_OK) {
		*most = first.threads;
		*least = last.threads;
	}
	tt_launch_free(&l);
}

/* ---- the command ---- */

/* Options that are the launcher's own business, and whether a value follows. */
enum value { NO_VALUE, A_VALUE, MAY_BE_A_PATH };
static const struct { const char *name; enum value value; } own[] = {
	{ "--hosts", A_VALUE }, { "--restarts", A_VALUE }, { "--dry-run", NO_VALUE },
	{ "--run", A_VALUE }, { "-r", A_VALUE }, { "--resume", MAY_BE_A_PATH },
	{ "--launcher", A_VALUE }, { "--secret", A_VALUE },
};

static int follows(enum value v, const char *next)
{
	return v == MAY_BE_A_PATH ? next && paths_is_checkpoint(next) : v == A_VALUE;
}

/* 0: not ours; else how many words it takes. */
static int own_words(const char *word, const char *next)
{
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		size_t n = strlen(own[i].name);

		if (strcmp(word, own[i].name) == 0)
			return 1 + follows(own[i].value, next);
		if (strncmp(word, own[i].name, n) == 0 && (word[n] == '=' || own[i].name[1] != '-'))
			return 1;
	}
	return 0;
}

#define LINE_WORDS 8            /* that may be added to those typed */

static const char *own_path(struct arena *a, const char *otherwise)
{
	char self[4096];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	self[n > 0 ? n : 0] = '\0';
	return arena_strdup(a, n > 0 ? self : otherwise);
}

/* What a worker is told: the line as it was typed, without what is the launcher's, and these words.
 * NULL: out of memory. */
static const char **make_line(const struct launch_plan *p, struct arena *a,
                              const char *const *more)
{
	const struct words *w = p->line;
	const char **v = arena_alloc(a, (size_t)(w->n + LINE_WORDS + 1) * sizeof *v);
	int n = 0, i = 1;

	if (!v || !(v[n++] = own_path(a, w->v[0])))
		return NULL;
	while (i < w->n && strcmp(w->v[i], "--") != 0) {
		const int skip = own_words(w->v[i], i + 1 < w->n ? w->v[i + 1] : NULL);

		if (!skip)
			v[n++] = w->v[i];
		i += skip ? skip : 1;
	}
	/* More options follow: what stands behind a "--" is written as what it is, a file. */
	for (i++; i < w->n; i++)
		if (!(v[n++] = w->v[i][0] == '-' ? arena_printf(a, "./%s", w->v[i]) : w->v[i]))
			return NULL;
	while (*more)
		v[n++] = *more++;
	v[n] = NULL;
	return v;
}

/* ---- starting ---- */

static void hear(void *quiet, enum tt_launch_voice whose, const char *text, size_t n)
{
	(void)quiet;
	if (whose == TT_LAUNCH_OTHERS)
		fwrite(text, 1, n, stderr);
	else
		fprintf(stderr, "tutti train: %.*s\n", (int)n, text);
}

static tt_status make(const struct launch_plan *p, struct arena *a, tt_launch **out)
{
	const char *const begin[] = { "--run", p->run, p->log ? "--launched" : NULL, NULL };
	const char *const again[] = { "--run", p->run, "--resume", p->log ? "--launched" : NULL, NULL };
	const char *const ask[] = { "--dry-run", NULL };
	const tt_launch_opts o = {
		.size = sizeof o, .command = make_line(p, a, p->resume ? again : begin),
		.again = make_line(p, a, again), .ask = make_line(p, a, ask),
		.hosts = p->args->hosts, .launcher = p->args->launcher, .workers = p->workers,
		.threads = p->threads, .restarts = (int)p->args->restarts, .timeout = p->timeout,
		.log = p->log, .hear = hear,
	};

	if (!o.command || !o.again || !o.ask)
		return TT_ENOMEM;
	return tt_launch_new(out, &o);
}

/* The workers are started, look where they are, and go; where they do not, what is known. */
static tt_status show_places(tt_launch *l, int has_hosts, FILE *f, int *code)
{
	struct table t;
	tt_status st;

	if (has_hosts && (st = tt_launch_ask(l, code)) != TT_OK)
		return st;
	if (has_hosts && *code == 0)
		return TT_OK;
	begin_places(&t);
	for (int i = 0; i < tt_launch_workers(l); i++) {
		tt_place p = TT_SIZED(tt_place);

		if (tt_launch_place(l, i, &p) == TT_OK)
			add_place(&t, i, &p);
	}
	end_places(&t, f);
	if (has_hosts)
		fprintf(f, "\nthe hosts did not answer (exit code %d): this is what was asked for\n",
		        *code);
	*code = 0;
	return TT_OK;
}

tt_status launch_show(const struct launch_plan *p, struct arena *a, FILE *f, int *code)
{
	tt_launch *l = NULL;
	const char *line;
	tt_status st = make(p, a, &l);

	if (st == TT_OK && (st = show_places(l, p->args->hosts != NULL, f, code)) == TT_OK) {
		fputc('\n', f);
		for (int i = 0; (line = tt_launch_line(l, i)); i++)
			fprintf(f, "%s\n", line);
	}
	tt_launch_free(&l);
	return st;
}

tt_status launch_run(const struct launch_plan *p, struct arena *a, int *code)
{
	tt_launch *l = NULL;
	tt_status st = make(p, a, &l);

	if (st == TT_OK)
		st = tt_launch_run(l, code);
	tt_launch_free(&l);
	return st;
}
