/* eltwise.c -- activations, sums, products: number by number, any layout, in place if free. */
#include "plug/onednn/onednn.h"

#include <string.h>

#include "compute/exec/cpu/slope.h"

static float slope(const struct ir_attr *a)
{
	return a->act == ACT_RELU || a->act == ACT_RELU6 ? 0 : a->act == ACT_SILU ? 1 : a->alpha;
}

/* The other number that an activation of the library takes. */
static float bound(const struct ir_attr *a)
{
	return a->act == ACT_RELU6 ? 6 : 0;
}

/* The primitive of an activation on x. */
static tt_status act_find(struct one_device *d, const struct plan *p, const struct ir_attr *act,
                          const md_t *x, dnnl_primitive_desc_t *out)
{
	dnnl_eltwise_desc_t ed;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	if (st != TT_OK)
		return st;
	st = one_check(dnnl_eltwise_forward_desc_init(&ed, plan_purpose(p) == PROGRAM_TRAIN ?
		dnnl_forward_training : dnnl_forward_inference, one_eltwise(act->act, 0), x,
		slope(act), bound(act)), "an activation");
	if (st == TT_OK)
		st = one_find(d, &ed, attr, NULL, NULL, out);
	dnnl_primitive_attr_destroy(attr);
	return st;
}

