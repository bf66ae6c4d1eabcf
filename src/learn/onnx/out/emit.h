/* emit.h -- a graph of ours becomes nodes of ONNX, one after the other.  Private to this folder.
 *
 *   ir_node --out_row--> emit(...) emit(...)          names of values are "LAYER/Operator"
 *
 * A failed emit (no memory) is remembered in e->failed, so that a chain of emits needs one check at
 * its end; what comes back is a name in any case. */
#ifndef ONNX_EMIT_H
#define ONNX_EMIT_H

#include <onnx.pb-c.h>

#include "learn/nn/model.h"
#include "learn/onnx/out/rows.h"
#include "learn/onnx/types.h"

#define ONNX_IR_VERSION 8               /* that has opset 17 */
#define ONNX_OPSET 17

struct made;

struct emitter {
	const struct tt_model *m;
	struct nn_shape  shape, other;
	struct ir_graph *g, *twin;          /* of shape and of other; see size_of                     */
	struct arena     arena;
	struct made     *first, *last;      /* nodes                                                  */
	struct stored   *stored, *stored_last;
	size_t           n_nodes, n_stored;
	const char     **of;                /* by value: what it is called                            */
	const char      *places;            /* int64 [1], how long sequences are; NULL: not made yet */
	const char      *batch;             /* int64 [1], how many samples; likewise                 */
	int              failed;
};

/* How a dimension comes about; rows: batch times length. */
enum size { SIZE_FIXED, SIZE_BATCH, SIZE_LENGTH, SIZE_ROWS, SIZE_OTHER };
enum size size_of(const struct emitter *e, const struct ir_value *v, int dim);

/* Append a node of the layer `of` and give the name of its first output; inputs end with NULL, ""
 * is one that is not there. */
const char *emit(struct emitter *e, const char *of, const char *op, const char *const *in);
#define EMIT(e, of, op, ...) emit(e, of, op, (const char *const[]){ __VA_ARGS__, NULL })
/* The value gets another name: that of an output of the net. */
void emit_rename(struct emitter *e, const char *value, const char *name);
/* Another output of the node that came last. */
const char *emit_output(struct emitter *e, int number);
/* Its attributes. */
void emit_int(struct emitter *e, const char *name, int64_t v);
void emit_ints(struct emitter *e, const char *name, const int64_t *v, int n);
void emit_float(struct emitter *e, const char *name, float v);
void emit_text(struct emitter *e, const char *name, const char *v);
void emit_words(struct emitter *e, const char *name, const char *v, int n);    /* n times v */

/* An initializer: data is borrowed, or copied by those below. */
const char *emit_stored(struct emitter *e, const char *name, enum onnx_type type,
                        const struct tensor_desc *d, const void *data);
const char *emit_i64(struct emitter *e, const char *of, const int64_t *v, int n);
const char *emit_f32(struct emitter *e, const char *of, const struct tensor_desc *d,
                     const float *v);
const char *emit_number(struct emitter *e, const char *of, float v);              /* f32 []   */
const char *emit_whole(struct emitter *e, const char *of, int64_t v);             /* int64 [] */
const char *emit_constant(struct emitter *e, const char *of, enum onnx_type type,
                          const struct tensor_desc *d, const void *v);

/* Room that lives as long as the emitter; never NULL, but see e->failed. */
void *emit_room(struct emitter *e, size_t n, size_t size);

/* The name of the i-th input of a node; NULL if it has none.  Parameters are stored when they are
 * read first. */
const char *emit_in(struct emitter *e, const struct ir_node *n, int i);
/* How long sequences are, and how many samples there are, as int64 [1]. */
const char *emit_places(struct emitter *e);
const char *emit_batch(struct emitter *e);
/* The node's first output is its first input in another shape.  TT_ESUPPORT: it cannot be said. */
tt_status emit_reshape(struct emitter *e, const struct ir_node *n);
/* y behind the node's activation is its first output. */
tt_status emit_answer(struct emitter *e, const struct ir_node *n, const char *y);
tt_status emit_refuse(const struct ir_node *n, const char *why);

/* All of e->g's nodes. */
tt_status emit_graph(struct emitter *e);
void      emit_release(struct emitter *e);

/* The messages, in order: tables of pointers that live as long as the emitter. */
Onnx__Node   **emit_nodes(struct emitter *e);
Onnx__Tensor **emit_initializers(struct emitter *e);

#define OUT_OPS(X) \
	X(conv2d) X(conv2d_dx) X(dense) X(pool) X(batchnorm) X(layernorm) X(groupnorm) X(rmsnorm) \
	X(lrn) X(act) X(prelu) X(softmax) X(add) X(sum) X(concat) X(bias) X(resize) X(mix) X(reshape) \
	X(embedding) X(slice) X(fill) X(matmul) X(multiply) X(broadcast) X(transpose) X(reduce) \
	X(index) X(split) X(pad) X(recurrent) X(attention) X(rotary) X(sinusoid) X(places)
#define X(op) tt_status out_##op(struct emitter *e, const struct ir_node *n);
OUT_OPS(X)
#undef X

#endif
