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

/* ---- the metric over trials ---- */

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
	tt_status st = study_collect(&v);

	if (st == TT_OK)
		st = draw(&v);
	study_view_release(&v);
	return st;
}
