#include "tune/tell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "kit/clock.h"
#include "kit/table.h"
#include "print/json.h"
#include "print/progress.h"
#include "print/study_svg.h"

#define REDRAW_SECONDS 0.25
#define ROWS 10

static const char *const states[] = {
	[TT_TRIAL_RUNNING] = "running", [TT_TRIAL_PAUSED] = "paused",
	[TT_TRIAL_COMPLETED] = "completed", [TT_TRIAL_PRUNED] = "pruned", [TT_TRIAL_FAILED] = "failed",
};

void tell_init(struct tell *t, const struct plan *p, tt_study *s)
{
	*t = (struct tell){ .plan = p, .study = s, .terminal = progress_terminal() };
}

void tell_clear(struct tell *t)
{
	if (t->drawn)
		fputs("\r\033[K", stderr);
	t->drawn = 0;
}

/* "lr=0.01 units=64" */
static void add_values(struct str *s, const struct tell *tell, const tt_trial *t)
{
	tt_value v = TT_SIZED(tt_value);

	for (int i = 0; i < t->n && tt_study_value(tell->study, t->trial, i, &v) == TT_OK; i++)
		str_addf(s, "%s%s=%s", i ? " " : "", v.name, v.text);
	str_add(s, "");
}

static void add_results(struct str *s, const struct plan *p, const tt_trial *t)
{
	for (int i = 0; t->results && i < p->metrics; i++)
		str_addf(s, "%s%s %.6g", i ? ", " : "", p->metric[i], t->results[i]);
}

/* ---- under way ---- */

static void write_trial(struct tell *t, int64_t trial)
{
	tt_trial info = TT_SIZED(tt_trial);
	struct str s = {0};

	if (tt_study_trial(t->study, trial, &info) != TT_OK)
		return;
	str_addf(&s, "trial %lld %s: ", (long long)trial, states[info.state]);
	add_results(&s, t->plan, &info);
	str_addf(&s, "%s", info.results ? "; " : "");
	add_values(&s, t, &info);
	text_printf(stderr, "%s\n", str_status(&s) == TT_OK ? s.p : "");
	str_release(&s);
}

static void write_moving(struct tell *t, const tt_search_news *n)
{
	char left[NUMBER_TEXT] = "", gone[NUMBER_TEXT];
	const int64_t all = t->plan->args->trials;
	tt_trial best = TT_SIZED(tt_trial);
	int64_t number;

	t->shown = clock_seconds();
	if (n->ended && all > n->ended)
		text_time(n->seconds / (double)n->ended * (double)(all - n->ended), left);
	fprintf(stderr, "\r\033[K%lld", (long long)n->ended);
	if (all)
		fprintf(stderr, "/%lld", (long long)all);
	fprintf(stderr, " trials  %d running", n->running);
	if (tt_study_best(t->study, &number) == TT_OK &&
	    tt_study_trial(t->study, number, &best) == TT_OK)
		fprintf(stderr, "  best %.6g (trial %lld)", best.results[0], (long long)number);
	fprintf(stderr, "  %s%s%s", text_time(n->seconds, gone), *left ? "  left " : "", left);
	fflush(stderr);
	t->drawn = 1;
}

void tell_news(struct tell *t, const tt_search_news *n)
{
	t->failed += n->event == TT_SEARCH_LOST;
	if (t->plan->args->common.quiet)
		return;
	if (n->event == TT_SEARCH_ENDED || n->event == TT_SEARCH_LOST || n->event == TT_SEARCH_NOTE)
		tell_clear(t);
	if (n->event == TT_SEARCH_ENDED)
		write_trial(t, n->trial);
	if (n->event == TT_SEARCH_LOST)
		text_printf(stderr, "trial %lld: %s\n", (long long)n->trial, n->text);
	if (n->event == TT_SEARCH_NOTE)
		text_printf(stderr, "%s; the search waits\n", n->text);
	if (t->terminal && clock_seconds() - t->shown > REDRAW_SECONDS)
		write_moving(t, n);
}

/* ---- at the end ---- */

struct ranked { tt_trial t; double loss; };

static int by_loss(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	const int done = (y->t.state == TT_TRIAL_COMPLETED) - (x->t.state == TT_TRIAL_COMPLETED);

	if (done)
		return done;
	if (x->loss != y->loss)
		return x->loss < y->loss ? -1 : 1;
	return x->t.trial < y->t.trial ? -1 : 1;
}

