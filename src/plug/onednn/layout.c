/* layout.c -- memory descriptors for values. */
#include "plug/onednn/onednn.h"

#include <stdio.h>
#include <string.h>

#include "compute/exec/cpu/lanes/lanes.h"

dnnl_data_type_t one_type(enum dtype t)
{
	switch (t) {
	case DTYPE_F32: return dnnl_f32;
	case DTYPE_BF16: return dnnl_bf16;
	case DTYPE_S32: return dnnl_s32;
	case DTYPE_U8: return dnnl_u8;
	}
	return dnnl_data_type_undef;
}

/* Row-major of the given dims.  Cannot fail: ndim and type are always valid here. */
static md_t row_major(int ndim, const dnnl_dim_t *dims, dnnl_data_type_t t)
{
	md_t md;
	dnnl_dims_t whole = { 0 }, strides = { 0 };     /* the library's own type: of twelve */
	dnnl_dim_t step = 1;

	for (int i = ndim - 1; i >= 0; i--) {
		whole[i] = dims[i];
		strides[i] = step;
		step *= dims[i];
	}
	memset(&md, 0, sizeof md);
	dnnl_memory_desc_init_by_strides(&md, ndim, whole, t, strides);
	return md;
}

md_t one_md(const struct tensor_desc *d, dnnl_data_type_t t, dnnl_format_tag_t tag)
{
	md_t md;
	dnnl_dims_t dims = { 0 };

	memcpy(dims, d->dim, sizeof d->dim);
	memset(&md, 0, sizeof md);
	dnnl_memory_desc_init_by_tag(&md, d->ndim, dims, t, tag);
	return md;
}

md_t one_md_any(const struct tensor_desc *d, dnnl_data_type_t t)
{
	return one_md(d, t, dnnl_format_tag_any);
}

md_t one_md_plain(const struct tensor_desc *d)
{
	return row_major(d->ndim, d->dim, one_type(d->dtype));
}

md_t one_md_typed(const struct tensor_desc *d, dnnl_data_type_t t)
{
	return row_major(d->ndim, d->dim, t);
}

md_t one_md_rows(const struct tensor_desc *d, dnnl_data_type_t t)
{
	dnnl_dim_t dims[2] = { 1, d->dim[d->ndim - 1] };

	for (int i = 0; i + 1 < d->ndim; i++)
		dims[0] *= d->dim[i];
	return row_major(2, dims, t);
}

md_t one_md_vector(int64_t n)
{
	return row_major(1, (dnnl_dim_t[]){ n }, dnnl_f32);
}

md_t one_md_as_plain(const md_t *like, dnnl_data_type_t t)
{
	return row_major(like->ndims, like->dims, t);
}

dnnl_data_type_t one_act_type(const struct plan *p)
{
	return plan_precision(p) == PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
}

const struct one_layout *one_layout_of(const struct plan *p, const struct ir_value *v)
{
	const struct layout *l = plan_layout(p, v);

	return l && l->owner->ops->layout_same == one_layout_same ? (const struct one_layout *)l : NULL;
}

md_t one_md_lies(const struct plan *p, const struct ir_value *v)
{
	const struct one_layout *l = one_layout_of(p, v);

	return l ? l->md : one_md_plain(&v->desc);
}

int one_is_lanes(const md_t *md, dnnl_data_type_t t)
{
	md_t want;

	memset(&want, 0, sizeof want);
	return md->ndims == 4 && md->dims[0] % LANES == 0 &&
	       dnnl_memory_desc_init_by_tag(&want, 4, md->dims, t, dnnl_Abcd16a) == dnnl_success &&
	       dnnl_memory_desc_equal(md, &want);
}

int one_in_lanes(const struct one_layout *l)
{
	return l && one_is_lanes(&l->md, dnnl_f32);
}

md_t one_md_of(const struct plan *p, const struct ir_value *v)
{
	if (one_in_lanes(one_layout_of(p, v)))
		return one_md(&v->desc, dnnl_f32, dnnl_nChw16c);
	return one_md_lies(p, v);
}

tt_status one_layout(struct one_device *d, struct plan *p, const struct ir_value *v, const md_t *md,
                     const struct layout **out)
{
	const md_t plain = one_md_as_plain(md, one_type(v->desc.dtype));
	struct one_layout *l;

	if (dnnl_memory_desc_equal(&plain, md)) {
		*out = NULL;
		return TT_OK;
	}
	if (!(l = arena_alloc(plan_arena(p), sizeof *l)))
		return TT_ENOMEM;
	/* Places of maxima are the library's own. */
	l->base = (struct layout){ .owner = &d->base, .bytes = dnnl_memory_desc_get_size(md),
	                           .opaque = v->desc.dtype == DTYPE_S32 };
	l->md = *md;
	l->workspace = -1;
	*out = &l->base;
	return TT_OK;
}

tt_status one_blocks(struct one_device *d, struct plan *p, const struct ir_value *v,
                     const struct layout **out)
{
	const md_t have = one_md_of(p, v), want = one_md(&v->desc, dnnl_f32, dnnl_nChw16c);

	*out = NULL;
	if (v->desc.ndim != 4 || v->desc.dim[1] % 16 != 0 || !dnnl_memory_desc_equal(&have, &want))
		return TT_OK;
	return one_layout(d, p, v, &want, out);
}

int one_layout_same(const struct layout *a, const struct layout *b)
{
	return dnnl_memory_desc_equal(&((const struct one_layout *)a)->md,
	                              &((const struct one_layout *)b)->md);
}

/* "f32:1024,16,..:16c": type, outer strides, inner blocks. */
void one_layout_text(const struct layout *l, char buf[VARIANT_NAME])
{
	const md_t *md = &((const struct one_layout *)l)->md;
	const dnnl_blocking_desc_t *b = &md->format_desc.blocking;
	int at = snprintf(buf, VARIANT_NAME, "%s", md->data_type == dnnl_bf16 ? "bf16" : "f32");

	if (md->format_kind != dnnl_blocked)
		return;
	for (int i = 0; i < md->ndims && at < VARIANT_NAME - 16; i++)
		at += snprintf(buf + at, (size_t)(VARIANT_NAME - at), "%c%lld", i ? ',' : ':',
		               (long long)b->strides[i]);
	for (int i = 0; i < b->inner_nblks && at < VARIANT_NAME - 8; i++)
		at += snprintf(buf + at, (size_t)(VARIANT_NAME - at), "_%lld%c",
		               (long long)b->inner_blks[i], (char)('a' + b->inner_idxs[i]));
}
