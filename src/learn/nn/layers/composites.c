/* Layers made of layers: sequence, repeat, residual, branches.  They expand while the net is
 * built; names nest with dots: block1.conv1. */
#include "learn/nn/layer.h"
#include "learn/nn/loss.h"

#include <string.h>

struct group_opts {
	LAYER_BASE;
	const struct node *layers, *body, *shortcut, *paths;
	int                times, start, join, activation;
};

enum join { JOIN_CONCAT, JOIN_ADD, JOIN_MIX };
static const char *const join_words[] = { "concat", "add", "mix", NULL };

#define T struct group_opts
static const struct option sequence_options[] = {
	LAYER_ROWS(T),
	OPT_NODE(T, layers, "list of layers; those without a name are called 0, 1, ..."),
	OPT_END
};

static const struct option repeat_options[] = {
	LAYER_ROWS(T),
	OPT_INT (T, times, "1", 1, 1000, "how often"),
	OPT_INT (T, start, "0", 0, 1000000, "number of the first copy, which is its name"),
	OPT_NODE(T, layers,
	         "list of layers; a single one without a name is called by the copy's number"),
	OPT_END
};

static const struct option residual_options[] = {
	LAYER_ROWS(T),
	OPT_NODE(T, body, "list of layers that the input passes through"),
	OPT_NODE(T, shortcut,
	         "list of layers on the way round (named downsample.0, ...); without it: the input"),
	OPT_ENUM(T, activation, "none", act_words, "applied to the sum"),
	OPT_END
};

static const struct option branches_options[] = {
	LAYER_ROWS(T),
	OPT_NODE(T, paths,
	         "list of lists of layers, or a map of them by name; an empty one is the input itself"),
	OPT_ENUM(T, join, "concat", join_words,
	         "what becomes of the ends: side by side along the channels, summed, or mixed: "
	         "the average of the answers, of probabilities where the loss works on scores"),
	OPT_END
};
#undef T

/* Build a list from `start` on, under PATH.; where it ends is *out. */
static tt_status run_list(struct builder *b, struct ir_value *start, const struct node *list,
                          const char *path, struct ir_value **out)
{
	struct scope s = { .path = arena_printf(&b->arena, "%s.", path), .naming = NAMES_BY_PLACE };
	tt_status st;

	if (!path || !s.path)
		return TT_ENOMEM;
	b->last = start;
	if ((st = b->list(b, list, &s)) == TT_OK)
		*out = b->last;
	return st;
}

static tt_status build_sequence(struct builder *b, struct layer *l)
{
	return run_list(b, l->in[0], ((const struct group_opts *)l->opts)->layers, l->name, &l->out);
}

/* A lone layer without a name of its own takes the copy's: layer1.0, not layer1.0.0. */
static int is_lone(const struct node *list)
{
	const struct node *item = list && list->kind == NODE_LIST ? list->child : NULL;

	if (!item || item->next)
		return 0;
	return item->kind != NODE_MAP || node_absent(node_get(item->child, "name"));
}

static tt_status build_copy(struct builder *b, struct layer *l, int64_t number)
{
	const struct group_opts *o = l->opts;
	struct scope s = { .naming = NAMES_BY_PLACE };

	if (is_lone(o->layers)) {
		s.start = number;
		s.path = arena_printf(&b->arena, "%s.", l->name);
	} else {
		s.path = arena_printf(&b->arena, "%s.%lld.", l->name, (long long)number);
	}
	return s.path ? b->list(b, o->layers, &s) : TT_ENOMEM;
}

static tt_status build_repeat(struct builder *b, struct layer *l)
{
	const struct group_opts *o = l->opts;

	b->last = l->in[0];
	for (int i = 0; i < o->times; i++) {
		tt_status st = build_copy(b, l, (int64_t)o->start + i);

		if (st != TT_OK)
			return st;
	}
	l->out = b->last;
	return TT_OK;
}

/* Ends that are joined are sequences of the same lengths, or none is. */
static tt_status check_times(const struct builder *b, const struct layer *l,
                             struct ir_value *const *ends, int n)
{
	for (int i = 1; i < n; i++)
		if (build_lengths(b, ends[i]) != build_lengths(b, ends[0]))
			return layer_err(l, TT_ESHAPE, "joins sequences of different lengths");
	return TT_OK;
}

