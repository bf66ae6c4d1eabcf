/* attention.c -- see attention.h.  Keys, and backward values too, are turned first, so that a place
 * meets all others side by side in the lanes. */
#include "compute/exec/cpu/attention.h"

#include <math.h>
#include <string.h>

#include "compute/exec/cpu/exp.h"
#include "compute/ir/sequence.h"
#include "sys/thread.h"

struct head {
	int64_t      T, D, wide, length;        /* wide: from one place to the next in qkv */
	float        scale;
	const float *q, *k, *v;
	float       *kt, *vt, *score, *given;   /* [D][T], [D][T], [T], [T]                */
};

struct job { const struct attention *a; int backward, lengths; int64_t items, parts; };

static size_t floats_of(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	return (size_t)(x->dim[1] * (2 * x->dim[2] / 3 / n->attr.heads + 2));
}

size_t attention_scratch(const struct ir_node *n)
{
	return floats_of(n) * (size_t)thread_count() * sizeof(float);
}

static struct head head_of(const struct job *j, int64_t item, float *scratch)
{
	const struct ir_node *n = j->a->node;
	const struct tensor_desc *x = &n->in[0]->desc;
	const int64_t E = x->dim[2] / 3, D = E / n->attr.heads, T = x->dim[1];
	const int32_t *lengths = n->n_in > j->lengths ? j->a->in[j->lengths] : NULL;
	const float *qkv = j->a->in[0];
	struct head h = { .T = T, .D = D, .wide = 3 * E, .kt = scratch, .vt = scratch + D * T,
	                  .score = scratch + 2 * D * T, .given = scratch + 2 * D * T + T };

	h.length = lengths ? lengths[item / n->attr.heads] : T;
	h.scale = (float)(1 / sqrt((double)D));
	h.q = qkv + item / n->attr.heads * T * h.wide + item % n->attr.heads * D;
	h.k = h.q + E;
	h.v = h.k + E;
	return h;
}

/* x's places into lanes: to[D][length]. */
static void turn(const struct head *h, const float *x, float *to)
{
	for (int64_t d = 0; d < h->D; d++)
		for (int64_t t = 0; t < h->length; t++)
			to[d * h->length + t] = x[t * h->wide + d];
}

/* s[n] = scale * x turned */
INLINE void meet(const struct head *h, const float *x, const float *turned, int64_t n, float scale,
                 float *s)
{
	memset(s, 0, (size_t)n * sizeof *s);
	for (int64_t d = 0; d < h->D; d++) {
		const float by = scale * x[d], *row = turned + d * h->length;

		IN_PLACE
		for (int64_t j = 0; j < n; j++)
			s[j] += by * row[j];
	}
}

INLINE void add(float *to, float by, const float *x, int64_t n)
{
	IN_PLACE
	for (int64_t d = 0; d < n; d++)
		to[d] += by * x[d];
}

/* y of the place i, which sees n others; the logarithm of the sum of their weights. */
SIMD static float place(const struct head *h, int64_t i, int64_t n, float *y)
{
	float *s = h->score, most = -INFINITY;
	double sum = 0;

	meet(h, h->q + i * h->wide, h->kt, n, h->scale, s);
	for (int64_t j = 0; j < n; j++)
		most = s[j] > most || s[j] != s[j] ? s[j] : most;
	IN_PLACE
	for (int64_t j = 0; j < n; j++)
		s[j] = exp_negative(s[j] - most);
	for (int64_t j = 0; j < n; j++)
		sum += s[j];
	memset(y, 0, (size_t)h->D * sizeof *y);
	for (int64_t j = 0; j < n; j++)
		add(y, s[j], h->v + j * h->wide, h->D);
	for (int64_t d = 0; d < h->D; d++)
		y[d] /= (float)sum;
	return (float)(most + log(sum));
}

struct slopes { const float *y, *dy; float lse, *dq; };

SIMD static void place_dx(const struct head *h, int64_t i, int64_t n, const struct slopes *o)
{
	const float *q = h->q + i * h->wide;
	float *p = h->score, *ds = h->given, *dk = o->dq - i * h->wide + h->wide / 3, y_dy = 0;

	meet(h, q, h->kt, n, h->scale, p);
	meet(h, o->dy, h->vt, n, 1, ds);
	for (int64_t d = 0; d < h->D; d++)
		y_dy += o->y[d] * o->dy[d];
	IN_PLACE
	for (int64_t j = 0; j < n; j++) {
		p[j] = exp_negative(p[j] - o->lse);
		ds[j] = h->scale * p[j] * (ds[j] - y_dy);
	}
	for (int64_t j = 0; j < n; j++, dk += h->wide) {
		add(o->dq, ds[j], h->k + j * h->wide, h->D);
		add(dk, ds[j], q, h->D);
		add(dk + h->wide / 3, p[j], o->dy, h->D);
	}
}

static int64_t seen_by(const struct job *j, const struct head *h, int64_t i)
{
	return j->a->node->attr.causal && i + 1 < h->length ? i + 1 : h->length;
}

static void forward(const struct job *j, const struct head *h, int64_t item)
{
	const int heads = j->a->node->attr.heads;
	const int64_t E = h->wide / 3;
	float *y = (float *)j->a->out[0] + item / heads * h->T * E + item % heads * h->D;
	float *lse = j->a->out[1] ? (float *)j->a->out[1] + item * h->T : NULL;

	turn(h, h->k, h->kt);
	for (int64_t i = 0; i < h->T; i++, y += E) {
		const float l = i < h->length ? place(h, i, seen_by(j, h, i), y) : 0;

		if (i >= h->length)
			memset(y, 0, (size_t)h->D * sizeof *y);
		if (lse)
			lse[i] = l;
	}
}

/* in: qkv, y, dy, lse; the head's part of dqkv is made here from nothing. */
static void backward(const struct job *j, const struct head *h, int64_t item)
{
	const float *qkv = j->a->in[0], *lse = (const float *)j->a->in[3] + item * h->T;
	const int heads = j->a->node->attr.heads;
	const int64_t E = h->wide / 3, row = item / heads * h->T * E + item % heads * h->D;
	float *dq = (float *)j->a->out[0] + (h->q - qkv);

	turn(h, h->k, h->kt);
	turn(h, h->v, h->vt);
	for (int64_t i = 0; i < h->T; i++)
		for (int part = 0; part < 3; part++)
			memset(dq + i * h->wide + part * E, 0, (size_t)h->D * sizeof *dq);
	for (int64_t i = 0; i < h->length; i++) {
		const struct slopes o = { (const float *)j->a->in[1] + row + i * E,
		                          (const float *)j->a->in[2] + row + i * E, lse[i],
		                          dq + i * h->wide };

		place_dx(h, i, seen_by(j, h, i), &o);
	}
}

/* Part by part, each with scratch of its own. */
static void run_parts(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;

	for (; lo < hi; lo++) {
		float *scratch = (float *)j->a->scratch + (size_t)lo * floats_of(j->a->node);

		for (int64_t i = lo * j->items / j->parts; i < (lo + 1) * j->items / j->parts; i++) {
			const struct head h = head_of(j, i, scratch);

			if (j->backward)
				backward(j, &h, i);
			else
				forward(j, &h, i);
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
