#include "print/study_svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/svg.h"
#include "print/study_view.h"

/* As many as can be seen. */
enum { BARS = 10, DOTS = 3000, BAR_H = 14, NAME_W = 150 };

/* ---- what is drawn ---- */

static int is_greatest(const struct view *v)
{
	return v->of->direction && v->of->direction[0] == TT_MAXIMIZE;
}

static double loss(const struct view *v, double y)
{
	return is_greatest(v) ? -y : y;
}

static double shown(const tt_param *p, double number)
{
	return p->log ? log10(number) : number;
}

/* Lists by place, so that their values stand at equal distances. */
static double place_of(const tt_param *p, const tt_value *value)
{
	if (!p->count)
		return shown(p, value->number);
	for (int i = 0; i < p->count; i++)
		if (strcmp(p->choices[i], value->text) == 0)
			return i;
	return NAN;
}

static void take_values(struct view *v, int64_t at, const tt_trial *t)
{
	for (int i = 0, k = 0; i < v->params; i++) {
		tt_param p = TT_SIZED(tt_param);
		tt_value value = TT_SIZED(tt_value);

		v->x[at * v->params + i] = NAN;
		if (tt_space_get(v->of->space, i, &p) != TT_OK || k == t->n ||
		    tt_study_value(v->of->study, t->trial, k, &value) != TT_OK ||
		    strcmp(p.name, value.name) != 0)
			continue;
		v->x[at * v->params + i] = place_of(&p, &value);
		k++;
	}
}

static void take_trial(struct view *v, int64_t number)
{
	const int two = v->of->n_objectives > 1;
	tt_trial t = TT_SIZED(tt_trial);

	if (tt_study_trial(v->of->study, number, &t) != TT_OK || !t.results ||
	    !isfinite(t.results[0]) || (two && !isfinite(t.results[1])))
		return;
	take_values(v, v->n, &t);
	v->completed += t.state == TT_TRIAL_COMPLETED;
	v->mark[v->n++] = (struct mark){ .trial = number, .state = t.state, .y = t.results[0],
	                                 .second = two ? t.results[1] : 0 };
}

struct placed { double loss; int64_t at; };

static int by_loss(const void *a, const void *b)
{
	const struct placed *p = a, *q = b;

	return p->loss != q->loss ? (p->loss > q->loss) - (p->loss < q->loss) :
	       (p->at > q->at) - (p->at < q->at);
}

static tt_status set_places(struct view *v)
{
	struct placed *p = mem_alloc(((size_t)v->n + 1) * sizeof *p);
	double best = INFINITY;
	int n = 0;

	if (!p)
		return TT_ENOMEM;
	for (int64_t i = 0; i < v->n; i++) {
		const double l = loss(v, v->mark[i].y);

		if (v->mark[i].state != TT_TRIAL_COMPLETED)
			continue;
		v->mark[i].best = l < best;
		best = fmin(best, l);
		p[n++] = (struct placed){ l, i };
	}
	qsort(p, (size_t)n, sizeof *p, by_loss);
	for (int i = 0; i < n; i++)
		v->mark[p[i].at].place = i;
	mem_free(p);
	return TT_OK;
}

static tt_status set_front(struct view *v)
{
	const int64_t count = tt_study_count(v->of->study);
	int64_t *front = mem_alloc(((size_t)count + 1) * sizeof *front), n;

	if (!front)
		return TT_ENOMEM;
	n = tt_study_front(v->of->study, front, count);
	for (int64_t i = 0, k = 0; i < v->n; i++) {
		while (k < n && front[k] < v->mark[i].trial)
			k++;
		v->mark[i].front = k < n && front[k] == v->mark[i].trial;
	}
	mem_free(front);
	return TT_OK;
}

static void set_order(struct view *v)
{
	for (int i = 0; i < v->params; i++) {
		int k = i;

		for (; k > 0 && v->share[v->order[k - 1]] < v->share[i]; k--)
			v->order[k] = v->order[k - 1];
		v->order[k] = i;
	}
}

