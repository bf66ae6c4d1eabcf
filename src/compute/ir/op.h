/* op.h -- an operation: its row, and what the files in ir/op share.
 *
 * A new operation is a row of ops.def and a file in ir/op, or a place in the file of its family,
 * with all that it means:
 *
 *   ir_infer_NAME   checks inputs and attributes, fills defaults, describes the outputs
 *   ir_grad_NAME    if its row says so: emits the nodes that compute the gradients of its inputs
 *   ir_flops_NAME   if its row says so: its arithmetic, where a number per element does not tell
 *   ref_NAME        its definition in plain C, over plain row-major tensors
 *
 * The reference kernels are slow on purpose: loops over indices, double accumulators where sums
 * are long, no blocking.  Every faster kernel is tested against them. */
#ifndef IR_OP_H
#define IR_OP_H

#include "compute/ir/graph.h"

#define IR_LRN_MAX 128                  /* channels that an LRN may look at */

#define IR_SIDE_MAX (1 << 24)           /* of an image that is resized: floats count so far */

struct ir_backward;
struct run_context;

/* What a reference kernel works on. */
struct ref_args {
	const struct ir_node     *node;
	const void *const        *in;      /* node->n_in pointers; absent optional ones are not there */
	void *const              *out;     /* node->n_out pointers; NULL: nobody wants that one       */
	const struct run_context *run;
	tt_status                *status;  /* TT_OK; set, by err_set, where numbers make no sense     */
	void                     *scratch; /* ir_scratch bytes, aligned; NULL: it needs none          */
};
typedef void (*ref_fn)(const struct ref_args *a);

struct ir_op_row {
	const char *name;
	int         in_min, in_max;
	int         n_out;                 /* 0: attr.parts of them                                   */
	const char *types;                 /* of the inputs, see ops.def                              */
	unsigned    grads;                 /* bit i: output i may carry a gradient                    */
	tt_status (*infer)(struct ir_node *n, struct tensor_desc *out);
	tt_status (*grad)(struct ir_backward *b, struct ir_node *n, struct ir_value *dy);  /* or NULL */
	double    (*flops)(const struct ir_node *n);                                       /* or NULL */
	double      per_out, per_in;       /* operations per element of the first output, input       */
};
const struct ir_op_row *ir_op_row(enum ir_op op);
int ir_op_outputs(const struct ir_node *n);

#define IR_OP_NONE(name)
#define IR_OP_FIRST(name) \
	tt_status ir_grad_##name(struct ir_backward *b, struct ir_node *n, struct ir_value *dy);
#define IR_OP_TWO(name) IR_OP_FIRST(name)
#define IR_OP_THREE(name) IR_OP_FIRST(name)
#define IR_OP_EACH(name) IR_OP_FIRST(name)
#define IR_OP_OUT(name)
#define IR_OP_IN(name)
#define IR_OP_RULE(name) double ir_flops_##name(const struct ir_node *n);
#define OP(NAME, name, imin, imax, out, types, grad, cost, per, text) \
	tt_status ir_infer_##name(struct ir_node *n, struct tensor_desc *out_); \
	IR_OP_##grad(name) IR_OP_##cost(name) void ref_##name(const struct ref_args *a);
#include "compute/ir/ops.def"
#undef OP

/* ---- shapes: rule.c, infer.c ---- */

/* Element types, count of outputs, then the op's own rule.  Outputs are checked by tensor_check. */
tt_status ir_infer(struct ir_node *n, struct tensor_desc out[IR_MAX_OUT]);
/* How many numbers input i may name, from 0; 0: it holds no indices. */
int64_t ir_index_limit(const struct ir_node *n, int i);

/* Bytes that the definition of an op needs to work in; 0: none. */
size_t ir_scratch(const struct ir_node *n);

