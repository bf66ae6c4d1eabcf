/* recurrent.c -- see recurrent.h.  What a step does with its gates: gates.c. */
#include "compute/exec/cpu/recurrent.h"

#include <string.h>

#include "compute/exec/cpu/gates.h"
#include "compute/exec/cpu/packed.h"
#include "compute/ir/sequence.h"
#include "sys/thread.h"

#define GRAIN (1 << 20)                 /* products that are not worth another thread */

static int is_backward(const struct ir_node *n)
{
	return n->op == IR_RNN_DX || n->op == IR_LSTM_DX || n->op == IR_GRU_DX;
}

/* Forward, rows of states meet w transposed; backward, rows of gates meet w. */
static struct packed packed_of(const struct ir_node *n)
{
	const struct ir_sequence s = ir_sequence(n);
	const int64_t wide = s.gates * s.h;

	return is_backward(n) ? (struct packed){ wide, s.h, s.h } : (struct packed){ s.h, wide, s.h };
}

size_t recurrent_weights(const struct ir_node *n)
{
	const struct packed p = packed_of(n);

	return packed_floats(&p);
}

void recurrent_pack(const struct ir_node *n, const float *w, float *to)
{
	const struct packed p = packed_of(n);

	if (is_backward(n))
		packed_from_rows(&p, w, to);
	else
		packed_from_columns(&p, w, to);
}

int recurrent_needs(const struct ir_node *n, int output)
{
	return is_backward(n) && (n->op == IR_GRU_DX ? output == 3 : output == 0);
}

/* ---- scratch: of each sequence, in the order in which they are taken ---- */

struct room {
	float        *h, *c, *product;          /* [n][h] states or their gradients; [n][width] */
	const float **row;                      /* [n]: operands of the product                 */
	int32_t      *order, *length;           /* [n]: which sequence, and its steps           */
};

static size_t carve(const struct ir_node *n, char *at, struct room *r)
{
	const struct ir_sequence s = ir_sequence(n);
	const struct packed p = packed_of(n);
	const size_t count = (size_t)s.n, state = count * (size_t)s.h * sizeof(float);
	const size_t product = count * (size_t)packed_width(p.cols) * sizeof(float);
	char *const begin = at;

	r->product = (float *)(void *)at;
	r->row = (const float **)(void *)(at += product);
	r->h = (float *)(void *)(at += count * sizeof *r->row);
	r->c = (float *)(void *)(at += state);
	r->order = (int32_t *)(void *)(at += state);
	r->length = (int32_t *)(void *)(at += count * sizeof *r->order);
	return (size_t)(at - begin) + count * sizeof *r->length;
}

size_t recurrent_scratch(const struct ir_node *n)
{
	struct room r;
	static char nowhere[1];

	return carve(n, nowhere, &r);
}

/* ---- one thread's sequences ---- */

struct job {
	const struct recurrent *r;
	struct ir_sequence      s;
	struct packed           packed;
	struct room             room;
	int64_t                 width;          /* of a row of products */
	gates_fn               *step;
};

static const float *in(const struct job *j, int i)
{
	return i < 0 ? NULL : j->r->in[i];
}

/* Longest first; equal ones in their order. */
static void sort(struct job *j)
{
	const int32_t *lengths = j->s.lengths < 0 ? NULL : j->r->in[j->s.lengths];

	for (int64_t i = 0; i < j->s.n; i++) {
		const int32_t length = (int32_t)ir_sequence_length(&j->s, lengths, i);
		int64_t k = i;

		for (; k > 0 && j->room.length[k - 1] < length; k--) {
			j->room.length[k] = j->room.length[k - 1];
			j->room.order[k] = j->room.order[k - 1];
		}
		j->room.length[k] = length;
		j->room.order[k] = (int32_t)i;
	}
}

/* Rows lo.. of a state, from what the sequences begin with. */
static void load_states(const struct job *j, const float *from, float *to, int64_t lo, int64_t hi)
{
	const size_t bytes = (size_t)j->s.h * sizeof *to;

	for (int64_t i = lo; i < hi; i++)
		if (from)
			memcpy(to + i * j->s.h, from + j->room.order[i] * j->s.h, bytes);
		else
			memset(to + i * j->s.h, 0, bytes);
}

static void store_states(const struct job *j, const float *from, float *to, int64_t lo, int64_t hi)
{
	for (int64_t i = lo; i < hi && to; i++)
		memcpy(to + j->room.order[i] * j->s.h, from + i * j->s.h,
		       (size_t)j->s.h * sizeof *to);
}