static tt_status collect(struct view *v)
{
	const int64_t count = tt_study_count(v->of->study);
	tt_status st;

	v->mark = mem_calloc((size_t)count + 1, sizeof *v->mark);
	v->x = mem_calloc((size_t)count * (size_t)v->params + 1, sizeof *v->x);
	v->share = mem_calloc((size_t)v->params + 1, sizeof *v->share);
	v->order = mem_calloc((size_t)v->params + 1, sizeof *v->order);
	if (!v->mark || !v->x || !v->share || !v->order)
		return TT_ENOMEM;
	for (int64_t i = 0; i < count; i++)
		take_trial(v, i);
	if ((st = tt_study_importance(v->of->study, v->share, v->params)) != TT_OK ||
	    (st = set_places(v)) != TT_OK)
		return st;
	set_order(v);
	return v->of->n_objectives > 1 ? set_front(v) : TT_OK;
}

/* ---- the metric over trials ---- */

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

tt_status study_fit(const struct view *v, struct svg_axis *y)
{
	double *l = mem_alloc(((size_t)v->n + 1) * sizeof *l), lo = 0, hi = 1;

	if (!l)
		return TT_ENOMEM;
	for (int64_t i = 0; i < v->n; i++)
		l[i] = loss(v, v->mark[i].y);
	qsort(l, (size_t)v->n, sizeof *l, by_value);
	if (v->n) {
		lo = l[0];
		hi = fmin(l[v->n - 1], l[v->n * 9 / 10] + 2 * (l[v->n / 2] - lo));
	}
	mem_free(l);
	*y = is_greatest(v) ? svg_axis(-hi, -lo) : svg_axis(lo, hi);
	return TT_OK;
}

static void draw_best(const struct view *v, const struct svg_frame *f)
{
	double last = NAN;

	str_add(v->out, "<polyline class=\"l c1\" points=\"");
	for (int64_t i = 0; i < v->n; i++) {
		const struct mark *m = &v->mark[i];

		if (!m->best)
			continue;
		for (int corner = isnan(last); corner < 2; corner++) {
			svg_px(v->out, svg_x(f, (double)m->trial));
			str_add(v->out, ",");
			svg_px(v->out, svg_y(f, study_inside(&f->y, corner ? m->y : last)));
			str_add(v->out, " ");
		}
		last = m->y;
	}
	if (!isnan(last)) {
		svg_px(v->out, f->x1);
		str_add(v->out, ",");
		svg_px(v->out, svg_y(f, study_inside(&f->y, last)));
	}
	str_add(v->out, "\"/>\n");
}

static const struct svg_look done = { 3, 'd', 0 }, stopped = { 3, 'o', 0 }, chosen = { 4, 'd', 1 };

static tt_status draw_trials(const struct view *v)
{
	const int64_t count = tt_study_count(v->of->study), each = v->n / DOTS + 1;
	struct svg_frame f = { .x0 = LEFT, .x1 = PANEL_W - RIGHT, .y0 = PANEL_H - BOTTOM,
	                       .y1 = TOP };
	tt_status st = study_fit(v, &f.y);

	if (st != TT_OK)
		return st;
	f.x = svg_axis(0, count > 1 ? (double)count - 1 : 1);
	f.x.hi = count > 1 ? (double)count - 1 : 1;
	svg_text(v->out, f.x0, TITLE_Y, "class=\"t\"", v->of->objective[0]);
	svg_frame_draw(v->out, &f);
	for (int64_t i = 0; i < v->n; i++)
		if (i % each == 0 || v->mark[i].best)
			svg_dot(v->out, svg_x(&f, (double)v->mark[i].trial),
			        svg_y(&f, study_inside(&f.y, v->mark[i].y)),
			        v->mark[i].state == TT_TRIAL_COMPLETED ? done : stopped);
	draw_best(v, &f);
	svg_text(v->out, 0.5 * (f.x0 + f.x1), PANEL_H - 10, "text-anchor=\"middle\" class=\"m\"",
	         "trial; a ring was stopped early, the line is the best so far");
	return TT_OK;
}

/* ---- importance ---- */

