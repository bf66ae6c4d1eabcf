/* cmd_train.c -- tutti train: a spec becomes a run folder with a trained model in it. */
#include <tutti/catalog.h>
#include <tutti/train.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "print/doing.h"
#include "print/entries.h"
#include "print/json.h"
#include "launch/launch.h"
#include "print/machine.h"
#include "kit/paths.h"
#include "print/progress.h"
#include "print/summary.h"
#include "base/shell.h"
#include "kit/specfile.h"
#include "kit/stop.h"
#include "kit/table.h"
#include "verbs.h"

struct train_args {
	struct common    common;
	struct flag_list set;
	const char      *run, *runs, *resume, *kernel_cache, *trace;
	const char      *epochs, *threads, *seed, *tune_kernels;     /* they change `set` */
	const char      *strategy;
	struct launch_args launch;
	int              dry_run, launched;
};

static const char *const on_off[] = { "on", "off", NULL };

#define STRATEGIES_MAX 64
#define LARGE_NET      ((size_t)1 << 28)  /* parameters: a gigabyte of them                     */
#define LINE_MAX_SAID  (ERR_MAX / 2)      /* a longer command does not fit into a message */

static const char *const *strategy_names(void)
{
	static const char *names[STRATEGIES_MAX + 1];

	entries_names(TT_STRATEGIES, names, STRATEGIES_MAX);
	return names;
}

#define AT(field) offsetof(struct train_args, field)
static const struct flag train_flags[] = {
	{ "set",     's', FLAG_LIST,  AT(set), "KEY=VALUE", .help =
	  "change a key of the spec, such as train.optimizer.lr=0.1; may be repeated" },
	{ "epochs",  'e', FLAG_TEXT,  AT(epochs), .key = "train.epochs",
	  .arg = "N", .help = "short for --set train.epochs=N" },
	{ "seed",    0,   FLAG_TEXT,  AT(seed), .key = "train.seed",
	  .arg = "N", .help = "short for --set train.seed=N" },
	{ "threads", 't', FLAG_TEXT,  AT(threads), .key = "train.threads",
	  .arg = "N", .help =
	  "compute threads (0: all cores); short for --set train.threads=N" },
	{ "workers", 'w', FLAG_TEXT,  AT(launch.workers), .key = "distribute.workers",
	  .arg = "N", .help =
	  "so many workers on this machine train together; short for --set distribute.workers=N" },
	{ "strategy", 0,  FLAG_TEXT,  AT(strategy), .key = "distribute.strategy",
	  .arg = "NAME", .list = strategy_names, .help =
	  "how workers stay together (`tutti help strategies`); short for "
	  "--set distribute.strategy=NAME" },
	{ "hosts",   0,   FLAG_TEXT,  AT(launch.hosts), "A:N,B:N", .help =
	  "start N workers on each of these machines, within distribute.timeout and 20 seconds; "
	  "program and data are there too" },
	{ "launcher", 0,  FLAG_TEXT,  AT(launch.launcher), "WORD", .def = "auto", .list = tt_launchers,
	  .help = "of --hosts: mpirun, which RDMA needs; or ssh, which needs no MPI; auto: mpirun in a "
	  "batch job, with an RDMA device or if $TUTTI_MPIRUN names one, and else ssh" },
	{ "rendezvous", 0, FLAG_TEXT, AT(launch.rendezvous), "tcp://HOST:PORT", .help =
	  "this is one worker of several: they meet there, where the first one listens" },
	{ "rank",    0,   FLAG_INT,   AT(launch.rank), "R", .def = "-1", .min = -1, .max = 4095, .help =
	  "with --rendezvous: which worker this is, from 0 on" },
	{ "world",   0,   FLAG_INT,   AT(launch.world), "N", .max = 4096, .help =
	  "with --rendezvous: how many workers there are" },
	{ "local",   0,   FLAG_INT,   AT(launch.local), "N", .max = 4096, .help =
	  "with --rendezvous: start so many workers here, from --rank on" },
	{ "secret",  0,   FLAG_TEXT,  AT(launch.secret), "FILE", .help =
	  "what all workers know, in a file that only you can read ($TUTTI_SECRET_FILE, or "
	  "~/.config/tutti/secret, which is made)" },
	{ "restarts", 0,  FLAG_INT,   AT(launch.restarts), "N", .max = 1000000, .help =
	  "start again from the last checkpoint when a worker is lost, without hosts that fail twice" },
	{ "dry-run", 0,   FLAG_YES,   AT(dry_run), NULL, .help =
	  "say what would run where, and do nothing" },
	{ "launched", 0,  FLAG_YES,   AT(launched), .hidden = 1, .help =
	  "a launcher of ours has started this: it says how to go on" },
	{ "trace",   0,   FLAG_TEXT,  AT(trace), "FILE", .help =
	  "what each worker did when, for chrome://tracing or ui.perfetto.dev" },
	{ "tune-kernels", 0, FLAG_TEXT, AT(tune_kernels), .key = "train.tune_kernels",
	  .arg = "on|off", .words = on_off, .help =
	  "measure which implementation of each layer is fastest, or take the library's choice" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ "run",     'r', FLAG_TEXT,  AT(run), "DIR", .help =
	  "the run folder (a new one in --runs, named after the spec and the time)" },
	{ "runs",    0,   FLAG_TEXT,  AT(runs), "DIR", .def = "runs", .help =
	  "where new run folders are made" },
	{ "resume",  0,   FLAG_MAYBE, AT(resume), "PATH", .help =
	  "go on from a checkpoint or run folder; without PATH from the last of --run, "
	  "or of the newest run of this spec" },
	{ .kind = FLAG_END },
};

