/* grid.c -- all combinations, the last parameter turning fastest.
 *
 * A conditional parameter turns only where it is there, so no combination comes twice. */
#include <math.h>

#include "lab/tune/rows.h"

struct grid_opts { int points; };

#define T struct grid_opts
static const struct option grid_options[] = {
	OPT_INT(T, points, "5", 2, 10000,
	        "values of a parameter that has any number, equally far apart, its ends included"),
	OPT_END
};
#undef T

struct grid { double *place; int over; };      /* [params] of the next combination; -1: not there */

static double cells(const struct tt_study *s, int i)
{
	const double n = param_cells(&s->space->param[i]);

	return n > 0 ? n : ((struct grid_opts *)s->sampler_opts)->points;
}

static double at(const struct tt_study *s, int i, double place)
{
	const struct param *p = &s->space->param[i];

	if (p->count)
		return p->by_rank ? p->by_rank[(int)place] : place;
	if (p->kind == TT_PARAM_INT)
		return p->lo + place;
	if (place == cells(s, i) - 1)
		return p->hi;
	return param_at(p, place / (cells(s, i) - 1));
}

static tt_status open(struct tt_study *s)
{
	struct grid *g = arena_alloc(&s->arena, sizeof *g);

	if (!g || !(g->place = arena_alloc(&s->arena, (size_t)s->space->n * sizeof *g->place)))
		return TT_ENOMEM;
	s->sampler_state = g;
	return TT_OK;
}

/* x from the places; those that are not there are marked, those that have come back begin at 0. */
static void place(const struct tt_study *s, struct grid *g, double *x)
{
	for (int i = 0; i < s->space->n; i++) {
		const int has = space_has(s->space, i, x);

		g->place[i] = !has ? -1 : g->place[i] < 0 ? 0 : g->place[i];
		x[i] = has ? at(s, i, g->place[i]) : NAN;
	}
}

static void turn(const struct tt_study *s, struct grid *g)
{
	for (int i = s->space->n - 1; i >= 0; i--) {
		if (g->place[i] < 0)
			continue;
		if (++g->place[i] < cells(s, i))
			return;
		g->place[i] = 0;
	}
	g->over = 1;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	struct grid *g = s->sampler_state;

	*what = g->over ? TT_ASK_DONE : TT_ASK_NEW;
	if (!g->over) {
		place(s, g, t->x);
		turn(s, g);
	}
	return TT_OK;
}

const struct sampler sampler_grid = {
	.name = "grid", .open = open, .ask = ask, .options = grid_options,
	.size = sizeof(struct grid_opts), .help = "all combinations, the last parameter turns fastest",
};
