/* sync_batchnorm.c -- batch norms shared by ranks, among oneDNN's layouts: the passes over
 * activations; what stands between them (joining moments, applying them) is small, or oneDNN's
 * own. */
#include "plug/onednn/onednn.h"

#include <math.h>

#include "compute/exec/cpu/sync_batchnorm.h"

static struct sync_batchnorm shape_of(const struct ir_node *n, int block)
{
	const struct tensor_desc *x = &n->in[0]->desc;

	return (struct sync_batchnorm){ .n = x->dim[0], .c = x->dim[1], .block = block,
	                             .points = tensor_count(x) / (x->dim[0] * x->dim[1]) };
}

/* ptr: x, m[1+2C] */
static void moments(const struct host_args *a, int block)
{
	const struct sync_batchnorm s = shape_of(a->node, block);
	float *m = a->ptr[1];

	m[0] = (float)(s.n * s.points);
	sync_batchnorm_moments(&s, a->ptr[0], m + 1, m + 1 + s.c);
}

/* ptr: x, dy, mean, var, dgamma, dbeta, scratch[C] */
static void sums(const struct host_args *a, int block)
{
	const struct sync_batchnorm s = shape_of(a->node, block);
	const float *var = a->ptr[3];
	float *rstd = a->ptr[6];

	for (int64_t i = 0; i < s.c; i++)
		rstd[i] = (float)(1 / sqrt((double)var[i] + a->node->attr.eps));
	sync_batchnorm_sums(&s, &(struct norm_sums){
		.x = a->ptr[0], .dy = a->ptr[1], .mean = a->ptr[2], .rstd = rstd,
		.dgamma = a->ptr[4], .dbeta = a->ptr[5] });
}

/* ptr: x, dy, gamma, mean, var, count, g[ranks,2C], dx, scratch[3C] */
static void dx(const struct host_args *a, int block)
{
	const struct sync_batchnorm s = shape_of(a->node, block);
	const float *gamma = a->ptr[2], *var = a->ptr[4], *g = a->ptr[6];
	const double n = ((const float *)a->ptr[5])[0];
	float *scale = a->ptr[8], *shift = scale + s.c, *slope = shift + s.c;

	for (int64_t c = 0; c < s.c; c++) {
		double rstd = 1 / sqrt((double)var[c] + a->node->attr.eps), dgamma = 0, dbeta = 0;

		for (int64_t r = 0; r < a->node->in[6]->desc.dim[0]; r++) {
			dgamma += g[r * 2 * s.c + c];
			dbeta += g[r * 2 * s.c + s.c + c];
		}
		scale[c] = (float)(gamma[c] * rstd);
		shift[c] = (float)(dbeta / n);
		slope[c] = (float)(rstd * dgamma / n);
	}
	sync_batchnorm_dx(&s, &(struct norm_dx){
		.x = a->ptr[0], .dy = a->ptr[1], .mean = a->ptr[3], .scale = scale, .shift = shift,
		.slope = slope, .dx = a->ptr[7] });
}

static void moments_plain(const struct host_args *a) { moments(a, 1); }
static void moments_blocked(const struct host_args *a) { moments(a, 16); }
static void sums_plain(const struct host_args *a) { sums(a, 1); }
static void sums_blocked(const struct host_args *a) { sums(a, 16); }
static void dx_plain(const struct host_args *a) { dx(a, 1); }
static void dx_blocked(const struct host_args *a) { dx(a, 16); }

static const struct {
	enum ir_op  op;
	int         images, scratch;        /* inputs as large as x; vectors [C] */
	const char *name;
	host_fn     plain, blocked;
} passes[] = {
	{ IR_BN_MOMENTS, 1, 0, "tutti:moments", moments_plain, moments_blocked },
	{ IR_BN_SUMS,    2, 1, "tutti:sums",    sums_plain,    sums_blocked },
	{ IR_BN_DX,      2, 3, "tutti",         dx_plain,      dx_blocked },
};

/* Inputs, then outputs, which are written whether anybody wants them or not. */
static tt_status find_args(struct plan *p, const struct ir_node *n, int images,
                           const struct layout *l, int *args)
{
	for (int i = 0; i < n->n_in; i++)
		if ((args[i] = plan_in(p, n->in[i], i < images ? l : NULL)) < 0)
			return TT_ENOMEM;
	for (int i = 0; i < n->n_out; i++) {
		args[n->n_in + i] = n->op == IR_BN_DX ? plan_out_over(p, n->out[i], l, args[1])
		                                      : plan_out(p, n->out[i], NULL);
		if (args[n->n_in + i] < 0)
			return TT_ENOMEM;
	}
	return TT_OK;
}

tt_status one_sync_batchnorm(struct one_device *d, struct plan *p, const struct ir_node *n,
                          const char *variant)
{
	const struct layout *l;
	const size_t channels = (size_t)n->in[0]->desc.dim[1];
	int args[PLAN_MAX_ARGS], n_args = n->n_in + n->n_out, i = 0;
	tt_status st;

	(void)variant;
	while (passes[i].op != n->op)
		i++;
	if ((st = one_blocks(d, p, n->in[0], &l)) != TT_OK ||
	    (st = find_args(p, n, passes[i].images, l, args)) != TT_OK)
		return st;
	if (passes[i].scratch &&
	    (args[n_args++] = plan_scratch(p, (size_t)passes[i].scratch * channels *
	                                   sizeof(float))) < 0)
		return TT_ENOMEM;
	return host_step(p, passes[i].name, l ? passes[i].blocked : passes[i].plain, args, n_args);
}