/* He et al., 2016. */
static tt_status build_residual(struct builder *b, struct layer *l)
{
	const struct group_opts *o = l->opts;
	const char *around = arena_printf(&b->arena, "%s.downsample", l->name);
	struct ir_value *ends[2];
	tt_status st;

	if (node_absent(o->body))
		return layer_err(l, TT_ESPEC, "needs `body`, a list of layers");
	if ((st = run_list(b, l->in[0], o->body, l->name, &ends[0])) != TT_OK ||
	    (st = run_list(b, l->in[0], o->shortcut, around, &ends[1])) != TT_OK ||
	    (st = check_times(b, l, ends, 2)) != TT_OK ||
	    (st = build_op(b, l, IR_ADD, ends, 2, NULL)) != TT_OK ||
	    (st = build_act(b, l, o->activation)) != TT_OK)
		return st;
	return build_set_lengths(b, l->out, build_lengths(b, ends[0]));
}

/* All the ends are needed before the first join: the graph is in running order. */
static tt_status run_paths(struct builder *b, struct layer *l, const struct node *paths,
                           struct ir_value **ends)
{
	int n = 0;

	for (const struct node *c = paths->child; c; c = c->next, n++) {
		const char *path = c->key ? arena_printf(&b->arena, "%s.%s", l->name, c->key)
		                          : arena_printf(&b->arena, "%s.%d", l->name, n);
		tt_status st = run_list(b, l->in[0], c, path, &ends[n]);

		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

static tt_status sum_ends(struct builder *b, struct layer *l, struct ir_value **ends, int n)
{
	struct ir_value *pair[2] = { ends[0] };

	for (int i = 1; i < n; i++) {
		tt_status st;

		pair[1] = ends[i];
		if ((st = build_op(b, l, IR_ADD, pair, 2, NULL)) != TT_OK)
			return st;
		pair[0] = l->out;
	}
	return TT_OK;
}

/* For the end of a net: nets side by side that answer as one. */
static tt_status mix_ends(struct builder *b, struct layer *l, struct ir_value **ends, int n)
{
	static const enum ir_mix of_answers[] = {
		[ANSWERS_VALUES] = MIX_VALUES, [ANSWERS_SOFTMAX] = MIX_SOFTMAX,
		[ANSWERS_SIGMOID] = MIX_SIGMOID,
	};
	const struct ir_attr a = { .mix = of_answers[loss_row(b->m->net.loss)->answers] };

	return build_op(b, l, IR_MIX, ends, n, &a);
}

static tt_status join_ends(struct builder *b, struct layer *l, struct ir_value **ends, int n)
{
	const struct ir_attr channels = { .axis = 1 };
	const int join = ((const struct group_opts *)l->opts)->join;

	if (join == JOIN_ADD)
		return sum_ends(b, l, ends, n);
	if (join == JOIN_MIX)
		return mix_ends(b, l, ends, n);
	if (build_lengths(b, ends[0]))
		return layer_err(l, TT_ESHAPE, "joins sequences one after the other");
	return build_op(b, l, IR_CONCAT, ends, n, &channels);
}

/* Szegedy et al., 2015. */
static tt_status build_branches(struct builder *b, struct layer *l)
{
	const struct group_opts *o = l->opts;
	size_t n = o->paths && o->paths->kind != NODE_TEXT ? node_count(o->paths) : 0;
	struct ir_value **ends = arena_alloc(&b->arena, (n + 1) * sizeof *ends);
	tt_status st;

	if (!ends)
		return TT_ENOMEM;
	if (n < 2 || n > 64)
		return layer_err(l, TT_ESPEC, "needs `paths`, two to 64 lists of layers");
	if ((st = run_paths(b, l, o->paths, ends)) != TT_OK ||
	    (st = check_times(b, l, ends, (int)n)) != TT_OK ||
	    (st = join_ends(b, l, ends, (int)n)) != TT_OK)
		return st;
	return build_set_lengths(b, l->out, build_lengths(b, ends[0]));
}

#define GROUP "layers of layers"
#define ROW(word, prefix, help) \
	nn_##word = { #word, prefix, GROUP, sizeof(struct group_opts), word##_options, \
	             build_##word, help, TIME_PIECES }
const struct layer_kind
	ROW(sequence, "seq", "layers one after the other, under one name"),
	ROW(repeat, "repeat", "the same layers several times, each copy with parameters of its own"),
	ROW(residual, "block", "the input plus what its body makes of it"),
	ROW(branches, "mixed", "several ways from the input, joined at the end");
