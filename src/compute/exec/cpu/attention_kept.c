/* attention_kept.c -- a few new places meet what is kept of a sequence, where it lies.
 *
 * Keys of a head are rows of D numbers, one behind the other at a distance: a score is a dot
 * product in sixteen lanes, and what comes out a sum of rows.  Nothing is packed: each is read
 * once. */
#include "compute/exec/cpu/attention.h"

#include <math.h>

#include "compute/exec/cpu/exp.h"
#include "compute/ir/sequence.h"
#include "sys/thread.h"

#define LANES 16

/* Keys of a head, `stride` apart, and as many numbers behind each its value. */
struct rows { const float *k; int64_t n, stride, value; };

struct job { const struct attention *a; int64_t room; };

INLINE float dot(const float *a, const float *b, int64_t n)
{
	float lane[LANES] = {0}, sum = 0;
	int64_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] += a[i + l] * b[i + l];
	for (; i < n; i++)
		sum += a[i] * b[i];
	for (int half = LANES / 2; half; half /= 2)
		for (int l = 0; l < half; l++)
			lane[l] += lane[l + half];
	return sum + lane[0];
}

SIMD static void scores(const struct rows *r, const float *q, int64_t D, float *s)
{
	for (int64_t j = 0; j < r->n; j++)
		s[j] = dot(q, r->k + j * r->stride, D);
}

/* Weights that are not yet divided by their sum; gives what they are to be multiplied by. */
SIMD static float weights(float *s, int64_t n, float scale)
{
	float most;

	return (float)(1 / exp_row(s, n, scale, &most));
}

SIMD static void add_values(const struct rows *r, const float *s, int64_t D, float *restrict y)
{
	for (int64_t j = 0; j < r->n; j++) {
		const float *v = r->k + j * r->stride + r->value, by = s[j];

		for (int64_t d = 0; d < D; d++)
			y[d] += by * v[d];
	}
}

/* One head of one new place: what is kept, then the new places up to its own. */
static void run_place(const struct rows *r, const float *q, int64_t D, float *score, float *y)
{
	float by;

	scores(&r[0], q, D, score);
	scores(&r[1], q, D, score + r[0].n);
	by = weights(score, r[0].n + r[1].n, (float)(1 / sqrt((double)D)));
	for (int64_t d = 0; d < D; d++)
		y[d] = 0;
	add_values(&r[0], score, D, y);
	add_values(&r[1], score + r[0].n, D, y);
	for (int64_t d = 0; d < D; d++)
		y[d] *= by;
}

static void run_heads(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct ir_node *node = j->a->node;
	const struct tensor_desc *x = &node->in[0]->desc;
	const int64_t T = x->dim[1], E = x->dim[2] / 3, S = node->in[1]->desc.dim[1];
	const int64_t heads = node->attr.heads, D = E / heads;
	const float *qkv = j->a->in[0], *kept = j->a->in[1];
	const int32_t *places = j->a->in[2];

	for (int64_t item = lo; item < hi; item++) {
		const int64_t n = item / heads, head = item % heads * D;
		const float *q = qkv + n * T * 3 * E + head;
		struct rows r[2] = { { kept + n * S * 2 * E + head, places[n * T], 2 * E, E },
		                     { q + E, 0, 3 * E, E } };

		for (int64_t i = 0; i < T; i++) {
			r[1].n = i + 1;
			run_place(r, q + i * 3 * E, D, (float *)j->a->scratch + item * j->room,
			          (float *)j->a->out[0] + (n * T + i) * E + head);
		}
	}
}

static int64_t room_of(const struct ir_node *n)
{
	return n->in[0]->desc.dim[1] + n->in[1]->desc.dim[1];
}

size_t attention_kept_scratch(const struct ir_node *n)
{
	return (size_t)(n->in[0]->desc.dim[0] * n->attr.heads * room_of(n)) * sizeof(float);
}

void attention_kept_run(const struct attention *a)
{
	struct job j = { a, room_of(a->node) };

	if (ir_places_are_good(a->node, 2, a->in[2], a->status))
		thread_for(a->node->in[0]->desc.dim[0] * a->node->attr.heads, 1, run_heads, &j);
}
