/* axes.c -- see axes.h.
 *
 * Dimensions that are treated alike and lie behind one another become one, so that the innermost
 * loop is as long as it can be. */
#include "compute/exec/cpu/axes.h"

#include <string.h>

#include "sys/thread.h"

/* Nested loops: dim[i] steps of stride[i] elements; the last is the innermost. */
struct nest { int n; int64_t dim[TENSOR_MAX_DIMS], stride[TENSOR_MAX_DIMS]; };

static void nest_add(struct nest *t, int64_t dim, int64_t stride)
{
	const int last = t->n - 1;

	if (dim == 1)
		return;
	if (t->n > 0 && t->stride[last] == dim * stride) {      /* one loop instead of two */
		t->dim[last] *= dim;
		t->stride[last] = stride;
		return;
	}
	t->dim[t->n] = dim;
	t->stride[t->n++] = stride;
}

/* Where the i-th turn of all loops together is. */
static int64_t nest_at(const struct nest *t, int64_t i)
{
	int64_t at = 0;

	for (int d = t->n - 1; d >= 0; d--) {
		at += i % t->dim[d] * t->stride[d];
		i /= t->dim[d];
	}
	return at;
}

static int64_t nest_count(const struct nest *t)
{
	int64_t n = 1;

	for (int i = 0; i < t->n; i++)
		n *= t->dim[i];
	return n;
}

/* The innermost loop, taken off, if its elements lie side by side: its length, else 1. */
static int64_t nest_take_run(struct nest *t)
{
	return t->n > 0 && t->stride[t->n - 1] == 1 ? t->dim[--t->n] : 1;
}

/* ---- reduce ---- */

#define BLOCK 64                        /* outputs side by side that are made together */
#define LANES 8                         /* partial results of one run                  */

struct work {
	enum ir_reduce how;
	struct nest    kept, gone;
	int64_t        width, run;      /* of outputs, of inputs of one output, side by side */
	int64_t        blocks, turns;   /* per `width`; turns of `gone`                      */
	double         share;           /* what a sum is divided by                          */
	const float   *x;
	float         *y;
	const struct axes_slope *slope;
};

static inline double larger(double m, double v)
{
	return v > m || v != v ? v : m;
}

/* x[n] joins acc[n], number by number. */
static void join_rows(const struct work *w, const float *x, double *acc, int64_t n)
{
	if (w->how == REDUCE_MAX)
		for (int64_t i = 0; i < n; i++)
			acc[i] = larger(acc[i], x[i]);
	else
		for (int64_t i = 0; i < n; i++)
			acc[i] += x[i];
}

static double join_run(const struct work *w, const float *x, double acc)
{
	double part[LANES];
	int64_t i = 0;

	for (int k = 0; k < LANES; k++)
		part[k] = w->how == REDUCE_MAX ? x[0] : 0;
	for (; i + LANES <= w->run; i += LANES)
		join_rows(w, x + i, part, LANES);
	join_rows(w, x + i, part, w->run - i);
	for (int k = 0; k < LANES; k++)
		acc = w->how == REDUCE_MAX ? larger(acc, part[k]) : acc + part[k];
	return acc;
}

/* Blocks lo..hi of outputs. */
static void reduce_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct work *w = ctx;

	for (int64_t j = lo; j < hi; j++) {
		const int64_t column = j % w->blocks * BLOCK, left = w->width - column;
		const int64_t n = left < BLOCK ? left : BLOCK;
		const float *x = w->x + nest_at(&w->kept, j / w->blocks) + column;
		float *y = w->y + j / w->blocks * w->width + column;
		double acc[BLOCK] = { 0 };

		for (int64_t i = 0; i < n && w->how == REDUCE_MAX; i++)
			acc[i] = x[i];
		for (int64_t t = 0; t < w->turns; t++)
			if (w->run > 1)
				acc[0] = join_run(w, x + nest_at(&w->gone, t), acc[0]);
			else
				join_rows(w, x + nest_at(&w->gone, t), acc, n);
		for (int64_t i = 0; i < n; i++)
			y[i] = (float)(acc[i] / w->share);
	}
}

static struct work work_of(const struct axes_reduce *r)
{
	struct work w = { .how = r->how, .share = 1 };
	int64_t stride = 1, strides[TENSOR_MAX_DIMS];

