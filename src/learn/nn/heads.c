#include "learn/nn/heads.h"

#include <string.h>

#include "learn/nn/loss.h"

/* ---- what the document says ---- */

struct output_opts {
	const char *from;
	int         loss;
	double      weight;
};

static const char *const words[] = {
	"model",
#define LOSS(kind, word, op, takes, answers) word,
#include "learn/nn/losses.def"
#undef LOSS
	NULL
};

#define T struct output_opts
const struct option output_options[] = {
	OPT_TEXT  (T, from, NULL, "the layer that answers; by default the last one of all"),
	OPT_ENUM  (T, loss, "model", words, "of its answers, by the same target; model: model.loss"),
	OPT_DOUBLE(T, weight, "1", 0, 1e6, "by which its loss counts"),
	OPT_END
};
#undef T

static tt_status name_output(struct tt_model *m, struct net_output *o, const char *name)
{
	o->name = arena_strdup(&m->arena, name);
	o->metric = arena_printf(&m->arena, "train.loss.%s", name);
	return o->name && o->metric ? TT_OK : TT_ENOMEM;
}

/* The document's main answer is the last layer's, whether or not it stands in the map. */
static struct net_output main_output(const struct tt_model *m)
{
	return (struct net_output){ .name = "main", .metric = "train.loss.main", .loss = m->net.loss,
	                            .weight = 1, .node = m->net.outputs };
}

static tt_status check_loss(const struct tt_model *m, const struct net_output *o, const char *name)
{
	const int main = m->net.loss;

	if (loss_row(o->loss)->takes != loss_row(main)->takes)
		return node_err(o->node, TT_ESPEC, "output '%.60s': all outputs learn the same target, and "
		                "%s takes another kind than model.loss, %s", name, loss_words[o->loss],
		                loss_words[main]);
	if (!o->from && o->loss != main)
		return node_err(o->node, TT_ESPEC, "output '%.60s' is the last layer's, whose loss is "
		                "model.loss: set that, or say which layer it reads (`from`)", name);
	return TT_OK;
}

static tt_status read_output(struct tt_model *m, const struct node *n, struct net_output *out)
{
	const char *name = n->key ? n->key : "";
	struct output_opts o;
	tt_status st;

	if ((st = build_check_name(n, name)) != TT_OK ||
	    (st = options_default(output_options, &m->arena, &o)) != TT_OK ||
	    (st = options_read(output_options, &m->arena, n, &o)) != TT_OK)
		return st;
	*out = (struct net_output){ .from = o.from, .weight = o.weight, .node = n,
	                            .loss = o.loss ? o.loss - 1 : m->net.loss };
	if ((st = check_loss(m, out, name)) != TT_OK)
		return st;
	return name_output(m, out, name);
}

/* The main one is the first. */
static tt_status take_output(struct tt_model *m, const struct net_output *o)
{
	if (o->from) {
		m->output[m->n_outputs++] = *o;
		return TT_OK;
	}
	if (m->output[0].node != m->net.outputs)
		return node_err(o->node, TT_ESPEC, "the outputs '%.60s' and '%.60s' both read the last "
		                "layer: say which layer one of them reads (`from`)", m->output[0].name,
		                o->name);
	m->output[0] = *o;
	return TT_OK;
}

static tt_status check_names(const struct tt_model *m)
{
	for (int i = 1; i < m->n_outputs; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(m->output[i].name, m->output[k].name) == 0)
				return node_err(m->output[i].node, TT_ESPEC, "a second output is called '%.60s'",
				                m->output[i].name);
	return TT_OK;
}

tt_status nn_read_outputs(struct tt_model *m)
{
	const struct node *map = m->net.outputs;
	const size_t n = node_absent(map) || map->kind != NODE_MAP ? 0 : node_count(map);

	m->n_outputs = 0;
	if (node_absent(map))
		return TT_OK;
	if (n < 1 || n >= NET_OUTPUTS_MAX)
		return node_err(map, TT_ESPEC, "model.outputs must be a map of 1 to %d outputs by name, "
		                "such as {aux: {from: aux_fc, weight: 0.3}}", NET_OUTPUTS_MAX - 1);
	if (!(m->output = arena_alloc(&m->arena, (n + 1) * sizeof *m->output)))
		return TT_ENOMEM;
	m->output[m->n_outputs++] = main_output(m);
	for (const struct node *c = map->child; c; c = c->next) {
		struct net_output o;
		tt_status st = read_output(m, c, &o);

		if (st != TT_OK || (st = take_output(m, &o)) != TT_OK)
			return st;
	}
	return check_names(m);
}

