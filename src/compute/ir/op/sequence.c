/* What all ops on sequences need to know: which places are there. */
#include "compute/ir/op.h"

#define NOWHERE -1e30f           /* less than any number that was meant */

tt_status ir_infer_places(struct ir_node *n, struct tensor_desc *out)
{
	const struct tensor_desc *lengths = &n->in[0]->desc;
	char text[IR_VALUE_TEXT];

	if (lengths->ndim != 1)
		return ir_bad(n, TT_ESHAPE, "needs a length for each sample, not %s",
		              ir_value_text(n->in[0], text));
	if (n->attr.size < 1 || (unsigned)n->attr.reduce > REDUCE_LAST)
		return ir_bad(n, TT_EINVAL, "%lld places, reduction number %d", (long long)n->attr.size,
		              (int)n->attr.reduce);
	out[0] = tensor_desc_make(DTYPE_F32, 2, (const int64_t[]){ lengths->dim[0], n->attr.size });
	return TT_OK;
}

static float weight_of(enum ir_reduce how, int64_t place, int64_t length)
{
	const int there = place < length;

	switch (how) {
	case REDUCE_SUM:  return there;
	case REDUCE_MEAN: return there ? 1 / (float)length : 0;
	case REDUCE_LAST: return place == length - 1;
	default:          return there || length <= 0 ? 0 : NOWHERE;
	}
}

/* lengths -> w */
void ref_places(const struct ref_args *a)
{
	const int64_t n = ref_out(a, 0)->dim[0], places = ref_out(a, 0)->dim[1];
	const int32_t *length = a->in[0];
	float *w = a->out[0];

	for (int64_t i = 0; i < n; i++)
		for (int64_t t = 0; t < places; t++)
			w[i * places + t] = weight_of(a->node->attr.reduce, t, length[i]);
}
