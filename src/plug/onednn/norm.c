/* norm.c -- batch normalisation: training, inference, gradient; with relu fused where asked.
 *
 * oneDNN keeps the batch's variance where the graph's op speaks of 1/sqrt(var+eps); the value
 * save_rstd therefore has a layout of this device ("the variance, and with it the workspace of
 * the fused relu"), which only batchnorm_dx reads.  If it is asked for as an output, it is
 * computed. */
#include "plug/onednn/onednn.h"

#include <math.h>

#include "base/simd.h"

#define FLAGS (dnnl_use_scale | dnnl_use_shift)

static unsigned relu_flag(const struct ir_node *n)
{
	return n->attr.act == ACT_RELU ? dnnl_fuse_norm_relu : 0;
}

static tt_status forward(struct one_device *d, const md_t *x, const struct ir_node *n,
                         dnnl_prop_kind_t prop, dnnl_primitive_desc_t *out)
{
	unsigned flags = FLAGS | relu_flag(n);
	dnnl_batch_normalization_desc_t bd;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	if (st != TT_OK)
		return st;
	if (prop == dnnl_forward_inference)
		flags |= dnnl_use_global_stats;
	st = one_check(dnnl_batch_normalization_forward_desc_init(&bd, prop, x, n->attr.eps, flags),
	               "a batch norm");
	if (st == TT_OK)
		st = one_find(d, &bd, attr, NULL, NULL, out);
	dnnl_primitive_attr_destroy(attr);
	return st;
}

/* ptr: mean[C], var[C] of the batch; running mean[C], var[C], updated. */
SIMD static void blend(float *restrict run, const float *restrict now, int64_t n, float m, float k)
{
	/* The difference from a run that is soon forgotten would round what is remembered. */
	for (int64_t i = 0; m > 0.5f && i < n; i++)
		run[i] = (1 - m) * run[i] + m * (now[i] * k);
	for (int64_t i = 0; m <= 0.5f && i < n; i++)
		run[i] += m * (now[i] * k - run[i]);
}

static void update_running(const struct host_args *a)
{
	const struct tensor_desc *x = &a->node->in[0]->desc;
	int64_t c = x->dim[1], count = tensor_count(x) / c;
	float unbias = count > 1 ? (float)((double)count / (double)(count - 1)) : 1;

	blend(a->ptr[2], a->ptr[0], c, a->node->attr.momentum, 1);
	blend(a->ptr[3], a->ptr[1], c, a->node->attr.momentum, unbias);
}

/* ptr: var[C] -> 1/sqrt(var+eps)[C] */
static void rstd_of(const struct host_args *a)
{
	const float *var = a->ptr[0];
	float *rstd = a->ptr[1];

	for (int64_t i = 0; i < a->node->out[2]->desc.dim[0]; i++)
		rstd[i] = 1 / sqrtf(var[i] + a->node->attr.eps);
}

/* The layout "variance, with this workspace". */
static tt_status variance_layout(struct one_device *d, struct plan *p, const md_t *stat, int ws,
                                 const struct layout **out)
{
	struct one_layout *l = arena_alloc(plan_arena(p), sizeof *l);

	if (!l)
		return TT_ENOMEM;
	*l = (struct one_layout){ .base = { .owner = &d->base,
	                                    .bytes = dnnl_memory_desc_get_size(stat),
	                                    .opaque = 1 },
	                          .md = *stat, .workspace = ws };
	*out = &l->base;
	return TT_OK;
}