/* ---- their values ---- */

/* It must be rows of scores, and must not have been through the softmax already. */
static tt_status check_scores(const struct ir_value *y, int kind, const struct node *at)
{
	const struct loss_row *loss = loss_row(kind);
	char text[LAYER_VALUE_TEXT];

	if (y->desc.ndim != 2 && y->desc.ndim != 3)
		return node_err(at, TT_ESHAPE, "the model ends with %s, but the loss needs a list "
		                "of numbers per sample: end with `flatten`, `globalpool` or `dense`",
		                layer_value_text(y, text));
	if (loss->answers == ANSWERS_SOFTMAX && y->maker && y->maker->op == IR_SOFTMAX)
		return node_err(at, TT_ESPEC, "%s is a softmax, which %s brings itself: "
		                "leave it out", y->name, loss->word);
	return TT_OK;
}

static tt_status find_value(const struct builder *b, const struct net_output *o,
                            struct ir_value **out)
{
	const struct tensor_desc *y = &b->last->desc;
	char text[LAYER_VALUE_TEXT], main[LAYER_VALUE_TEXT];
	const char *near;
	tt_status st;

	if (!(*out = build_find(b, o->from))) {
		near = build_nearest(b, o->from);
		return node_err(o->node, TT_ESPEC, "output '%.60s': there is no layer '%.60s'%s%s%s",
		                o->name, o->from, near ? "; did you mean '" : "", near ? near : "",
		                near ? "'?" : "");
	}
	if ((st = check_scores(*out, o->loss, o->node)) != TT_OK)
		return st;
	if ((*out)->desc.ndim != y->ndim || (*out)->desc.dim[y->ndim - 1] != y->dim[y->ndim - 1] ||
	    (*out)->desc.dim[1] != y->dim[1])
		return node_err(o->node, TT_ESHAPE, "output '%.60s' is %s, the last layer's %s: all "
		                "outputs learn the same target", o->name, layer_value_text(*out, text),
		                layer_value_text(b->last, main));
	if (build_lengths(b, *out) != build_lengths(b, b->last))
		return node_err(o->node, TT_ESHAPE, "output '%.60s' and the last layer are sequences of "
		                "different lengths: all outputs learn the same target", o->name);
	return TT_OK;
}

/* An answer at each place of a sequence: each is a row, as a sample is elsewhere. */
static tt_status make_rows(struct builder *b, struct ir_value **y)
{
	const struct tensor_desc *d = &(*y)->desc;
	const struct ir_attr rows = { .ndim = 2, .dims = { d->dim[0] * d->dim[1], d->dim[2] } };
	struct ir_node *n;

	if (d->ndim != 3)
		return TT_OK;
	if (!(n = ir_emit(b->g, IR_RESHAPE, (*y)->name, y, 1, &rows)))
		return err_status();
	*y = n->out[0];
	return TT_OK;
}

/* ---- losses ---- */

/* What all of them are measured against. */
struct against { struct ir_value *target, *weight, *lengths; };

static int spells(const struct builder *b)
{
	return loss_row(b->m->net.loss)->takes == TAKES_LABELS;
}

static struct ir_attr loss_attr(const struct model_opts *o, int loss)
{
	return (struct ir_attr){
		.smoothing = (float)o->label_smoothing, .gamma = (float)o->focal_gamma,
		.alpha = (float)o->focal_alpha,
		.delta = (float)(loss == LOSS_HINGE ? o->hinge_margin : o->huber_delta),
		.blank = o->ctc_blank, .zero_infinity = o->ctc_zero_infinity };
}

