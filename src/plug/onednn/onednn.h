/* onednn.h -- what the files of this folder share; nothing outside includes it.
 *
 * The only folder that knows dnnl.h, written for oneDNN 2.6's C interface.  Each prepare_* turns
 * a node into primitives whose layouts are oneDNN's choice ("any") and propagate from node to node.
 * Primitives, memory objects and scratch are made once; running is dnnl_primitive_execute. */
#ifndef ONEDNN_ONEDNN_H
#define ONEDNN_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>

#include "compute/exec/device.h"
#include "compute/exec/host/hostkernel.h"

struct one_device {
	struct device base;
	dnnl_engine_t engine;
	dnnl_stream_t stream;
};

struct one_layout {
	struct layout      base;
	dnnl_memory_desc_t md;
	int                workspace;     /* buffer that travels with it (batch norm), or -1 */
};

typedef dnnl_memory_desc_t md_t;

/* kernel.c: a failed call becomes a status with oneDNN's reason. */
tt_status one_check(dnnl_status_t s, const char *what);

/* layout.c: between values and memory descriptors. */
dnnl_data_type_t one_type(enum dtype t);
md_t one_md(const struct tensor_desc *d, dnnl_data_type_t t, dnnl_format_tag_t tag);
md_t one_md_any(const struct tensor_desc *d, dnnl_data_type_t t);
md_t one_md_plain(const struct tensor_desc *d);              /* row-major, the value's own dtype */
md_t one_md_typed(const struct tensor_desc *d, dnnl_data_type_t t);   /* row-major, of this type */
md_t one_md_rows(const struct tensor_desc *d, dnnl_data_type_t t);    /* [rows, C], row-major */
md_t one_md_vector(int64_t n);                               /* f32 [n] */
md_t one_md_as_plain(const md_t *like, dnnl_data_type_t t);  /* same dims, row-major */
dnnl_data_type_t one_act_type(const struct plan *p);         /* of activations: f32 or bf16 */
/* The layout v was made in, if it is one of ours.  NULL: plain; or another device's, from which
 * plan_in brings v as plain numbers. */
const struct one_layout *one_layout_of(const struct plan *p, const struct ir_value *v);
/* The descriptor of v as it lies now; plain if it is plain. */
md_t one_md_lies(const struct plan *p, const struct ir_value *v);
/* The same as the library likes it: images in lanes (lanes.c) count as blocks of channels. */
md_t one_md_of(const struct plan *p, const struct ir_value *v);
/* md as a layout of v: NULL if that is plain.  TT_ENOMEM leaves *out alone. */
tt_status one_layout(struct one_device *d, struct plan *p, const struct ir_value *v, const md_t *md,
                     const struct layout **out);
/* The layout for kernels of ours that know blocks of 16 channels: those if v is an f32 image that
 * fills them and the library would have it so, else NULL, plain. */
tt_status one_blocks(struct one_device *d, struct plan *p, const struct ir_value *v,
                     const struct layout **out);
int  one_layout_same(const struct layout *a, const struct layout *b);
void one_layout_text(const struct layout *l, char buf[VARIANT_NAME]);
/* Images with their number in the lanes (lanes.c): is it this layout of t? */
int  one_is_lanes(const md_t *md, dnnl_data_type_t t);
int  one_in_lanes(const struct one_layout *l);

/* reorder.c: a step that copies buffer `from` to `to`, whose layouts differ. */
tt_status one_reorder(struct device *d, struct plan *p, int from, int to);

/* kernel.c: a primitive and its arguments become a step. */
#define ONE_MAX_ARGS 70
struct one_arg { int key, buf; md_t md; };          /* DNNL_ARG_*, plan buffer, how it is seen */
struct one_args { struct one_arg a[ONE_MAX_ARGS]; int n; tt_status st; };

/* Argument `key` reads v, wanted as md; writes v, made as md; is a buffer. */
void one_reads(struct one_device *d, struct plan *p, struct one_args *a, int key,
               const struct ir_value *v, const md_t *md);
void one_writes(struct one_device *d, struct plan *p, struct one_args *a, int key,
                const struct ir_value *v, const md_t *md);
/* The same over the memory of the argument `over` where that is free. */
void one_writes_over(struct one_device *d, struct plan *p, struct one_args *a, int key,
                     const struct ir_value *v, int over);
void one_uses(struct one_args *a, int key, int buf, const md_t *md);
/* The step; pd is taken (destroyed), also on failure.  Scratch is planned here. */
tt_status one_step(struct one_device *d, struct plan *p, struct one_args *a,
                   dnnl_primitive_desc_t pd);
const md_t *one_query(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index);

