/* matmul.c -- products of matrices, many side by side.
 *
 * Operands lie plain; a transposed one is seen with its strides swapped, without a copy.  Where all
 * matrices of a meet the same b, as weights do, the library sees their rows as one matrix. */
#include "plug/onednn/onednn.h"

#include <string.h>

struct matmul { md_t a, b, y; };

/* A value as `ndim` dimensions, the last two swapped if it is transposed. */
static md_t seen_as(const struct tensor_desc *d, int ndim, dnnl_data_type_t t, int trans)
{
	const int more = ndim - d->ndim, row = ndim - 2, col = ndim - 1;
	dnnl_dims_t dims = { 0 }, strides = { 0 };
	dnnl_dim_t step = 1;
	md_t md;

	for (int i = ndim - 1; i >= 0; i--) {
		dims[i] = i < more ? 1 : d->dim[i - more];
		strides[i] = step;
		step *= dims[i];
	}
	if (trans) {
		const dnnl_dim_t dim = dims[row], stride = strides[row];

		dims[row] = dims[col];
		strides[row] = strides[col];
		dims[col] = dim;
		strides[col] = stride;
	}
	memset(&md, 0, sizeof md);
	dnnl_memory_desc_init_by_strides(&md, ndim, dims, t, strides);
	return md;
}

/* [rows of all matrices, columns] */
static struct tensor_desc as_rows(const struct tensor_desc *d)
{
	const int64_t width = d->dim[d->ndim - 1];

	return tensor_desc_make(d->dtype, 2, (const int64_t[]){ tensor_count(d) / width, width });
}

static int is_one_matrix(const struct tensor_desc *d)
{
	return tensor_count(d) == d->dim[d->ndim - 2] * d->dim[d->ndim - 1];
}

/* The gradient of a parameter stays f32. */
static struct matmul matmul_of(const struct plan *p, const struct ir_node *n, dnnl_data_type_t t)
{
	const struct tensor_desc *b = &n->in[1]->desc;
	const dnnl_data_type_t made = plan_is_gradient(p, n->out[0]) ? dnnl_f32 : t;
	struct tensor_desc a = n->in[0]->desc, y = n->out[0]->desc, w = *b;

	if (!n->attr.trans_a && is_one_matrix(b)) {
		w = tensor_desc_make(b->dtype, 2, b->dim + b->ndim - 2);
		a = as_rows(&a);
		y = as_rows(&y);
	}
	return (struct matmul){ seen_as(&a, y.ndim, t, n->attr.trans_a != 0),
	                         seen_as(&w, y.ndim, t, n->attr.trans_b != 0),
	                         seen_as(&y, y.ndim, made, 0) };
}

static dnnl_status_t describe(const struct matmul *c, dnnl_matmul_desc_t *out)
{
	return dnnl_matmul_desc_init(out, &c->a, &c->b, NULL, &c->y);
}

/* None at all where the library cannot: another device will. */
int one_matmul_variants(struct one_device *d, struct plan *p, const struct ir_node *n,
                        char names[][VARIANT_NAME], int max)
{
	const char *prefix;
	dnnl_data_type_t t;
	int count = 0;

	for (int i = 0; one_types(p, i, &t, &prefix); i++) {
		const struct matmul c = matmul_of(p, n, t);
		dnnl_matmul_desc_t md;

		if (describe(&c, &md) == dnnl_success)
			count = one_list(d, &md, NULL, prefix, names, count, max);
	}
	return count;
}

/* v is wanted plain in the type of `seen`, and shown to the primitive as that. */
static void reads(struct one_device *d, struct plan *p, struct one_args *a, int key,
                  const struct ir_value *v, const md_t *seen)
{
	const md_t plain = one_md_typed(&v->desc, seen->data_type);

	one_reads(d, p, a, key, v, &plain);
	if (a->st == TT_OK)
		a->a[a->n - 1].md = *seen;
}

tt_status one_matmul(struct one_device *d, struct plan *p, const struct ir_node *n,
                     const char *variant)
{
	const struct matmul c = matmul_of(p, n, one_variant_type(p, &variant));
	struct one_args a = { .n = 0 };
	const md_t y = one_md_typed(&n->out[0]->desc, c.y.data_type);
	dnnl_matmul_desc_t md;
	dnnl_primitive_desc_t pd = NULL;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	if (st != TT_OK)
		return st;
	if ((st = one_check(describe(&c, &md), "a product of matrices")) == TT_OK)
		st = one_find(d, &md, attr, NULL, variant, &pd);
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		return st;
	reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &c.a);
	reads(d, p, &a, DNNL_ARG_WEIGHTS, n->in[1], &c.b);
	one_writes(d, p, &a, DNNL_ARG_DST, n->out[0], &y);
	if (a.st == TT_OK)
		a.a[a.n - 1].md = c.y;
	return one_step(d, p, &a, pd);
}
