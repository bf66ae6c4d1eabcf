/* linear.c -- what convolutions and dense layers share: their arguments.
 *
 *   forward  x, w, b? -> y        dx  dy, w -> dx        dw  x, dy -> dw, db?  */
#include "plug/onednn/onednn.h"

enum one_role one_role(const struct ir_node *n)
{
	switch (n->op) {
	case IR_CONV2D_DX: case IR_DENSE_DX: return ROLE_DX;
	case IR_CONV2D_DW: case IR_DENSE_DW: return ROLE_DW;
	default: return ROLE_FWD;
	}
}

static void forward(struct one_device *d, struct plan *p, const struct ir_node *n,
                    const_dnnl_primitive_desc_t pd, struct one_args *a)
{
	const md_t bias = one_md_vector(n->in[1]->desc.dim[0]);

	one_reads(d, p, a, DNNL_ARG_SRC, n->in[0], one_query(pd, dnnl_query_src_md, 0));
	one_reads(d, p, a, DNNL_ARG_WEIGHTS, n->in[1], one_query(pd, dnnl_query_weights_md, 0));
	if (n->n_in == 3)
		one_reads(d, p, a, DNNL_ARG_BIAS, n->in[2], &bias);
	one_writes(d, p, a, DNNL_ARG_DST, n->out[0], one_query(pd, dnnl_query_dst_md, 0));
}

static void backward_data(struct one_device *d, struct plan *p, const struct ir_node *n,
                          const_dnnl_primitive_desc_t pd, struct one_args *a)
{
	one_reads(d, p, a, DNNL_ARG_DIFF_DST, n->in[0], one_query(pd, dnnl_query_diff_dst_md, 0));
	one_reads(d, p, a, DNNL_ARG_WEIGHTS, n->in[1], one_query(pd, dnnl_query_weights_md, 0));
	one_writes(d, p, a, DNNL_ARG_DIFF_SRC, n->out[0], one_query(pd, dnnl_query_diff_src_md, 0));
}

static void backward_weights(struct one_device *d, struct plan *p, const struct ir_node *n,
                             const_dnnl_primitive_desc_t pd, struct one_args *a)
{
	const md_t bias = one_md_vector(n->out[0]->desc.dim[0]);

	one_reads(d, p, a, DNNL_ARG_SRC, n->in[0], one_query(pd, dnnl_query_src_md, 0));
	one_reads(d, p, a, DNNL_ARG_DIFF_DST, n->in[1], one_query(pd, dnnl_query_diff_dst_md, 0));
	one_writes(d, p, a, DNNL_ARG_DIFF_WEIGHTS, n->out[0],
	           one_query(pd, dnnl_query_diff_weights_md, 0));
	if (plan_wanted(p, n->out[1]))
		one_writes(d, p, a, DNNL_ARG_DIFF_BIAS, n->out[1], &bias);
}

tt_status one_linear(struct one_device *d, struct plan *p, const struct ir_node *n,
                     dnnl_primitive_desc_t pd)
{
	struct one_args a = { .n = 0 };
	struct one_arg last;
	tt_status st;

	switch (one_role(n)) {
	case ROLE_FWD: forward(d, p, n, pd, &a); break;
	case ROLE_DX: backward_data(d, p, n, pd, &a); break;
	case ROLE_DW: backward_weights(d, p, n, pd, &a); break;
	}
	last = a.a[a.n > 0 ? a.n - 1 : 0];      /* of the forward pass: its output */
	st = one_step(d, p, &a, pd);
	if (st == TT_OK && one_role(n) == ROLE_FWD && one_own_act(&n->attr))
		st = one_act_step(p, &n->attr, &last.md, last.buf, last.buf);
	return st;
}