static double loss_of(const struct tell *t, const tt_trial *info)
{
	if (!info->results || !isfinite(info->results[0]))
		return INFINITY;
	return t->plan->direction[0] == TT_MAXIMIZE ? -info->results[0] : info->results[0];
}

/* All trials, the best first; owned. */
static tt_status rank(const struct tell *t, struct ranked **out, int64_t *n)
{
	struct ranked *r;

	*n = tt_study_count(t->study);
	if (!(r = mem_calloc((size_t)*n + 1, sizeof *r)))
		return TT_ENOMEM;
	for (int64_t i = 0; i < *n; i++) {
		r[i].t.size = sizeof r[i].t;
		if (tt_study_trial(t->study, i, &r[i].t) == TT_OK)
			r[i].loss = loss_of(t, &r[i].t);
	}
	qsort(r, (size_t)*n, sizeof *r, by_loss);
	*out = r;
	return TT_OK;
}

static void count(const struct ranked *r, int64_t n, int64_t of[5])
{
	memset(of, 0, 5 * sizeof *of);
	for (int64_t i = 0; i < n; i++)
		of[r[i].t.state]++;
}

static void print_rows(const struct tell *t, const struct ranked *r, int64_t n)
{
	struct table table;

	table_init(&table, "rlrrl");
	table_add(&table, "trial\tstate\t%s\tstep\tparameters", t->plan->metric[0]);
	for (int64_t i = 0; i < n && i < ROWS; i++) {
		struct str s = {0};

		add_values(&s, t, &r[i].t);
		if (r[i].t.results)
			table_add(&table, "%lld\t%s\t%.6g\t%lld\t%s", (long long)r[i].t.trial,
			          states[r[i].t.state], r[i].t.results[0], (long long)r[i].t.step,
			          s.p ? s.p : "");
		else
			table_add(&table, "%lld\t%s\t-\t-\t%s", (long long)r[i].t.trial, states[r[i].t.state],
			          s.p ? s.p : "");
		str_release(&s);
	}
	table_print(&table, stdout);
	if (n > ROWS)
		text_printf(stdout, "... and %lld more\n", (long long)(n - ROWS));
	table_release(&table);
}

/* ---- the picture, and what each parameter explains ---- */

static tt_status draw(struct tell *t)
{
	const struct plan *p = t->plan;
	const struct study_picture of = { t->study, p->space, p->metric, p->direction, p->metrics,
	                                  p->dir };
	char *path = arena_printf(p->arena, "%s/study.svg", p->dir);
	struct str s = {0};
	tt_status st = path ? study_svg(&of, &s) : TT_ENOMEM;

	if (st == TT_OK && (st = str_status(&s)) == TT_OK &&
	    (st = file_write_all(path, s.p, s.len)) == TT_OK)
		t->picture = path;
	str_release(&s);
	return st;
}

/* Owned; NULL: no memory, or nothing is known. */
static double *importance(const struct tell *t)
{
	const int n = tt_space_count(t->plan->space);
	double *share = mem_calloc((size_t)n, sizeof *share);

	if (share && tt_study_importance(t->study, share, n) == TT_OK)
		return share;
	mem_free(share);
	return NULL;
}

static void print_importance(const struct tell *t)
{
	double *share = importance(t);
	tt_param p = TT_SIZED(tt_param);

	text_printf(stdout, "explains ");
	for (int i = 0; share && i < tt_space_count(t->plan->space); i++)
		if (tt_space_get(t->plan->space, i, &p) == TT_OK)
			text_printf(stdout, "%s %s %.0f %%", i ? "," : "", p.name, 100 * share[i]);
	text_printf(stdout, "\n");
	mem_free(share);
}

static void json_importance(const struct tell *t, struct json *j)
{
	double *share = importance(t);
	tt_param p = TT_SIZED(tt_param);

	json_open(j, "importance", '{');
	for (int i = 0; share && i < tt_space_count(t->plan->space); i++)
		if (tt_space_get(t->plan->space, i, &p) == TT_OK)
			json_number(j, p.name, share[i]);
	json_close(j, '}');
	mem_free(share);
}

/* ---- several metrics: those that no other beats in all ---- */

#define FRONT_MOST 100

