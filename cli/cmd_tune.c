/* cmd_tune.c -- tutti tune: many trials of a spec or of any command, and the best of them. */
#include <tutti/search.h>

#include <stdio.h>
#include <string.h>

#include "kit/stop.h"
#include "tune/plan.h"
#include "tune/section.h"
#include "tune/tell.h"
#include "verbs.h"

#define AT(field) offsetof(struct tune_args, field)
static const struct flag tune_flags[] = {
	{ "param",   'p', FLAG_LIST,  AT(param), "NAME=RANGE", .help =
	  "what is tried: 0.1..0.9, log:1e-4..1e-1, int:1..8, log:int:16..256, 0..1:0.25, 32,64,128, "
	  "or relu,tanh; with ` if OTHER == VALUE` behind it only then; may be repeated" },
	{ "metric",  'm', FLAG_LIST,  AT(metric), "[min:|max:]NAME", .help =
	  "what is to be better (valid.accuracy): any that a training tells, that the command prints, "
	  "or seconds; repeated: a front of those that no other beats in all" },
	{ "trials",  'n', FLAG_INT,   AT(trials), "N", .min = 1, .max = 1000000000, .help =
	  "how many (20; of grid and launch all that there are)" },
	{ "sampler", 0,   FLAG_TEXT,  AT(sampler), "NAME[:OPTIONS]", .help =
	  "who says what is tried next (`tutti help samplers`), with options as NAME:KEY=VALUE,... "
	  "(random)" },
	{ "scheduler", 0, FLAG_TEXT,  AT(scheduler), "NAME[:OPTIONS]", .help =
	  "who says how far a trial goes (`tutti help schedulers`), likewise: asha:max=9,factor=3 "
	  "(none)" },
	{ "seed",    0,   FLAG_INT,   AT(seed), "N", .min = 1, .max = INT64_MAX, .help =
	  "of what is tried: the same seed and order of results, the same trials (1)" },
	{ "set",     's', FLAG_LIST,  AT(set), "KEY=VALUE", .help =
	  "change a key of the spec for all trials; may be repeated" },
	{ "slots",   0,   FLAG_INT,   AT(slots), "N", .min = 1, .max = 4096, .help =
	  "trials at once (as many as have --threads cores here, elsewhere 1); with 1 the order of "
	  "results, and so the whole search, is the same each time" },
	{ "threads", 't', FLAG_INT,   AT(threads), "N", .def = "1", .min = 1, .max = 4096, .help =
	  "compute threads of a trial of a spec, and cores that a launcher asks for" },
	{ "launcher", 0,  FLAG_TEXT,  AT(launcher), "WORDS", .def = "local", .help =
	  "what runs a trial: local; slurm (srun, a job each); or words that stand before its own, "
	  "such as \"ssh host\"" },
	{ "timeout", 0,   FLAG_TEXT,  AT(timeout), "SECONDS", .help =
	  "a trial that takes longer is ended and counts as crashed" },
	{ "tries",   0,   FLAG_INT,   AT(tries), "N", .def = "3", .min = 1, .max = 1000, .help =
	  "attempts at a trial that crashes, before it counts as failed" },
	{ "out",     'o', FLAG_TEXT,  AT(out), "DIR", .help =
	  "the folder of the search (runs/NAME-tune): its journal, and one for each trial" },
	{ "resume",  0,   FLAG_YES,   AT(resume), .help =
	  "go on with the search in --out: what is done stays, what was running runs again" },
	{ .kind = FLAG_END },
};

static const struct example tune_examples[] = {
	{ "tutti tune net.yaml -p train.optimizer.lr=log:1e-4..1e-1 -p train.batch=32,64,128 -n 30",
	  "thirty trainings with other settings each, and the best of them" },
	{ "tutti tune net.yaml -p train.optimizer.lr=log:1e-4..1e-1 --scheduler asha -n 100 --slots 4",
	  "four at once; most are stopped early, the best go on from their checkpoints" },
	{ "tutti tune -p lr=log:1e-4..1e-1 -m min:loss -- python train.py --lr {lr}",
	  "any program that prints lines like loss=0.3" },
	{ NULL, NULL },
};

struct tune { struct plan plan; struct tell tell; };

static tt_status command(void *ctx, const tt_attempt *a, tt_command *out)
{
	const struct tune *t = ctx;

	return plan_command(&t->plan, a, out);
}

static void hear(void *ctx, const tt_search_news *n)
{
	struct tune *t = ctx;

	tell_news(&t->tell, n);
}

/* ---- what was asked for ---- */

/* Words behind a "--" are a command; before it stands a spec, or nothing. */
static tt_status divide(struct call *c, struct plan *p)
{
	int behind = 0;

	for (int i = 1; i < c->line.n && !behind; i++)
		if (strcmp(c->line.v[i], "--") == 0)
			behind = c->line.n - i - 1;
	p->command = (struct words){ c->args.v + c->args.n - behind, behind };
	if (c->args.n - behind > 1)
		return err_set(TT_EINVAL, "one SPEC, not '%s' as well", c->args.v[1]);
	if (c->args.n - behind == 1)
		p->spec = c->args.v[0];
	if (!p->spec == !behind)
		return err_set(TT_EINVAL, "wants either SPEC.yaml or a command behind -- (see "
		               "`tutti help tune`)");
	return TT_OK;
}

