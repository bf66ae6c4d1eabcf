/* Layers in which the places of a sequence look at one another: attention, transformer; and
 * positions, without which they would not know their order.  Parameters have PyTorch's names. */
#include "learn/nn/layer.h"

struct attention_opts {
	LAYER_BASE;
	int    heads, causal, rotary, bias, hidden, norm_first, activation, init;
	double dropout, eps;
};

static const char *const transformer_act_words[] = { "relu", "gelu", NULL };

#define T struct attention_opts
#define ATTENTION_ROWS \
	LAYER_ROWS(T), \
	OPT_INT (T, heads, "1", 1, 65536, "which share the features"), \
	OPT_ENUM(T, causal, "no", option_no_yes, "no place sees a later one"), \
	OPT_ENUM(T, rotary, "no", option_no_yes, \
	         "queries and keys are turned by their place (RoPE), so that distances count"), \
	OPT_ENUM(T, bias, "yes", option_no_yes, "add a number per feature"), \
	OPT_ENUM(T, init, "default", layer_init_words, "of the weights; default: as model.init says")

static const struct option attention_options[] = { ATTENTION_ROWS, OPT_END };
static const struct option transformer_options[] = {
	ATTENTION_ROWS,
	OPT_INT   (T, hidden, "0", 0, 100000000,
	           "features between the two dense layers; 0: four times as many"),
	OPT_ENUM  (T, norm_first, "no", option_no_yes,
	           "norms stand before attention and dense layers, not behind their sums"),
	OPT_ENUM  (T, activation, "relu", transformer_act_words, "between the two dense layers"),
	OPT_DOUBLE(T, dropout, "0", 0, 0.999, "of what attention and dense layers add"),
	OPT_DOUBLE(T, eps, "1e-5", 0, 1, "of the norms: added to the variance"),
	OPT_END
};
#undef T

static const char *joined(struct builder *b, const char *prefix, const char *what)
{
	return arena_printf(&b->arena, "%s%s", prefix, what);
}

/* l->out = w l->out + bias; with PyTorch's names of a Linear. */
static tt_status dense(struct builder *b, struct layer *l, const char *prefix, int64_t out)
{
	const struct attention_opts *o = l->opts;
	const int64_t in = l->out->desc.dim[2];
	struct ir_value *v[3] = { l->out };
	struct want w = { .what = joined(b, prefix, "weight"), .ndim = 2, .dim = { out, in },
	                  .init = build_weight_init(b, o->init, in, out) };
	struct want bias = { .what = joined(b, prefix, "bias"), .ndim = 1, .dim = { out },
	                     .role = PARAM_BIAS, .init = build_bias_init(&w.init) };
	tt_status st;

	if (!w.what || !bias.what)
		return TT_ENOMEM;
	if (w.init.kind == INIT_TORCH && out == 3 * in)         /* MultiheadAttention's own */
		w.init.kind = INIT_GLOROT;
	if (w.init.kind == INIT_GLOROT)
		bias.init.kind = INIT_ZEROS;
	if ((st = build_param(b, l, &w, &v[1])) != TT_OK ||
	    (o->bias && (st = build_param(b, l, &bias, &v[2])) != TT_OK))
		return st;
	return build_op(b, l, IR_DENSE, v, o->bias ? 3 : 2, NULL);
}

static tt_status check_heads(const struct layer *l)
{
	const struct attention_opts *o = l->opts;
	const int64_t features = l->in[0]->desc.ndim == 3 ? l->in[0]->desc.dim[2] : 0;
	tt_status st = layer_need_dims(l, 3, "sequences of features");

	if (st != TT_OK)
		return st;
	if (features % o->heads)
		return layer_err(l, TT_ESHAPE, "%d heads do not share %lld features", o->heads,
		                 (long long)features);
	if (o->rotary && features / o->heads % 2)
		return layer_err(l, TT_ESHAPE, "`rotary` turns pairs, but a head has %lld features",
		                 (long long)(features / o->heads));
	return TT_OK;
}

/* l->out = attention of qkv in l->out and what the pieces before have kept: keys and values. */
static tt_status attend_kept(struct builder *b, struct layer *l, const char *prefix)
{
	const struct attention_opts *o = l->opts;
	const struct tensor_desc *x = &l->out->desc;
	const struct ir_attr a = { .heads = o->heads };
	const struct ir_attr kv = { .axis = 2, .start = x->dim[2] / 3, .size = x->dim[2] / 3 * 2 };
	const struct want_state w = { .what = joined(b, prefix, "kept"), .form = STATE_APPENDED,
	                              .ndim = 3, .dim = { x->dim[0], b->shape.kept, kv.size } };
	struct ir_value *v[3] = { l->out, NULL, b->places };
	tt_status st;

	if (!o->causal)
		return layer_err(l, TT_ESHAPE, "sees later places (`causal: no`): it cannot go on where a "
		                 "sequence stopped");
	if ((st = build_state(b, l, &w, &v[1])) != TT_OK ||
	    (st = build_op(b, l, IR_SLICE, v, 1, &kv)) != TT_OK)
		return st;
	build_state_out(b, v[1], l->out);
	return build_op(b, l, IR_ATTENTION_KEPT, v, 3, &a);
}

