#include "compute/exec/cpu/norms/lrn.h"

#include <math.h>
#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define LANES 16

/* Some places of an image: `used` from `at` on, neighbours `step` numbers apart. */
struct strip { int64_t image, at, step; int used; };

static struct strip strip_of(const struct lrn *s, int64_t i)
{
	const int64_t strips = (s->points + LANES - 1) / LANES, first = i % strips * LANES;
	const int64_t left = s->points - first;

	return (struct strip){ i / strips * s->c * s->points, first * s->block, s->block,
	                       left < LANES ? (int)left : LANES };
}

/* Where channel c of a strip begins. */
INLINE int64_t strip_at(const struct lrn *s, const struct strip *p, int64_t c)
{
	return p->image + c / s->block * s->block * s->points + c % s->block + p->at;
}

/* Zeros in lanes that are no places. */
INLINE void strip_load(const struct lrn *s, const struct strip *p, int64_t c, const float *x,
                       float v[LANES])
{
	const float *from = x + strip_at(s, p, c);

	if (p->step == 1 && p->used == LANES)
		for (int l = 0; l < LANES; l++)
			v[l] = from[l];
	else
		for (int l = 0; l < LANES; l++)
			v[l] = l < p->used ? from[l * p->step] : 0;
}

INLINE void strip_store(const struct lrn *s, const struct strip *p, int64_t c, const float v[LANES],
                        float *y)
{
	float *to = y + strip_at(s, p, c);

	if (p->step == 1 && p->used == LANES)
		for (int l = 0; l < LANES; l++)
			to[l] = v[l];
	else
		for (int l = 0; l < p->used; l++)
			to[l * p->step] = v[l];
}

/* Some rows that go round: channel c's is row c % size. */
struct ring { float row[LRN_MAX][LANES]; };

INLINE void ring_sum(const struct ring *r, int size, float sum[LANES])
{
	for (int l = 0; l < LANES; l++)
		sum[l] = 0;
	for (int i = 0; i < size; i++)
		for (int l = 0; l < LANES; l++)
			sum[l] += r->row[i][l];
}

/* 1 / base^beta, where beta is mostly three quarters. */
INLINE void powers(float base[LANES], float beta)
{
	if (beta == 0.75f)
		for (int l = 0; l < LANES; l++) {
			const float root = 1 / sqrtf(base[l]);

			base[l] = root * sqrtf(root);
		}
	else
		for (int l = 0; l < LANES; l++)
			base[l] = powf(base[l], -beta);
}

/* The squares of channel c, zeros where there is none, become part of the window. */
INLINE void ring_square(const struct lrn *s, const struct strip *p, const float *x, int64_t c,
                        struct ring *r)
{
	float *row = r->row[c % s->size];

	if (c < s->c)
		strip_load(s, p, c, x, row);
	for (int l = 0; l < LANES; l++)
		row[l] = c < s->c ? row[l] * row[l] : 0;
}

/* What x is divided by, before it is raised to beta. */
INLINE void ring_base(const struct lrn *s, const struct ring *r, float base[LANES])
{
	ring_sum(r, s->size, base);
	for (int l = 0; l < LANES; l++)
		base[l] = s->k + s->alpha / (float)s->size * base[l];
}

struct job { const struct lrn *s; const float *x, *dy; float *out; };

SIMD static void forward_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct lrn *s = j->s;
	const int after = s->size - 1 - s->size / 2;
	struct ring ring;
	float x[LANES], base[LANES];

	for (int64_t i = lo; i < hi; i++) {
		const struct strip p = strip_of(s, i);

		memset(ring.row, 0, (size_t)s->size * sizeof *ring.row);
		for (int64_t c = 0; c < after; c++)
			ring_square(s, &p, j->x, c, &ring);
		for (int64_t c = 0; c < s->c; c++) {
			ring_square(s, &p, j->x, c + after, &ring);
			ring_base(s, &ring, base);
			powers(base, s->beta);
			strip_load(s, &p, c, j->x, x);
			for (int l = 0; l < LANES; l++)
				x[l] *= base[l];
			strip_store(s, &p, c, x, j->out);
		}
	}
}

static int64_t strips_of(const struct lrn *s)
{
	return s->n * ((s->points + LANES - 1) / LANES);
}

void lrn_forward(const struct lrn *s, const float *x, float *y)
{
	struct job j = { s, x, NULL, y };

	thread_for(strips_of(s), 4, forward_some, &j);
}

/* ---- gradient ---- */

/* dx = dy / base^beta - 2 alpha beta / size * x * sum(dy x / base^(beta+1)): the sum is over the
 * channels that have x in their window, which looks the other way. */
struct slopes { struct ring square, part, power; };

/* What channel c adds to the sums of others, and 1 / base^beta of it. */
INLINE void slopes_add(const struct job *j, const struct strip *p, int64_t c, struct slopes *r)
{
	const struct lrn *s = j->s;
	float *part = r->part.row[c % s->size], *power = r->power.row[c % s->size];
	float base[LANES], x[LANES], dy[LANES];

	if (c >= s->c) {
		memset(part, 0, sizeof x);
		return;
	}
	ring_square(s, p, j->x, c + s->size - 1 - s->size / 2, &r->square);
	ring_base(s, &r->square, base);
	memcpy(power, base, sizeof base);
	powers(power, s->beta);
	strip_load(s, p, c, j->x, x);
	strip_load(s, p, c, j->dy, dy);
	for (int l = 0; l < LANES; l++)
		part[l] = dy[l] * x[l] * power[l] / base[l];
}

INLINE void slopes_store(const struct job *j, const struct strip *p, int64_t c,
                         const struct slopes *r)
{
	const struct lrn *s = j->s;
	const float *power = r->power.row[c % s->size], share = 2 * s->alpha * s->beta / (float)s->size;
	float sum[LANES], x[LANES], dy[LANES];

	ring_sum(&r->part, s->size, sum);
	strip_load(s, p, c, j->x, x);
	strip_load(s, p, c, j->dy, dy);
	for (int l = 0; l < LANES; l++)
		dy[l] = dy[l] * power[l] - share * x[l] * sum[l];
	strip_store(s, p, c, dy, j->out);
}

SIMD static void dx_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct lrn *s = j->s;
	const int before = s->size / 2, after = s->size - 1 - before;
	struct slopes r;

	for (int64_t i = lo; i < hi; i++) {
		const struct strip p = strip_of(s, i);

		memset(r.square.row, 0, (size_t)s->size * sizeof *r.square.row);
		memset(r.part.row, 0, (size_t)s->size * sizeof *r.part.row);
		for (int64_t c = 0; c < after; c++)
			ring_square(s, &p, j->x, c, &r.square);
		for (int64_t c = 0; c < before; c++)
			slopes_add(j, &p, c, &r);
		for (int64_t c = 0; c < s->c; c++) {
			slopes_add(j, &p, c + before, &r);
			slopes_store(j, &p, c, &r);
		}
	}
}

void lrn_dx(const struct lrn *s, const float *x, const float *dy, float *dx)
{
	struct job j = { s, x, dy, dx };

	thread_for(strips_of(s), 4, dx_some, &j);
}
