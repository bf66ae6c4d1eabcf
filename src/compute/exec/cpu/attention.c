/* attention.c -- see attention.h.
 *
 * ROWS places at a time meet all others by packed products.  Forward: scores, then means of values.
 * Backward twice: place by place for what it looked for, then key by key for keys and values, whose
 * scores are made once more. */
#include "compute/exec/cpu/attention.h"

#include <math.h>
#include <string.h>

#include "compute/exec/cpu/exp.h"
#include "compute/exec/cpu/packed.h"
#include "compute/ir/sequence.h"
#include "sys/thread.h"

#define ROWS 48

/* One of q, k, v, y, dy, or their gradients: a place is `stride` floats behind the one before. */
struct places { float *at; int64_t stride; };

struct head {
	int64_t        T, D, length;
	int            causal;
	float          scale;
	struct places  q, k, v, y, dy, dq, dk, dv;
	float         *lse;                     /* NULL: not wanted                        */
	/* [D] and places in the lanes; [places], D in the lanes */
	float         *q_turned, *k_turned, *v_turned, *dy_turned, *q_packed, *k_packed, *v_packed;
	float         *dy_packed, *score, *slope, *mean, *given;
};

struct job { const struct attention *a; int backward, lengths; int64_t items, parts; };

/* ---- scratch of a part ---- */

static size_t carve(const struct ir_node *n, float *at, struct head *h)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const int64_t T = x->dim[1], D = x->dim[2] / 3 / n->attr.heads;
	const int64_t turned = D * packed_width(T), packed = T * packed_width(D);
	const int64_t row = ROWS * packed_width(T);
	float *const begin = at;

	h->q_turned = at;
	h->k_turned = at += turned;
	h->v_turned = at += turned;
	h->dy_turned = at += turned;
	h->q_packed = at += turned;
	h->k_packed = at += packed;
	h->v_packed = h->dy_packed = at += packed;      /* of forward, of backward */
	h->score = at += packed;
	h->slope = at += row;
	h->mean = at += row;
	h->given = at += ROWS * packed_width(D);
	return (size_t)(at - begin + T);
}

static size_t floats_of(const struct ir_node *n)
{
	static float nowhere[1];
	struct head h;

	return carve(n, nowhere, &h);
}

size_t attention_scratch(const struct ir_node *n)
{
	return floats_of(n) * (size_t)thread_count() * sizeof(float);
}

/* ---- products ---- */

static struct packed turned(const struct head *h, struct places x)
{
	return (struct packed){ h->D, h->length, x.stride };
}

static struct packed packed(const struct head *h, struct places x)
{
	return (struct packed){ h->length, h->D, x.stride };
}

static void turn(const struct head *h, struct places x, float *to)
{
	const struct packed p = turned(h, x);

	packed_from_columns(&p, x.at, to);
}

static void pack(const struct head *h, struct places x, float *to)
{
	const struct packed p = packed(h, x);

	packed_from_rows(&p, x.at, to);
}

/* Some places, and those that they meet. */
struct block { int64_t lo, hi, from, to; };

static int64_t width_of(const struct block *b) { return packed_width(b->to - b->from); }

/* to[places][width]: each of the block's places of x with each that it meets. */
static void meet(const struct head *h, const struct block *b, struct places x, const float *others,
                 float *to)
{
	const struct packed p = { h->D, h->length, 0 };
	const struct packed_part part = { 0, h->D, b->from, b->to };
	const float *row[ROWS];

	for (int64_t i = b->lo; i < b->hi; i++)
		row[i - b->lo] = x.at + i * x.stride;
	packed_times(&p, &part, &(struct packed_rows){ row, b->hi - b->lo }, others, to);
}

/* The block's places of `to` = weights[places][width] times those that they meet. */
static void mix(const struct head *h, const struct block *b, const float *weights,
                const float *others, struct places to)
{
	const struct packed p = { h->length, h->D, 0 };
	const struct packed_part part = { b->from, b->to, 0, h->D };
	const float *row[ROWS];

	for (int64_t i = b->lo; i < b->hi; i++)
		row[i - b->lo] = weights + (i - b->lo) * width_of(b);
	packed_times(&p, &part, &(struct packed_rows){ row, b->hi - b->lo }, others, h->mean);
	for (int64_t i = b->lo; i < b->hi; i++)
		memcpy(to.at + i * to.stride, h->mean + (i - b->lo) * packed_width(h->D),
		       (size_t)h->D * sizeof *to.at);
}