/* Attributes every primitive gets: scratch from us, and activation after it. */
tt_status one_attr(enum ir_act act, float alpha, dnnl_primitive_attr_t *out);
dnnl_alg_kind_t one_eltwise(enum ir_act act, int use_y);

/* In a bf16 program each layer may also be computed as in an f32 one, by a variant whose name
 * begins with this: what is slow in bf16, or costs more copies than it saves.  The type that a
 * variant works in; what is left of its name. */
#define ONE_F32 "f32:"
dnnl_data_type_t one_variant_type(const struct plan *p, const char **variant);
/* The i-th type that a program may work in, and what its variants' names begin with. */
int one_types(const struct plan *p, int i, dnnl_data_type_t *t, const char **prefix);

/* The implementation of an operation that is called `name` ("" or NULL: the first). */
tt_status one_find(struct one_device *d, const_dnnl_op_desc_t op, const_dnnl_primitive_attr_t attr,
                   const_dnnl_primitive_desc_t hint, const char *name, dnnl_primitive_desc_t *out);
/* All implementations, "prefix" before each name; returns the new count.  The plain references
 * are left out unless nothing else is there. */
int one_list(struct one_device *d, const_dnnl_op_desc_t op, const_dnnl_primitive_desc_t hint,
             const char *prefix, char names[][VARIANT_NAME], int count, int max);

/* One per family: conv.c dense.c matmul.c pool.c norm.c eltwise.c join.c axes.c */
typedef tt_status one_prepare_fn(struct one_device *d, struct plan *p, const struct ir_node *n,
                                 const char *variant);
one_prepare_fn one_conv, one_dense, one_pool, one_pool_dx, one_batchnorm, one_batchnorm_infer,
	one_batchnorm_dx, one_act, one_act_dx, one_add, one_softmax, one_concat, one_slice, one_split,
	one_dropout, one_sync_batchnorm, one_matmul, one_transpose, one_axes, one_recurrent,
	one_pass, one_attention, one_sequences;
typedef int one_variants_fn(struct one_device *d, struct plan *p, const struct ir_node *n,
                            char names[][VARIANT_NAME], int max);
one_variants_fn one_conv_variants, one_dense_variants, one_pool_variants, one_matmul_variants;

/* act.c: activations of ours; the library's lose a NaN, alone and behind a convolution.
 * one_library_act: what is left for the library. */
int         one_own_act(const struct ir_attr *a);
enum ir_act one_library_act(const struct ir_attr *a);
/* The step from one buffer to another (or itself), both as md says. */
tt_status   one_act_step(struct plan *p, const struct ir_attr *a, const md_t *md, int from, int to);
tt_status   one_add_relu_step(struct plan *p, const md_t *md, const int *args);  /* a, b, y */

/* linear.c: which of the three a node is; its step once the primitive is found (pd is taken). */
enum one_role { ROLE_FWD, ROLE_DX, ROLE_DW };
enum one_role one_role(const struct ir_node *n);
tt_status     one_linear(struct one_device *d, struct plan *p, const struct ir_node *n,
                         dnnl_primitive_desc_t pd);

/* own.c: a convolution of ours in oneDNN's layout, as one more variant where it fits. */
#define ONE_OWN "tutti:winograd-4x4"
int       one_own_fits(dnnl_data_type_t t, const struct ir_node *n);
tt_status one_own(struct one_device *d, struct plan *p, const struct ir_node *n,
                  dnnl_data_type_t t);

/* own/dense.c: a dense layer of ours, as one more variant where it fits. */
#define ONE_TURNED "tutti:turned"
int       one_turned_fits(const struct ir_node *n);
tt_status one_turned(struct plan *p, const struct ir_node *n);

/* lanes.c: convolution and max pooling of ours with the image's number in the lanes. */
#define ONE_LANES "tutti:lanes"
int       one_lanes_fits(const struct plan *p, const struct ir_node *n);
tt_status one_lanes_conv(struct one_device *d, struct plan *p, const struct ir_node *n);
tt_status one_lanes_pool(struct one_device *d, struct plan *p, const struct ir_node *n);
/* Did the forward pass of this MAXPOOL_DX run in lanes? */
int       one_lanes_pooled(const struct plan *p, const struct ir_node *n);
tt_status one_lanes_pool_dx(struct one_device *d, struct plan *p, const struct ir_node *n);
/* maxpool.c: the same in the library's layouts. */
int       one_maxpool_can(const struct plan *p, const struct ir_node *n);
tt_status one_maxpool(struct one_device *d, struct plan *p, const struct ir_node *n);
tt_status one_maxpool_dx(struct one_device *d, struct plan *p, const struct ir_node *n);
/* A step that copies between plain and lanes. */
tt_status one_lanes_turn(struct plan *p, int from, int to);

#endif
