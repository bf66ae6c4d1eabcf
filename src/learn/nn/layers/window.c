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

/* Along direction i (0 down, 1 right), in which the input is so long. */
static void pad_same(int64_t length, int i, struct ir_attr *a)
{
	int64_t steps = (length - 1) / a->stride[i];
	int64_t reach = (int64_t)a->dilation[i] * (a->kernel[i] - 1) + 1;
	int64_t all = steps * a->stride[i] + reach - length;

	all = all < 0 ? 0 : all;
	a->pad[i] = (int)(all / 2);
	a->pad[2 + i] = (int)(all - all / 2);
}

static int is_same(const struct node *padding)
{
	return padding->kind == NODE_TEXT && strcmp(padding->text, "same") == 0;
}

/* Up to `most` numbers into v; *n: how many there are. */
static tt_status read_numbers(const struct node *padding, size_t most, int64_t *v, size_t *n)
{
	tt_status st;

	*n = 0;
	for (const struct node *c = padding->kind == NODE_LIST ? padding->child : padding;
	     c && *n < most; c = padding->kind == NODE_LIST ? c->next : NULL)
		if ((st = node_int(c, 0, SIDE_MAX, &v[(*n)++])) != TT_OK)
			return st;
	if (padding->kind == NODE_LIST && node_count(padding) > most)
		*n = 0;
	return TT_OK;
}

tt_status window_padding(const struct layer *l, const struct node *padding, struct ir_attr *a)
{
	size_t n = 0;
	int64_t v[4];
	tt_status st;

	memset(a->pad, 0, sizeof a->pad);
	if (node_absent(padding))
		return TT_OK;
	if (is_same(padding)) {
		for (int i = 0; i < 2; i++)
			pad_same(l->in[0]->desc.dim[2 + i], i, a);
		return TT_OK;
	}
	if (padding->kind == NODE_MAP)
		return layer_err(l, TT_ESPEC, "padding must be a number, a list or `same`");
	if ((st = read_numbers(padding, 4, v, &n)) != TT_OK)
		return st;
	if (n == 0 || n == 3)
		return layer_err(l, TT_ESPEC, "padding must be a number, [height, width], "
		                 "[top, left, bottom, right] or `same`");
	for (size_t i = 0; i < 4; i++)
		a->pad[i] = (int)v[i % n];
	return TT_OK;
}

tt_status window_check_pool(const struct layer *l, const struct ir_attr *a)
{
	for (int i = 0; i < 4; i++)
		if (a->pad[i] >= a->kernel[i % 2])
			return layer_err(l, TT_ESPEC, "padding %d leaves windows of %d empty", a->pad[i],
			                 a->kernel[i % 2]);
	return TT_OK;
}

tt_status window_row(const struct layer *l, const char *key, const struct option_list *v,
                     int out[2])
{
	tt_status st;

	if (v->n != 1)
		return layer_err(l, TT_ESPEC, "%s must be a number", key);
	if ((st = window_pair(l, key, v, out)) == TT_OK)
		out[0] = 1;
	return st;
}

tt_status window_row_padding(const struct layer *l, const struct node *padding, struct ir_attr *a)
{
	int64_t v[2];
	size_t n = 0;
	tt_status st = TT_OK;

	memset(a->pad, 0, sizeof a->pad);
	if (node_absent(padding))
		return TT_OK;
	if (is_same(padding)) {
		pad_same(l->in[0]->desc.dim[2], 1, a);
		return TT_OK;
	}
	if (padding->kind != NODE_MAP && (st = read_numbers(padding, 2, v, &n)) != TT_OK)
		return st;
	if (n == 0)
		return layer_err(l, TT_ESPEC, "padding must be a number, [left, right] or `same`");
	a->pad[1] = (int)v[0];
	a->pad[3] = (int)v[n - 1];
	return TT_OK;
}
