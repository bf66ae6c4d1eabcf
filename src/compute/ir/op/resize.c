/* op/resize.c -- images of another size: by the nearest pixel, or between the four around, as
 * PyTorch's interpolate without align_corners has it. */
#include "compute/ir/op.h"

#include <math.h>
#include <string.h>

/* x and y, which one of them the outputs' shape is: images of the same number and channels. */
static tt_status infer(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	char is[IR_VALUE_TEXT], want[TENSOR_TEXT];
	tt_status st = ir_infer_attr(n, out);

	if (st != TT_OK)
		return st;
	if ((unsigned)n->attr.resize > RESIZE_BILINEAR)
		return ir_bad(n, TT_EINVAL, "there is no way %d to resize", (int)n->attr.resize);
	if (x->ndim != 4 || out->ndim != 4 || x->dim[0] != out->dim[0] || x->dim[1] != out->dim[1])
		return ir_bad(n, TT_ESHAPE, "%s cannot be resized to %s", ir_value_text(n->in[0], is),
		              tensor_text(out, want));
	for (int i = 2; i < 4; i++)
		if (x->dim[i] > IR_SIDE_MAX || out->dim[i] > IR_SIDE_MAX)
			return ir_bad(n, TT_ESHAPE, "sides of images end at %d", IR_SIDE_MAX);
	return TT_OK;
}

tt_status ir_infer_resize(struct ir_node *n, struct tensor_desc *out) { return infer(n, out); }
tt_status ir_infer_resize_dx(struct ir_node *n, struct tensor_desc *out) { return infer(n, out); }

tt_status ir_grad_resize(struct ir_backward *b, struct ir_node *n, struct ir_value *dy)
{
	const struct ir_attr a = ir_grad_attr(n, n->in[0]);

	return ir_give_out(b, n->in[0], GRAD_EMIT(b, n, IR_RESIZE_DX, &a, dy), 0);
}

/* In floats, as PyTorch does: where a division does not come out even, it is the same pixel. */
struct ir_between ir_resize_at(enum ir_resize how, int64_t i, int64_t in, int64_t out)
{
	const float step = (float)in / (float)out;
	struct ir_between b = { 0, 0, 0 };

	if (how == RESIZE_NEAREST) {
		b.from = in == out ? i : out == 2 * in ? i / 2 : (int64_t)floorf((float)i * step);
		b.from = b.to = b.from < in ? b.from : in - 1;
		return b;
	}
	if (in == out) {
		b.from = b.to = i;
	} else {
		const float at = fmaxf(step * ((float)i + 0.5f) - 0.5f, 0);

		b.from = (int64_t)at < in ? (int64_t)at : in - 1;
		b.to = b.from + (b.from < in - 1);
		b.share = at - (float)b.from;
	}
	return b;
}

/* For each number of the large shape y: the four of x that it is made of, with their weights; f
 * gets both places. */
typedef void part_fn(const struct ref_args *a, int64_t small, int64_t large, double weight);

static void each_part(const struct ref_args *a, const struct tensor_desc *x,
                      const struct tensor_desc *y, part_fn *f)
{
	const enum ir_resize how = a->node->attr.resize;
	const int64_t H = x->dim[2], W = x->dim[3], OH = y->dim[2], OW = y->dim[3];

	for (int64_t i = 0; i < tensor_count(y); i++) {
		const struct ir_between v = ir_resize_at(how, i / OW % OH, H, OH);
		const struct ir_between h = ir_resize_at(how, i % OW, W, OW);
		const int64_t image = i / (OH * OW) * H * W;

		f(a, image + v.from * W + h.from, i, (1 - (double)v.share) * (1 - (double)h.share));
		if (how == RESIZE_NEAREST)
			continue;
		f(a, image + v.from * W + h.to, i, (1 - (double)v.share) * h.share);
		f(a, image + v.to * W + h.from, i, v.share * (1 - (double)h.share));
		f(a, image + v.to * W + h.to, i, (double)v.share * h.share);
	}
}

static void gather(const struct ref_args *a, int64_t small, int64_t large, double weight)
{
	((float *)a->out[0])[large] += (float)(weight * ((const float *)a->in[0])[small]);
}

static void scatter(const struct ref_args *a, int64_t small, int64_t large, double weight)
{
	((float *)a->out[0])[small] += (float)(weight * ((const float *)a->in[0])[large]);
}

void ref_resize(const struct ref_args *a)
{
	memset(a->out[0], 0, tensor_bytes(ref_out(a, 0)));
	each_part(a, ref_in(a, 0), ref_out(a, 0), gather);
}

void ref_resize_dx(const struct ref_args *a)
{
	memset(a->out[0], 0, tensor_bytes(ref_out(a, 0)));
	each_part(a, ref_out(a, 0), ref_in(a, 0), scatter);
}