static tt_status attend_all(struct builder *b, struct layer *l)
{
	const struct attention_opts *o = l->opts;
	const struct ir_attr a = { .heads = o->heads, .causal = o->causal };
	struct ir_value *v[2] = { l->out, build_lengths(b, l->in[0]) };

	return build_op(b, l, IR_ATTENTION, v, v[1] ? 2 : 1, &a);
}

/* l->out of l->out, whose lengths are those of the layer's input. */
static tt_status attend(struct builder *b, struct layer *l, const char *prefix)
{
	const struct attention_opts *o = l->opts;
	const struct ir_attr a = { .heads = o->heads };
	const char *in = joined(b, prefix, "in_proj_"), *out = joined(b, prefix, "out_proj.");
	const int64_t features = l->out->desc.dim[2];
	struct ir_value *v[2] = { NULL, b->places };
	tt_status st;

	if (!in || !out)
		return TT_ENOMEM;
	if ((st = dense(b, l, in, 3 * features)) != TT_OK)
		return st;
	v[0] = l->out;
	if (o->rotary && (st = build_op(b, l, IR_ROTARY, v, v[1] ? 2 : 1, &a)) != TT_OK)
		return st;
	st = b->places ? attend_kept(b, l, prefix) : attend_all(b, l);
	return st == TT_OK ? dense(b, l, out, features) : st;
}

static tt_status build_attention(struct builder *b, struct layer *l)
{
	tt_status st = check_heads(l);

	l->out = l->in[0];
	if (st != TT_OK || (st = attend(b, l, "")) != TT_OK)
		return st;
	return build_set_lengths(b, l->out, build_lengths(b, l->in[0]));
}

/* ---- transformer ---- */

static tt_status norm(struct builder *b, struct layer *l, const char *prefix)
{
	const struct attention_opts *o = l->opts;
	const struct ir_attr a = { .eps = (float)o->eps, .ndim = 1 };
	struct want w = { .what = joined(b, prefix, "weight"), .ndim = 1, .role = PARAM_NORM,
	                  .dim = { l->out->desc.dim[2] }, .init = { .kind = INIT_CONST, .value = 1 } };
	struct ir_value *v[3] = { l->out };
	tt_status st = w.what ? build_param(b, l, &w, &v[1]) : TT_ENOMEM;

	w.what = joined(b, prefix, "bias");
	w.init = (struct init){ .kind = INIT_ZEROS };
	if (st == TT_OK)
		st = w.what ? build_param(b, l, &w, &v[2]) : TT_ENOMEM;
	return st == TT_OK ? build_op(b, l, IR_LAYERNORM, v, 3, &a) : st;
}

static tt_status feed_forward(struct builder *b, struct layer *l)
{
	const struct attention_opts *o = l->opts;
	const int64_t features = l->out->desc.dim[2];
	tt_status st = dense(b, l, "linear1.", o->hidden ? o->hidden : 4 * features);

	if (st != TT_OK || (st = build_act(b, l, o->activation ? ACT_GELU : ACT_RELU)) != TT_OK ||
	    (st = build_dropout(b, l, ".dropout", o->dropout)) != TT_OK)
		return st;
	return dense(b, l, "linear2.", features);
}

static tt_status self_attention(struct builder *b, struct layer *l)
{
	return attend(b, l, "self_attn.");
}

struct part {
	tt_status (*build)(struct builder *b, struct layer *l);
	const char *norm, *dropout;
};

/* x + part(norm(x)), or norm(x + part(x)). */
static tt_status add_part(struct builder *b, struct layer *l, const struct part *p)
{
	const struct attention_opts *o = l->opts;
	struct ir_value *sum[2] = { l->out };
	tt_status st;

	if (o->norm_first && (st = norm(b, l, p->norm)) != TT_OK)
		return st;
	if ((st = p->build(b, l)) != TT_OK ||
	    (st = build_dropout(b, l, p->dropout, o->dropout)) != TT_OK)
		return st;
	sum[1] = l->out;
	if ((st = build_op(b, l, IR_ADD, sum, 2, NULL)) != TT_OK)
		return st;
	return o->norm_first ? TT_OK : norm(b, l, p->norm);
}

