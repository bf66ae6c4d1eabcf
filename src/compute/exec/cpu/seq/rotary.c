/* rotary.c -- see rotary.h.  Angles are the same in all sequences and heads: each is made once. */
#include "compute/exec/cpu/seq/rotary.h"

#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define GRAIN 16384                     /* numbers that are not worth a second thread */

struct job {
	const struct ir_attr *attr;
	int64_t               places, wide, half;       /* wide: E; half of a head */
	double               *cosine, *sine;            /* [places][half]          */
	const float          *from;
	float                *to;
};

static struct job job_of(const struct ir_node *n, void *scratch)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	struct job j = { .attr = &n->attr, .places = x->dim[1], .wide = x->dim[2] / 3 };

	j.half = j.wide / n->attr.heads / 2;
	j.cosine = scratch;
	j.sine = j.cosine ? j.cosine + j.places * j.half : NULL;
	return j;
}

size_t rotary_scratch(const struct ir_node *n)
{
	const struct job j = job_of(n, NULL);

	return (size_t)(2 * j.places * j.half) * sizeof *j.cosine;
}

static void angles_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const double width = (double)(2 * j->half);

	for (int64_t k = 0; k < j->half; k++) {
		const double by = pow(j->attr->alpha, -2.0 * (double)k / width);

		for (int64_t t = lo; t < hi; t++) {
			const double turn = by * (double)t;

			j->cosine[t * j->half + k] = cos(turn);
			j->sine[t * j->half + k] = j->attr->reverse ? -sin(turn) : sin(turn);
		}
	}
}

/* The two halves of a head. */
SIMD static void turn(const struct job *j, int64_t t, const float *from, float *to)
{
	const double *restrict c = j->cosine + t * j->half, *restrict s = j->sine + t * j->half;

	IN_PLACE
	for (int64_t k = 0; k < j->half; k++) {
		const double u = from[k], v = from[k + j->half];

		to[k] = (float)(u * c[k] - v * s[k]);
		to[k + j->half] = (float)(v * c[k] + u * s[k]);
	}
}

static void rows_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;

	for (int64_t row = lo; row < hi; row++) {
		const float *from = j->from + row * 3 * j->wide;
		float *to = j->to + row * 3 * j->wide;

		for (int64_t at = 0; at < 2 * j->wide; at += 2 * j->half)
			turn(j, row % j->places, from + at, to + at);
		if (to != from)
			memcpy(to + 2 * j->wide, from + 2 * j->wide, (size_t)j->wide * sizeof *to);
	}
}

void rotary_turn(const struct ir_node *n, const float *qkv, float *y, void *scratch)
{
	struct job j = job_of(n, scratch);

	j.from = qkv;
	j.to = y;
	thread_for(j.places, GRAIN / j.half + 1, angles_some, &j);
	thread_for(n->in[0]->desc.dim[0] * j.places, GRAIN / (3 * j.wide) + 1, rows_some, &j);
}