static void print_front(const struct tell *t)
{
	int64_t front[FRONT_MOST], n = tt_study_front(t->study, front, FRONT_MOST);

	if (t->plan->metrics < 2)
		return;
	text_printf(stdout, "front    ");
	for (int64_t i = 0; i < n && i < FRONT_MOST; i++)
		text_printf(stdout, "%s trial %lld", i ? "," : "", (long long)front[i]);
	text_printf(stdout, "\n");
}

static void json_front(const struct tell *t, struct json *j)
{
	int64_t front[FRONT_MOST], n = tt_study_front(t->study, front, FRONT_MOST);

	if (t->plan->metrics < 2)
		return;
	json_open(j, "front", '[');
	for (int64_t i = 0; i < n && i < FRONT_MOST; i++)
		json_int(j, NULL, front[i]);
	json_close(j, ']');
}

static tt_status print_text(const struct tell *t, const struct ranked *r, int64_t n)
{
	struct str line = {0};
	tt_trial best = TT_SIZED(tt_trial);
	int64_t number;
	tt_status st = TT_OK;

	print_rows(t, r, n);
	if (tt_study_best(t->study, &number) == TT_OK &&
	    (st = tt_study_trial(t->study, number, &best)) == TT_OK &&
	    (st = plan_line(t->plan, t->study, &best, &line)) == TT_OK)
		text_printf(stdout, "\nbest      trial %lld, in %s/trial-%05lld\ncommand   %s\n",
		            (long long)number, t->plan->dir, (long long)number, line.p);
	str_release(&line);
	if (st != TT_OK || !t->picture)
		return st;
	print_front(t);
	print_importance(t);
	text_printf(stdout, "picture   %s\n", t->picture);
	return TT_OK;
}

static void json_trial(const struct tell *t, struct json *j, const tt_trial *info)
{
	tt_value v = TT_SIZED(tt_value);

	json_int(j, "trial", info->trial);
	json_text(j, "state", states[info->state]);
	json_int(j, "step", info->step);
	json_open(j, "params", '{');
	for (int i = 0; i < info->n && tt_study_value(t->study, info->trial, i, &v) == TT_OK; i++)
		json_text(j, v.name, v.text);
	json_close(j, '}');
	json_open(j, "metrics", '{');
	for (int i = 0; info->results && i < t->plan->metrics; i++)
		json_number(j, t->plan->metric[i], isfinite(info->results[i]) ? info->results[i] : NAN);
	json_close(j, '}');
}

static tt_status json_best(const struct tell *t, struct json *j)
{
	tt_trial best = TT_SIZED(tt_trial);
	struct str line = {0};
	int64_t number;
	tt_status st;

	if (tt_study_best(t->study, &number) != TT_OK)
		return TT_OK;
	if ((st = tt_study_trial(t->study, number, &best)) == TT_OK &&
	    (st = plan_line(t->plan, t->study, &best, &line)) == TT_OK) {
		json_open(j, "best", '{');
		json_trial(t, j, &best);
		json_text(j, "command", line.p);
		json_close(j, '}');
	}
	str_release(&line);
	return st;
}

static tt_status print_json(const struct tell *t, const struct ranked *r, int64_t n,
                            const char *outcome)
{
	struct json j = { 0 };
	int64_t of[5];
	tt_status st;

	count(r, n, of);
	json_open(&j, NULL, '{');
	json_text(&j, "outcome", outcome);
	json_text(&j, "dir", t->plan->dir);
	json_int(&j, "trials", n);
	for (int i = TT_TRIAL_COMPLETED; i <= TT_TRIAL_FAILED; i++)
		json_int(&j, states[i], of[i]);
	if ((st = json_best(t, &j)) != TT_OK) {
		json_release(&j);
		return st;
	}
	if (t->picture) {
		json_front(t, &j);
		json_importance(t, &j);
		json_text(&j, "picture", t->picture);
	}
	json_open(&j, "ranking", '[');
	for (int64_t i = 0; i < n; i++) {
		json_open(&j, NULL, '{');
		json_trial(t, &j, &r[i].t);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

tt_status tell_end(struct tell *t, const char *outcome)
{
	struct ranked *r;
	int64_t n;
	tt_status st;

	tell_clear(t);
	if (tt_study_best(t->study, &n) == TT_OK && (st = draw(t)) != TT_OK)
		return st;
	if ((st = rank(t, &r, &n)) != TT_OK)
		return st;
	st = t->plan->args->common.json ? print_json(t, r, n, outcome) : print_text(t, r, n);
	mem_free(r);
	return st;
}