/* Outputs that have a place for every step are zeros where there is none. */
static void zero_padding(const struct job *j, int64_t i)
{
	const struct ir_node *n = j->r->node;

	for (int o = 0; o < n->n_out; o++) {
		const struct tensor_desc *d = &n->out[o]->desc;
		float *to = j->r->out[o];
		const int64_t at = j->room.order[i] * j->s.t + j->room.length[i];

		if (to && d->ndim == 3)
			memset(to + at * d->dim[2], 0,
			       (size_t)((j->s.t - j->room.length[i]) * d->dim[2]) * sizeof *to);
	}
}

/* How many of [lo, hi) have a step k; n had the one before or after. */
static int64_t active(const struct job *j, int64_t lo, int64_t hi, int64_t k, int64_t n)
{
	while (n > 0 && j->room.length[lo + n - 1] <= k)
		n--;
	while (lo + n < hi && j->room.length[lo + n] > k)
		n++;
	return n;
}

static struct gates_at at_step(const struct job *j, int64_t i, int64_t k)
{
	const int64_t sequence = j->room.order[i];
	const int64_t place = ir_sequence_place(&j->s, j->room.length[i], k);
	const int64_t before = ir_sequence_place(&j->s, j->room.length[i], k - 1);

	return (struct gates_at){
		.node = j->r->node, .in = j->r->in, .out = j->r->out, .n = j->s.h,
		.sequence = sequence, .place = sequence * j->s.t + place,
		.before = k > 0 ? sequence * j->s.t + before : -1, .h0 = in(j, j->s.h0),
		.c0 = in(j, j->s.c0), .h = j->room.h + i * j->s.h, .c = j->room.c + i * j->s.h,
		.product = j->room.product + i * j->width,
	};
}

static void times(const struct job *j, int64_t lo, int64_t n)
{
	const struct packed_part all = packed_all(&j->packed);
	const struct packed_rows rows = { j->room.row + lo, n };

	packed_times(&j->packed, &all, &rows, j->r->weights, j->room.product + lo * j->width);
}

static void forward_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	void *const *out = j->r->out;
	int64_t n = hi - lo;

	load_states(j, in(j, j->s.h0), j->room.h, lo, hi);
	load_states(j, in(j, j->s.c0), j->room.c, lo, hi);
	for (int64_t i = lo; i < hi; i++)
		j->room.row[i] = j->room.h + i * j->s.h;
	for (int64_t k = 0; k < j->room.length[lo]; k++) {
		n = active(j, lo, hi, k, n);
		times(j, lo, n);
		for (int64_t i = lo; i < lo + n; i++) {
			const struct gates_at at = at_step(j, i, k);

			j->step(&at);
		}
	}
	store_states(j, j->room.h, out[1], lo, hi);
	if (j->r->node->op == IR_LSTM)
		store_states(j, j->room.c, out[2], lo, hi);
	for (int64_t i = lo; i < hi; i++)
		zero_padding(j, i);
}

/* dh = product, and what the gates left in dh */
static void collect(const struct job *j, int64_t i)
{
	const float *from = j->room.product + i * j->width;
	float *to = j->room.h + i * j->s.h;

	for (int64_t k = 0; k < j->s.h; k++)
		to[k] += from[k];
}

static void backward_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct job *j = ctx;
	const struct ir_node *node = j->r->node;
	const int of = node->op == IR_GRU_DX ? 3 : 0, lstm = node->op == IR_LSTM_DX;
	float *const dgates = j->r->out[of];
	int64_t n = 0;

	load_states(j, j->r->in[1], j->room.h, lo, hi);
	load_states(j, lstm ? j->r->in[2] : NULL, j->room.c, lo, hi);
	for (int64_t k = j->room.length[lo] - 1; k >= 0; k--) {
		n = active(j, lo, hi, k, n);
		for (int64_t i = lo; i < lo + n; i++) {
			const struct gates_at at = at_step(j, i, k);

			j->step(&at);
			j->room.row[i] = dgates + at.place * j->packed.k;
		}
		times(j, lo, n);
		for (int64_t i = lo; i < lo + n; i++)
			collect(j, i);
	}
	store_states(j, j->room.h, j->r->out[2], lo, hi);
	if (lstm)
		store_states(j, j->room.c, j->r->out[3], lo, hi);
	for (int64_t i = lo; i < hi; i++)
		zero_padding(j, i);
}

void recurrent_run(const struct recurrent *r)
{
	struct job j = { .r = r, .s = ir_sequence(r->node), .packed = packed_of(r->node),
	                 .step = gates_of(r->node) };
	const int64_t work = j.s.t * j.packed.k * j.packed.cols;

	if (j.s.lengths >= 0 &&
	    !ir_lengths_are_good(r->node, j.s.lengths, r->in[j.s.lengths], j.s.t, r->status))
		return;
	j.width = packed_width(j.packed.cols);
	carve(r->node, r->scratch, &j.room);
	sort(&j);
	thread_for(j.s.n, GRAIN / work + 1, is_backward(r->node) ? backward_some : forward_some, &j);
}