/* An error that begins with "conv1 (conv2d): ". */
tt_status ir_bad(const struct ir_node *n, tt_status st, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "64x3x32x32 from input 'x'" or "64x16x8x8 from conv3"; returns buf. */
#define IR_VALUE_TEXT 256
const char *ir_value_text(const struct ir_value *v, char buf[IR_VALUE_TEXT]);

/* Height and width after n's window (kernel, stride, pad, dilation) has slid over x[N,C,H,W]. */
tt_status ir_infer_window(struct ir_node *n, const struct tensor_desc *x, int64_t out[2]);
/* What is left out of a window is this stride, and 1. */
void      ir_infer_window_default(struct ir_attr *a, const int stride[2]);
/* Input dy belongs to a window over an x of this shape that makes `channels`. */
tt_status ir_infer_window_dy(struct ir_node *n, int dy, const struct tensor_desc *x,
                             int64_t channels);
/* The shape that attr.dims says. */
tt_status ir_infer_attr(const struct ir_node *n, struct tensor_desc *out);
/* Inputs i and j have the same shape. */
tt_status ir_infer_same(const struct ir_node *n, int i, int j);
/* Input i has this shape. */
tt_status ir_infer_is(const struct ir_node *n, int i, int ndim, const int64_t *dim);
/* attr.axis is one of input 0. */
tt_status ir_infer_axis(const struct ir_node *n);

#define DESC(ndim, ...) tensor_desc_make(DTYPE_F32, ndim, (const int64_t[]){ __VA_ARGS__ })
#define IS(n, i, ndim, ...) ir_infer_is(n, i, ndim, (const int64_t[]){ __VA_ARGS__ })

/* Number i of `out` along a side of an image that had `in`: (1 - share) x[from] + share x[to].  The
 * nearest one: x[from], and from == to. */
struct ir_between { int64_t from, to; float share; };
struct ir_between ir_resize_at(enum ir_resize how, int64_t i, int64_t in, int64_t out);

/* ---- gradients: grad.c.  dy is the gradient of output 0. ---- */

/* What every failure inside the rules is: the shapes have been checked when the layer was made. */
#define GRAD_FAILED TT_ENOMEM

/* Append a node that belongs to layer n; `in` ends with NULL. */
struct ir_node *ir_grad_emit(struct ir_backward *b, const struct ir_node *n, enum ir_op op,
                             const struct ir_attr *attr, struct ir_value *const *in);
#define GRAD_EMIT(b, n, op, attr, ...) \
	ir_grad_emit(b, n, op, attr, (struct ir_value *const[]){ __VA_ARGS__, NULL })

/* grad, or output i of node d (NULL: it failed), becomes a part of v's gradient. */
tt_status ir_give(struct ir_backward *b, struct ir_value *v, struct ir_value *grad);
tt_status ir_give_out(struct ir_backward *b, struct ir_value *v, const struct ir_node *d, int i);

/* The same of a v that was repeated: grad (NULL: it failed) is summed over the dimensions that v
 * has as 1 or not at all, and takes v's shape. */
tt_status ir_give_reduced(struct ir_backward *b, const struct ir_node *n, struct ir_value *v,
                          struct ir_value *grad);

/* The gradient of output i: zeros if nobody reads that one.  NULL on error. */
struct ir_value *ir_grad_of(struct ir_backward *b, const struct ir_node *n, int i);
/* The layer's attributes for its gradient nodes: linear, with the shape of x. */
struct ir_attr   ir_grad_attr(const struct ir_node *n, const struct ir_value *x);
/* Can the slope be told from the output? */
int              ir_slope_from_y(const struct ir_attr *a);
/* The gradient in front of an activation that the layer holds itself; NULL on error. */
struct ir_value *ir_before_act(struct ir_backward *b, const struct ir_node *n, struct ir_value *dy);
/* Of x, w and b? by two operations. */
struct ir_linear { enum ir_op dx, dw; };
tt_status        ir_grad_linear(struct ir_backward *b, struct ir_node *n, struct ir_value *dy,
                                struct ir_linear op);

/* ---- kernels ---- */

/* Of a running statistic and the newest: exact at both ends of momentum. */
double ref_blend(double run, double now, double momentum);
double ref_act_value(enum ir_act act, double alpha, double x);
/* The slope at a point given by its input x ... */
double ref_act_slope(enum ir_act act, double alpha, double x);
/* ... or by its output y; not defined for gelu, silu and hardswish, which are not monotonous. */
double ref_act_slope_y(enum ir_act act, double alpha, double y);

/* log(sum(exp(x))) of x[n] */
double ref_log_sum_exp(const float *x, int64_t n);

static inline const struct tensor_desc *ref_in(const struct ref_args *a, int i)
{
	return &a->node->in[i]->desc;
}

static inline const struct tensor_desc *ref_out(const struct ref_args *a, int i)
{
	return &a->node->out[i]->desc;
}

/* Elements behind dimension d: the distance of neighbours along it. */
static inline int64_t ref_inner(const struct tensor_desc *t, int d)
{
	int64_t n = 1;

	for (int i = d + 1; i < t->ndim; i++)
		n *= t->dim[i];
	return n;
}

static inline double ir_count(const struct ir_value *v)
{
	return (double)tensor_count(&v->desc);
}

#endif
