/* join.c -- concat and its parts, softmax. */
#include "plug/onednn/onednn.h"

#include <string.h>

#include "compute/exec/cpu/act.h"

/* How a value lies that parts are taken of or put together from: in all its dimensions, also where
 * it lies as rows. */
static md_t whole_of(const struct plan *p, const struct ir_value *v)
{
	const md_t md = one_md_of(p, v);

	return md.ndims == v->desc.ndim ? md : one_md_typed(&v->desc, md.data_type);
}

tt_status one_concat(struct one_device *d, struct plan *p, const struct ir_node *n,
                     const char *variant)
{
	struct one_args a = { .n = 0 };
	md_t in[64];
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	dnnl_data_type_t type = whole_of(p, n->in[0]).data_type;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	(void)variant;
	if (st != TT_OK)
		return st;
	for (int i = 0; i < n->n_in; i++) {
		in[i] = whole_of(p, n->in[i]);
		if (in[i].data_type != type)
			type = one_act_type(p);
	}
	for (int i = 0; i < n->n_in; i++)       /* the net's input is f32 among bf16 */
		in[i].data_type = type;
	st = one_check(dnnl_concat_primitive_desc_create(&pd, NULL, n->n_in, n->attr.axis, in, attr,
	                                                 d->engine), "a concatenation");
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	for (int i = 0; i < n->n_in; i++)
		one_reads(d, p, &a, DNNL_ARG_MULTIPLE_SRC + i, n->in[i], &in[i]);
	one_writes(d, p, &a, DNNL_ARG_DST, n->out[0], one_query(pd, dnnl_query_dst_md, 0));
	return one_step(d, p, &a, pd);
}

struct part { struct ir_value *v; int axis; int64_t start; };

/* A view into the input's memory, copied out; a view that cuts a block is first made plain. */
static tt_status part_step(struct one_device *d, struct plan *p, const struct ir_node *n,
                           const struct part *part)
{
	const struct tensor_desc *y = &part->v->desc;
	md_t x = whole_of(p, n->in[0]), view, out;
	struct one_args a = { .n = 0 };
	dnnl_dims_t offsets = { 0 }, dims = { 0 };
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	tt_status st;

	memcpy(dims, y->dim, sizeof y->dim);
	offsets[part->axis] = part->start;
	if (dnnl_memory_desc_init_submemory(&view, &x, dims, offsets) != dnnl_success) {
		x = one_md_plain(&n->in[0]->desc);
		st = one_check(dnnl_memory_desc_init_submemory(&view, &x, dims, offsets), "a slice");
		if (st != TT_OK)
			return st;
	}
	out = one_md_as_plain(&view, x.data_type);
	if (x.format_kind == dnnl_blocked && x.format_desc.blocking.inner_nblks == 1 && y->ndim == 4)
		out = one_md(y, x.data_type, x.format_desc.blocking.inner_blks[0] == 16 ?
		             dnnl_nChw16c : dnnl_nChw8c);
	if ((st = one_attr(ACT_NONE, 0, &attr)) != TT_OK)
		return st;
	st = one_check(dnnl_reorder_primitive_desc_create(&pd, &view, d->engine, &out, d->engine, attr),
	               "a slice");
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_FROM, n->in[0], &x);
	if (a.st == TT_OK)
		a.a[0].md = view;
	one_writes(d, p, &a, DNNL_ARG_TO, part->v, &out);
	return one_step(d, p, &a, pd);
}

tt_status one_slice(struct one_device *d, struct plan *p, const struct ir_node *n,
                    const char *variant)
{
	const struct part part = { n->out[0], n->attr.axis, n->attr.start };

	(void)variant;
	return part_step(d, p, n, &part);
}

tt_status one_split(struct one_device *d, struct plan *p, const struct ir_node *n,
                    const char *variant)
{
	struct part part = { .axis = n->attr.axis };
	tt_status st = TT_OK;

	(void)variant;
	for (int i = 0; i < n->n_out && st == TT_OK; i++) {
		part.v = n->out[i];
		if (plan_wanted(p, part.v))
			st = part_step(d, p, n, &part);
		part.start += part.v->desc.dim[part.axis];
	}
	return st;
}

static void run_softmax(const struct host_args *a)
{
	const struct tensor_desc *d = &a->node->in[0]->desc;
	const int64_t width = d->dim[d->ndim - 1];

	act_softmax(a->ptr[0], tensor_count(d) / width, width, a->ptr[1]);
}

/* Our own: the library's makes numbers of a NaN. */
tt_status one_softmax(struct one_device *d, struct plan *p, const struct ir_node *n,
                      const char *variant)
{
	int args[2] = { plan_in(p, n->in[0], NULL), -1 };

	(void)d;
	(void)variant;
	if (args[0] < 0 || (args[1] = plan_out_over(p, n->out[0], NULL, args[0])) < 0)
		return TT_ENOMEM;
	return host_step(p, "tutti:softmax", run_softmax, args, 2);
}
