/* Layers that look at the places of a sequence. */
#include "learn/nn/layer.h"

struct seqpool_opts {
	LAYER_BASE;
	int pool;
};

static const char *const pool_words[] = {
	[REDUCE_SUM] = "sum", [REDUCE_MEAN] = "mean", [REDUCE_MAX] = "max", [REDUCE_LAST] = "last", NULL
};

#define T struct seqpool_opts
static const struct option seqpool_options[] = {
	LAYER_ROWS(T),
	OPT_ENUM(T, pool, "mean", pool_words, "what becomes of the places of a sequence"),
	OPT_END
};
#undef T

/* All places count. */
static tt_status pool_fixed(struct builder *b, struct layer *l, enum ir_reduce how)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	const struct ir_attr over = { .reduce = how, .axes = 1u << 1 };
	const struct ir_attr last = { .axis = 1, .start = x->dim[1] - 1, .size = 1 };
	const struct ir_attr flat = { .ndim = 2, .dims = { x->dim[0], x->dim[2] } };
	tt_status st;

	if (how != REDUCE_LAST)
		return build_op(b, l, IR_REDUCE, l->in, 1, &over);
	if ((st = build_op(b, l, IR_SLICE, l->in, 1, &last)) != TT_OK)
		return st;
	return build_op(b, l, IR_RESHAPE, &l->out, 1, &flat);
}

/* w[N,T] as [N,1,T] times x[N,T,C]: a sum of those that count. */
static tt_status weigh(struct builder *b, struct layer *l, struct ir_value *w)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	const struct ir_attr row = { .ndim = 3, .dims = { x->dim[0], 1, x->dim[1] } };
	const struct ir_attr flat = { .ndim = 2, .dims = { x->dim[0], x->dim[2] } };
	struct ir_value *in[2] = { NULL, l->in[0] };
	tt_status st;

	if ((st = build_op(b, l, IR_RESHAPE, &w, 1, &row)) != TT_OK)
		return st;
	in[0] = l->out;
	if ((st = build_op(b, l, IR_MATMUL, in, 2, NULL)) != TT_OK)
		return st;
	return build_op(b, l, IR_RESHAPE, &l->out, 1, &flat);
}

/* Far below any number where nothing is: no maximum. */
static tt_status pool_max(struct builder *b, struct layer *l, struct ir_value *w)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	const struct ir_attr column = { .ndim = 3, .dims = { x->dim[0], x->dim[1], 1 } };
	const struct ir_attr over = { .reduce = REDUCE_MAX, .axes = 1u << 1 };
	struct ir_attr all = { .ndim = 3 };
	struct ir_value *in[2] = { l->in[0] };
	tt_status st;

	for (int i = 0; i < 3; i++)
		all.dims[i] = x->dim[i];
	if ((st = build_op(b, l, IR_RESHAPE, &w, 1, &column)) != TT_OK ||
	    (st = build_op(b, l, IR_BROADCAST, &l->out, 1, &all)) != TT_OK)
		return st;
	in[1] = l->out;
	if ((st = build_op(b, l, IR_ADD, in, 2, NULL)) != TT_OK)
		return st;
	return build_op(b, l, IR_REDUCE, &l->out, 1, &over);
}

static tt_status build_seqpool(struct builder *b, struct layer *l)
{
	const enum ir_reduce how = (enum ir_reduce)((const struct seqpool_opts *)l->opts)->pool;
	struct ir_value *lengths = build_lengths(b, l->in[0]);
	struct ir_attr a = { .reduce = how };
	tt_status st;

	if ((st = layer_need_dims(l, 3, "sequences of features")) != TT_OK)
		return st;
	if (!lengths)
		return pool_fixed(b, l, how);
	a.size = l->in[0]->desc.dim[1];
	if ((st = build_op(b, l, IR_PLACES, &lengths, 1, &a)) != TT_OK)
		return st;
	return how == REDUCE_MAX ? pool_max(b, l, l->out) : weigh(b, l, l->out);
}

/* ---- class token ---- */

struct class_token_opts { LAYER_BASE; };

static const struct option class_token_options[] = { LAYER_ROWS(struct class_token_opts), OPT_END };

/* Devlin et al., 2019; of images: Dosovitskiy et al., 2021. */
static tt_status build_class_token(struct builder *b, struct layer *l)
{
	const struct tensor_desc *x = &l->in[0]->desc;
	const struct ir_attr places = { .axis = 1 };
	struct want w = { .what = "weight", .ndim = 2, .init = { .kind = INIT_ZEROS } };
	struct ir_attr each = { .ndim = 3 };
	struct ir_value *both[2] = { NULL, l->in[0] };
	tt_status st = layer_need_dims(l, 3, "sequences of features");

	if (st != TT_OK)
		return st;
	w.dim[0] = each.dims[1] = 1;
	w.dim[1] = each.dims[2] = x->dim[2];
	each.dims[0] = x->dim[0];
	if ((st = build_param(b, l, &w, &l->out)) != TT_OK ||
	    (st = build_op(b, l, IR_BROADCAST, &l->out, 1, &each)) != TT_OK)
		return st;
	both[0] = l->out;
	return build_op(b, l, IR_CONCAT, both, 2, &places);
}

const struct layer_kind
	nn_class_token = { "class_token", "token", "sequences", sizeof(struct class_token_opts),
		class_token_options, build_class_token,
		"one more place before all others, the same trained numbers for each sample",
		TIME_REFUSED },
	nn_seqpool = { "seqpool", "seqpool", "sequences", sizeof(struct seqpool_opts), seqpool_options,
		build_seqpool, "a sequence becomes one vector: the mean, sum, maximum or last place",
		TIME_OWN };
