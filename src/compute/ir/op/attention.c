/* op/attention.c -- attention of places of a sequence on one another, and what tells them apart. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

#include "compute/ir/sequence.h"

/* ---- shapes ---- */

/* qkv[N,T,3E], whose heads are E / heads wide. */
static tt_status check_heads(struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT];

	if (x->ndim != 3 || x->dim[2] % 3)
		return ir_bad(n, TT_ESHAPE, "input %s must be NxTx3E", ir_value_text(n->in[0], is));
	if (n->attr.heads < 1 || x->dim[2] / 3 % n->attr.heads)
		return ir_bad(n, TT_EINVAL, "%d heads do not share %lld numbers", n->attr.heads,
		              (long long)(x->dim[2] / 3));
	return TT_OK;
}

static tt_status check_lengths(struct ir_node *n, int at)
{
	if (n->n_in <= at)
		return TT_OK;
	if (n->in[at]->desc.dtype != DTYPE_S32)
		return ir_bad(n, TT_ESHAPE, "lengths must be s32");
	return IS(n, at, 1, n->in[0]->desc.dim[0]);
}

tt_status ir_infer_attention(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st = check_heads(n);

	if (st != TT_OK || (st = check_lengths(n, 1)) != TT_OK)
		return st;
	out[0] = DESC(3, x->dim[0], x->dim[1], x->dim[2] / 3);
	out[1] = DESC(3, x->dim[0], n->attr.heads, x->dim[1]);
	return TT_OK;
}

tt_status ir_infer_attention_dx(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	tt_status st = check_heads(n);

	if (st != TT_OK || (st = check_lengths(n, 4)) != TT_OK ||
	    (st = IS(n, 1, 3, x->dim[0], x->dim[1], x->dim[2] / 3)) != TT_OK ||
	    (st = ir_infer_same(n, 1, 2)) != TT_OK)
		return st;
	out[0] = *x;
	return IS(n, 3, 3, x->dim[0], n->attr.heads, x->dim[1]);
}

/* Input `at` says which places of their sequences the places of qkv are. */
static tt_status check_places(struct ir_node *n, int at)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	return n->n_in > at ? IS(n, at, 2, x->dim[0], x->dim[1]) : TT_OK;
}

tt_status ir_infer_attention_kept(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc, *kept = &n->in[1]->desc;
	char is[IR_VALUE_TEXT];
	tt_status st = check_heads(n);

	if (st != TT_OK || (st = check_places(n, 2)) != TT_OK)
		return st;
	if (kept->ndim != 3 || kept->dim[0] != x->dim[0] || kept->dim[2] != x->dim[2] / 3 * 2)
		return ir_bad(n, TT_ESHAPE, "input %s must be %lldxSx%lld", ir_value_text(n->in[1], is),
		              (long long)x->dim[0], (long long)(x->dim[2] / 3 * 2));
	out[0] = DESC(3, x->dim[0], x->dim[1], x->dim[2] / 3);
	return TT_OK;
}

tt_status ir_infer_rotary(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = check_heads(n);

	if (st != TT_OK)
		return st;
	if (n->in[0]->desc.dim[2] / 3 / n->attr.heads % 2)
		return ir_bad(n, TT_EINVAL, "heads of %lld numbers cannot be turned in pairs",
		              (long long)(n->in[0]->desc.dim[2] / 3 / n->attr.heads));
	n->attr.alpha = n->attr.alpha > 0 ? n->attr.alpha : 10000;
	out[0] = n->in[0]->desc;
	return check_places(n, 1);
}

tt_status ir_infer_sinusoid(struct ir_node *n, struct tensor_desc *out)
{
	tt_status st = ir_infer_attr(n, out);

	n->attr.alpha = n->attr.alpha > 0 ? n->attr.alpha : 10000;
	if (st == TT_OK && (out->ndim != 2 || out->dim[1] % 2))
		return ir_bad(n, TT_ESHAPE, "it must be TxE, E an even number");
	return st;
}

/* Two products of all places with all, forward; five backward. */
static double products(const struct ir_node *n, double count)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	return count * 2 / 3 * ir_count(n->in[0]) * (double)x->dim[1] / (n->attr.causal ? 2 : 1);
}

double ir_flops_attention(const struct ir_node *n)    { return products(n, 2); }

/* All that is kept, at most. */
double ir_flops_attention_kept(const struct ir_node *n)
{
	return 4.0 / 3 * ir_count(n->in[0]) * (double)(n->in[1]->desc.dim[1] + n->in[0]->desc.dim[1]);
}

double ir_flops_attention_dx(const struct ir_node *n) { return products(n, 5); }

tt_status ir_grad_attention(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *lengths = n->n_in > 1 ? n->in[1] : NULL;

	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_ATTENTION_DX, &n->attr, n->in[0],
	                                          n->out[0], dy, n->out[1], lengths), 0);
}

