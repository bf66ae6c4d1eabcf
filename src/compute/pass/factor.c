/* factor.c -- which layers' gradients travel as their two factors.
 *
 * A dense layer of M x N weights and K samples on each of P ranks: everybody's factors are
 * K (P-1) (M+N) numbers to send, the sum of the gradients is 2 M N (P-1) / P (a ring, or servers on
 * all ranks).  Poseidon (Zhang et al. 2017, section 3.2) takes what is less, layer by layer.
 * Convolutions over a few places have factors as well (ir/factors.h).
 *
 * Of ranks on H hosts the wire of each host carries everybody's factors as well, but the sums of a
 * host are made inside it: 2 M N (H-1) / H.
 *
 * Each rank makes the product of all factors, so that a byte that is not sent costs operations.
 *
 * In one host's memory nothing is sent, and each rank makes its part of the product: as many
 * operations as for a gradient of its own, which is then neither written nor read.  All factors
 * are, by every rank, and they have a bucket of their own. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

#define FLOPS_OF_BYTE 512       /* two nanoseconds of a core, of which a byte costs it about one; a
                                 * wire of 1 Gbit/s needs eight for it */
#define SHARED_LEAST (1 << 17)  /* weights: for fewer, the ranks' agreements cost as much    */

int pass_factors_pay(const struct pass_factors *g, const struct factors *f)
{
	const double others = g->ranks - 1, weights = (double)ir_factors_weights(f);
	const double factors = (double)ir_factors_floats(f) * others * sizeof(float);
	const double sum = 2.0 * weights * (g->hosts - 1) / g->hosts * g->width;

	if (g->hosts == 1)
		return weights >= SHARED_LEAST && g->ranks * (double)ir_factors_floats(f) <= weights;
	return factors <= sum && ir_factors_flops(f) * others <= FLOPS_OF_BYTE * (sum - factors);
}

static int64_t batch_of(const struct ir_graph *g)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_INPUT && g->value[i]->index == 0)
			return g->value[i]->desc.dim[0];
	return 0;
}

/* A row of its input for each sample, and weights of its own, whose floats can be counted. */
static int may(const struct ir_graph *g, const struct ir_node *n)
{
	const struct ir_value *x = n->in[0], *w = n->in[1];

	return (n->op == IR_DENSE || n->op == IR_CONV2D) && x->desc.dim[0] == batch_of(g) &&
	       w->kind == IR_PARAM && w->wants_grad && ir_only_reader(g, w) == n &&
	       tensor_count(&w->desc) <= UINT32_MAX;
}

void pass_factor(struct ir_graph *g, const struct pass_factors *among)
{
	struct factors f;

	for (struct ir_node *n = g->first; n; n = n->next)
		if (may(g, n) && ir_layer_factors(n, among->rows, &f) && pass_factors_pay(among, &f))
			n->attr.rows = among->rows;
}