/* ---- rows of scores ---- */

static void zero(float *x, int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i < hi; i++)
		x[i] = 0;
}

/* s = softmax(scale s); gives the logarithm of the sum. */
SIMD static float softmax(float *s, int64_t n, float scale)
{
	float most;
	const double sum = exp_row(s, n, scale, &most);
	const float by = (float)(1 / sum);

	IN_PLACE
	for (int64_t j = 0; j < n; j++)
		s[j] *= by;
	return (float)(scale * most + log(sum));
}

/* One place with n others: weights s from scores, slopes ds from what dy says of values. */
SIMD static void slopes_of_place(float *s, float *ds, int64_t n, const struct head *h, int64_t i)
{
	const float lse = h->lse[i], given = h->given[i], scale = h->scale;

	IN_PLACE
	for (int64_t j = 0; j < n; j++)
		ds[j] = scale * exp_negative(scale * s[j] - lse) * (ds[j] - given);
}

/* One key with the places lo.. that see it. */
SIMD static void slopes_of_key(float *s, float *ds, int64_t n, const struct head *h, int64_t lo)
{
	const float *lse = h->lse + lo, *given = h->given + lo, scale = h->scale;

	IN_PLACE
	for (int64_t i = 0; i < n; i++) {
		s[i] = exp_negative(scale * s[i] - lse[i]);
		ds[i] = scale * s[i] * (ds[i] - given[i]);
	}
}

/* ---- a head ---- */

static struct block block_at(const struct head *h, int64_t lo)
{
	const int64_t hi = lo + ROWS < h->length ? lo + ROWS : h->length;

	return (struct block){ lo, hi, 0, h->causal ? hi : h->length };
}

/* Of y, dq, dk or dv. */
static void zero_padding(const struct head *h, struct places x)
{
	for (int64_t i = h->length; i < h->T; i++)
		zero(x.at + i * x.stride, 0, h->D);
}

static void forward(const struct head *h)
{
	turn(h, h->k, h->k_turned);
	pack(h, h->v, h->v_packed);
	for (int64_t lo = 0; lo < h->length; lo += ROWS) {
		const struct block b = block_at(h, lo);

		meet(h, &b, h->q, h->k_turned, h->score);
		for (int64_t i = lo; i < b.hi; i++) {
			float *s = h->score + (i - lo) * width_of(&b);
			const int64_t n = h->causal ? i + 1 : h->length;
			const float lse = softmax(s, n, h->scale);

			zero(s, n, b.to);
			if (h->lse)
				h->lse[i] = lse;
		}
		mix(h, &b, h->score, h->v_packed, h->y);
	}
	zero_padding(h, h->y);
	if (h->lse)
		zero(h->lse, h->length, h->T);
}

static void backward_places(const struct head *h)
{
	for (int64_t lo = 0; lo < h->length; lo += ROWS) {
		const struct block b = block_at(h, lo);

		meet(h, &b, h->q, h->k_turned, h->score);
		meet(h, &b, h->dy, h->v_turned, h->slope);
		for (int64_t i = lo; i < b.hi; i++) {
			const int64_t at = (i - lo) * width_of(&b), n = h->causal ? i + 1 : h->length;

			slopes_of_place(h->score + at, h->slope + at, n, h, i);
			zero(h->slope + at, n, b.to);
		}
		mix(h, &b, h->slope, h->k_packed, h->dq);
	}
}

static void backward_keys(const struct head *h)
{
	for (int64_t lo = 0; lo < h->length; lo += ROWS) {
		struct block b = block_at(h, lo);

		b.from = h->causal ? lo / PACKED_PANEL * PACKED_PANEL : 0;
		b.to = h->length;
		meet(h, &b, h->k, h->q_turned, h->score);
		meet(h, &b, h->v, h->dy_turned, h->slope);
		for (int64_t j = lo; j < b.hi; j++) {
			float *s = h->score + (j - lo) * width_of(&b);
			float *ds = h->slope + (j - lo) * width_of(&b);
			const int64_t first = h->causal ? j : 0, skip = first - b.from;

			zero(s, 0, skip);
			zero(ds, 0, skip);
			slopes_of_key(s + skip, ds + skip, h->length - first, h, first);
		}
		mix(h, &b, h->score, h->dy_packed, h->dv);
		mix(h, &b, h->slope, h->q_packed, h->dk);
	}
}

