/* input.c -- what a net reads: one input, or several by name. */
#include <string.h>

#include "base/str.h"
#include "learn/nn/loss.h"
#include "learn/nn/model.h"

struct input_opts {
	struct option_list shape;
	int                type;
};

static const char *const type_words[] = { [INPUT_F32] = "f32", [INPUT_I32] = "i32", NULL };

#define T struct input_opts
const struct option input_options[] = {
	OPT_DOUBLES(T, shape, NULL, "of a sample; -1 in front: a sequence, of another length each"),
	OPT_ENUM   (T, type, "f32", type_words, "f32; i32: whole numbers, for embeddings"),
	OPT_END
};
#undef T

int net_input_ragged(const struct net_input *in)
{
	return in->desc.ndim > 1 && in->desc.dim[1] < 0;
}

struct tensor_desc net_input_desc(const struct net_input *in, int64_t batch, int64_t length)
{
	struct tensor_desc d = in->desc;

	d.dim[0] = batch;
	if (net_input_ragged(in))
		d.dim[1] = length;
	return d;
}

/* in->desc has 1 sample; a row of a sequence is what lies behind its length. */
static void set_shape(struct net_input *in, const struct option_list *shape, int type)
{
	in->desc = (struct tensor_desc){ .dtype = type == INPUT_I32 ? DTYPE_S32 : DTYPE_F32,
	                                 .ndim = (int)shape->n + 1, .dim = { 1 } };
	in->numbers = 1;
	for (size_t i = 0; i < shape->n; i++) {
		in->desc.dim[i + 1] = (int64_t)shape->v[i];
		if (shape->v[i] > 0)
			in->numbers *= (int64_t)shape->v[i];
	}
}

static tt_status check_shape(const struct node *n, const struct option_list *s)
{
	if (s->n == 0 || s->n >= TENSOR_MAX_DIMS)
		return node_err(n, TT_ESPEC, "input '%.60s' has %zu dimensions; 1 to %d are possible",
		                n->key, s->n, TENSOR_MAX_DIMS - 1);
	for (size_t i = 0; i < s->n; i++)
		if (!(s->v[i] >= 1 && s->v[i] <= INT32_MAX && s->v[i] == (double)(int64_t)s->v[i]) &&
		    !(i == 0 && s->v[i] == -1))
			return node_err(n, TT_ESPEC, "the shape of input '%.60s' must hold whole numbers above "
			                "0 (or -1 in front: sequences), not %g", n->key, s->v[i]);
	return TT_OK;
}

/* A shape alone is a map with a shape alone. */
static tt_status read_opts(struct arena *a, const struct node *n, struct input_opts *o)
{
	struct node shape = *n, map = *n;
	tt_status st = options_default(input_options, a, o);

	if (st != TT_OK || n->kind == NODE_MAP)
		return st == TT_OK ? options_read(input_options, a, n, o) : st;
	shape.key = "shape";
	shape.next = NULL;
	map.kind = NODE_MAP;
	map.child = &shape;
	return options_read(input_options, a, &map, o);
}

static tt_status read_input(struct tt_model *m, const struct node *n, struct net_input *in)
{
	struct input_opts o;
	tt_status st;

	if (!n->key || !*n->key)
		return node_err(n, TT_ESPEC, "an input needs a name");
	if ((st = read_opts(&m->arena, n, &o)) != TT_OK || (st = check_shape(n, &o.shape)) != TT_OK)
		return st;
	set_shape(in, &o.shape, o.type);
	return (in->name = arena_strdup(&m->arena, n->key)) ? TT_OK : TT_ENOMEM;
}

static tt_status read_several(struct tt_model *m, const struct node *map)
{
	const size_t n = map->kind == NODE_MAP ? node_count(map) : 0;

	if (m->net.input.n)
		return node_err(map, TT_ESPEC, "give model.input, of a net with one, or model.inputs");
	if (n < 1 || n > NET_INPUTS_MAX)
		return node_err(map, TT_ESPEC, "model.inputs must be a map of 1 to %d inputs by name, such "
		                "as {image: [3, 32, 32], words: {shape: [-1], type: i32}}",
		                NET_INPUTS_MAX);
	for (const struct node *c = map->child; c; c = c->next) {
		tt_status st = read_input(m, c, &m->input[m->n_inputs++]);

		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

tt_status nn_read_inputs(struct tt_model *m)
{
	const struct node *several = m->net.inputs;
	const size_t n = node_absent(several) ? 1 : node_count(several);

	if (!(m->input = arena_alloc(&m->arena, (n + 1) * sizeof *m->input)))
		return TT_ENOMEM;
	memset(m->input, 0, (n + 1) * sizeof *m->input);
	m->n_inputs = 0;
	if (!node_absent(several))
		return read_several(m, several);
	m->n_inputs = 1;
	m->input[0].name = "x";
	set_shape(&m->input[0], &m->net.input, INPUT_F32);
	return TT_OK;
}

tt_status nn_name_columns(struct tt_model *m)
{
	if (!(m->column = arena_alloc(&m->arena, ((size_t)m->n_inputs + 1) * sizeof *m->column)))
		return TT_ENOMEM;
	for (int i = 0; i < m->n_inputs; i++) {
		const struct net_input *in = &m->input[i];
		const int one = m->n_inputs > 1 && in->numbers == 1 && !net_input_ragged(in);

		const int sequence = net_input_ragged(in) && in->desc.ndim == 2 &&
		                     in->desc.dtype == DTYPE_S32;

		m->column[i] = (struct known_input){ one || sequence ? in->name : "",
			in->desc.dtype == DTYPE_S32 ? TT_I32 : TT_F32, sequence };
	}
	return TT_OK;
}

int nn_is_language(const struct tt_model *m)
{
	return m->per_place && m->n_inputs == 1 && net_input_ragged(&m->input[0]) &&
	       m->input[0].tokens > 0 && m->input[0].tokens == m->outputs &&
	       loss_row(m->net.loss)->takes == TAKES_CLASS;
}

int nn_loss_is_log(const struct tt_model *m)
{
	return m->net.loss == LOSS_XENT && !(m->net.label_smoothing > 0) && !m->n_outputs;
}

int nn_has_sequences(const struct tt_model *m)
{
	for (int i = 0; i < m->n_inputs; i++)
		if (net_input_ragged(&m->input[i]))
			return 1;
	return 0;
}

int nn_counts_places(const struct tt_model *m)
{
	return m->per_place && loss_row(m->net.loss)->takes != TAKES_LABELS;
}
