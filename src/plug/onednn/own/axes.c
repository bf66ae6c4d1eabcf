/* axes.c -- dimensions in another order, reduced, repeated. */
#include "plug/onednn/onednn.h"

#include <string.h>

#include "compute/exec/cpu/axes.h"

/* y is plain; x is seen with its strides in y's order. */
tt_status one_transpose(struct one_device *d, struct plan *p, const struct ir_node *n,
                        const char *variant)
{
	const md_t x = one_md_typed(&n->in[0]->desc, one_md_of(p, n->in[0]).data_type);
	struct one_args a = { .n = 0 };
	dnnl_dims_t dims = { 0 }, strides = { 0 };
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	md_t view, y;
	tt_status st;

	(void)variant;
	for (int i = 0; i < x.ndims; i++) {
		dims[i] = x.dims[n->attr.perm[i]];
		strides[i] = x.format_desc.blocking.strides[n->attr.perm[i]];
	}
	memset(&view, 0, sizeof view);
	dnnl_memory_desc_init_by_strides(&view, x.ndims, dims, x.data_type, strides);
	y = one_md_as_plain(&view, x.data_type);
	if ((st = one_attr(ACT_NONE, 0, &attr)) != TT_OK)
		return st;
	st = one_check(dnnl_reorder_primitive_desc_create(&pd, &view, d->engine, &y, d->engine, attr),
	               "a transposition");
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_FROM, n->in[0], &x);
	if (a.st == TT_OK)
		a.a[0].md = view;
	one_writes(d, p, &a, DNNL_ARG_TO, n->out[0], &y);
	return one_step(d, p, &a, pd);
}

static void run_reduce(const struct host_args *a)
{
	const struct tensor_desc *x = &a->node->in[0]->desc;
	const struct ir_attr *t = &a->node->attr;
	const struct axes_reduce r = { x, t->axes ? t->axes : ~0u, t->reduce };

	axes_reduce(&r, a->ptr[0], a->ptr[1]);
}

/* ptr: x, y, dy, dx */
static void run_max_dx(const struct host_args *a)
{
	const struct ir_attr *t = &a->node->attr;
	const struct axes_reduce r = { &a->node->in[0]->desc, t->axes ? t->axes : ~0u, REDUCE_MAX };
	const struct axes_slope s = { a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3] };

	axes_max_dx(&r, &s);
}

static void run_broadcast(const struct host_args *a)
{
	axes_broadcast(&a->node->in[0]->desc, &a->node->out[0]->desc, a->ptr[0], a->ptr[1]);
}

/* The library's own reduction loses NaNs and sums in f32, and it has no broadcast. */
tt_status one_axes(struct one_device *d, struct plan *p, const struct ir_node *n,
                   const char *variant)
{
	const host_fn run = n->op == IR_REDUCE ? run_reduce :
	                    n->op == IR_BROADCAST ? run_broadcast : run_max_dx;
	int args[4];
	tt_status st = host_plain_args(p, n, args);

	(void)d;
	(void)variant;
	return st == TT_OK ? host_step(p, "tutti:axes", run, args, n->n_in + 1) : st;
}