/* Turned back. */
tt_status ir_grad_rotary(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_attr a = n->attr;

	a.reverse = !a.reverse;
	return ir_give_out(b, n->in[0],
	                   GRAD_EMIT(b, n, IR_ROTARY, &a, dy, n->n_in > 1 ? n->in[1] : NULL), 0);
}

/* ---- definition ---- */

/* One head of one sequence. */
struct head {
	int64_t      T, D, wide, length;    /* wide: from one place to the next in qkv */
	int          causal;
	double       scale;
	const float *q, *k, *v;
};

static int open_head(const struct ref_args *a, int lengths, int64_t item, struct head *h)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int heads = a->node->attr.heads;
	const int64_t E = x->dim[2] / 3, n = item / heads;
	const float *qkv = a->in[0];

	*h = (struct head){ .T = x->dim[1], .D = E / heads, .wide = 3 * E, .length = x->dim[1],
	                    .causal = a->node->attr.causal };
	h->scale = 1 / sqrt((double)h->D);
	h->q = qkv + n * h->T * h->wide + item % heads * h->D;
	h->k = h->q + E;
	h->v = h->k + E;
	if (a->node->n_in <= lengths)
		return 1;
	h->length = ((const int32_t *)a->in[lengths])[n];
	return ir_lengths_are_good(a->node, lengths, a->in[lengths], h->T, a->status);
}

static double dot(const float *a, const float *b, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

static int64_t keys_of(const struct head *h, int64_t i)
{
	return h->causal && i + 1 < h->length ? i + 1 : h->length;
}

static double score(const struct head *h, int64_t i, int64_t j)
{
	return h->scale * dot(h->q + i * h->wide, h->k + j * h->wide, h->D);
}

static double log_sum_exp(const struct head *h, int64_t i)
{
	double most = -INFINITY, sum = 0;

	for (int64_t j = 0; j < keys_of(h, i); j++) {
		const double s = score(h, i, j);

		most = s > most || s != s ? s : most;
	}
	for (int64_t j = 0; j < keys_of(h, i); j++)
		sum += exp(score(h, i, j) - most);
	return most + log(sum);
}

/* qkv, lengths? -> y, lse */
void ref_attention(const struct ref_args *a)
{
	const int64_t items = ref_in(a, 0)->dim[0] * a->node->attr.heads;
	float *lse = a->out[1];
	struct head h;

	memset(a->out[0], 0, tensor_bytes(ref_out(a, 0)));
	for (int64_t item = 0; item < items; item++) {
		if (!open_head(a, 1, item, &h))
			return;
		for (int64_t i = 0; i < h.T; i++) {
			const int64_t n = item / a->node->attr.heads, at = item % a->node->attr.heads * h.D;
			float *y = (float *)a->out[0] + (n * h.T + i) * h.wide / 3 + at;
			const double l = i < h.length ? log_sum_exp(&h, i) : 0;

			for (int64_t d = 0; d < h.D && i < h.length; d++) {
				double sum = 0;

				for (int64_t j = 0; j < keys_of(&h, i); j++)
					sum += exp(score(&h, i, j) - l) * h.v[j * h.wide + d];
				y[d] = (float)sum;
			}
			if (lse)
				lse[item * h.T + i] = (float)l;
		}
	}
}

/* ---- with what is kept ---- */

int ir_places_are_good(const struct ir_node *n, int input, const int32_t *places,
                       tt_status *status)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	const int64_t most = n->in[1]->desc.dim[1];

	for (int64_t i = 0; i < x->dim[0]; i++) {
		const int32_t at = places[i * x->dim[1]];

		if (at >= 0 && at <= most)
			continue;
		*status = err_set(TT_EINVAL, "%s: sequence %lld goes on at place %d, but input %d keeps "
		                  "%lld", n->name, (long long)i, at, input - 1, (long long)most);
		return 0;
	}
	return 1;
}

/* What place `to` of a head of sequence n looks for, or sees at place j: keys and values of places
 * before `at` are kept. */
struct seen { const float *kept, *own; int64_t at, wide; };

static const float *key_at(const struct seen *s, int64_t j)
{
	return j < s->at ? s->kept + j * 2 * s->wide : s->own + s->wide + (j - s->at) * 3 * s->wide;
}

static void kept_place(const struct seen *s, int64_t i, int64_t D, float *y)
{
	const float *q = s->own + i * 3 * s->wide;
	double most = -INFINITY, sum = 0;

	for (int64_t j = 0; j <= s->at + i; j++)
		most = fmax(most, dot(q, key_at(s, j), D));
	for (int64_t j = 0; j <= s->at + i; j++)
		sum += exp((dot(q, key_at(s, j), D) - most) / sqrt((double)D));
	for (int64_t d = 0; d < D; d++) {
		double mean = 0;

		for (int64_t j = 0; j <= s->at + i; j++)
			mean += exp((dot(q, key_at(s, j), D) - most) / sqrt((double)D)) / sum *
			        key_at(s, j)[s->wide + d];
		y[d] = (float)mean;
	}
}