static const struct example train_examples[] = {
	{ "tutti train examples/lenet5.yaml", "train, as the file says" },
	{ "tutti train examples/lenet5.yaml --epochs 2 --set train.optimizer.lr=0.1",
	  "the same model with other settings" },
	{ "tutti train examples/lenet5.yaml --resume", "go on where the last run was stopped" },
	{ "tutti train examples/lenet5.yaml --workers 4", "four workers share this machine's cores" },
	{ "tutti train examples/lenet5.yaml --hosts a:8,b:8 --restarts 3",
	  "sixteen workers on two machines; whoever is lost costs a restart" },
	{ NULL, NULL },
};

/* What a spec says that people are told. */
struct facts {
	const char *name, *strategy;
	int         epochs, batch, micro_batch, threads, workers;
	double      timeout;
};

/* All that a run holds; released in one place. */
struct run {
	const struct train_args *args;
	struct specfile  file;
	struct facts     facts;                /* of it                     */
	tt_model        *model;
	tt_trainer      *trainer;
	tt_worker       *worker;               /* of a launcher; NULL: none */
	tt_group        *group;                /* then: where it trains     */
	int64_t          first_step;           /* steps done before         */
	struct progress  progress;
	struct str       environment;
	const char      *dir, *resume, *kernel_cache;
	int              made_new;             /* the folder is a new one of --runs    */
	int              made_runs;            /* which is new as well                 */
	int              made_dir;             /* the folder is ours, and empty so far */
};

/* Decide what to resume: *dir and *resume are NULL where nothing was asked for. */
static tt_status choose_resume(struct run *r, struct arena *a)
{
	const char *from = r->args->resume;

	r->dir = r->args->run;
	if (!from)
		return TT_OK;
	r->resume = "auto";
	if (*from && !file_is_dir(from))
		r->resume = from;
	else if (*from && !r->dir)
		r->dir = from;
	else if (*from)
		return paths_last(a, from, &r->resume);
	else if (!r->dir)
		return paths_newest_run(a, r->args->runs, r->facts.name, &r->dir);
	return TT_OK;
}

/* A run that is there already is never written over. */
static tt_status choose_folder(struct run *r, struct arena *a)
{
	tt_status st = choose_resume(r, a);

	if (st != TT_OK)
		return st;
	if (!r->dir) {
		r->made_runs = !file_exists(r->args->runs);
		st = paths_new_run(a, r->args->runs, r->facts.name, &r->dir);
		r->made_dir = r->made_new = st == TT_OK;
		return st;
	}
	if (!r->resume) {
		const char *last;

		if ((st = paths_last(a, r->dir, &last)) != TT_OK)
			return st;
		if (file_exists(last))
			return err_set(TT_EINVAL, "%s: this folder holds a run already; go on with it by "
			               "--resume, or name another folder", r->dir);
	}
	r->made_dir = !file_exists(r->dir);
	return TT_OK;
}

/* Only the first worker has a folder; the others know that there is one. */
static int is_first(const struct run *r)
{
	return !r->group || tt_group_rank(r->group) == 0;
}