tt_status one_act(struct one_device *d, struct plan *p, const struct ir_node *n,
                  const char *variant)
{
	const md_t x = one_md_lies(p, n->in[0]);
	struct one_args a = { .n = 0 };
	dnnl_primitive_desc_t pd = NULL;
	tt_status st;

	(void)variant;
	if (one_own_act(&n->attr)) {
		one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
		one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
		return a.st != TT_OK ? a.st : one_act_step(p, &n->attr, &x, a.a[0].buf, a.a[1].buf);
	}
	if ((st = act_find(d, p, &n->attr, &x, &pd)) != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
	one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
	return one_step(d, p, &a, pd);
}

/* ptr: z, dy ..., dx */
static void run_relu_dx(const struct host_args *a)
{
	int n_in = a->node->n_in;
	const struct slope s = { .z = a->ptr[0], .dy = (const void *const *)a->ptr + 1,
	                         .n_dy = n_in - 1, .dx = a->ptr[n_in],
	                         .n = tensor_count(&a->node->out[0]->desc) };

	slope_relu(&s);
}

static void run_relu_dx_bf16(const struct host_args *a)
{
	int n_in = a->node->n_in;
	const struct slope s = { .z = a->ptr[0], .dy = (const void *const *)a->ptr + 1,
	                         .n_dy = n_in - 1, .dx = a->ptr[n_in],
	                         .n = tensor_count(&a->node->out[0]->desc) };

	slope_relu_bf16(&s);
}

/* Our own kernel, over numbers that lie without padding between them: as z does, or plain. */
static tt_status relu_dx(struct one_device *d, struct plan *p, const struct ir_node *n)
{
	const struct layout *l = plan_layout(p, n->in[0]);
	int64_t count = tensor_count(&n->in[0]->desc);
	int args[PLAN_MAX_ARGS], bf16;

	if (l && l->owner != &d->base)
		l = NULL;
	bf16 = l && ((const struct one_layout *)l)->md.data_type == dnnl_bf16;
	if (l && l->bytes != (size_t)count * (bf16 ? 2 : 4)) {
		l = NULL;
		bf16 = 0;
	}
	for (int i = 0; i < n->n_in; i++)
		if ((args[i] = plan_in(p, n->in[i], l)) < 0)
			return TT_ENOMEM;
	if ((args[n->n_in] = plan_out_over(p, n->out[0], l, args[1])) < 0)
		return TT_ENOMEM;
	return host_step(p, "tutti:relu-slope", bf16 ? run_relu_dx_bf16 : run_relu_dx, args,
	                 n->n_in + 1);
}

tt_status one_act_dx(struct one_device *d, struct plan *p, const struct ir_node *n,
                     const char *variant)
{
	const md_t z = one_md_lies(p, n->in[0]);
	struct one_args a = { .n = 0 };
	dnnl_eltwise_desc_t fd, ed;
	dnnl_primitive_desc_t hint = NULL, pd = NULL;
	dnnl_primitive_attr_t attr;
	dnnl_alg_kind_t alg = one_eltwise(n->attr.act, n->attr.use_y);
	tt_status st;

	(void)variant;
	if (n->attr.act == ACT_RELU)
		return relu_dx(d, p, n);
	if ((st = one_attr(ACT_NONE, 0, &attr)) != TT_OK)
		return st;
	st = one_check(dnnl_eltwise_forward_desc_init(&fd, dnnl_forward_training, alg, &z,
	                                              slope(&n->attr), bound(&n->attr)),
	               "an activation");
	if (st == TT_OK)
		st = one_find(d, &fd, attr, NULL, NULL, &hint);
	if (st == TT_OK)
		st = one_check(dnnl_eltwise_backward_desc_init(&ed, alg, &z, &z, slope(&n->attr),
		                                               bound(&n->attr)),
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

/* One addition, or product: buffers a + b -> v, over the memory of a if that is free.  Several
 * additions make a sum: the library's own sum primitive is three times slower than its binary
 * one. */
static tt_status add_step(struct one_device *d, struct plan *p, struct one_args *a,
                          const struct ir_node *n, const md_t *x)
{
	const dnnl_alg_kind_t alg = n->op == IR_MULTIPLY ? dnnl_binary_mul : dnnl_binary_add;
	dnnl_binary_desc_t bd;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;
	tt_status st = a->st == TT_OK ? one_attr(ACT_NONE, 0, &attr) : a->st;

	if (st != TT_OK)
		return st;
	st = one_check(dnnl_binary_desc_init(&bd, alg, x, x, x), "an addition");
	if (st == TT_OK)
		st = one_find(d, &bd, attr, NULL, NULL, &pd);
	dnnl_primitive_attr_destroy(attr);
	return st == TT_OK ? one_step(d, p, a, pd) : st;
}

/* Is input 0 read again after the first of several additions?  Then nothing may be written over
 * it. */
static int read_again(struct plan *p, const struct ir_node *n)
{
	const struct one_layout *made = one_layout_of(p, n->in[0]);
	const struct layout *l = made ? &made->base : NULL;
	int first = plan_in(p, n->in[0], l);

	for (int i = 2; i < n->n_in && first >= 0; i++) {
		int b = plan_in(p, n->in[i], l);

		if (b >= 0 && plan_buf(p, b)->root == plan_buf(p, first)->root)
			return 1;
	}
	return 0;
}

/* a + b with a relu behind it: in one pass of ours. */
static tt_status add_relu(struct one_device *d, struct plan *p, const struct ir_node *n,
                          const md_t *x)
{
	struct one_args a = { .n = 0 };

	one_reads(d, p, &a, DNNL_ARG_SRC_0, n->in[0], x);
	one_reads(d, p, &a, DNNL_ARG_SRC_1, n->in[1], x);
	one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
	if (a.st != TT_OK)
		return a.st;
	return one_add_relu_step(p, x, (const int[]){ a.a[0].buf, a.a[1].buf, a.a[2].buf });
}

/* Used for ADD, for MULTIPLY, and for SUM, whose inputs are added in order into the output. */
tt_status one_add(struct one_device *d, struct plan *p, const struct ir_node *n,
                  const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]);
	int keep = read_again(p, n), sum = -1;
	tt_status st = TT_OK;

	(void)variant;
	if (n->attr.act == ACT_RELU)
		return add_relu(d, p, n, &x);
	for (int i = 1; i < n->n_in && st == TT_OK; i++) {
		struct one_args a = { .n = 0 };

		if (i == 1)
			one_reads(d, p, &a, DNNL_ARG_SRC_0, n->in[0], &x);
		else
			one_uses(&a, DNNL_ARG_SRC_0, sum, &x);
		one_reads(d, p, &a, DNNL_ARG_SRC_1, n->in[i], &x);
		if (i > 1)
			one_uses(&a, DNNL_ARG_DST, sum, &x);
		else if (keep)
			one_writes(d, p, &a, DNNL_ARG_DST, n->out[0], &x);
		else
			one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
		if (i == 1 && a.st == TT_OK)
			sum = a.a[2].buf;
		st = add_step(d, p, &a, n, &x);
	}
	return st;
}
