/* eltwise.c -- activations, sums: one number in, one number out, any layout, in place if free. */
#include "plug/onednn/onednn.h"

static float slope(const struct ir_attr *a)
{
	return a->act == ACT_RELU ? 0 : a->act == ACT_SILU ? 1 : a->alpha;
}

tt_status one_act(struct one_device *d, struct plan *p, const struct ir_node *n,
                  const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]);
	struct one_args a = { .n = 0 };
	dnnl_eltwise_desc_t ed;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	(void)variant;
	if (st != TT_OK)
		return st;
	st = one_check(dnnl_eltwise_forward_desc_init(&ed, plan_purpose(p) == PROGRAM_TRAIN ?
		dnnl_forward_training : dnnl_forward_inference, one_eltwise(n->attr.act, 0), &x,
		slope(&n->attr), 0), "an activation");
	if (st == TT_OK)
		st = one_find(d, &ed, attr, NULL, NULL, &pd);
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
	one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
	return one_step(d, p, &a, pd);
}

tt_status one_act_dx(struct one_device *d, struct plan *p, const struct ir_node *n,
                     const char *variant)
{
	const md_t z = one_md_of(p, n->in[0]);
	struct one_args a = { .n = 0 };
	dnnl_eltwise_desc_t fd, ed;
	dnnl_primitive_desc_t hint = NULL, pd = NULL;
	dnnl_primitive_attr_t attr;
	dnnl_alg_kind_t alg = one_eltwise(n->attr.act, n->attr.use_y);
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	(void)variant;
	if (st != TT_OK)
		return st;
	st = one_check(dnnl_eltwise_forward_desc_init(&fd, dnnl_forward_training, alg, &z,
	                                              slope(&n->attr), 0), "an activation");
	if (st == TT_OK)
		st = one_find(d, &fd, attr, NULL, NULL, &hint);
	if (st == TT_OK)
		st = one_check(dnnl_eltwise_backward_desc_init(&ed, alg, &z, &z, slope(&n->attr), 0),
		               "an activation's gradient");
	if (st == TT_OK)
		st = one_find(d, &ed, attr, hint, NULL, &pd);
	if (hint)
		dnnl_primitive_desc_destroy(hint);
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_DIFF_DST, n->in[1], &z);
	one_reads(d, p, &a, n->attr.use_y ? DNNL_ARG_DST : DNNL_ARG_SRC, n->in[0], &z);
	one_writes_over(d, p, &a, DNNL_ARG_DIFF_SRC, n->out[0], 0);
	return one_step(d, p, &a, pd);
}

tt_status one_add(struct one_device *d, struct plan *p, const struct ir_node *n,
                  const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]);
	struct one_args a = { .n = 0 };
	dnnl_binary_desc_t bd;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(n->attr.act, n->attr.alpha, &attr);

	(void)variant;
	if (st != TT_OK)
		return st;
	st = one_check(dnnl_binary_desc_init(&bd, dnnl_binary_add, &x, &x, &x), "an addition");
	if (st == TT_OK)
		st = one_find(d, &bd, attr, NULL, NULL, &pd);
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_SRC_0, n->in[0], &x);
	one_reads(d, p, &a, DNNL_ARG_SRC_1, n->in[1], &x);
	one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
	return one_step(d, p, &a, pd);
}

tt_status one_sum(struct one_device *d, struct plan *p, const struct ir_node *n,
                  const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]);
	struct one_args a = { .n = 0 };
	md_t in[64];
	float one[64];
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	(void)variant;
	if (st != TT_OK)
		return st;
	for (int i = 0; i < n->n_in; i++) {
		in[i] = x;
		one[i] = 1;
	}
	st = one_check(dnnl_sum_primitive_desc_create(&pd, &x, n->n_in, one, in, attr, d->engine),
	               "a sum");
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	for (int i = 0; i < n->n_in; i++)
		one_reads(d, p, &a, DNNL_ARG_MULTIPLE_SRC + i, n->in[i], &x);
	one_writes(d, p, &a, DNNL_ARG_DST, n->out[0], &x);
	return one_step(d, p, &a, pd);
}
