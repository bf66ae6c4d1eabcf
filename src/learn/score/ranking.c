#include "learn/score/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of two points that a series keeps: no more than it has room for.  Steps have two. */
static const double gap[] = { [RANKING_ROC] = 0.005, [RANKING_PR] = 0.01 };

/* What is no number comes first, where it is found. */
static int higher_first(const void *a, const void *b)
{
	const float x = ((const struct ranked *)a)->score, y = ((const struct ranked *)b)->score;

	if (isnan(x) || isnan(y))
		return !isnan(x) - !isnan(y);
	return (x < y) - (x > y);
}

void ranking_sort(struct ranked *v, int64_t n)
{
	qsort(v, (size_t)n, sizeof *v, higher_first);
}

/* What lies above a threshold. */
struct above { double positive, other; };

/* The step that begins at `at` is added; where the next one begins. */
static int64_t add_step(const struct ranked *v, int64_t n, int64_t at, struct above *sum)
{
	const float score = v[at].score;

	for (; at < n && v[at].score == score; at++)
		*(v[at].positive ? &sum->positive : &sum->other) += v[at].weight;
	return at;
}

static struct above total(const struct ranked *v, int64_t n)
{
	struct above all = { 0, 0 };

	for (int64_t i = 0; i < n; i++)
		*(v[i].positive ? &all.positive : &all.other) += v[i].weight;
	return all;
}

static int has_no_order(const struct ranked *v, int64_t n)
{
	return n < 1 || isnan(v[0].score);
}

static double precision(const struct above *s)
{
	const double all = s->positive + s->other;

	return all > 0 ? s->positive / all : 0;
}

struct ranking_areas ranking_areas(const struct ranked *v, int64_t n)
{
	const struct above all = total(v, n);
	struct above last = { 0, 0 }, now = { 0, 0 };
	double roc = 0, pr = 0;

	if (has_no_order(v, n) || !(all.positive > 0))
		return (struct ranking_areas){ NAN, NAN };
	for (int64_t at = 0; at < n; last = now) {
		at = add_step(v, n, at, &now);
		roc += (now.other - last.other) * (now.positive + last.positive) / 2;
		pr += (now.positive - last.positive) * precision(&now);
	}
	return (struct ranking_areas){ all.other > 0 ? roc / all.positive / all.other : NAN,
	                               pr / all.positive };
}

/* Where the pen stands after a step. */
static struct point place(enum ranking_curve c, const struct above *now, const struct above *all)
{
	if (c == RANKING_ROC)
		return (struct point){ now->other / all->other, now->positive / all->positive };
	return (struct point){ now->positive / all->positive, precision(now) };
}

static double apart(const struct point *a, const struct point *b)
{
	return fabs(a->x - b->x) + fabs(a->y - b->y);
}

/* Between two thresholds average precision knows that of the lower one alone: a step. */
static void go_to(enum ranking_curve c, const struct point *pen, const struct point *next,
                  struct series *out)
{
	if (c == RANKING_PR && next->x > pen->x)
		series_add(out, pen->x, next->y);
	series_add(out, next->x, next->y);
}

void ranking_draw(const struct ranked *v, int64_t n, enum ranking_curve c, struct series *out)
{
	const struct above all = total(v, n);
	struct point pen = { 0, 0 };
	struct above now = { 0, 0 };

	memset(out, 0, sizeof *out);
	if (has_no_order(v, n) || !(all.positive > 0) || (c == RANKING_ROC && !(all.other > 0)))
		return;
	if (c == RANKING_ROC)
		series_add(out, pen.x, pen.y);
	for (int64_t at = 0; at < n;) {
		struct point next;

		at = add_step(v, n, at, &now);
		next = place(c, &now, &all);
		if (apart(&pen, &next) < gap[c] && at < n)
			continue;
		go_to(c, &pen, &next, out);
		pen = next;
	}
}