static void draw_bar(const struct view *v, int place)
{
	const double x = PANEL_W + NAME_W, y = TOP + 2 + place * (BAR_H + 6);
	const double room = PANEL_W - NAME_W - RIGHT - 44;
	const double share = v->share[v->order[place]];
	tt_param p = TT_SIZED(tt_param);

	if (tt_space_get(v->of->space, v->order[place], &p) != TT_OK)
		return;
	svg_text(v->out, x - 8, y + BAR_H - 3, "text-anchor=\"end\"",
	         study_short_name(p.name, NAME_W - 14));
	str_add(v->out, "<rect class=\"d0\" x=\"");
	svg_px(v->out, x);
	str_add(v->out, "\" y=\"");
	svg_px(v->out, y);
	str_addf(v->out, "\" height=\"%d\" width=\"", BAR_H);
	svg_px(v->out, fmax(1, share * room));
	str_add(v->out, "\"/>\n");
	svg_text_open(v->out, x + fmax(1, share * room) + 6, y + BAR_H - 3, "class=\"m\"");
	svg_value(v->out, round(share * 100) / 100, CURVE_PERCENT);
	str_add(v->out, "</text>\n");
}

static void draw_importance(const struct view *v)
{
	svg_text(v->out, PANEL_W + 20, TITLE_Y, "class=\"t\"", "what explains it");
	for (int i = 0; i < v->params && i < BARS; i++)
		draw_bar(v, i);
	svg_text(v->out, 1.5 * PANEL_W, PANEL_H - 10, "text-anchor=\"middle\" class=\"m\"",
	         v->params > BARS ? "the ten that explain most of the ranks' variance, each alone" :
	         "share of the ranks' variance that a parameter alone explains");
}

/* ---- two objectives ---- */

static void draw_front(const struct view *v)
{
	struct svg_frame f = { .x0 = 2 * PANEL_W + LEFT, .x1 = 3 * PANEL_W - RIGHT,
	                       .y0 = PANEL_H - BOTTOM, .y1 = TOP };
	double lo[2] = { INFINITY, INFINITY }, hi[2] = { -INFINITY, -INFINITY };

	for (int64_t i = 0; i < v->n; i++) {
		const double at[2] = { v->mark[i].y, v->mark[i].second };

		for (int k = 0; k < 2; k++) {
			lo[k] = fmin(lo[k], at[k]);
			hi[k] = fmax(hi[k], at[k]);
		}
	}
	f.x = v->n ? svg_axis(lo[0], hi[0]) : svg_axis(0, 1);
	f.y = v->n ? svg_axis(lo[1], hi[1]) : svg_axis(0, 1);
	svg_text(v->out, f.x0, TITLE_Y, "class=\"t\"", v->of->objective[1]);
	svg_frame_draw(v->out, &f);
	for (int64_t i = 0; i < v->n; i++)
		svg_dot(v->out, svg_x(&f, v->mark[i].y), svg_y(&f, v->mark[i].second),
		        v->mark[i].front ? chosen :
		        v->mark[i].state == TT_TRIAL_COMPLETED ? done : stopped);
	svg_text(v->out, 0.5 * (f.x0 + f.x1), PANEL_H - 10, "text-anchor=\"middle\" class=\"m\"",
	         v->of->objective[0]);
}

/* ---- all of it ---- */

static tt_status draw(const struct view *v)
{
	const int panels = v->of->n_objectives > 1 ? 3 : 2;
	tt_status st;

	svg_open(v->out, panels * PANEL_W, PANEL_H + COORDINATES_H);
	svg_text(v->out, LEFT, 26, "class=\"t\"", v->of->title);
	if ((st = draw_trials(v)) != TT_OK)
		return st;
	draw_importance(v);
	if (panels > 2)
		draw_front(v);
	if (v->params && (st = study_axes_draw(v, panels * PANEL_W)) != TT_OK)
		return st;
	svg_close(v->out);
	return str_status(v->out);
}

tt_status study_svg(const struct study_picture *p, struct str *out)
{
	struct view v = { .of = p, .out = out, .params = tt_space_count(p->space) };
	tt_status st = collect(&v);

	if (st == TT_OK)
		st = draw(&v);
	mem_free(v.mark);
	mem_free(v.x);
	mem_free(v.share);
	mem_free(v.order);
	return st;
}
