#include "print/study_view.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/svg.h"

enum { EDGE = 70, TOP_ROOM = 64, ABSENT_Y = 26 };
/* As many as can be told apart. */
enum { AXES = 9, LINES = 300, LABELS = 8 };

struct axis { double x, lo, hi; tt_param param; int of; };         /* of -1: the metric */

struct axes { struct axis v[AXES + 1]; int n; double top, bottom; };

static void set_axis(const struct view *v, struct axis *a, int of)
{
	a->of = of;
	a->lo = INFINITY;
	a->hi = -INFINITY;
	for (int64_t i = 0; i < v->n; i++) {
		const double x = v->x[i * v->params + of];

		if (!isnan(x)) {
			a->lo = fmin(a->lo, x);
			a->hi = fmax(a->hi, x);
		}
	}
	if (a->param.count)
		a->lo = 0, a->hi = a->param.count - 1;
	if (!(a->lo < a->hi)) {
		a->lo = isfinite(a->lo) ? a->lo - 0.5 : 0;
		a->hi = a->lo + 1;
	}
}

static tt_status set_axes(const struct view *v, struct axes *a, double width)
{
	const int shown = v->params < AXES ? v->params : AXES;
	struct svg_axis y;
	tt_status st = study_fit(v, &y);

	if (st != TT_OK)
		return st;
	a->n = shown + 1;
	a->v[shown] = (struct axis){ .lo = y.lo, .hi = y.hi, .of = -1 };
	for (int i = 0; i < shown; i++) {
		a->v[i].param = (tt_param)TT_SIZED(tt_param);
		tt_space_get(v->of->space, v->order[i], &a->v[i].param);
		set_axis(v, &a->v[i], v->order[i]);
	}
	for (int i = 0; i < a->n; i++)
		a->v[i].x = EDGE + (width - 2 * EDGE) * i / shown;
	return TT_OK;
}

static double at_y(const struct axes *all, const struct axis *a, double x)
{
	if (isnan(x))
		return all->bottom + ABSENT_Y;
	x = fmax(a->lo, fmin(a->hi, x));
	return all->bottom - (x - a->lo) / (a->hi - a->lo) * (all->bottom - all->top);
}

static void draw_number(const struct view *v, const struct axis *a, double x, double y)
{
	svg_text_open(v->out, a->x + 6, y + 4, "class=\"m\"");
	str_add_number(v->out, svg_rounded(a->of >= 0 && a->param.log ? pow(10, x) : x));
	str_add(v->out, "</text>\n");
}

static void draw_axis(const struct view *v, const struct axes *all, const struct axis *a)
{
	const char *name = a->of < 0 ? v->of->objective[0] : a->param.name;
	const int count = a->of >= 0 ? a->param.count : 0;
	const double room = all->n > 1 ? all->v[1].x - all->v[0].x : PANEL_W;

	svg_line(v->out, "a", (double[]){ a->x, all->bottom, a->x, all->top });
	svg_text(v->out, a->x, all->top - 12, "text-anchor=\"middle\"",
	         study_short_name(name, room - LETTER_W));
	for (int i = 0; i < count; i += count > LABELS ? count - 1 : 1)
		svg_text(v->out, a->x + 6, at_y(all, a, i) + 4, "class=\"m\"",
		         study_short_name(a->param.choices[i], room - 2 * LETTER_W));
	if (count)
		return;
	draw_number(v, a, a->lo, all->bottom);
	draw_number(v, a, a->hi, all->top);
}

/* The best tenth stands out, the best of all most. */
static const char *look_of(const struct view *v, const struct mark *m)
{
	if (m->place == 0)
		return "class=\"l c1\" stroke-width=\"3\"";
	return m->place < v->completed / 10 + 1 ? "class=\"l c0\" stroke-opacity=\".8\"" :
	       "class=\"l c8\" stroke-opacity=\".25\"";
}

static void draw_coordinates_of(const struct view *v, const struct axes *all, int64_t i)
{
	str_addf(v->out, "<polyline %s points=\"", look_of(v, &v->mark[i]));
	for (int k = 0; k < all->n; k++) {
		const struct axis *a = &all->v[k];

		str_add(v->out, k ? " " : "");
		svg_px(v->out, a->x);
		str_add(v->out, ",");
		svg_px(v->out, at_y(all, a, a->of < 0 ? v->mark[i].y : v->x[i * v->params + a->of]));
	}
	str_add(v->out, "\"/>\n");
}

/* The worst first, so that the best lie on top. */
tt_status study_axes_draw(const struct view *v, double width)
{
	struct axes all = { .top = PANEL_H + TOP_ROOM, .bottom = PANEL_H + COORDINATES_H - 60 };
	int64_t *by_place = mem_alloc(((size_t)v->completed + 1) * sizeof *by_place);
	const int64_t each = v->completed / LINES + 1;
	tt_status st = by_place ? set_axes(v, &all, width) : TT_ENOMEM;

	if (st != TT_OK)
		goto out;
	svg_text(v->out, LEFT, PANEL_H + 24, "class=\"t\"", "completed trials, the best in colour");
	for (int64_t i = 0; i < v->n; i++)
		if (v->mark[i].state == TT_TRIAL_COMPLETED)
			by_place[v->mark[i].place] = i;
	for (int64_t i = v->completed; i-- > 0;)
		if (i % each == 0 || i < v->completed / 10 + 1)
			draw_coordinates_of(v, &all, by_place[i]);
	for (int i = 0; i < all.n; i++)
		draw_axis(v, &all, &all.v[i]);
out:
	mem_free(by_place);
	return st;
}