static tt_status join(struct run *r)
{
	tt_status st;

	if (stop_asked(NULL))
		return err_set(TT_ESTOPPED, "stopped");
	if (!r->worker)
		return TT_OK;
	if ((st = tt_worker_join(r->worker, r->file.spec, &r->group)) == TT_OK)
		launch_joined(&r->args->launch, r->group);
	return st;
}

static tt_status choose_place(struct run *r, struct arena *a)
{
	tt_status st;

	if (!is_first(r)) {
		r->dir = ".";
		return TT_OK;
	}
	if ((st = choose_folder(r, a)) == TT_OK)
		stop_leaves(r->made_dir ? r->dir : NULL, r->made_runs ? r->args->runs : NULL);
	return st;
}

static tt_status read_facts(struct arena *a, const tt_spec *s, struct facts *out)
{
	tt_status st;

	if ((st = specfile_text(a, s, "name", &out->name)) != TT_OK ||
	    (st = specfile_text(a, s, "distribute.strategy", &out->strategy)) != TT_OK ||
	    (st = specfile_int(s, "train.epochs", &out->epochs)) != TT_OK ||
	    (st = specfile_int(s, "train.batch", &out->batch)) != TT_OK ||
	    (st = specfile_int(s, "train.micro_batch", &out->micro_batch)) != TT_OK ||
	    (st = specfile_int(s, "train.threads", &out->threads)) != TT_OK ||
	    (st = specfile_int(s, "distribute.workers", &out->workers)) != TT_OK)
		return st;
	return specfile_double(s, "distribute.timeout", &out->timeout);
}

static tt_status load_spec(struct run *r, const struct call *c)
{
	tt_status st;

	if ((st = specfile_load(&r->file, c->args.v[0], &r->args->set)) != TT_OK ||
	    (st = tt_spec_resolve(r->file.spec)) != TT_OK)
		return st;
	return read_facts(c->arena, r->file.spec, &r->facts);
}

/* Numbers in a sample of a shape such as "[3, 32, 32]". */
static int64_t count_input(const char *shape)
{
	int64_t n = 1;
	char   *end;

	for (const char *p = shape + strspn(shape, "[ "); *p && *p != ']';
	     p = end + strspn(end, ", ")) {
		const long long dim = strtoll(p, &end, 10);

		if (end == p || dim < 1 || __builtin_mul_overflow(n, dim, &n))
			return 0;
	}
	return n;
}

/* Ten lines describe a net of a hundred gigabytes.  Before so many numbers are drawn the data are
 * asked whether they would fit; of other nets the trainer asks when it has them: as soon. */
static tt_status check_large(const struct run *r, struct arena *a)
{
	const tt_source_info *info;
	tt_source  *source = NULL;
	const char *uri, *input;
	int64_t     has = 1, want;
	tt_status   st;

	if (tt_spec_parameters(r->file.spec) < LARGE_NET)
		return TT_OK;
	if ((st = specfile_text(a, r->file.spec, "data.train", &uri)) != TT_OK ||
	    (st = specfile_text(a, r->file.spec, "model.input", &input)) != TT_OK ||
	    (st = tt_source_open(&source, uri)) != TT_OK)
		return specfile_hint(&r->file, st);
	info = tt_source_describe(source);
	for (int i = 0; i < info->ndim; i++)
		has *= info->shape[i];
	if ((want = count_input(input)) != has)
		st = err_set(TT_ESHAPE, "data.train: a sample of %s has %lld numbers, model.input %s wants "
		             "%lld", uri, (long long)has, input, (long long)want);
	tt_source_close(&source);
	return st;
}

static tt_status prepare(struct run *r, struct call *c)
{
	enum progress_talk talk;
	tt_status st;

	if ((st = load_spec(r, c)) != TT_OK || (st = join(r)) != TT_OK ||
	    (st = check_large(r, c->arena)) != TT_OK ||
	    (st = tt_model_new(&r->model, r->file.spec)) != TT_OK ||
	    (st = machine_environment(c->arena, &c->line, &r->environment)) != TT_OK ||
	    (st = paths_kernel_cache(c->arena, r->args->kernel_cache, &r->kernel_cache)) != TT_OK ||
	    (st = choose_place(r, c->arena)) != TT_OK)
		return st;
	talk = r->args->common.quiet || !is_first(r) ? PROGRESS_QUIET : PROGRESS_TALK;
	progress_init(&r->progress, talk);
	doing_show(talk);
	st = tt_trainer_new(&r->trainer, r->model, TT_TRAINER_OPTS(
		.run_dir = r->dir, .resume = r->resume, .kernel_cache = r->kernel_cache,
		.environment = r->environment.p, .trace = r->args->trace, .group = r->group,
		.stop = stop_asked));
	if (st != TT_OK)
		return specfile_hint(&r->file, st);
	return tt_trainer_observe(r->trainer, TT_OBSERVER(.ctx = &r->progress,
	                                                  .event = progress_event));
}

