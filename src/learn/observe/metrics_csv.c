/* metrics_csv.c -- a run as rows and as a picture.
 *
 *   metrics.csv: step,epoch,split,name,value      a row per number, appended to
 *   curves.svg:  the same, drawn anew after each epoch */
#include "learn/observe/observer.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/observe/curves.h"

#define MAX_FILE ((size_t)1 << 30)

static const char header[] = "step,epoch,split,name,value\n";

enum { TRAIN_LOSS, VALID_LOSS, TRAIN_ACCURACY, VALID_ACCURACY, CURVES };
static const struct { const char *split, *name; } curve_of[CURVES] = {
	[TRAIN_LOSS]     = { "train", "loss" },     [VALID_LOSS]     = { "valid", "loss" },
	[TRAIN_ACCURACY] = { "train", "accuracy" }, [VALID_ACCURACY] = { "valid", "accuracy" },
};

struct numbers {
	struct observer  base;
	struct file_log *file;
	struct str       rows, picture, svg_path;
	const char      *title;
	struct series    curve[CURVES];
};

/* ---- rows ---- */

static void add_to_curve(struct numbers *c, const char *split, const char *name, double x, double y)
{
	for (int i = 0; i < CURVES; i++)
		if (strcmp(split, curve_of[i].split) == 0 && strcmp(name, curve_of[i].name) == 0)
			series_add(&c->curve[i], x, y);
}

/* Where step s lies, counted in epochs. */
static double place(double step, const tt_progress *p)
{
	return p->epoch_steps ? step / (double)p->epoch_steps : step;
}

static void add_row(struct numbers *c, const tt_progress *p, const char *split, const char *name,
                    double v)
{
	if (isnan(v))
		return;
	str_addf(&c->rows, "%lld,%d,%s,%s,", (long long)p->step, p->epoch, split, name);
	if (isfinite(v))
		str_add_number(&c->rows, v);
	else
		str_add(&c->rows, v < 0 ? "-inf" : "inf");
	str_add(&c->rows, "\n");
	add_to_curve(c, split, name, place((double)p->step, p), v);
}

static void add_step(struct numbers *c, const struct observation *w)
{
	const tt_progress *p = w->progress;

	add_row(c, p, "train", "loss", w->loss);
	add_row(c, p, "train", "accuracy", w->accuracy);
	add_row(c, p, "train", "lr", p->lr);
	add_row(c, p, "train", "grad_norm", p->grad_norm);
	add_row(c, p, "train", "samples_per_second", p->samples_per_second);
}

static void add_valid(struct numbers *c, const struct observation *w)
{
	const tt_metrics *m = w->valid;
	char name[24];

	add_row(c, w->progress, "valid", "loss", m->loss);
	add_row(c, w->progress, "valid", "accuracy", m->accuracy);
	snprintf(name, sizeof name, "top_%d", m->k);
	add_row(c, w->progress, "valid", name, m->top_k);
}

static tt_status append_rows(struct numbers *c)
{
	tt_status st = str_status(&c->rows);

	if (st == TT_OK && c->rows.len)
		st = file_log_append(c->file, c->rows.p, c->rows.len);
	c->rows.len = 0;
	return st;
}

/* ---- the picture ---- */

static tt_status draw(struct numbers *c)
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
	return file_write_all(c->svg_path.p, c->picture.p, c->picture.len);
}

static tt_status on_event(struct observer *o, enum tt_event e, const struct observation *w)
{
	struct numbers *c = (struct numbers *)o;

	switch (e) {
	case TT_EVENT_STEP:
		if (!w->due)
			return TT_OK;
		add_step(c, w);
		return append_rows(c);
	case TT_EVENT_VALID:
		add_valid(c, w);
		return append_rows(c);
	case TT_EVENT_EPOCH:
	case TT_EVENT_END:
		return draw(c);
	case TT_EVENT_START:
	case TT_EVENT_CHECKPOINT:
	case TT_EVENT_NOTE:
		break;
	}
	return TT_OK;
}

/* ---- an earlier part of the run ---- */

/* Keep the row if it is from before the resumed step; split and name are cut out of it. */
static int read_row(struct numbers *c, char *row, const struct observer_opts *o, double epoch_steps)
{
	char *field[5], *end;
	long long step;
	int n = 0;
	double v;

	for (char *at = row; n < 5; at = end + 1) {
		field[n++] = at;
		if (!(end = strchr(at, ',')))
			break;
		*end = '\0';
	}
	if (n != 5 || !isdigit((unsigned char)field[0][0]))
		return 0;
	step = strtoll(field[0], NULL, 10);
	if (step > o->resumed)
		return 0;
	if (str_to_double(field[4], &v))
		add_to_curve(c, field[2], field[3], (double)step / epoch_steps, v);
	for (int i = 1; i < 5; i++)
		field[i][-1] = ',';
	return 1;
}

static void keep_rows(struct numbers *c, char *text, const struct observer_opts *o)
{
	double batch = o->model->spec->train.batch, steps = ceil((double)o->info->count / batch);

	for (char *row = text, *end; (end = strchr(row, '\n')); row = end + 1) {
		*end = '\0';                    /* a last row without its end was never finished */
		if (read_row(c, row, o, steps > 0 ? steps : 1))
			str_addf(&c->rows, "%s\n", row);
	}
}

/* Rows of steps that the resumed run does again would stand there twice. */
static tt_status rewrite(struct numbers *c, const char *path, const struct observer_opts *o)
{
	char *text;
	size_t size;
	tt_status st;

	str_add(&c->rows, header);
	if (o->resumed) {
		if ((st = file_read_all(path, MAX_FILE, &text, &size)) != TT_OK)
			return st;
		keep_rows(c, text, o);
		mem_free(text);
	}
	if ((st = str_status(&c->rows)) == TT_OK)
		st = file_write_all(path, c->rows.p, c->rows.len);
	c->rows.len = 0;
	return st;
}

/* A new file begins as a log: no wait for the disk before the first step. */
static tt_status prepare_file(struct numbers *c, const char *path, const struct observer_opts *o)
{
	int there = file_exists(path);
	tt_status st = there ? rewrite(c, path, o) : TT_OK;

	if (st == TT_OK)
		st = file_log_open(&c->file, path);
	if (st == TT_OK && !there)
		st = file_log_append(c->file, header, strlen(header));
	return st;
}

/* ---- life ---- */

static void close_numbers(struct observer *o)
{
	struct numbers *c = (struct numbers *)o;

	file_log_close(&c->file);
	str_release(&c->rows);
	str_release(&c->picture);
	str_release(&c->svg_path);
	mem_free(c);
}

static const struct observer_ops ops = { "numbers", on_event, close_numbers };

tt_status observer_metrics_csv(struct observer **out, const struct observer_opts *o)
{
	struct numbers *c = mem_calloc(1, sizeof *c);
	struct str path = {0};
	tt_status st;

	if (!c)
		return TT_ENOMEM;
	c->base.ops = &ops;
	c->title = o->model->spec->name;
	str_addf(&path, "%s/metrics.csv", o->dir);
	str_addf(&c->svg_path, "%s/curves.svg", o->dir);
	if ((st = str_status(&path)) == TT_OK && (st = str_status(&c->svg_path)) == TT_OK)
		st = prepare_file(c, path.p, o);
	str_release(&path);
	if (st == TT_OK)
		*out = &c->base;
	else
		close_numbers(&c->base);
	return st;
}
