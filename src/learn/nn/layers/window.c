#include "learn/nn/layers/window.h"

#include <string.h>

#define SIDE_MAX 65536

tt_status window_pair(const struct layer *l, const char *key, const struct option_list *v,
                      int out[2])
{
	if (v->n != 1 && v->n != 2)
		return layer_err(l, TT_ESPEC, "%s must be a number or [height, width]", key);
	for (size_t i = 0; i < 2; i++) {
		double side = v->v[i % v->n];

		if (!(side >= 1 && side <= SIDE_MAX) || side != (int)side)
			return layer_err(l, TT_ESPEC, "%s is %g, but must be a whole number in 1 ... %d", key,
			                 side, SIDE_MAX);
		out[i] = (int)side;
	}
	return TT_OK;
}

static void pad_same(const struct tensor_desc *x, struct ir_attr *a)
{
	for (int i = 0; i < 2; i++) {
		int64_t steps = (x->dim[2 + i] - 1) / a->stride[i];
		int64_t reach = (int64_t)a->dilation[i] * (a->kernel[i] - 1) + 1;
		int64_t all = steps * a->stride[i] + reach - x->dim[2 + i];

		all = all < 0 ? 0 : all;
		a->pad[i] = (int)(all / 2);
		a->pad[2 + i] = (int)(all - all / 2);
	}
}

tt_status window_padding(const struct layer *l, const struct node *padding, struct ir_attr *a)
{
	size_t n = 0;
	int64_t v[4];
	tt_status st;

	memset(a->pad, 0, sizeof a->pad);
	if (node_absent(padding))
		return TT_OK;
	if (padding->kind == NODE_TEXT && strcmp(padding->text, "same") == 0) {
		pad_same(&l->in[0]->desc, a);
		return TT_OK;
	}
	if (padding->kind == NODE_MAP)
		return layer_err(l, TT_ESPEC, "padding must be a number, a list or `same`");
	for (const struct node *c = padding->kind == NODE_LIST ? padding->child : padding;
	     c && n < 4; c = padding->kind == NODE_LIST ? c->next : NULL)
		if ((st = node_int(c, 0, SIDE_MAX, &v[n++])) != TT_OK)
			return st;
	if (n == 0 || n == 3 || (padding->kind == NODE_LIST && node_count(padding) > 4))
		return layer_err(l, TT_ESPEC, "padding must be a number, [height, width], "
		                 "[top, left, bottom, right] or `same`");
	for (size_t i = 0; i < 4; i++)
		a->pad[i] = (int)v[i % n];
	return TT_OK;
}