/* ", 1 thread", or of several workers ", 2 workers by allreduce, 1 thread each". */
static void say_workers(const struct run *r)
{
	const int workers = tt_trainer_progress(r->trainer)->workers, asked = r->facts.threads;
	int most, least;

	if (r->group)
		most = least = tt_group_threads(r->group, asked);
	else
		launch_threads(asked, workers, &most, &least);
	if (workers > 1)
		fprintf(stderr, ", %d workers by %s", workers, r->facts.strategy);
	if (least < most)
		fprintf(stderr, ", %d to", least);
	fprintf(stderr, "%s %d thread%s%s", least < most ? "" : ",", most, most == 1 ? "" : "s",
	        workers > 1 ? " each" : "");
}

static void say_start(const struct run *r)
{
	char n[NUMBER_TEXT];
	const struct facts *s = &r->facts;

	if (r->args->common.quiet || !is_first(r))
		return;
	fprintf(stderr, "%s: %s parameters, %d epoch%s, batch %d", s->name,
	        text_count((long long)tt_model_parameters(r->model), n), s->epochs,
	        s->epochs == 1 ? "" : "s", s->batch);
	if (s->micro_batch)
		fprintf(stderr, " (%d at once)", s->micro_batch);
	say_workers(r);
	fprintf(stderr, "; run folder %s\n", r->dir);
}

static struct summary summary_of(const struct run *r)
{
	const tt_progress *p = tt_trainer_progress(r->trainer);

	return (struct summary){ p, r->dir, p->step - r->first_step };
}

static tt_status print_json(const struct run *r, struct arena *a, const char *outcome)
{
	const struct summary s = summary_of(r);
	struct json j = { 0 };
	tt_status st;

	json_open(&j, NULL, '{');
	json_text(&j, "outcome", outcome);
	json_text(&j, "name", r->facts.name);
	json_text(&j, "run", r->dir);
	json_int(&j, "parameters", (int64_t)tt_model_parameters(r->model));
	st = summary_json(&s, a, &j);
	json_close(&j, '}');
	if (st == TT_OK)
		return json_print(&j);
	json_release(&j);
	return st;
}

static tt_status train(struct run *r)
{
	tt_status st;

	stop_tell(r->trainer);
	st = tt_trainer_run(r->trainer);
	stop_remove();
	progress_finish(&r->progress);
	return st;
}

static void add_word(const char *word, struct str *s)
{
	str_add(s, " ");
	shell_add(s, word);
}

/* The command line that goes on with this run: the same, with its folder, and --resume.  These are
 * added behind it, so what follows a "--" is written as what it is, a file. */
static tt_status resume_line(const struct run *r, const struct words *line, struct str *out)
{
	int i = 1;

	str_add(out, "tutti");
	for (; i < line->n && strcmp(line->v[i], "--") != 0; i++)
		add_word(line->v[i], out);
	for (i++; i < line->n; i++) {
		str_add(out, line->v[i][0] == '-' ? " ./" : " ");
		shell_add(out, line->v[i]);
	}
	if (r->made_new) {
		str_add(out, " --run");
		add_word(r->dir, out);
	}
	if (!r->args->resume)
		str_add(out, " --resume");
	return str_status(out);
}

/* A command to paste must be whole: one too long for a message stands before it. */
static const char *said(struct str *line)
{
	if (line->len <= LINE_MAX_SAID)
		return line->p;
	fprintf(stderr, "%s\n", line->p);
	return "the line above";
}

/* The signal that has ended this run.  Of several workers only one need have heard it. */
static int ending_signal(void)
{
	return stop_signal() ? stop_signal() : SIGTERM;
}

/* A signal came before there was anything to go on with. */
static tt_status report_early_stop(struct call *c)
{
	c->exit = TT_EXIT_SIGNAL + ending_signal();
	return err_set(TT_ESTOPPED, "stopped by SIG%s before the first step",
	               sigabbrev_np(ending_signal()));
}

/* The end of a run that a signal stopped: how to go on with it, and the exit code for it.  Who was
 * started by a launcher of ours does not know that one's command line. */
