/* curves_svg.c -- curves.svg: loss and accuracy over epochs, drawn anew after each. */
#include "learn/observe/observers.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/curves.h"
#include "learn/observe/metrics_csv.h"
#include "learn/observe/run_dir.h"

enum { TRAIN_LOSS, VALID_LOSS, TRAIN_ACCURACY, VALID_ACCURACY, CURVES };
static const char *const curve_of[CURVES] = {
	[TRAIN_LOSS]     = "train.loss",     [VALID_LOSS]     = "valid.loss",
	[TRAIN_ACCURACY] = "train.accuracy", [VALID_ACCURACY] = "valid.accuracy",
};

struct curves {
	struct str    picture, path;
	const char   *title;             /* borrowed from the model */
	double        epoch_steps;       /* as the earlier part had them */
	struct series curve[CURVES];
};

static tt_status draw(struct curves *c)
{
	const struct panel panel[] = {
		{ .title = "loss", .unit = CURVE_PLAIN, .name = { "training", "validation" },
		  .line = { &c->curve[TRAIN_LOSS], &c->curve[VALID_LOSS] } },
		{ .title = "accuracy", .unit = CURVE_PERCENT, .name = { "training", "validation" },
		  .line = { &c->curve[TRAIN_ACCURACY], &c->curve[VALID_ACCURACY] } },
	};
	int panels = c->curve[TRAIN_ACCURACY].n || c->curve[VALID_ACCURACY].n ? 2 : 1;
	tt_status st;

	c->picture.len = 0;
	curves_draw(&(struct picture){ c->title, "epochs", panel, panels }, &c->picture);
	if ((st = str_status(&c->picture)) != TT_OK)
		return st;
	return file_write_all(c->path.p, c->picture.p, c->picture.len);
}

/* Where a step lies, counted in epochs. */
static double place(const tt_progress *p)
{
	return p->epoch_steps ? (double)p->step / (double)p->epoch_steps : (double)p->step;
}

static void add_points(struct curves *c, const tt_observation *o)
{
	for (int i = 0; i < CURVES; i++) {
		double v = tt_observation_value(o, curve_of[i]);

		if (!isnan(v))
			series_add(&c->curve[i], place(o->progress), v);
	}
}

static tt_status on_event(void *ctx, const tt_observation *o)
{
	struct curves *c = ctx;

	add_points(c, o);
	return o->event == TT_EVENT_EPOCH || o->event == TT_EVENT_END ? draw(c) : TT_OK;
}

/* ---- an earlier part of the run ---- */

static void add_earlier(void *ctx, const struct csv_metric *m)
{
	struct curves *c = ctx;

	for (int i = 0; i < CURVES; i++) {
		size_t len;
		const char *name = metric_name(curve_of[i], &len);

		if (strncmp(m->split, curve_of[i], len) == 0 && !m->split[len] &&
		    strcmp(m->name, name) == 0 && !isnan(m->value))
			series_add(&c->curve[i], (double)m->step / c->epoch_steps, m->value);
	}
}

static tt_status read_earlier(struct curves *c, const struct observer_opts *o)
{
	const double batch = o->model->spec->train.batch, steps = ceil((double)o->info->count / batch);
	struct str path = {0};
	tt_status st;

	c->epoch_steps = steps > 0 ? steps : 1;
	if ((st = run_dir_path(&path, o->dir, TT_RUN_METRICS)) == TT_OK && file_exists(path.p))
		st = metrics_csv_each(path.p, o->resumed, add_earlier, c);
	str_release(&path);
	return st;
}

/* ---- life ---- */

static void close_curves(void *ctx)
{
	struct curves *c = ctx;

	str_release(&c->picture);
	str_release(&c->path);
	mem_free(c);
}

tt_status observer_curves(tt_observer *out, const struct observer_opts *o)
{
	struct curves *c = mem_calloc(1, sizeof *c);
	tt_status st;

	if (!c)
		return TT_ENOMEM;
	c->title = o->model->spec->name;
	if ((st = run_dir_path(&c->path, o->dir, TT_RUN_CURVES)) == TT_OK && o->resumed)
		st = read_earlier(c, o);
	if (st == TT_OK)
		*out = *TT_OBSERVER(.ctx = c, .event = on_event, .close = close_curves);
	else
		close_curves(c);
	return st;
}
