/* net.h -- an ONNX graph on its way to a spec.  Private to this folder.
 *
 *   values by name   what each stands for: a layer of ours, a constant, or a list of dimensions
 *   in_row           what an operator becomes: lines of YAML, and numbers for their parameters
 *
 * Nodes come in the order in which they run, as ONNX asks: what none before has made is refused. */
#ifndef ONNX_NET_H
#define ONNX_NET_H

#include <onnx.pb-c.h>

#include <tutti/status.h>

#include "base/arena.h"
#include "base/str.h"
#include "compute/tensor/desc.h"
#include "learn/onnx/types.h"

/* Dimensions that no file fixes, and whole numbers of them: c times batch (n) times length (t). */
#define NET_SYMBOL(c, n, t) (-((int64_t)(c) * 4 + (n) * 2 + (t)) - 1000)
#define NET_BATCH  NET_SYMBOL(1, 1, 0)
#define NET_LENGTH NET_SYMBOL(1, 0, 1)
#define NET_IS_SYMBOL(v) ((v) <= NET_LENGTH)
/* Those of constants, inputs and layers are at most this: the product of two is an int64_t. */
#define NET_DIM_MAX INT32_MAX

enum value_kind {
	VALUE_LAYER,            /* what one of our layers gives, or an input                     */
	VALUE_CONSTANT,         /* numbers                                                       */
	VALUE_LENGTHS,          /* of sequences, beside them                                     */
	VALUE_MARK,             /* on the way to a layer of many nodes: marks.h                  */
	VALUE_VIEW              /* the same of attention: views.h                                */
};
/* How a layer's value lies, seen from ours. */
enum value_form {
	FORM_PLAIN,
	FORM_BYTES,             /* an input of bytes, 0 to 255                                   */
	FORM_TIME_FIRST,        /* [T, N, ..]                                                    */
	FORM_SIDES,             /* [T, sides, N, H] of a recurrence                              */
	FORM_SIDES_LAST,        /* [sides, N, H], its states at the end                          */
	FORM_BATCH_SIDES,       /* [T, N, sides, H]                                              */
	FORM_PLACES_SIDES,      /* [N, T, sides, H]                                              */
	FORM_STATE_SIDES        /* [N, sides, H]                                                 */
};

/* Numbers: f of float types, i of whole ones; read when they are asked for. */
struct constant {
	const Onnx__Tensor *t;
	int      whole;
	float   *f;
	int64_t *i;
};

struct value {
	const char       *name;              /* in the file                                      */
	enum value_kind   kind;
	enum value_form   form;
	const char       *layer;             /* of ours, or the input's name                     */
	int               input;             /* number of the input that it is; -1: none         */
	int               ndim;              /* of a constant or of a layer's value, batch first */
	int64_t           dim[TENSOR_MAX_DIMS + 1];
	struct constant   c;
	struct mark      *mark;
	struct view      *view;
	struct value     *next;              /* in the table                                     */
};

/* Numbers of one of our tensors. */
struct number { const char *name; int ndim; int64_t dim[TENSOR_MAX_DIMS]; const float *f; };

struct onnx_in {
	const char *name;
	struct value *v;
	int         ndim, ragged, whole;
	int64_t     dim[TENSOR_MAX_DIMS];
	const struct value *mean, *std;
};

struct net {
	const char         *path;
	struct arena        arena;
	const Onnx__Model  *model;
	const Onnx__Graph  *g;               /* what the answer needs, and that as its only output */
	Onnx__Graph         needed;
	const char *const  *classes;         /* that nodes name; NULL: none                      */
	size_t              n_classes;
	int64_t             opset, batch;    /* batch: that the file fixes; 0: none                   */
	struct value      **table;
	struct taken      **names;           /* of layers and inputs, ours                       */
	size_t              slots;           /* of both tables                                   */
	char               *done;            /* by node: said already, with another              */
	size_t              at;              /* the node that is looked at                       */
	struct onnx_in      *input;
	int                 n_inputs;
	const char         *latest;          /* layer that was said last                         */
	const char         *loss;            /* that an answer's activation sets, or NULL        */
	struct number      *number;
	size_t              n_numbers, cap_numbers;
	struct str          yaml;
	size_t              folded;          /* numbers that were computed of constants          */
	size_t              used, usable;    /* numbers of parameters, and how many are believed  */
	int                 failed;          /* no memory                                        */
};

/* ---- values ---- */

