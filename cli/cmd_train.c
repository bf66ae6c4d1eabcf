/* cmd_train.c -- tutti train: a spec becomes a run folder with a trained model in it. */
#include <tutti/catalog.h>
#include <tutti/train.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folds.h"
#include "kit/paths.h"
#include "kit/stop.h"
#include "print/entries.h"
#include "train/record.h"
#include "train/run.h"
#include "train/tell.h"
#include "verbs.h"

static const char *const on_off[] = { "on", "off", NULL };

#define STRATEGIES_MAX 64

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
	{ "folds",   0,   FLAG_INT,   AT(folds), "K", .max = 1000, .help =
	  "cross-validate: K trainings, each of which validates with another Kth of data.train (not "
	  "with data.valid or data.split.valid), in fold-0, fold-1 ... of the run folder; then mean "
	  "and deviation" },
	{ "report",  0,   FLAG_YES,   AT(report), .help =
	  "a line of JSON on stdout for each epoch with its metrics (as `tutti tune` reads them)" },
	{ "trace",   0,   FLAG_TEXT,  AT(trace), "FILE", .help =
	  "what each worker did when, for chrome://tracing or ui.perfetto.dev" },
	{ "track",   0,   FLAG_TEXT,  AT(track), "URI", .help =
	  "tell an MLflow server of the run, as http://HOST:5000; training never waits for it "
	  "($MLFLOW_TRACKING_TOKEN, or $MLFLOW_TRACKING_USERNAME and $MLFLOW_TRACKING_PASSWORD)" },
	{ "experiment", 0, FLAG_TEXT, AT(experiment), "NAME", .help =
	  "with --track: under which experiment (the spec's name), which is made if need be" },
	{ "tune-kernels", 0, FLAG_TEXT, AT(tune_kernels), .key = "train.tune_kernels",
	  .arg = "on|off", .words = on_off, .help =
	  "measure which implementation of each layer is fastest, or take the library's choice" },
	{ "kernel-cache", 0, FLAG_TEXT, AT(kernel_cache), "FILE", .help =
	  "where measured choices are remembered (~/.cache/tutti/kernels.txt)" },
	{ "run",     'r', FLAG_TEXT,  AT(run), "DIR", .help =
	  "the run folder (a new one in --runs, named after the spec and the time)" },
	{ "runs",    0,   FLAG_TEXT,  AT(runs), "DIR", .def = "runs", .help =
	  "where new run folders are made" },
	{ "store",   0,   FLAG_TEXT,  AT(store), "URI", .help =
	  "where the run is recorded (`tutti runs`): a file, or none ($TUTTI_STORE, or tutti.db beside "
	  "the run folder)" },
	{ "keep",    0,   FLAG_LIST,  AT(keep), "FILE", .help =
	  "copy this file, such as a notebook, into the run folder (kept/v1/), and again (kept/v2/) "
	  "when a resumed run finds it changed; may be repeated" },
	{ "resume",  0,   FLAG_MAYBE, AT(resume), "PATH",
	  .takes = paths_is_checkpoint, .help =
	  "go on from a checkpoint or run folder, after = or behind it; without PATH from the last of "
	  "--run, or of the newest run of this spec" },
	{ .kind = FLAG_END },
};

static const struct example train_examples[] = {
	{ "tutti train examples/lenet5.yaml", "train, as the file says" },
	{ "tutti train examples/lenet5.yaml --epochs 2 --set train.optimizer.lr=0.1",
	  "the same model with other settings" },
	{ "tutti train examples/lenet5.yaml --resume", "go on where the last run was stopped" },
	{ "tutti train shop.yaml --folds 5", "how far may the result be trusted? (cross-validation)" },
	{ "tutti train examples/lenet5.yaml --workers 4", "four workers share this machine's cores" },
	{ "tutti train examples/lenet5.yaml --hosts a:8,b:8 --restarts 3",
	  "sixteen workers on two machines; whoever is lost costs a restart" },
	{ NULL, NULL },
};

static tt_status train(struct run *r)
{
	tt_status st;

	stop_tell(r->trainer);
	st = tt_trainer_run(r->trainer);
	stop_remove();
	progress_finish(&r->progress);
	record_end(r, st);
	return st;
}

/* Is a resumed run at its end?  Of several workers the first one knows. */
static tt_status look_for_end(const struct run *r, int *over)
{
	const tt_progress *p = tt_trainer_progress(r->trainer);

	*over = r->resume && p->done;
	return r->group ? tt_group_broadcast(r->group, over, sizeof *over) : TT_OK;
}

static tt_status run_all(struct run *r, struct call *c)
{
	tt_status st;
	int       over;

	if ((st = run_prepare(r)) != TT_OK)
		return st;
	r->made_dir = 0;
	if ((st = look_for_end(r, &over)) != TT_OK)
		return st;
	if (over)
		return tell_nothing(r, &c->exit);
	r->first_step = tt_trainer_progress(r->trainer)->step;
	tell_start(r);
	if ((st = record_start(r)) != TT_OK)
		return st;
	st = train(r);
	if (st == TT_ESTOPPED)
		return tell_stop(r, &c->exit);
	return st == TT_OK && run_is_first(r) && !r->args->folds ? tell_trained(r) : st;
}

static tt_status start_workers(struct run *r, struct call *c, struct launch_plan *p)
{
	tt_status st;

	if ((st = run_choose_place(r)) != TT_OK)
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
	return tell_workers(r, &c->exit, launch_run(p, c->arena, &c->exit));
}

/* Others do the work: this process starts them, and starts them again. */
static tt_status supervise(struct run *r, struct call *c)
{
	const struct train_args *o = r->args;
	struct launch_plan p = { .args = &o->launch, .line = &c->line };
	tt_status st = run_load_spec(r);

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
static tt_status show_workers(struct run *r)
{
	tt_status st;

	if ((st = run_load_spec(r)) != TT_OK || (st = run_join(r)) != TT_OK)
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
		return o->dry_run ? show_workers(r) : run_all(r, c);
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

/* The words in there are the trainer's, which does not last. */
static void keep_end(struct call *c, const struct run *r, tt_progress *end)
{
	*end = *tt_trainer_progress(r->trainer);
	if (end->monitor && !(end->monitor = arena_printf(c->arena, "%s", end->monitor)))
		end->monitor = "";
}

/* What is left of it, where it is asked for, is in *end. */
static tt_status run_one(struct call *c, tt_progress *end)
{
	struct train_args *o = c->opts;
	struct run r = { .args = o, .spec = c->args.v[0], .line = &c->line, .arena = c->arena };
	char       why[ERR_MAX];
	tt_status  st;
	int        one_of_many;

	o->launch.quiet = o->common.quiet;
	stop_install("tutti train");
	st = start(&r, c);
	stop_prepared();
	if (end && r.trainer)
		keep_end(c, &r, end);
	if (st == TT_ESTOPPED && !c->exit)
		st = tell_early_stop(&r, &c->exit);
	st = meet_at_the_end(&r, st);
	one_of_many = !run_is_first(&r);
	tt_worker_leave(&r.worker);
	tell_others(&r, st);
	snprintf(why, sizeof why, "%s", st == TT_OK ? "" : tt_last_error());
	run_release(&r);
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

static tt_status run_train(struct call *c)
{
	const struct train_args *o = c->opts;

	return o->folds ? folds_run(c, c->opts, run_one) : run_one(c, NULL);
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
