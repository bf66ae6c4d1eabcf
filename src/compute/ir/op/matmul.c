/* op/matmul.c -- products of matrices, many side by side.
 *
 *   y[.., M, N] = a[.., M, K] b[.., K, N]
 *
 * The dimensions in front count matrices: they agree, or are 1 or missing in one operand, whose
 * matrix then meets all of the other's. */
#include "compute/ir/op.h"

/* Dimension i, counted from the last; 1 where there is none. */
static int64_t from_last(const struct tensor_desc *d, int i)
{
	return i < d->ndim ? d->dim[d->ndim - 1 - i] : 1;
}

struct product { int64_t m, n, k, k_of_b; };

static struct product product_of(const struct ir_node *n)
{
	const struct tensor_desc *a = &n->in[0]->desc, *b = &n->in[1]->desc;
	const int ta = n->attr.trans_a != 0, tb = n->attr.trans_b != 0;

	return (struct product){ from_last(a, !ta), from_last(b, tb), from_last(a, ta),
	                         from_last(b, !tb) };
}

tt_status ir_infer_matmul(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *a = &n->in[0]->desc, *b = &n->in[1]->desc;
	const struct product p = product_of(n);
	char at[IR_VALUE_TEXT], bt[IR_VALUE_TEXT];
	int fits = a->ndim >= 2 && b->ndim >= 2 && p.k == p.k_of_b;

	out[0] = a->ndim > b->ndim ? *a : *b;
	for (int i = 2; i < out[0].ndim && fits; i++) {
		const int64_t x = from_last(a, i), y = from_last(b, i);

		fits = x == y || x == 1 || y == 1;
		out[0].dim[out[0].ndim - 1 - i] = x == 1 ? y : x;
	}
	if (!fits)
		return ir_bad(n, TT_ESHAPE, "%s%s and %s%s have no product",
		              ir_value_text(n->in[0], at), n->attr.trans_a ? " (transposed)" : "",
		              ir_value_text(n->in[1], bt), n->attr.trans_b ? " (transposed)" : "");
	out[0].dim[out[0].ndim - 2] = p.m;
	out[0].dim[out[0].ndim - 1] = p.n;
	return TT_OK;
}

double ir_flops_matmul(const struct ir_node *n)
{
	return 2 * ir_count(n->out[0]) * (double)product_of(n).k;
}

/* ---- gradients ---- */

struct operand { struct ir_value *v; int trans; };

static struct ir_value *multiply(struct ir_backward *b, const struct ir_node *n, struct operand x,
                                 struct operand y)
{
	const struct ir_attr a = { .trans_a = x.trans, .trans_b = y.trans };
	struct ir_node *d = x.v && y.v ? GRAD_EMIT(b, n, IR_MATMUL, &a, x.v, y.v) : NULL;

	return d ? d->out[0] : NULL;
}

/* v as one matrix: all rows of all its matrices. */
static struct ir_value *as_rows(struct ir_backward *b, const struct ir_node *n, struct ir_value *v)
{
	const int64_t width = from_last(&v->desc, 0);
	const struct ir_attr a = { .ndim = 2, .dims = { tensor_count(&v->desc) / width, width } };
	struct ir_node *d = v->desc.ndim == 2 ? NULL : GRAD_EMIT(b, n, IR_RESHAPE, &a, v);

	return v->desc.ndim == 2 ? v : d ? d->out[0] : NULL;
}

static int is_one_matrix(const struct ir_value *v)
{
	return tensor_count(&v->desc) == from_last(&v->desc, 0) * from_last(&v->desc, 1);
}

/* da = dy b^T, or its transpose. */
static struct ir_value *grad_a(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *w = n->in[1];
	const int ta = n->attr.trans_a != 0, tb = n->attr.trans_b != 0;

	if (ta)
		return multiply(b, n, (struct operand){ w, tb }, (struct operand){ dy, 1 });
	return multiply(b, n, (struct operand){ dy, 0 }, (struct operand){ w, !tb });
}

/* db = a^T dy, or its transpose.  One b for all matrices of a, as weights are: all their rows at
 * once, instead of a sum over products. */
static struct ir_value *grad_b(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *x = n->in[0];
	const int ta = n->attr.trans_a != 0, tb = n->attr.trans_b != 0;

	if (!ta && is_one_matrix(n->in[1]) && (!(x = as_rows(b, n, x)) || !(dy = as_rows(b, n, dy))))
		return NULL;
	if (tb)
		return multiply(b, n, (struct operand){ dy, 1 }, (struct operand){ x, ta });
	return multiply(b, n, (struct operand){ x, !ta }, (struct operand){ dy, 0 });
}

tt_status ir_grad_matmul(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	struct ir_value *(*const grad[2])(struct ir_backward *, struct ir_node *, struct ir_value *) = {
		grad_a, grad_b,
	};
	tt_status st = TT_OK;

	for (int i = 0; i < 2 && st == TT_OK; i++)
		if (n->in[i]->wants_grad)
			st = ir_give_reduced(b, n, n->in[i], grad[i](b, n, dy));
	return st;
}

/* ---- definition ---- */

/* The first element of x's matrix for the t-th of y's. */
static int64_t matrix_at(const struct tensor_desc *x, const struct tensor_desc *y, int64_t t)
{
	int64_t at = 0, step = from_last(x, 0) * from_last(x, 1);

	for (int i = 2; i < y->ndim; i++) {
		if (from_last(x, i) > 1)
			at += t % from_last(y, i) * step;
		step *= from_last(x, i);
		t /= from_last(y, i);
	}
	return at;
}

/* a, b -> y, each sum in double */
void ref_matmul(const struct ref_args *r)
{
	const struct product p = product_of(r->node);
	const struct ir_attr *t = &r->node->attr;
	const int64_t a_row = t->trans_a ? 1 : p.k, a_col = t->trans_a ? p.m : 1;
	const int64_t b_row = t->trans_b ? 1 : p.n, b_col = t->trans_b ? p.k : 1;
	const int64_t count = tensor_count(ref_out(r, 0));
	float *y = r->out[0];

	for (int64_t i = 0; i < count; i++) {
		const int64_t which = i / (p.m * p.n), row = i / p.n % p.m, col = i % p.n;
		const float *a = (const float *)r->in[0] + matrix_at(ref_in(r, 0), ref_out(r, 0), which);
		const float *b = (const float *)r->in[1] + matrix_at(ref_in(r, 1), ref_out(r, 0), which);
		double sum = 0;

		for (int64_t k = 0; k < p.k; k++)
			sum += (double)a[row * a_row + k * a_col] * b[k * b_row + col * b_col];
		y[i] = (float)sum;
	}
}
