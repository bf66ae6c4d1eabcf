/* views_ahead.c -- is a product on its way to attention?  The nodes behind it say. */
#include "learn/onnx/in/view.h"

#include <string.h>

#define LOOK_AHEAD 600          /* nodes behind a product, where its attention must be */
#define LOOK_MOST 64            /* nodes on the way to it                               */

static const Onnx__Node *maker_near(const struct net *r, const char *name)
{
	for (size_t i = r->at; i < r->g->n_node && i < r->at + LOOK_AHEAD; i++)
		for (size_t k = 0; k < r->g->node[i]->n_output; k++)
			if (strcmp(r->g->node[i]->output[k], name) == 0)
				return r->g->node[i];
	return NULL;
}

static int is_one_of(const Onnx__Node *n, const char *const *ops)
{
	while (*ops && !onnx_is(n, *ops))
		ops++;
	return *ops != NULL;
}

static const char *const moves[] = {
	"Reshape", "Transpose", "Split", "Gather", "Slice", "Squeeze", "Unsqueeze", "Mul", "Div", "Sub",
	"Add", "Concat", "Identity", "Cast", NULL
};
static const char *const scales[] = { "Mul", "Div", "Add", "Where", "Identity", "Cast", NULL };

/* Are these scores, or is it the sum that chances weigh? */
static int is_attention(const struct net *r, const Onnx__Node *product)
{
	const Onnx__Node *n = product;
	const struct value *w = onnx_find(r, product->n_input == 2 ? product->input[1] : "");

	if (product->n_input != 2 || (w && w->kind == VALUE_CONSTANT))
		return 0;
	if (onnx_is(maker_near(r, product->input[0]), "Softmax"))
		return 1;
	for (int i = 0; i < 8 && n; i++) {
		if (onnx_is(n, "Softmax"))
			return 1;
		if (n != product && !is_one_of(n, scales))
			return 0;
		n = onnx_next(r, n);
	}
	return 0;
}

int view_attends(const struct net *r, const char *from)
{
	const char *name[LOOK_MOST];
	int n = 0, at = 0;

	for (name[n++] = from; at < n; at++)
		for (size_t i = r->at; i < r->g->n_node && i < r->at + LOOK_AHEAD; i++) {
			const Onnx__Node *k = r->g->node[i];

			if (!onnx_reads(k, name[at]))
				continue;
			if (onnx_is(k, "MatMul") && is_attention(r, k))
				return 1;
			for (size_t o = 0; is_one_of(k, moves) && o < k->n_output && n < LOOK_MOST; o++)
				name[n++] = k->output[o];
		}
	return 0;
}
