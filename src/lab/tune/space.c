#include "lab/tune/space.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "base/str.h"

#define BELOW_ONE 0.99999999999999989      /* the greatest double below 1 */

int space_find(const struct tt_space *s, const char *name)
{
	for (int i = 0; i < s->n; i++)
		if (!strcmp(s->param[i].name, name))
			return i;
	return -1;
}

int space_has(const struct tt_space *s, int i, const double *x)
{
	const struct condition *c = &s->param[i].when;

	if (c->parent < 0)
		return 1;
	if (isnan(x[c->parent]))
		return 0;
	for (int k = 0; k < c->n; k++)
		if (c->x[k] == x[c->parent])
			return !c->is_not;
	return c->is_not;
}

double param_cells(const struct param *p)
{
	return p->kind == TT_PARAM_DOUBLE ? 0 : p->kind == TT_PARAM_INT ? p->hi - p->lo + 1 : p->count;
}

/* Ends of the scale on which a number is placed; a whole number has half a step on both sides. */
static void scale(const struct param *p, double *lo, double *hi)
{
	const double half = p->kind == TT_PARAM_INT ? 0.5 : 0;

	*lo = p->log ? log(p->lo - half) : p->lo - half;
	*hi = p->log ? log(p->hi + half) : p->hi + half;
}

double param_at(const struct param *p, double unit)
{
	const double u = !(unit > 0) ? 0 : unit > BELOW_ONE ? BELOW_ONE : unit;
	double lo, hi, v;

	if (p->count)
		return p->by_rank ? p->by_rank[(int)(u * p->count)] : (int)(u * p->count);
	scale(p, &lo, &hi);
	v = lo * (1 - u) + hi * u;
	v = p->log ? exp(v) : v;
	v = p->kind == TT_PARAM_INT ? floor(v + 0.5) : v;
	return v < p->lo ? p->lo : v > p->hi ? p->hi : v;
}

double param_unit(const struct param *p, double x)
{
	double lo, hi;

	if (p->count)
		return ((p->rank ? p->rank[(int)x] : x) + 0.5) / p->count;
	scale(p, &lo, &hi);
	return hi > lo ? ((p->log ? log(x) : x) - lo) / (hi - lo) : 0.5;
}

double param_random(const struct param *p, struct rng *r)
{
	return param_at(p, rng_uniform(r));
}

double param_number(const struct param *p, double x)
{
	return p->kind == TT_PARAM_DISCRETE ? p->number[(int)x] : x;
}

const char *param_text(const struct param *p, struct arena *a, double x)
{
	struct str s = {0};
	const char *out;

	if (p->count)
		return p->choice[(int)x];
	if (p->kind == TT_PARAM_INT)
		str_addf(&s, "%.0f", x);
	else
		str_add_number(&s, x);
	out = s.failed ? NULL : arena_strdup(a, s.p);
	str_release(&s);
	return out;
}

static double whole_in(const struct param *p, const char *text)
{
	double v;

	if (!str_to_double(text, &v) || v != floor(v) || v < p->lo || v > p->hi)
		return NAN;
	return v;
}

double param_x(const struct param *p, const char *text)
{
	double v;

	if (p->kind == TT_PARAM_INT)
		return whole_in(p, text);
	for (int i = 0; i < p->count; i++)
		if (!strcmp(p->choice[i], text))
			return i;
	for (int i = 0; p->kind == TT_PARAM_DISCRETE && i < p->count; i++)
		if (str_to_double(text, &v) && v == p->number[i])
			return i;
	return NAN;
}

/* ---- public ---- */

tt_status tt_space_new(tt_space **out)
{
	tt_space *s;

	if (!out)
		return err_null(__func__);
	s = mem_calloc(1, sizeof *s);
	if (!s)
		return TT_ENOMEM;
	*out = s;
	return TT_OK;
}

void tt_space_free(tt_space **s)
{
	if (!s || !*s)
		return;
	arena_release(&(*s)->arena);
	mem_free((*s)->param);
	mem_free(*s);
	*s = NULL;
}

static tt_status grow(tt_space *s)
{
	const int cap = s->cap ? 2 * s->cap : 8;
	struct param *p;

	if (s->n < s->cap)
		return TT_OK;
	p = mem_realloc(s->param, (size_t)cap * sizeof *p);
	if (!p)
		return TT_ENOMEM;
	s->param = p;
	s->cap = cap;
	return TT_OK;
}

static tt_status check_name(const tt_space *s, const char *name)
{
	if (!*name)
		return err_set(TT_EINVAL, "a parameter has no name");
	if (space_find(s, name) >= 0)
		return err_set(TT_EINVAL, "parameter %s: it is there already", name);
	if (s->n >= SPACE_PARAMS)
		return err_set(TT_EINVAL, "parameter %s: %d is the most", name, SPACE_PARAMS);
	return TT_OK;
}

tt_status tt_space_add(tt_space *s, const char *name, const char *range)
{
	struct param p = { .when = { .parent = -1 } };
	tt_status st;

	if (!s || !name || !range)
		return err_null(__func__);
	if ((st = check_name(s, name)) != TT_OK || (st = grow(s)) != TT_OK)
		return st;
	p.name = arena_strdup(&s->arena, name);
	p.range = arena_strdup(&s->arena, range);
	if (!p.name || !p.range)
		return TT_ENOMEM;
	if ((st = range_read(&s->arena, s, range, &p)) != TT_OK)
		return err_at(st, "parameter %s: %s", name, range);
	s->param[s->n++] = p;
	return TT_OK;
}

int tt_space_count(const tt_space *s) { return s ? s->n : 0; }

static void ends(const struct param *p, tt_param *o)
{
	o->min = p->count ? 0 : p->lo;
	o->max = p->count ? p->count - 1 : p->hi;
	if (p->kind == TT_PARAM_DISCRETE) {
		o->min = p->number[p->by_rank[0]];
		o->max = p->number[p->by_rank[p->count - 1]];
	}
}

tt_status tt_space_get(const tt_space *s, int i, tt_param *out)
{
	tt_param o = {0};

	if (!s || !out)
		return err_null(__func__);
	if (i < 0 || i >= s->n)
		return err_set(TT_EINVAL, "tt_space_get: %d parameters, no number %d", s->n, i);
	o.kind = s->param[i].kind;
	o.name = s->param[i].name;
	o.log = s->param[i].log;
	o.count = s->param[i].count;
	o.choices = s->param[i].choice;
	o.parent = s->param[i].when.parent < 0 ? NULL : s->param[s->param[i].when.parent].name;
	ends(&s->param[i], &o);
	return sized_give(out, &o, sizeof o, "tt_param");
}
