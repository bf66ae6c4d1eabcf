/* layer.h -- what layers need in order to add themselves to a graph.
 *
 * A build either collects the parameter table of a new model or finds its parameters in it: the
 * order of layers is the same, so the n-th parameter asked for is the n-th of the table.
 * Private to nn/. */
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include "base/pattern.h"
#include "learn/nn/layers/kinds.h"
#include "learn/nn/model.h"

/* The first settings of every layer; their rows; and what all option structs begin with. */
struct layer_base {
	const char        *name;
	const struct node *from;
	const char        *share;
};
#define LAYER_BASE  const char *name; const struct node *from; const char *share
#define LAYER_ROWS(T) \
	OPT_TEXT(T, name, NULL, "what the layer is called; its parameters are NAME.weight ..."), \
	OPT_NODE(T, from, "name of an earlier layer, or input; by default the layer before"), \
	OPT_TEXT(T, share, NULL, "name of an earlier layer whose parameters it uses, where both have " \
	         "one of that name; by default it has its own")

struct layer {
	const struct layer_kind *kind;
	const char              *name;    /* full: "layer1.0.conv1"                          */
	const struct node       *node;    /* its settings, for messages                      */
	const void              *opts;    /* the kind's struct                               */
	struct ir_value        **in;      /* what `from` names, or the value before it       */
	int                      n_in;
	struct ir_value         *out;     /* to be set by build                              */
};

/* How the names in a list of layers are made. */
enum naming {
	NAMES_BY_KIND,          /* conv1, conv2                   */
	NAMES_BY_PLACE          /* 0, 1, as in torch's Sequential */
};
struct scope {
	const char *path;                 /* put before names: "" or "layer1."               */
	enum naming naming;
	int64_t     start;                /* BY_PLACE: number of the first                   */
};

/* A layer that uses the parameters of another; so do those inside it. */
struct shared {
	const char    *name, *of;         /* with dots at the end: "b.", "a."                */
	int            used;
	struct shared *next;
};

struct builder {
	struct ir_graph       *g;
	const struct tt_model *m;
	struct tt_model       *grow;      /* == m while the tables are collected; else NULL  */
	struct nn_shape        shape;     /* what for                                        */
	struct pattern_list   *freeze;    /* while they are collected: what is not trained   */
	struct arena           arena;     /* of the build: layers, names                     */
	struct known          *known;     /* values by name, latest first                    */
	struct ir_value      **input;     /* [m->n_inputs]                                   */
	struct ir_value       *last;      /* what the next layer reads                       */
	struct timed          *timed;     /* sequences and their lengths                     */
	struct shared         *shared;    /* layers that use the parameters of others        */
	uint64_t               at_rest;   /* a bit for each parameter asked for: is it frozen? */
	struct ir_value       *places;    /* NN_STEP: s32 [batch, length], where in them     */
	struct carried        *carried;   /* states from outside, as they were asked for     */
	struct nn_states      *states;    /* who wants to know of them; NULL: nobody         */
	int64_t                most_places;   /* that positions have numbers for; 0: any     */
	int                    n_layers, n_params, n_buffers;
	int                   *alike;     /* layers so far of the list at hand, by place_of  */
	/* The layers of a list, one after the other, from last on: for layers made of layers. */
	tt_status            (*list)(struct builder *b, const struct node *list,
	                             const struct scope *s);
};