	for (int i = r->x->ndim - 1; i >= 0; i--) {
		strides[i] = stride;
		stride *= r->x->dim[i];
	}
	for (int i = 0; i < r->x->ndim; i++)
		nest_add(r->axes >> i & 1 ? &w.gone : &w.kept, r->x->dim[i], strides[i]);
	if (r->how == REDUCE_MEAN)
		w.share = (double)nest_count(&w.gone);
	w.width = nest_take_run(&w.kept);
	w.run = nest_take_run(&w.gone);
	w.blocks = (w.width + BLOCK - 1) / BLOCK;
	w.turns = nest_count(&w.gone);
	return w;
}

void axes_reduce(const struct axes_reduce *r, const float *x, float *y)
{
	struct work w = work_of(r);

	w.x = x;
	w.y = y;
	thread_for(nest_count(&w.kept) * w.blocks, 1, reduce_some, &w);
}

/* How many of x equal y: each of n side by side, or a run of them one. */
static void count_equal(const struct work *w, const float *x, const float *y, double *equal,
                        int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < w->run; k++)
			equal[i] += x[i + k] == y[i];
}

static void share_out(const struct work *w, int64_t at, const struct axes_slope *of,
                      const double *equal, int64_t n)
{
	const float *x = w->slope->x + at;
	float *dx = w->slope->dx + at;

	for (int64_t i = 0; i < n; i++)
		for (int64_t k = 0; k < w->run; k++)
			dx[i + k] = (float)((double)of->dy[i] * (x[i + k] == of->y[i]) / equal[i]);
}

/* Blocks lo..hi of maxima; only one that is alone has a run. */
static void max_dx_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct work *w = ctx;

	for (int64_t j = lo; j < hi; j++) {
		const int64_t column = j % w->blocks * BLOCK, left = w->width - column;
		const int64_t n = left < BLOCK ? left : BLOCK, from = j / w->blocks * w->width + column;
		const int64_t at = nest_at(&w->kept, j / w->blocks) + column;
		const struct axes_slope of = { .y = w->slope->y + from, .dy = w->slope->dy + from };
		double equal[BLOCK] = { 0 };

		for (int64_t t = 0; t < w->turns; t++)
			count_equal(w, w->slope->x + at + nest_at(&w->gone, t), of.y, equal, n);
		for (int64_t t = 0; t < w->turns; t++)
			share_out(w, at + nest_at(&w->gone, t), &of, equal, n);
	}
}

void axes_max_dx(const struct axes_reduce *r, const struct axes_slope *s)
{
	struct work w = work_of(r);

	w.slope = s;
	thread_for(nest_count(&w.kept) * w.blocks, 1, max_dx_some, &w);
}

/* ---- broadcast ---- */

#define GRAIN 16384                     /* numbers that are not worth a second thread */

struct copies { struct nest nest; int64_t width; int fill; const float *x; float *y; };

static void copy_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct copies *c = ctx;

	for (int64_t i = lo; i < hi; i++) {
		const float *x = c->x + nest_at(&c->nest, i);
		float *y = c->y + i * c->width;

		if (!c->fill)
			memcpy(y, x, (size_t)c->width * sizeof *y);
		for (int64_t k = 0; c->fill && k < c->width; k++)
			y[k] = *x;
	}
}

void axes_broadcast(const struct tensor_desc *from, const struct tensor_desc *to, const float *x,
                    float *y)
{
	const int more = to->ndim - from->ndim;
	struct copies c = { .width = 1, .x = x, .y = y };
	int64_t stride = 1, strides[TENSOR_MAX_DIMS] = { 0 };

	for (int i = from->ndim - 1; i >= 0; i--) {
		strides[more + i] = from->dim[i] == 1 ? 0 : stride;
		stride *= from->dim[i];
	}
	for (int i = 0; i < to->ndim; i++)
		nest_add(&c.nest, to->dim[i], strides[i]);
	if (c.nest.n > 0) {
		c.fill = c.nest.stride[--c.nest.n] == 0;
		c.width = c.nest.dim[c.nest.n];
	}
	thread_for(nest_count(&c.nest), GRAIN / c.width + 1, copy_some, &c);
}