/* qkv, kept, places -> y */
void ref_attention_kept(const struct ref_args *a)
{
	const struct tensor_desc *x = ref_in(a, 0);
	const int64_t T = x->dim[1], E = x->dim[2] / 3, S = ref_in(a, 1)->dim[1];
	const int64_t heads = a->node->attr.heads, D = E / heads;
	const int32_t *places = a->in[2];

	if (!ir_places_are_good(a->node, 2, places, a->status))
		return;
	for (int64_t item = 0; item < x->dim[0] * heads; item++) {
		const int64_t n = item / heads, head = item % heads * D;
		const struct seen s = { (const float *)a->in[1] + n * S * 2 * E + head,
		                        (const float *)a->in[0] + n * T * 3 * E + head,
		                        places[n * T], E };

		for (int64_t i = 0; i < T; i++)
			kept_place(&s, i, D, (float *)a->out[0] + (n * T + i) * E + head);
	}
}

/* What place i gives to the gradients of all it has seen, which are added up. */
static void place_dx(const struct head *h, int64_t i, const float *y, const float *dy, float l,
                     float *dq)
{
	const int64_t E = h->wide / 3;
	const double given = dot(y, dy, h->D);

	for (int64_t j = 0; j < keys_of(h, i); j++) {
		const float *k = h->k + j * h->wide, *v = h->v + j * h->wide, *q = h->q + i * h->wide;
		float *dk = dq + E + (j - i) * h->wide, *dv = dk + E;
		const double p = exp(score(h, i, j) - l);
		const double ds = h->scale * p * (dot(dy, v, h->D) - given);

		for (int64_t d = 0; d < h->D; d++) {
			dq[d] += (float)(ds * k[d]);
			dk[d] += (float)(ds * q[d]);
			dv[d] += (float)(p * dy[d]);
		}
	}
}

/* qkv, y, dy, lse, lengths? -> dqkv */
void ref_attention_dx(const struct ref_args *a)
{
	const int64_t items = ref_in(a, 0)->dim[0] * a->node->attr.heads;
	const float *qkv = a->in[0], *y = a->in[1], *dy = a->in[2], *lse = a->in[3];
	float *dx = a->out[0];
	struct head h;

	memset(dx, 0, tensor_bytes(ref_out(a, 0)));
	for (int64_t item = 0; item < items; item++) {
		if (!open_head(a, 4, item, &h))
			return;
		for (int64_t i = 0; i < h.length; i++) {
			const int64_t n = item / a->node->attr.heads, at = item % a->node->attr.heads * h.D;
			const int64_t row = (n * h.T + i) * h.wide / 3 + at;

			place_dx(&h, i, y + row, dy + row, lse[item * h.T + i],
			         dx + (h.q - qkv) + i * h.wide);
		}
	}
}

/* qkv, places? -> y */
void ref_rotary(const struct ref_args *a)
{
	const int32_t *places = a->node->n_in > 1 ? a->in[1] : NULL;
	const struct tensor_desc *x = ref_in(a, 0);
	const struct ir_attr *t = &a->node->attr;
	const int64_t T = x->dim[1], E = x->dim[2] / 3, D = E / t->heads, rows = x->dim[0] * T;
	const float *from = a->in[0];
	float *to = a->out[0];

	for (int64_t row = 0; row < rows; row++, from += 3 * E, to += 3 * E) {
		memcpy(to, from, (size_t)(3 * E) * sizeof *to);
		for (int64_t j = 0; j < D / 2; j++) {
			const double turn = pow(t->alpha, -2.0 * (double)j / (double)D) *
			                    (double)(places ? places[row] : row % T);
			const double c = cos(turn), s = t->reverse ? -sin(turn) : sin(turn);

			for (int64_t at = j; at < 2 * E; at += D) {
				const double u = from[at], v = from[at + D / 2];

				to[at] = (float)(u * c - v * s);
				to[at + D / 2] = (float)(v * c + u * s);
			}
		}
	}
}

/* -> y[T,E] */
void ref_sinusoid(const struct ref_args *a)
{
	const struct tensor_desc *y = ref_out(a, 0);
	float *to = a->out[0];

	for (int64_t t = 0; t < y->dim[0]; t++)
		for (int64_t j = 0; j < y->dim[1]; j += 2, to += 2) {
			const double turn = (double)t * pow(a->node->attr.alpha,
			                                    -(double)j / (double)y->dim[1]);

			to[0] = (float)sin(turn);
			to[1] = (float)cos(turn);
		}
}
