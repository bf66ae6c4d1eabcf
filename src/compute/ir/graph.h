/* graph.h -- a static graph of tensor operations.
 *
 *   value --> node --> value --> node --> ...        single assignment, nodes in running order
 *
 * Values are inputs, parameters, buffers (running statistics) or outputs of nodes.  Graph,
 * nodes and values live in one arena and die with the graph.  Building never checks twice:
 * ir_emit infers and checks shapes at once.  Single-threaded. */
#ifndef IR_GRAPH_H
#define IR_GRAPH_H

#include "base/arena.h"
#include "base/str.h"
#include "compute/tensor/desc.h"

#define IR_MAX_OUT 8             /* outputs of a node */

enum ir_op {
#define OP(NAME, ...) IR_##NAME,
#include "compute/ir/ops.def"
#undef OP
	IR_OP_COUNT
};

enum ir_act {
	ACT_NONE, ACT_RELU, ACT_LEAKY_RELU, ACT_ELU, ACT_GELU, ACT_SILU, ACT_SIGMOID, ACT_TANH,
	ACT_RELU6, ACT_HARDSWISH, ACT_HARDSIGMOID
};
#define ACT_COUNT (ACT_HARDSIGMOID + 1)
/* gelu is the exact one, x*Phi(x) by erf; alpha: slope of leaky_relu, scale of elu. */

enum ir_mix { MIX_VALUES, MIX_SOFTMAX, MIX_SIGMOID };

enum ir_resize { RESIZE_NEAREST, RESIZE_BILINEAR };

enum ir_reduce { REDUCE_SUM, REDUCE_MEAN, REDUCE_MAX, REDUCE_LAST };    /* last: PLACES alone */

/* All attributes of all ops: attrs.def. */
struct ir_attr {
#define ATTR(type, field, kind, speed, text)         type field;
#define ATTRS(type, field, count, kind, speed, text) type field[count];
#include "compute/ir/attrs.def"
#undef ATTR
#undef ATTRS
};

/* The same as a table, for whoever reads, prints or compares them. */
enum ir_attr_kind { ATTR_INT, ATTR_I64, ATTR_F32 };
struct ir_attr_row {
	const char       *name;
	size_t            offset;
	int               count;
	enum ir_attr_kind kind;
	int               timed;        /* the speed of a node may depend on it */
};
extern const struct ir_attr_row ir_attr_rows[];         /* ends with a name of NULL */
/* " kernel=3,3 stride=1,1": those that are not zero and that the speed may depend on. */
void ir_attr_key(const struct ir_attr *a, struct str *out);

enum ir_kind { IR_TEMP, IR_INPUT, IR_PARAM, IR_BUFFER };

struct ir_value {
	enum ir_kind       kind;
	int                id;          /* 0, 1, ... in the graph                             */
	const char        *name;        /* inputs, params, buffers: unique; else of its node  */
	uint64_t           hash;        /* of the name, where it is unique                    */
	struct tensor_desc desc;
	struct ir_node    *maker;       /* TEMP: who writes it                                */
	int                index;       /* TEMP: which output of the maker; INPUT: which one  */
	size_t             offset;      /* PARAM, BUFFER: first element in the flat vector    */
	struct ir_value   *grad;        /* after ir_backward: d loss / d this, or NULL        */
	int                wants_grad;
	int                is_grad;     /* ir_backward: it is somebody's grad                 */
	int                output;      /* marked by ir_output: n > 0 is the n-th output      */
};

struct ir_node {
	enum ir_op       op;
	int              id;
	const char      *name;          /* the layer it belongs to, for people                */
	struct ir_attr   attr;
	int              n_in, n_out;
	struct ir_value **in, *out[IR_MAX_OUT];
	struct ir_node  *prev, *next;
	int              backward;      /* made by ir_backward                                */
};

struct ir_graph {
	struct arena     arena;
	struct ir_node  *first, *last;
	struct ir_value **value;        /* by id                                              */
	int              n_values, n_nodes, n_inputs, n_outputs;
	int              cap_values;
	size_t           param_count, buffer_count;   /* elements of the flat vectors         */
};

tt_status ir_graph_new(struct ir_graph **out);
void      ir_graph_free(struct ir_graph **g);

struct ir_value *ir_input(struct ir_graph *g, const char *name, const struct tensor_desc *d);
/* offset: where it lies in the flat vector of parameters or buffers. */
struct ir_value *ir_param(struct ir_graph *g, const char *name, const struct tensor_desc *d,
                          size_t offset);
/* A parameter that is not trained: it has no gradient, nor has what depends on no other.  Before
 * anything reads it. */
void             ir_freeze(struct ir_value *param);
struct ir_value *ir_buffer(struct ir_graph *g, const char *name, const struct tensor_desc *d,
                           size_t offset);

/* Append a node.  Returns it (outputs in ->out[]), or NULL with the error set: TT_ESHAPE names the
 * layer, both inputs' makers and both shapes.  attr may be NULL where the op needs none. */
struct ir_node *ir_emit(struct ir_graph *g, enum ir_op op, const char *name,
                        struct ir_value *const *in, int n_in, const struct ir_attr *attr);

/* Keep a value: it becomes the next output of programs made from this graph. */
void ir_output(struct ir_graph *g, struct ir_value *v);

/* Append the gradients of seed[0] * loss by every parameter; seed is a new INPUT "seed".  After
 * that each PARAM that matters has ->grad. */
tt_status ir_backward(struct ir_graph *g, struct ir_value *loss);

/* Floating-point operations of a node, a multiply-add counted as two. */
double ir_flops(const struct ir_node *n);

const char *ir_op_name(enum ir_op op);          /* "conv2d" */
const char *ir_act_name(enum ir_act a);         /* "relu"   */
void ir_print(const struct ir_graph *g, struct str *out);     /* a line a node, for people */

/* The rules of the language (single assignment, order, shapes, counts); TT_EINTERNAL names the
 * node that breaks one.  On in every test. */
tt_status ir_verify(const struct ir_graph *g);

#endif