/* "file:line: layer NAME (kind) " before the text. */
#define layer_err(l, st, ...) err_give(st, layer_err_text(l, __VA_ARGS__))
int layer_err_text(const struct layer *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The error of a lower layer gets file and line. */
tt_status layer_failed(const struct layer *l);

/* An input must have this many dims with the batch; `what` says it for people. */
tt_status layer_need_dims(const struct layer *l, int ndim, const char *what);
/* "64x16x5x5 from pool2" */
#define LAYER_VALUE_TEXT (TENSOR_TEXT + 128)
const char *layer_value_text(const struct ir_value *v, char buf[LAYER_VALUE_TEXT]);

/* Sequences.  A value [N,T,..] may have lengths, s32 [N]: of sample n the places from lengths[n] on
 * are there to fill up, and nothing may depend on them.  NULL: all places count. */
struct ir_value *build_lengths(const struct builder *b, const struct ir_value *v);
tt_status        build_set_lengths(struct builder *b, const struct ir_value *v,
                                   struct ir_value *lengths);
/* No sequence of such lengths may have more than `most` places. */
tt_status        build_limit(struct builder *b, const struct layer *l,
                             const struct ir_value *lengths, int64_t most);

/* A state of the layer, NAME.what, from the piece of the sequence before this one: *in is an input
 * of the graph.  build_state_out says what the next piece gets. */
struct want_state {
	const char         *what;
	enum nn_state_form  form;
	int                 ndim;
	int64_t             dim[TENSOR_MAX_DIMS];
};
tt_status build_state(struct builder *b, struct layer *l, const struct want_state *w,
                      struct ir_value **in);
void      build_state_out(struct builder *b, const struct ir_value *in, struct ir_value *out);
/* Does a net of this shape get its states from outside? */
int       build_has_states(const struct builder *b);

/* What a layer asks for: a parameter or a buffer called NAME.what. */
struct want {
	const char     *what;
	int             ndim;
	int64_t         dim[TENSOR_MAX_DIMS];
	enum param_role role;
	struct init     init;
	int             frozen;           /* a buffer of a layer at rest                     */
};
/* Of a layer that shares: the other's parameter of that name, if there is one. */
tt_status build_param(struct builder *b, struct layer *l, const struct want *w,
                      struct ir_value **out);
tt_status build_buffer(struct builder *b, struct layer *l, const struct want *w,
                       struct ir_value **out);
/* Are the last n parameters that were asked for all frozen? */
int       build_is_frozen(const struct builder *b, int n);

/* l->out = op(in); node may be NULL. */
tt_status build_op(struct builder *b, struct layer *l, enum ir_op op, struct ir_value *const *in,
                   int n_in, const struct ir_attr *attr);
/* l->out = dropout(l->out) when training; the mask's stream is the name of layer and `what`, which
 * may be NULL: other layers do not change it. */
tt_status build_dropout(struct builder *b, struct layer *l, const char *what, double p);
/* l->out = act(l->out); ACT_NONE does nothing.  alpha is the act's own. */
tt_status build_act(struct builder *b, struct layer *l, int act);

extern const char *const act_words[];            /* none, relu, ... as enum ir_act            */
extern const char *const layer_init_words[];     /* default, then init_words                  */
/* The init of a weight: what the layer says, else the model; and of a bias beside it. */
struct init build_weight_init(const struct builder *b, int word, int64_t fan_in, int64_t fan_out);
struct init build_bias_init(const struct init *weight);

/* The rows of kinds.c. */
#define LAYER_KINDS(X) \
	X(conv2d) X(depthwise2d) X(dense) X(embedding) X(maxpool) X(avgpool) X(globalpool) \
	X(conv_transpose2d) X(upsample) X(conv1d) X(maxpool1d) X(avgpool1d) \
	X(batchnorm) X(layernorm) X(dropout) \
	X(rmsnorm) X(groupnorm) X(instancenorm) X(lrn) \
	X(flatten) X(reshape) X(add) X(concat) \
	X(transpose) X(pad) X(slice) X(reduce) X(multiply) \
	X(seqpool) X(class_token) X(rnn) X(lstm) X(gru) X(attention) X(transformer) X(positions) \
	X(relu) X(leaky_relu) X(prelu) X(elu) X(gelu) X(silu) X(sigmoid) X(tanh) \
	X(relu6) X(hardswish) X(hardsigmoid) X(softmax) \
	X(sequence) X(repeat) X(residual) X(branches)
#define X(kind) extern const struct layer_kind nn_##kind;
LAYER_KINDS(X)
#undef X

#endif