static tt_status report_stop(const struct run *r, struct call *c)
{
	const long long step = tt_trainer_progress(r->trainer)->step;
	int        sig = ending_signal();
	struct str line = { 0 };
	tt_status  st = resume_line(r, &c->line, &line);

	if (r->args->common.json && is_first(r))
		print_json(r, c->arena, "stopped");
	c->exit = TT_EXIT_SIGNAL + sig;
	if (st == TT_OK && r->args->launched)
		st = err_set(TT_ESTOPPED, "stopped by SIG%s after step %lld", sigabbrev_np(sig), step);
	else if (st == TT_OK)
		st = err_set(TT_ESTOPPED, "stopped by SIG%s after step %lld; go on with `%s`",
		             sigabbrev_np(sig), step, said(&line));
	str_release(&line);
	return st;
}

/* Is a resumed run at its end?  Of several workers the first one knows. */
static tt_status look_for_end(const struct run *r, int *over)
{
	const tt_progress *p = tt_trainer_progress(r->trainer);

	*over = r->resume && p->done;
	return r->group ? tt_group_broadcast(r->group, over, sizeof *over) : TT_OK;
}

static tt_status report_nothing(const struct run *r, struct call *c)
{
	const tt_progress *p = tt_trainer_progress(r->trainer);
	const int n = p->epochs;

	c->exit = TT_EXIT_NOTHING;
	if (!is_first(r))
		return TT_OK;
	if (!r->args->common.quiet && p->epoch < n)
		fprintf(stderr, "%s: nothing to do, an early stop ended it after epoch %d of %d (to go on: "
		        "a larger train.early_stop.patience)\n", r->dir, p->epoch, n);
	else if (!r->args->common.quiet)
		fprintf(stderr, "%s: nothing to do, %s%d epoch%s done\n", r->dir, n == 1 ? "" : "all ", n,
		        n == 1 ? " is" : "s are");
	return r->args->common.json ? print_json(r, c->arena, "nothing to do") : TT_OK;
}

static tt_status run_all(struct run *r, struct call *c)
{
	const tt_progress *p;
	struct summary     summary;
	tt_status          st;
	int                over;

	if ((st = prepare(r, c)) != TT_OK)
		return st;
	r->made_dir = 0;
	p = tt_trainer_progress(r->trainer);
	if ((st = look_for_end(r, &over)) != TT_OK)
		return st;
	if (over)
		return report_nothing(r, c);
	r->first_step = p->step;
	say_start(r);
	st = train(r);
	if (st == TT_ESTOPPED)
		return report_stop(r, c);
	if (st != TT_OK || !is_first(r))
		return st;
	if (r->args->common.json)
		return print_json(r, c->arena, "trained");
	summary = summary_of(r);
	return summary_print(&summary, c->arena);
}

/* The end of workers that others have watched, in a sentence: how to go on with them. */
static tt_status report_end(const struct run *r, struct call *c, tt_status st)
{
	const int   sig = c->exit > TT_EXIT_SIGNAL ? c->exit - TT_EXIT_SIGNAL : 0;
	const tt_status end = st == TT_OK ? TT_ESTOPPED : st;
	struct str  line = { 0 };
	const char *last;
	char        why[ERR_MAX];

	if (st == TT_OK && !sig)
		return TT_OK;
	snprintf(why, sizeof why, "stopped by SIG%s", sig ? sigabbrev_np(sig) : "TERM");
	if (st != TT_OK)
		snprintf(why, sizeof why, "%s", tt_last_error());
	if (paths_last(c->arena, r->dir, &last) == TT_OK && !file_exists(last))
		err_set(end, "%s: nothing was trained", why);
	else if (st != TT_EINVAL && resume_line(r, &c->line, &line) == TT_OK)
		err_set(end, "%s; go on, with any number of workers, by `%s`", why, said(&line));
	str_release(&line);
	return end;
}

static tt_status start_workers(struct run *r, struct call *c, struct launch_plan *p)
{
	tt_status st;

	if ((st = choose_place(r, c->arena)) != TT_OK)
		return st;
	if (r->resume && strcmp(r->resume, "auto") != 0)
		return err_set(TT_EINVAL, "--resume: name the run folder; %s is another run's file",
		               r->resume);
	p->run = r->dir;
	p->resume = r->resume != NULL;
	if ((st = paths_log(c->arena, r->dir, &p->log)) != TT_OK)
		return st;
	if (stop_prepared())
		return err_set(TT_ESTOPPED, "stopped");
	return report_end(r, c, launch_run(p, c->arena, &c->exit));
}

