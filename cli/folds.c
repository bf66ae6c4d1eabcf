#include "folds.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "base/file.h"
#include "kit/paths.h"
#include "print/json.h"

/* A number that each fold ends with. */
struct row { const char *name; size_t at; double mean, deviation; };

static double value_of(const struct row *r, const tt_progress *fold)
{
	return *(const double *)(const void *)((const char *)fold + r->at);
}

/* Deviation as of a sample: what another fold may differ by. */
static void find_mean(struct row *r, const tt_progress *fold, int n)
{
	for (int i = 0; i < n; i++)
		r->mean += value_of(r, &fold[i]) / n;
	for (int i = 0; i < n; i++) {
		const double d = value_of(r, &fold[i]) - r->mean;

		r->deviation += d * d / (n - 1);
	}
	r->deviation = sqrt(r->deviation);
}

static void add_row(struct json *j, const struct row *r, const tt_progress *fold, int n)
{
	json_open(j, r->name, '{');
	json_number(j, "mean", r->mean);
	json_number(j, "deviation", r->deviation);
	json_open(j, "folds", '[');
	for (int k = 0; k < n; k++)
		json_number(j, NULL, value_of(r, &fold[k]));
	json_close(j, ']');
	json_close(j, '}');
}

static tt_status tell(const struct train_args *o, const tt_progress *fold, const char *dir)
{
	const int n = (int)o->folds;
	struct row rows[] = {
		{ .name = "best", .at = offsetof(tt_progress, best) },
		{ .name = "valid_loss", .at = offsetof(tt_progress, valid_loss) },
		{ .name = "valid_accuracy", .at = offsetof(tt_progress, valid_accuracy) },
	};
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_int(&j, "folds", n);
	json_text(&j, "run", dir);
	json_text(&j, "monitor", fold[0].monitor);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		find_mean(&rows[i], fold, n);
		add_row(&j, &rows[i], fold, n);
	}
	json_close(&j, '}');
	if (o->common.json)
		return json_print(&j);
	json_release(&j);
	printf("\n%d folds   mean        deviation\n", n);
	printf("best       %-10.6g  %.4g  (%s)\n", rows[0].mean, rows[0].deviation, fold[0].monitor);
	for (int i = 1; i < 3; i++)
		if (!isnan(rows[i].mean))
			printf("%-10s %-10.6g  %.4g  (last epoch)\n", i == 1 ? "loss" : "accuracy",
			       rows[i].mean, rows[i].deviation);
	printf("runs       %s/fold-0 ... fold-%d\n", dir, n - 1);
	return TT_OK;
}

static tt_status tell_stop_of(const struct train_args *o, const char *dir)
{
	struct json j = { 0 };

	json_open(&j, NULL, '{');
	json_int(&j, "folds", o->folds);
	json_text(&j, "run", dir);
	json_text(&j, "outcome", "stopped");
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status check(const struct train_args *o)
{
	if (o->folds < 2)
		return err_set(TT_EINVAL, "--folds %lld: there are at least 2", (long long)o->folds);
	if (o->resume || o->dry_run || o->launch.hosts || o->launch.rendezvous || o->launch.restarts ||
	    o->trace)
		return err_set(TT_EINVAL, "--folds goes with one machine and new runs: leave --resume, "
		               "--dry-run, --hosts, --rendezvous, --restarts and --trace out");
	return TT_OK;
}

/* The folder of all, named after the spec where no --run says it. */
static tt_status choose_folder(struct call *c, const struct train_args *o, const char **out)
{
	struct run r = { .args = o, .spec = c->args.v[0], .line = &c->line, .arena = c->arena };
	tt_status st;

	*out = o->run;
	if (o->run)
		return file_exists(o->run) ? err_set(TT_EINVAL, "%s: this folder is there already; name "
		                                     "another one", o->run) : TT_OK;
	if ((st = run_load_spec(&r)) == TT_OK)
		st = paths_new_run(c->arena, o->runs, r.facts.name, out);
	run_release(&r);
	return st;
}

static tt_status train_fold(struct call *c, struct train_args *o, fold_fn *train,
                            tt_progress *end)
{
	tt_status st;

	if (!o->common.quiet)
		fprintf(stderr, "%s\n", o->run);
	st = train(c, end);
	return st == TT_ESTOPPED ? err_at(st, "%s, of %lld folds, which cannot go on", o->run,
	                                  (long long)o->folds) : st;
}

tt_status folds_run(struct call *c, struct train_args *o, fold_fn *train)
{
	const struct flag_list given = o->set;
	const char **set, *dir;
	tt_progress *fold;
	struct common common = o->common;
	tt_status st;

	if ((st = check(o)) != TT_OK || (st = choose_folder(c, o, &dir)) != TT_OK)
		return st;
	fold = arena_alloc(c->arena, (size_t)o->folds * sizeof *fold);
	set = arena_alloc(c->arena, ((size_t)given.n + 5) * sizeof *set);
	if (!fold || !set)
		return TT_ENOMEM;
	for (int i = 0; i < given.n; i++)
		set[i] = given.v[i];
	o->set.v = set;
	o->set.n = given.n + 4;
	set[given.n + 2] = "data.split.valid=0";     /* what a fold validates on takes their place */
	set[given.n + 3] = "data.valid=";
	o->common.json = 0;
	o->common.quiet = common.quiet || common.json;
	for (int64_t i = 0; st == TT_OK && i < o->folds; i++) {
		set[given.n] = arena_printf(c->arena, "data.split.folds=%lld", (long long)o->folds);
		set[given.n + 1] = arena_printf(c->arena, "data.split.fold=%lld", (long long)i);
		o->run = arena_printf(c->arena, "%s/fold-%lld", dir, (long long)i);
		if (!set[given.n] || !set[given.n + 1] || !o->run)
			return TT_ENOMEM;
		st = train_fold(c, o, train, &fold[i]);
	}
	o->common = common;
	if (st == TT_ESTOPPED && common.json && tell_stop_of(o, dir) != TT_OK)
		return TT_EIO;
	return st == TT_OK ? tell(o, fold, dir) : st;
}