static tt_status add_against(struct builder *b, struct against *a)
{
	const int weighted = b->shape.weighted || nn_counts_places(b->m);
	const struct tensor_desc *y = &b->last->desc;
	struct tensor_desc target = *y;
	const struct tensor_desc weight = tensor_desc_make(DTYPE_F32, 1, y->dim);

	if (loss_row(b->m->net.loss)->takes == TAKES_CLASS)
		target = (struct tensor_desc){ .dtype = DTYPE_S32, .ndim = 1, .dim = { y->dim[0] } };
	if (spells(b))
		target = (struct tensor_desc){ .dtype = DTYPE_S32, .ndim = 2,
		                               .dim = { y->dim[0], y->dim[1] + 1 } };
	*a = (struct against){ .lengths = spells(b) ? build_lengths(b, b->last) : NULL };
	if (!(a->target = ir_input(b->g, "target", &target)) ||
	    (weighted && !(a->weight = ir_input(b->g, "weight", &weight))))
		return err_status();
	return TT_OK;
}

static tt_status add_loss(struct builder *b, const struct against *a, struct ir_value *y,
                          const struct net_output *o, struct ir_value **loss)
{
	const int kind = o ? o->loss : b->m->net.loss;
	const struct ir_attr attr = loss_attr(&b->m->net, kind);
	struct ir_value *in[4] = { y, a->target };
	int n_in = 2;
	const char *name = o && o->from ? arena_printf(&b->arena, "%s.loss", o->name) : "loss";
	struct ir_node *n;

	if (!name)
		return TT_ENOMEM;
	if (a->weight)
		in[n_in++] = a->weight;
	if (a->lengths)
		in[n_in++] = a->lengths;
	if (!(n = ir_emit(b->g, loss_row(kind)->op, name, in, n_in, &attr)))
		return err_status();
	*loss = n->out[0];
	return TT_OK;
}

/* A weight of 1 costs nothing, and changes no bit. */
static tt_status weigh(struct builder *b, double weight, struct ir_value **loss)
{
	const struct ir_attr one = { .ndim = 1, .dims = { 1 }, .alpha = (float)weight };
	struct ir_value *in[2] = { *loss };
	struct ir_node *n;

	if (weight == 1)
		return TT_OK;
	if (!(n = ir_emit(b->g, IR_FILL, (*loss)->name, NULL, 0, &one)))
		return err_status();
	in[1] = n->out[0];
	if (!(n = ir_emit(b->g, IR_MULTIPLY, (*loss)->name, in, 2, NULL)))
		return err_status();
	*loss = n->out[0];
	return TT_OK;
}

static tt_status sum(struct builder *b, struct ir_value **total, struct ir_value *more)
{
	struct ir_value *in[2] = { *total, more };
	struct ir_node *n;

	if (!*total) {
		*total = more;
		return TT_OK;
	}
	if (!(n = ir_emit(b->g, IR_ADD, "loss", in, 2, NULL)))
		return err_status();
	*total = n->out[0];
	return TT_OK;
}

/* Outputs of the graph: the sum, the last layer's scores, then each loss as it is. */
static tt_status add_sum(struct builder *b, const struct against *a, struct ir_value *const *y,
                         struct ir_value **total)
{
	struct ir_value *loss[NET_OUTPUTS_MAX];

	*total = NULL;
	for (int i = 0; i < b->m->n_outputs; i++) {
		const struct net_output *o = &b->m->output[i];
		struct ir_value *counted;
		tt_status st = add_loss(b, a, y[i], o, &loss[i]);

		counted = loss[i];
		if (st != TT_OK || (st = weigh(b, o->weight, &counted)) != TT_OK ||
		    (st = sum(b, total, counted)) != TT_OK)
			return st;
	}
	ir_output(b->g, *total);
	ir_output(b->g, b->last);
	for (int i = 0; i < b->m->n_outputs; i++)
		ir_output(b->g, loss[i]);
	return TT_OK;
}

static tt_status add_one_loss(struct builder *b, const struct against *a, struct ir_value **loss)
{
	tt_status st = add_loss(b, a, b->last, NULL, loss);

	if (st != TT_OK)
		return st;
	ir_output(b->g, *loss);
	ir_output(b->g, b->last);
	return TT_OK;
}

static tt_status add_losses(struct builder *b, struct ir_value *const *y)
{
	const int trains = b->shape.purpose == NN_TRAIN;
	struct against a;
	struct ir_value *loss;
	tt_status st = add_against(b, &a);

	if (st == TT_OK)
		st = trains && b->m->n_outputs ? add_sum(b, &a, y, &loss) : add_one_loss(b, &a, &loss);
	if (st == TT_OK)
		st = build_add_states(b);
	return st == TT_OK && trains ? ir_backward(b->g, loss) : st;
}