/* Others do the work: this process starts them, and starts them again. */
static tt_status supervise(struct run *r, struct call *c)
{
	const struct train_args *o = r->args;
	struct launch_plan p = { .args = &o->launch, .line = &c->line };
	tt_status st = load_spec(r, c);

	if (st != TT_OK)
		return st;
	p.workers = r->facts.workers;
	p.threads = r->facts.threads;
	p.timeout = r->facts.timeout;
	if (!o->dry_run)
		return start_workers(r, c, &p);
	p.run = o->run ? o->run : "NEW-FOLDER";
	p.resume = o->resume != NULL;
	return launch_show(&p, c->arena, stdout, &c->exit);
}

/* Under a launcher: which worker is where, and that is all. */
static tt_status show_workers(struct run *r, const struct call *c)
{
	tt_status st;

	if ((st = load_spec(r, c)) != TT_OK || (st = join(r)) != TT_OK)
		return st;
	return launch_show_group(r->group, r->facts.threads, stdout);
}

static tt_status start(struct run *r, struct call *c)
{
	const struct train_args *o = r->args;
	tt_status st = launch_find(&o->launch, &r->worker);

	if (st != TT_OK)
		return st;
	if (r->worker)
		return o->dry_run ? show_workers(r, c) : run_all(r, c);
	return o->launch.hosts || o->launch.restarts || o->dry_run ? supervise(r, c) : run_all(r, c);
}

/* The others should not have to find out by waiting. */
static void tell_others(struct run *r, tt_status st)
{
	char why[ERR_MAX];

	if (st == TT_OK || st == TT_ESTOPPED || !r->group)
		return;
	snprintf(why, sizeof why, "%s", tt_last_error());
	tt_group_abandon(r->group, why);
	err_text("%s", why);
}

/* Nobody leaves before all are done: who is lost after the last step is missed, too. */
static tt_status meet_at_the_end(struct run *r, tt_status st)
{
	if (st != TT_OK || !r->group)
		return st;
	if (tt_group_barrier(r->group) == TT_OK)
		return TT_OK;
	return err_at(TT_EPEER, "all is done and saved, but");
}

static tt_status run_train(struct call *c)
{
	struct train_args *o = c->opts;
	struct run r = { .args = o };
	char       why[ERR_MAX];
	tt_status  st;
	int        one_of_many;

	o->launch.quiet = o->common.quiet;
	stop_install("tutti train");
	st = start(&r, c);
	stop_prepared();
	if (st == TT_ESTOPPED && !c->exit)
		st = report_early_stop(c);
	st = meet_at_the_end(&r, st);
	one_of_many = !is_first(&r);
	tt_worker_leave(&r.worker);
	tell_others(&r, st);
	snprintf(why, sizeof why, "%s", st == TT_OK ? "" : tt_last_error());
	tt_trainer_free(&r.trainer);
	tt_group_close(&r.group);            /* who has left already is no news now */
	tt_model_free(&r.model);
	specfile_release(&r.file);
	str_release(&r.environment);
	if (st != TT_OK && r.made_dir)
		rmdir(r.dir);                /* only goes if nothing was written into it */
	if (st != TT_OK && r.made_dir && r.made_runs)
		rmdir(r.args->runs);
	/* All learn of such a loss in the same step; one says so, who knows of the checkpoint. */
	if (st == TT_ENAN && one_of_many) {
		c->exit = TT_EXIT_FAILED;
		return TT_OK;
	}
	if (st != TT_OK)
		err_text("%s", why);
	return st;
}

const struct verb verb_train = {
	.name = "train", .args = "SPEC.yaml", .min_args = 1, .max_args = 1,
	.summary = "train a model as a spec says",
	.text =
	"Reads SPEC.yaml (`tutti help spec` lists its keys), builds the model, and trains it on the\n"
	"data the spec names.  ${NAME} and ${NAME:-default} in the file are filled in from the\n"
	"environment.  A run folder keeps all that a run is: the spec with every default, the\n"
	"environment, log, curves (curves.svg and TensorBoard's event files) and checkpoints.\n"
	"\n"
	"SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 (Slurm's --signal=USR1@60) write a checkpoint\n"
	"and leave with 128 + the signal's number; --resume goes on from there, and the\n"
	"result is bit for bit the one of a run that was never stopped.\n",
	.examples = train_examples, .flags = train_flags, .opts_size = sizeof(struct train_args),
	.run = run_train,
};