static tt_status read_timeout(const struct tune_args *o, double *out)
{
	*out = 0;
	if (!o->timeout || (str_to_double(o->timeout, out) && *out > 0))
		return TT_OK;
	return err_set(TT_EINVAL, "--timeout wants seconds, not '%s'", o->timeout);
}

static tt_status make_study(const struct plan *p, tt_study **out)
{
	const struct tune_args *o = p->args;

	return tt_study_new(out, p->space, TT_STUDY_OPTS(
		.sampler = p->sampler, .sampler_options = p->sampler_options, .scheduler = p->scheduler,
		.scheduler_options = p->scheduler_options, .objectives = p->metric,
		.directions = p->direction, .n_objectives = p->metrics, .trials = o->trials,
		.seed = (uint64_t)o->seed));
}

static tt_status make_search(struct tune *t, tt_study *study, tt_search **out)
{
	const struct tune_args *o = t->plan.args;
	double timeout;
	tt_status st = read_timeout(o, &timeout);

	if (st != TT_OK)
		return st;
	return tt_search_new(out, study, TT_SEARCH_OPTS(
		.dir = t->plan.dir, .about = t->plan.about.p, .resume = o->resume,
		.objectives = t->plan.metric, .n_objectives = t->plan.metrics,
		.slots = (int)o->slots, .tries = (int)o->tries, .timeout = timeout,
		.launcher = o->launcher, .threads = (int)o->threads, .command = command, .hear = hear,
		.stop = stop_asked, .ctx = t));
}

/* ---- the search ---- */

static tt_status finish(struct tune *t, struct call *c, tt_status st)
{
	char why[ERR_MAX];
	int64_t best;

	snprintf(why, sizeof why, "%s", st == TT_OK ? "" : tt_last_error());
	tell_clear(&t->tell);
	if (st == TT_OK || st == TT_ESTOPPED) {
		const tt_status told = tell_end(&t->tell, st == TT_OK ? "searched" : "stopped");

		if (told != TT_OK)
			return told;
	}
	if (st == TT_ESTOPPED) {
		c->exit = TT_EXIT_SIGNAL + stop_signal();
		return err_set(st, "stopped by SIG%s; go on with the same command and --resume",
		               sigabbrev_np(stop_signal()));
	}
	if (st == TT_OK && tt_study_best(t->tell.study, &best) != TT_OK)
		return err_set(TT_EINVAL, "no trial has a result; see %s/trial-00000", t->plan.dir);
	return st == TT_OK ? st : err_set(st, "%s", why);
}

static tt_status search(struct tune *t, struct call *c)
{
	tt_study *study = NULL;
	tt_search *s = NULL;
	tt_status st;

	if ((st = make_study(&t->plan, &study)) == TT_OK) {
		tell_init(&t->tell, &t->plan, study);
		if ((st = make_search(t, study, &s)) == TT_OK) {
			stop_prepared();
			st = finish(t, c, tt_search_run(s));
		}
	}
	tt_search_free(&s);
	tt_study_free(&study);
	return st;
}

static tt_status run_tune(struct call *c)
{
	struct tune t = { .plan = { .args = c->opts, .arena = c->arena } };
	tt_status st;

	if ((st = divide(c, &t.plan)) != TT_OK)
		return st;
	stop_install("tutti tune");
	if ((st = section_read(c->arena, t.plan.spec, c->opts)) == TT_OK &&
	    (st = plan_make(&t.plan)) == TT_OK)
		st = search(&t, c);
	stop_prepared();
	plan_release(&t.plan);
	return st;
}

const struct verb verb_tune = {
	.name = "tune", .args = "SPEC.yaml | -- COMMAND", .max_args = INT32_MAX,
	.summary = "search the best settings of a spec or of any command",
	.text =
	"Runs trials, each with other values of the parameters, at most --slots at once, and says\n"
	"which was the best.  A trial is a training of SPEC.yaml with keys changed, or any command:\n"
	"{NAME} in its words is a parameter's value, {trial} its number, {dir} a folder of its own,\n"
	"{budget} the step up to which it shall go.  A command tells what it has reached by\n"
	"lines on stdout such as `step=3 accuracy=0.91` or {\"step\": 3, \"accuracy\": 0.91}; the\n"
	"last one counts.\n"
	"\n"
	"A trial that is not worth going on with gets SIGTERM, and SIGKILL ten seconds later.  All\n"
	"that happens is written to journal.jsonl in the folder first, so that --resume goes on after\n"
	"any crash, with the same suggestions.\n"
	"\n"
	"A spec may have a section `tune` with params (a map of names to ranges), metric, sampler,\n"
	"scheduler, trials, seed and slots; the command line holds where both speak.\n",
	.examples = tune_examples, .flags = tune_flags, .opts_size = sizeof(struct tune_args),
	.run = run_tune,
};