tt_status one_batchnorm(struct one_device *d, struct plan *p, const struct ir_node *n,
                        const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]), c = one_md_vector(n->in[1]->desc.dim[0]);
	struct one_args a = { .n = 0 };
	const struct layout *var_layout = NULL;
	dnnl_primitive_desc_t pd;
	const md_t *ws;
	int stats[4], var, ws_buf = -1;
	tt_status st = forward(d, &x, n, dnnl_forward_training, &pd);

	(void)variant;
	if (st != TT_OK)
		return st;
	ws = one_query(pd, dnnl_query_workspace_md, 0);
	if (ws->ndims > 0)
		ws_buf = plan_scratch(p, dnnl_memory_desc_get_size(ws));
	a.st = variance_layout(d, p, &c, ws_buf, &var_layout);
	var = a.st == TT_OK ? plan_out(p, n->out[2], var_layout) : -1;
	one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
	one_reads(d, p, &a, DNNL_ARG_SCALE, n->in[1], &c);
	one_reads(d, p, &a, DNNL_ARG_SHIFT, n->in[2], &c);
	one_writes(d, p, &a, DNNL_ARG_DST, n->out[0], &x);
	one_writes(d, p, &a, DNNL_ARG_MEAN, n->out[1], &c);
	one_uses(&a, DNNL_ARG_VARIANCE, var, &c);
	if (ws_buf >= 0)
		one_uses(&a, DNNL_ARG_WORKSPACE, ws_buf, ws);
	if ((st = one_step(d, p, &a, pd)) != TT_OK)
		return st;
	stats[0] = plan_in(p, n->out[1], NULL);
	stats[1] = var;
	stats[2] = plan_in(p, n->in[3], NULL);
	stats[3] = plan_in(p, n->in[4], NULL);
	if (stats[0] < 0 || stats[2] < 0 || stats[3] < 0)
		return TT_ENOMEM;
	st = host_step(p, "running statistics", update_running, stats, 4);
	if (st == TT_OK && n->out[2]->output) {
		int args[2] = { var, plan_out(p, n->out[2], NULL) };

		st = args[1] < 0 ? TT_ENOMEM : host_step(p, "1/sqrt(var+eps)", rstd_of, args, 2);
	}
	return st;
}

tt_status one_batchnorm_infer(struct one_device *d, struct plan *p, const struct ir_node *n,
                              const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]), c = one_md_vector(n->in[1]->desc.dim[0]);
	struct one_args a = { .n = 0 };
	dnnl_primitive_desc_t pd;
	tt_status st = forward(d, &x, n, dnnl_forward_inference, &pd);

	(void)variant;
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
	one_reads(d, p, &a, DNNL_ARG_SCALE, n->in[1], &c);
	one_reads(d, p, &a, DNNL_ARG_SHIFT, n->in[2], &c);
	one_reads(d, p, &a, DNNL_ARG_MEAN, n->in[3], &c);
	one_reads(d, p, &a, DNNL_ARG_VARIANCE, n->in[4], &c);
	one_writes_over(d, p, &a, DNNL_ARG_DST, n->out[0], 0);
	return one_step(d, p, &a, pd);
}

tt_status one_batchnorm_dx(struct one_device *d, struct plan *p, const struct ir_node *n,
                           const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]), c = one_md_vector(n->in[3]->desc.dim[0]);
	const struct one_layout *var = one_layout_of(p, n->in[6]);
	struct one_args a = { .n = 0 };
	dnnl_batch_normalization_desc_t bd;
	dnnl_primitive_desc_t hint, pd = NULL;
	dnnl_primitive_attr_t attr;
	int diff_scale, diff_shift;
	tt_status st = forward(d, &x, n, dnnl_forward_training, &hint);

	(void)variant;
	if (st != TT_OK)
		return st;
	if ((st = one_attr(ACT_NONE, 0, &attr)) == TT_OK) {
		st = one_check(dnnl_batch_normalization_backward_desc_init(&bd, dnnl_backward, &x, &x,
			n->attr.eps, FLAGS | relu_flag(n)), "a batch norm's gradient");
		if (st == TT_OK)
			st = one_find(d, &bd, attr, hint, NULL, &pd);
		dnnl_primitive_attr_destroy(attr);
	}
	if (st != TT_OK) {
		dnnl_primitive_desc_destroy(hint);
		return st;
	}
	one_reads(d, p, &a, DNNL_ARG_DIFF_DST, n->in[2], &x);
	one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
	one_reads(d, p, &a, DNNL_ARG_SCALE, n->in[3], &c);
	one_reads(d, p, &a, DNNL_ARG_SHIFT, n->in[4], &c);
	one_reads(d, p, &a, DNNL_ARG_MEAN, n->in[5], &c);
	one_uses(&a, DNNL_ARG_VARIANCE, plan_in(p, n->in[6], &var->base), &c);
	if (var->workspace >= 0)
		one_uses(&a, DNNL_ARG_WORKSPACE, var->workspace,
		         one_query(hint, dnnl_query_workspace_md, 0));
	one_writes_over(d, p, &a, DNNL_ARG_DIFF_SRC, n->out[0], 0);
	/* The library writes both whether they are wanted or not. */
	diff_scale = plan_out(p, n->out[1], NULL);
	diff_shift = plan_out(p, n->out[2], NULL);
	one_uses(&a, DNNL_ARG_DIFF_SCALE, diff_scale, &c);
	one_uses(&a, DNNL_ARG_DIFF_SHIFT, diff_shift, &c);
	dnnl_primitive_desc_destroy(hint);
	return one_step(d, p, &a, pd);
}
