/* factors.c -- a gradient that is left as its two factors. */
#include "compute/exec/cpu/factors.h"
#include "compute/exec/ref/ref.h"

/* dy[n][k][places] -> db[k] */
static void bias_gradient(const struct factors *f, int64_t n, const float *dy, float *db)
{
	for (int64_t k = 0; k < f->k; k++) {
		double sum = 0;

		for (int64_t s = 0; s < n; s++)
			for (int p = 0; p < f->y; p++)
				sum += dy[(s * f->k + k) * f->y + p];
		db[k] = (float)sum;
	}
}

/* x, dy -> both, in the memory of dw; db[K] */
void ref_factors(const struct ref_args *a)
{
	const struct ir_node *n = a->node;
	struct factors f;

	ir_factors(&n->attr, ref_in(a, 0), ref_in(a, 1), n->attr.rows, &f);
	if (a->out[0])
		factors_pack(&f, ref_in(a, 0)->dim[0], a->in[0], a->in[1], a->out[0]);
	if (a->out[1])
		bias_gradient(&f, ref_in(a, 0)->dim[0], a->in[1], a->out[1]);
}
