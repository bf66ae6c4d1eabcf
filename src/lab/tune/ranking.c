/* ranking.c -- which trials are better than others. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/tune/study.h"
#include "base/mem.h"

int study_counts(const struct trial *t)
{
	return t->has_result && t->state != TT_TRIAL_RUNNING && t->state != TT_TRIAL_FAILED;
}

/* Those that were stopped come behind, by how far they got. */
static int64_t far(const struct trial *t)
{
	return t->state == TT_TRIAL_COMPLETED ? INT64_MAX : t->step;
}

static int dominates(const double *a, const double *b, int n)
{
	int less = 0;

	for (int i = 0; i < n; i++) {
		if (a[i] > b[i])
			return 0;
		less |= a[i] < b[i];
	}
	return less;
}

int study_compare(const struct tt_study *s, const struct trial *a, const struct trial *b)
{
	const int n = s->n_objectives;

	if (far(a) != far(b))
		return far(a) > far(b) ? -1 : 1;
	return dominates(a->loss, b->loss, n) ? -1 : dominates(b->loss, a->loss, n) ? 1 : 0;
}

int study_beats(const struct tt_study *s, const struct trial *a, const struct trial *b)
{
	return dominates(a->loss, b->loss, s->n_objectives);
}

/* ---- several objectives ---- */

struct place { struct trial *t; int front; double room; };

struct axis { int objective; };

static int by_axis(const void *a, const void *b, void *axis)
{
	const struct place *p = *(struct place *const *)a, *q = *(struct place *const *)b;
	const int k = ((const struct axis *)axis)->objective;

	if (p->t->loss[k] != q->t->loss[k])
		return p->t->loss[k] < q->t->loss[k] ? -1 : 1;
	return p->t->number < q->t->number ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	if (p->front != q->front)
		return p->front - q->front;
	if (p->room != q->room)
		return p->room > q->room ? -1 : 1;
	return p->t->number < q->t->number ? -1 : 1;
}

/* The next front: those that nobody without a front beats.  Answers how many. */
static int64_t take_front(const struct tt_study *s, struct place *p, int64_t n, int front)
{
	int64_t taken = 0;

	for (int64_t i = 0; i < n; i++) {
		int beaten = p[i].front >= 0 && p[i].front != front;

		for (int64_t j = 0; j < n && !beaten; j++)
			beaten = (p[j].front < 0 || p[j].front == front) && j != i &&
			         study_compare(s, p[j].t, p[i].t) < 0;
		if (!beaten && p[i].front < 0) {
			p[i].front = front;
			taken++;
		}
	}
	return taken;
}

static void add_room(const struct tt_study *s, struct place **v, int64_t n)
{
	for (int k = 0; k < s->n_objectives; k++) {
		struct axis axis = { k };
		double span;

		qsort_r(v, (size_t)n, sizeof *v, by_axis, &axis);
		span = v[n - 1]->t->loss[k] - v[0]->t->loss[k];
		v[0]->room = v[n - 1]->room = INFINITY;
		for (int64_t i = 1; i + 1 < n && span > 0 && isfinite(span); i++)
			v[i]->room += (v[i + 1]->t->loss[k] - v[i - 1]->t->loss[k]) / span;
	}
}

static int rank_fronts(struct tt_study *s, struct place *p, struct place **v, int64_t n)
{
	int64_t placed = 0;

	for (int front = 0; placed < n; front++) {
		int64_t m = 0;

		placed += take_front(s, p, n, front);
		for (int64_t i = 0; i < n; i++)
			if (p[i].front == front)
				v[m++] = &p[i];
		if (m == 0)
			break;
		add_room(s, v, m);
	}
	qsort(p, (size_t)n, sizeof *p, by_place);
	for (int64_t i = 0; i < n; i++)
		s->ranked[i] = p[i].t;
	return 1;
}

/* ---- one ---- */

static int by_loss(const void *a, const void *b)
{
	const struct trial *p = *(struct trial *const *)a, *q = *(struct trial *const *)b;

	if (far(p) != far(q))
		return far(p) > far(q) ? -1 : 1;
	if (p->loss[0] != q->loss[0])
		return p->loss[0] < q->loss[0] ? -1 : 1;
	return p->number < q->number ? -1 : 1;
}

struct trial **study_ranked(struct tt_study *s, int64_t *n)
{
	struct place *p = NULL;
	struct place **v = NULL;

	*n = 0;
	for (int64_t i = 0; i < s->count; i++)
		if (study_counts(s->trial[i]))
			s->ranked[(*n)++] = s->trial[i];
	if (s->n_objectives > 1 && *n) {
		p = mem_alloc((size_t)*n * sizeof *p);
		v = mem_alloc((size_t)*n * sizeof *v);
	}
	if (p && v) {
		for (int64_t i = 0; i < *n; i++)
			p[i] = (struct place){ .t = s->ranked[i], .front = -1 };
		rank_fronts(s, p, v, *n);
	} else if (*n) {
		qsort(s->ranked, (size_t)*n, sizeof *s->ranked, by_loss);
	}
	mem_free(p);
	mem_free(v);
	return s->ranked;
}