/* Vaswani et al., 2017; norms first: Radford et al., 2019. */
static tt_status build_transformer(struct builder *b, struct layer *l)
{
	static const struct part parts[] = {
		{ self_attention, "norm1.", ".dropout1" }, { feed_forward, "norm2.", ".dropout2" },
	};
	tt_status st = check_heads(l);

	l->out = l->in[0];
	for (int i = 0; i < 2 && st == TT_OK; i++)
		st = add_part(b, l, &parts[i]);
	return st == TT_OK ? build_set_lengths(b, l->out, build_lengths(b, l->in[0])) : st;
}

/* ---- positions ---- */

struct positions_opts {
	LAYER_BASE;
	int kind, max;
};

enum { POSITIONS_LEARNED, POSITIONS_SINUSOIDAL };
static const char *const position_words[] = { "learned", "sinusoidal", NULL };

#define T struct positions_opts
static const struct option positions_options[] = {
	LAYER_ROWS(T),
	OPT_ENUM(T, kind, "learned", position_words, "numbers that are trained, or waves"),
	OPT_INT (T, max, "0", 0, 100000000,
	         "places that there are numbers for; 0: as many as the input has"),
	OPT_END
};
#undef T

/* Numbers for as many places as the graph has: the first ones of what is trained; behind all of
 * them lie places that no sequence has, but for what fills it up. */
static tt_status cut_or_fill(struct builder *b, struct layer *l, int64_t places)
{
	const struct ir_attr cut = { .axis = 0, .size = places };

	return build_op(b, l, l->out->desc.dim[0] > places ? IR_SLICE : IR_PAD, &l->out, 1, &cut);
}

/* Numbers for the places that a piece of a sequence has, out of those for all. */
static tt_status look_up(struct builder *b, struct layer *l)
{
	struct ir_value *v[2] = { b->places, l->out };
	const int64_t rows = l->out->desc.dim[0];

	if (!b->most_places || rows < b->most_places)
		b->most_places = rows;
	return build_op(b, l, IR_EMBEDDING, v, 2, NULL);
}

static tt_status learned(struct builder *b, struct layer *l, int64_t places, int64_t features)
{
	const struct positions_opts *o = l->opts;
	const struct ir_value *lengths = build_lengths(b, l->in[0]);
	struct want w = { .what = "weight", .ndim = 2, .init = { .kind = INIT_NORMAL },
	                  .dim = { o->max ? o->max : places, features } };
	tt_status st;

	if (lengths && !o->max)
		return layer_err(l, TT_ESPEC, "reads sequences of any length: say how many places there "
		                 "shall be numbers for (`max`), or take waves (`kind: sinusoidal`)");
	if (lengths && (st = build_limit(b, l, lengths, o->max)) != TT_OK)
		return st;
	if (o->max && places > o->max && !lengths)
		return layer_err(l, TT_ESHAPE, "has numbers for %d places, but gets %lld", o->max,
		                 (long long)places);
	if ((st = build_param(b, l, &w, &l->out)) != TT_OK || w.dim[0] == places || b->places)
		return st;
	return cut_or_fill(b, l, places);
}

static tt_status build_positions(struct builder *b, struct layer *l)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	struct ir_attr waves = { .ndim = 2 }, all = { .ndim = 3 };
	struct ir_value *sum[2] = { l->in[0] };
	tt_status st;

	if ((st = layer_need_dims(l, 3, "sequences of features")) != TT_OK)
		return st;
	for (int i = 0; i < 3; i++)
		all.dims[i] = x->dim[i];
	waves.dims[0] = b->places ? b->shape.kept : x->dim[1];
	waves.dims[1] = x->dim[2];
	if (((const struct positions_opts *)l->opts)->kind == POSITIONS_LEARNED)
		st = learned(b, l, x->dim[1], x->dim[2]);
	else if (x->dim[2] % 2)
		return layer_err(l, TT_ESHAPE, "waves come in pairs, but there are %lld features",
		                 (long long)x->dim[2]);
	else
		st = build_op(b, l, IR_SINUSOID, NULL, 0, &waves);
	if (st == TT_OK)
		st = b->places ? look_up(b, l) : build_op(b, l, IR_BROADCAST, &l->out, 1, &all);
	if (st != TT_OK)
		return st;
	sum[1] = l->out;
	if ((st = build_op(b, l, IR_ADD, sum, 2, NULL)) != TT_OK)
		return st;
	return build_set_lengths(b, l->out, build_lengths(b, l->in[0]));
}

#define GROUP "sequences"
const struct layer_kind
	nn_attention = { "attention", "attn", GROUP, sizeof(struct attention_opts), attention_options,
		build_attention, "every place becomes a mean of all, weighted by what it looks for",
		TIME_PLACES },
	nn_transformer = { "transformer", "block", GROUP, sizeof(struct attention_opts),
		transformer_options, build_transformer,
		"attention, then two dense layers, each added to its input and normalised",
		TIME_PLACES },
	nn_positions = { "positions", "pos", GROUP, sizeof(struct positions_opts), positions_options,
		build_positions, "the input, plus numbers that tell its places apart",
		TIME_PLACES };
