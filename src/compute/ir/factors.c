#include "compute/ir/factors.h"

/* Where tap `tap` of place o looks, along one side of n; -1: outside. */
static int64_t look(int64_t o, int64_t tap, int64_t n, const int geometry[3])
{
	const int64_t i = o * geometry[0] + tap * geometry[1] - geometry[2];

	return i < 0 || i >= n ? -1 : i;
}

static void fill_from(const struct ir_attr *a, const struct tensor_desc *x,
                      const struct tensor_desc *y, struct factors *f)
{
	const int down[3] = { a->stride[0], a->dilation[0], a->pad[0] };
	const int right[3] = { a->stride[1], a->dilation[1], a->pad[1] };
	signed char *to = f->from;

	for (int tap = 0; tap < f->taps; tap++)
		for (int o = 0; o < f->y; o++) {
			const int64_t h = look(o / y->dim[3], tap / a->kernel[1], x->dim[2], down);
			const int64_t w = look(o % y->dim[3], tap % a->kernel[1], x->dim[3], right);

			*to++ = (signed char)(h < 0 || w < 0 ? -1 : h * x->dim[3] + w);
		}
}

static int is_small(const struct ir_attr *a, const struct tensor_desc *x,
                    const struct tensor_desc *y)
{
	const int64_t places = y->dim[2] * y->dim[3], taps = (int64_t)a->kernel[0] * a->kernel[1];

	return x->dim[2] * x->dim[3] <= 64 && places <= 64 && 64 % places == 0 &&
	       taps <= IR_FACTORS_PAIRS / places;
}

int ir_factors(const struct ir_attr *a, const struct tensor_desc *x, const struct tensor_desc *y,
               int64_t rows, struct factors *f)
{
	*f = (struct factors){ rows, x->dim[1], y->dim[1], 1, 1, 1, { 0 } };
	if (x->ndim == 2 && y->ndim == 2)
		return 1;
	if (x->ndim != 4 || y->ndim != 4 || a->groups > 1 || !is_small(a, x, y))
		return 0;
	f->x = (int)(x->dim[2] * x->dim[3]);
	f->y = (int)(y->dim[2] * y->dim[3]);
	f->taps = a->kernel[0] * a->kernel[1];
	fill_from(a, x, y, f);
	return 1;
}

int ir_layer_factors(const struct ir_node *layer, int64_t rows, struct factors *f)
{
	return ir_factors(&layer->attr, &layer->in[0]->desc, &layer->out[0]->desc, rows, f);
}

int64_t ir_factors_floats(const struct factors *f)
{
	return IR_FACTORS_HEAD + f->rows * (f->c * f->x + f->k * f->y);
}

int64_t ir_factors_weights(const struct factors *f) { return f->c * f->k * f->taps; }

double ir_factors_flops(const struct factors *f)
{
	int pairs = 0;

	for (int i = 0; i < f->taps * f->y; i++)
		pairs += f->from[i] >= 0;
	return 2.0 * pairs * (double)f->rows * (double)f->c * (double)f->k;
}
