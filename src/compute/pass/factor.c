/* factor.c -- which dense layers' gradients travel as their two factors.
 *
 * A layer of M x N weights and K samples on each of P ranks: everybody's factors are
 * K (P-1) (M+N) numbers to send, the sum of the gradients is 2 M N (P-1) / P (a ring, or servers on
 * all ranks).  Poseidon (Zhang et al. 2017, section 3.2) takes what is less, layer by layer.
 *
 * Of ranks on H hosts the wire of each host carries everybody's factors as well, but the sums of a
 * host are made inside it: 2 M N (H-1) / H. */
#include "compute/pass/pass.h"

#include "compute/ir/edit.h"

int pass_factors_pay(const struct pass_factors *f, int64_t m, int64_t n)
{
	const double each = (double)f->rows * (double)(m + n) + IR_FACTORS_HEAD;
	const double factors = each * (f->ranks - 1) * sizeof(float);
	const double sum = 2.0 * (double)m * (double)n * (f->hosts - 1) / f->hosts * f->width;

	return factors <= sum;
}

static int64_t batch_of(const struct ir_graph *g)
{
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_INPUT && g->value[i]->index == 0)
			return g->value[i]->desc.dim[0];
	return 0;
}

/* A row of its input for each sample, and weights of its own. */
static int may(const struct ir_graph *g, const struct ir_node *n)
{
	const struct ir_value *x = n->in[0], *w = n->in[1];

	return n->op == IR_DENSE && x->desc.ndim == 2 && x->desc.dim[0] == batch_of(g) &&
	       w->kind == IR_PARAM && ir_only_reader(g, w) == n;
}

void pass_factor(struct ir_graph *g, const struct pass_factors *f)
{
	for (struct ir_node *n = g->first; n; n = n->next)
		if (may(g, n) && pass_factors_pay(f, n->in[1]->desc.dim[0], n->in[1]->desc.dim[1]))
			n->attr.rows = f->rows;
}
