/* reorder.c -- a copy from one layout to another. */
#include "plug/onednn/onednn.h"

static int is_row_major(const md_t *md)
{
	const md_t plain = one_md_as_plain(md, md->data_type);

	return dnnl_memory_desc_equal(&plain, md);
}

/* Plain memory is seen with the other side's dims, so that O,I,h,w serves as g,O/g,I,h,w. */
tt_status one_reorder(struct device *dev, struct plan *p, int from, int to)
{
	struct one_device *d = (struct one_device *)dev;
	const struct plan_buf *a = plan_buf(p, from), *b = plan_buf(p, to);
	const struct one_layout *la = (const struct one_layout *)a->layout;
	const struct one_layout *lb = (const struct one_layout *)b->layout;
	dnnl_data_type_t t = one_type(a->value->desc.dtype);
	md_t src = la ? la->md : one_md_as_plain(&lb->md, t);
	md_t dst = lb ? lb->md : one_md_as_plain(&la->md, t);
	dnnl_primitive_desc_t pd;
	dnnl_primitive_attr_t attr;
	struct one_args args = { .n = 0 };
	tt_status st;

	if ((!la && one_in_lanes(lb)) || (!lb && one_in_lanes(la)))
		return one_lanes_turn(p, from, to);
	if (src.ndims != dst.ndims && is_row_major(&src))       /* of rows, or of all dimensions */
		src = one_md_as_plain(&dst, src.data_type);
	else if (src.ndims != dst.ndims && is_row_major(&dst))
		dst = one_md_as_plain(&src, dst.data_type);
	if (src.ndims != dst.ndims)
		return err_set(TT_EINTERNAL, "%s: no copy between layouts of %d and %d dims",
		               a->value->name, src.ndims, dst.ndims);
	if ((st = one_attr(ACT_NONE, 0, &attr)) != TT_OK)
		return st;
	st = one_check(dnnl_reorder_primitive_desc_create(&pd, &src, d->engine, &dst, d->engine, attr),
	               "a reorder");
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	one_uses(&args, DNNL_ARG_FROM, from, &src);
	one_uses(&args, DNNL_ARG_TO, to, &dst);
	return one_step(d, p, &args, pd);
}