static void backward(const struct head *h)
{
	const struct places made[] = { h->dq, h->dk, h->dv };

	turn(h, h->q, h->q_turned);
	turn(h, h->k, h->k_turned);
	turn(h, h->v, h->v_turned);
	turn(h, h->dy, h->dy_turned);
	pack(h, h->q, h->q_packed);
	pack(h, h->k, h->k_packed);
	pack(h, h->dy, h->dy_packed);
	for (int64_t i = 0; i < h->length; i++) {
		const float *y = h->y.at + i * h->y.stride, *dy = h->dy.at + i * h->dy.stride;

		h->given[i] = 0;
		for (int64_t d = 0; d < h->D; d++)
			h->given[i] += y[d] * dy[d];
	}
	backward_places(h);
	backward_keys(h);
	for (int i = 0; i < 3; i++)
		zero_padding(h, made[i]);
}

/* ---- all heads ---- */

/* A head's part of x[N,T,wide], `at` floats into each place. */
static struct places places_of(const void *x, int64_t n, int64_t T, int64_t wide, int64_t at)
{
	return (struct places){ (float *)(uintptr_t)x + n * T * wide + at, wide };
}

static void find(const struct job *j, int64_t item, struct head *h)
{
	const struct ir_node *node = j->a->node;
	const struct tensor_desc *x = &node->in[0]->desc;
	const int64_t T = x->dim[1], E = x->dim[2] / 3, n = item / node->attr.heads;
	const int64_t D = E / node->attr.heads, at = item % node->attr.heads * D;
	const int32_t *lengths = node->n_in > j->lengths ? j->a->in[j->lengths] : NULL;
	const void *const *in = j->a->in, *lse = j->backward ? in[3] : j->a->out[1];
	void *const *out = j->a->out;

	h->T = T;
	h->D = D;
	h->length = lengths ? lengths[n] : T;
	h->causal = node->attr.causal;
	h->scale = (float)(1 / sqrt((double)D));
	h->q = places_of(in[0], n, T, 3 * E, at);
	h->k = places_of(in[0], n, T, 3 * E, at + E);
	h->v = places_of(in[0], n, T, 3 * E, at + 2 * E);
	h->y = places_of(j->backward ? in[1] : out[0], n, T, E, at);
	h->lse = lse ? (float *)(uintptr_t)lse + item * T : NULL;
	if (!j->backward)
		return;
	h->dy = places_of(in[2], n, T, E, at);
	h->dq = places_of(out[0], n, T, 3 * E, at);
	h->dk = places_of(out[0], n, T, 3 * E, at + E);
	h->dv = places_of(out[0], n, T, 3 * E, at + 2 * E);
}

/* Part by part, each with scratch of its own. */
static void run_parts(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;

	for (; lo < hi; lo++) {
		struct head h;

		carve(j->a->node, (float *)j->a->scratch + (size_t)lo * floats_of(j->a->node), &h);
		for (int64_t i = lo * j->items / j->parts; i < (lo + 1) * j->items / j->parts; i++) {
			find(j, i, &h);
			if (j->backward)
				backward(&h);
			else
				forward(&h);
		}
	}
}

void attention_run(const struct attention *a)
{
	const struct ir_node *n = a->node;
	struct job j = { .a = a, .backward = n->op == IR_ATTENTION_DX,
	                 .items = n->in[0]->desc.dim[0] * n->attr.heads, .parts = thread_count() };

	j.lengths = j.backward ? 4 : 1;
	if (n->n_in > j.lengths && !ir_lengths_are_good(n, j.lengths, a->in[j.lengths],
	                                                n->in[0]->desc.dim[1], a->status))
		return;
	thread_for(j.parts, 1, run_parts, &j);
}
