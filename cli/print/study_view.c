#include "print/study_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

tt_status study_collect(struct view *v)
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

void study_view_release(struct view *v)
{
	mem_free(v->mark);
	mem_free(v->x);
	mem_free(v->share);
	mem_free(v->order);
}

/* ---- for who draws ---- */

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

const char *study_short_name(const char *name, double room)
{
	const size_t letters = room > LETTER_W ? (size_t)(room / LETTER_W) : 1;
	const char *dot;

	while (strlen(name) > letters && (dot = strchr(name, '.')) && dot[1])
		name = dot + 1;
	return strlen(name) > letters ? name + strlen(name) - letters : name;
}