/* What users want to see: probabilities where the loss works on scores. */
static tt_status add_answer(struct builder *b)
{
	const enum loss_answers how = loss_row(b->m->net.loss)->answers;
	struct ir_attr sigmoid = { .act = ACT_SIGMOID };
	struct ir_value *y = b->last;
	struct ir_node *n = NULL;

	if (how == ANSWERS_SOFTMAX)
		n = ir_emit(b->g, IR_SOFTMAX, "answer", &y, 1, NULL);
	else if (how == ANSWERS_SIGMOID)
		n = ir_emit(b->g, IR_ACT, "answer", &y, 1, &sigmoid);
	if (!n && how != ANSWERS_VALUES)
		return err_status();
	ir_output(b->g, n ? n->out[0] : y);
	return TT_OK;
}

/* ---- all ---- */

/* Labels are spelt along places: as many as the input has, or always as many. */
static tt_status check_spelling(const struct builder *b)
{
	const struct node *at = b->m->net.layers;
	const struct tensor_desc *y = &b->last->desc;
	char text[LAYER_VALUE_TEXT];

	if (!spells(b))
		return TT_OK;
	if (y->ndim != 3)
		return node_err(at, TT_ESHAPE, "the model ends with %s, but model.loss ctc spells labels "
		                "along the places of a sequence: end with scores at each place",
		                layer_value_text(b->last, text));
	if (nn_has_sequences(b->m) && !build_lengths(b, b->last))
		return node_err(at, TT_ESHAPE, "the model ends with %s, which is no sequence as long as "
		                "its input: model.loss ctc spells labels along it",
		                layer_value_text(b->last, text));
	if (b->m->net.ctc_blank >= y->dim[2])
		return node_err(at, TT_ESPEC, "model.ctc_blank is %d, and the last layer's classes are 0 "
		                "to %lld", b->m->net.ctc_blank, (long long)y->dim[2] - 1);
	return TT_OK;
}

/* -1: it is as long in any batch. */
static int paced_by(const struct builder *b)
{
	const struct ir_value *lengths = build_lengths(b, b->last);

	for (int i = 0; lengths && i < b->m->n_inputs; i++)
		if (build_lengths(b, b->input[i]) == lengths)
			return i;
	return -1;
}

/* All are looked at, whatever they are for: what is wrong is said before anything is compiled. */
static tt_status find_values(struct builder *b, struct ir_value **y)
{
	tt_status st = check_scores(b->last, b->m->net.loss, b->m->net.layers);

	if (st == TT_OK)
		st = check_spelling(b);
	for (int i = 0; i < b->m->n_outputs && st == TT_OK; i++)
		if (!b->m->output[i].from)
			y[i] = b->last;
		else
			st = find_value(b, &b->m->output[i], &y[i]);
	return st;
}

static tt_status all_rows(struct builder *b, struct ir_value **y)
{
	tt_status st = make_rows(b, &b->last);

	for (int i = 0; i < b->m->n_outputs && st == TT_OK; i++)
		if (!b->m->output[i].from)
			y[i] = b->last;
		else if (b->shape.purpose == NN_TRAIN)
			st = make_rows(b, &y[i]);
	return st;
}

tt_status heads_add(struct builder *b)
{
	struct ir_value *y[NET_OUTPUTS_MAX] = { NULL };
	tt_status st;

	if ((st = find_values(b, y)) != TT_OK)
		return st;
	if (b->grow) {
		b->grow->out_desc = b->last->desc;
		b->grow->per_place = b->last->desc.ndim == 3;
		b->grow->paced_by = paced_by(b);
	}
	if ((b->shape.purpose == NN_PREDICT || b->shape.purpose == NN_STEP || !spells(b)) &&
	    (st = all_rows(b, y)) != TT_OK)
		return st;
	if (b->shape.purpose == NN_PREDICT)
		return add_answer(b);
	if (b->shape.purpose != NN_STEP)
		return add_losses(b, y);
	ir_output(b->g, b->last);
	return build_add_states(b);
}