struct value *onnx_find(const struct net *r, const char *name);
/* Which output is the answer, and r->g of all that it needs. */
tt_status     onnx_reach(struct net *r);
/* A new one; TT_EFORMAT: there is one of that name. */
tt_status     onnx_add(struct net *r, const char *name, enum value_kind kind, struct value **out);
/* An input of a node: NULL where it is not there. */
tt_status     onnx_input(struct net *r, const Onnx__Node *n, size_t i, struct value **out);
/* The same, and it must be what a layer gives. */
tt_status     onnx_layer(struct net *r, const Onnx__Node *n, size_t i, struct value **out);
/* ... must be a constant of floats (*f) or whole numbers (*v); *count of them. */
tt_status     onnx_floats(struct net *r, const struct value *v, const float **f, size_t *count);
tt_status     onnx_wholes(struct net *r, const struct value *v, const int64_t **i, size_t *count);
/* v becomes the tensor, if that has as many numbers as its shape says. */
tt_status     onnx_constant_of(struct net *r, const Onnx__Tensor *t, struct value *v);
size_t        value_count(const struct value *v);
/* One number, or one for each along the first dimension of a sample of x. */
int           value_is_per_channel(const struct value *v, const struct value *x);
/* One number, of a constant of one element. */
int           onnx_number(struct net *r, const struct value *v, double *out);

/* Products and quotients of dimensions, some of them symbols; 0: there is none. */
int64_t       onnx_times(int64_t a, int64_t b);
int64_t       onnx_over(int64_t a, int64_t b);
/* Of a file that fixes the batch (0: it does not) the number that it is. */
int64_t       onnx_fix(int64_t dim, int64_t batch);

/* ---- nodes ---- */

const Onnx__Attribute *onnx_attribute(const Onnx__Node *n, const char *name);
int64_t     onnx_int(const Onnx__Node *n, const char *name, int64_t fallback);
double      onnx_float(const Onnx__Node *n, const char *name, double fallback);
/* "" where there is none. */
int         onnx_word_is(const Onnx__Node *n, const char *name, const char *word, const char *def);
/* The list `axes`, an attribute or, of later opsets, the second input; negative ones count from
 * the end of ndim, and none is far from what a tensor has. */
tt_status   onnx_axes(struct net *r, const Onnx__Node *n, int ndim, int64_t *axes, int *count);
/* The only node that reads a node's first output; NULL: none, or several, or the file's answer. */
const Onnx__Node *onnx_next(const struct net *r, const Onnx__Node *n);
int         onnx_reads(const Onnx__Node *n, const char *name);
int         onnx_is(const Onnx__Node *n, const char *op);      /* n may be NULL */
/* Of a node of this kind with two inputs the one that is not `name`; NULL: it is no such node. */
struct value *onnx_other(const struct net *r, const Onnx__Node *n, const char *op,
                        const char *name);
/* Both inputs, which must be there. */
tt_status   onnx_both(struct net *r, const Onnx__Node *n, struct value **a, struct value **b);
void        onnx_skip(struct net *r, const Onnx__Node *n);
/* TT_ESUPPORT: "FILE: node NAME (OP): WHY". */
tt_status   onnx_refuse(const struct net *r, const Onnx__Node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
tt_status   onnx_damaged(const struct net *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- saying ---- */

/* No layer will be called so.  TT_ENOMEM */
tt_status   onnx_take_name(struct net *r, const char *name);
/* What our layer is called: as its weight (a value, or NULL) or as the node says. */
const char *onnx_name(struct net *r, const Onnx__Node *n, const struct value *weight);
/* "  - kind: {settings, name: NAME, from: ..}" of these layers, NULL-terminated; the value of the
 * node's output (or of the i-th of `last`, whose chain it ends) has this shape. */
struct saying {
	const Onnx__Node   *n;           /* whose output it is                               */
	const char         *name;
	struct value *const *in;
	int                 n_in, ndim;
	const int64_t      *dim;
};
tt_status   onnx_say(struct net *r, const struct saying *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The line alone, without a value. */
tt_status   onnx_line(struct net *r, const struct saying *s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* So many numbers more of parameters.  TT_ESUPPORT: many layers share what the file has once. */
tt_status   onnx_use(struct net *r, const Onnx__Node *n, size_t count);
/* The parameter NAME.what is these numbers. */
tt_status   onnx_give(struct net *r, const char *name, const char *what, const struct number *x);
/* ... is the constant v, of any shape, as `ndim` dims. */
tt_status   onnx_give_value(struct net *r, const char *name, const char *what,
                           const struct value *v);

/* The i-th output of n is the value v under another name, in another form or shape. */
tt_status   onnx_alias(struct net *r, const Onnx__Node *n, const struct value *v,
                      struct value **out);
void       *onnx_room(struct net *r, size_t n, size_t size);

/* [in, out] of theirs as NAME.what, [out, in]; and what a sum with a constant list behind a product
 * adds, whose node *last then is, or NULL. */
tt_status     onnx_give_turned(struct net *r, const Onnx__Node *n, const char *name,
                              const char *what, const struct value *w);
struct value *onnx_bias(struct net *r, const Onnx__Node *n, int64_t out, const Onnx__Node **last);

/* ---- operators ---- */

struct in_row {
	const char *op;
	tt_status (*say)(struct net *r, const Onnx__Node *n);
};
extern const struct in_row onnx_in_rows[];                  /* ends with an op of NULL */

/* Is the node a sum with constants alone?  Then its value is one: *folded is 1. */
tt_status onnx_fold(struct net *r, const Onnx__Node *n, int *folded);

#endif
