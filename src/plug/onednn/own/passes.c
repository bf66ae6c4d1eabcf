/* passes.c -- norms of each sample by itself, prelu, biases, images of other sizes: kernels of ours
 * that pass over plain numbers, or over images in blocks of 16 channels where they lie so.
 *
 * The library has no group norm, no root mean square norm, no local response whose window has an
 * even number of channels, and another nearest pixel. */
#include "plug/onednn/onednn.h"

#include "compute/exec/cpu/bias.h"
#include "compute/exec/cpu/norms/groups.h"
#include "compute/exec/cpu/norms/lrn.h"
#include "compute/exec/cpu/norms/rows.h"
#include "compute/exec/cpu/prelu.h"
#include "compute/exec/cpu/resize.h"

/* ---- rows ---- */

static struct rows rows_of(const struct ir_node *n)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	struct rows s = { .width = 1, .eps = n->attr.eps };

	for (int i = x->ndim - n->attr.ndim; i < x->ndim; i++)
		s.width *= x->dim[i];
	s.rows = tensor_count(x) / s.width;
	return s;
}

/* ptr: x, gamma, beta, y, mean, rstd */
static void run_layernorm(const struct host_args *a)
{
	const struct rows s = rows_of(a->node);

	rows_norm(&s, &(struct rows_norm){ a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4],
	                                   a->ptr[5] });
}

/* ptr: x, gamma, y, rstd */
static void run_rmsnorm(const struct host_args *a)
{
	const struct rows s = rows_of(a->node);

	rows_norm(&s, &(struct rows_norm){ .x = a->ptr[0], .gamma = a->ptr[1], .y = a->ptr[2],
	                                   .rstd = a->ptr[3] });
}

/* ptr: x, dy, gamma, mean, rstd, dx, dgamma, dbeta */
static void run_layernorm_dx(const struct host_args *a)
{
	const struct rows s = rows_of(a->node);

	rows_norm_dx(&s, &(struct rows_norm_dx){ a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3],
	                                         a->ptr[4], a->ptr[5], a->ptr[6], a->ptr[7] });
}

/* ptr: x, dy, gamma, rstd, dx, dgamma */
static void run_rmsnorm_dx(const struct host_args *a)
{
	const struct rows s = rows_of(a->node);

	rows_norm_dx(&s, &(struct rows_norm_dx){ .x = a->ptr[0], .dy = a->ptr[1], .gamma = a->ptr[2],
		.rstd = a->ptr[3], .dx = a->ptr[4], .dgamma = a->ptr[5] });
}

/* ---- images ---- */

/* x as an image; features are one of a single place, which in 16s lie as blocks do. */
struct image { int64_t n, c, points; int block; };

static struct image image_of(const struct ir_node *n, int blocked)
{
	const struct tensor_desc *x = &n->in[0]->desc;
	struct image s = { .n = x->dim[0], .c = x->ndim > 1 ? x->dim[1] : 1, .block = 1 };

	s.points = tensor_count(x) / (s.n * s.c);
	if (blocked || (s.points == 1 && s.c % 16 == 0))
		s.block = 16;
	return s;
}

static struct groups groups_of(const struct ir_node *n, int blocked)
{
	const struct image i = image_of(n, blocked);

	return (struct groups){ i.n, i.c, i.points, n->attr.groups, i.block, n->attr.eps };
}

/* ptr: x, gamma, beta, y, mean, rstd, work */
static void groupnorm(const struct host_args *a, int blocked)
{
	const struct groups s = groups_of(a->node, blocked);

	groups_norm(&s, &(struct groups_norm){ a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4],
	                                       a->ptr[5], a->ptr[6] });
}

/* ptr: x, dy, gamma, mean, rstd, dx, dgamma, dbeta, work */
static void groupnorm_dx(const struct host_args *a, int blocked)
{
	const struct groups s = groups_of(a->node, blocked);

	groups_norm_dx(&s, &(struct groups_norm_dx){ a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3],
		a->ptr[4], a->ptr[5], a->ptr[6], a->ptr[7], a->ptr[8] });
}

static struct lrn lrn_of(const struct ir_node *n, int blocked)
{
	const struct image i = image_of(n, blocked);
	const struct ir_attr *t = &n->attr;

	return (struct lrn){ i.n, i.c, i.points, i.block, (int)t->size, t->alpha, t->beta, t->k };
}

/* ptr: x, y */
static void lrn(const struct host_args *a, int blocked)
{
	const struct lrn s = lrn_of(a->node, blocked);

	lrn_forward(&s, a->ptr[0], a->ptr[1]);
}

/* ptr: x, dy, dx */
static void lrn_slope(const struct host_args *a, int blocked)
{
	const struct lrn s = lrn_of(a->node, blocked);

	lrn_dx(&s, a->ptr[0], a->ptr[1], a->ptr[2]);
}

static struct prelu prelu_of(const struct ir_node *n, int blocked)
{
	const struct image i = image_of(n, blocked);

	return (struct prelu){ i.n, i.c, i.points, i.block, n->in[1]->desc.dim[0] == 1 };
}

/* ptr: x, w, y */
static void prelu(const struct host_args *a, int blocked)
{
	const struct prelu s = prelu_of(a->node, blocked);

	prelu_forward(&s, a->ptr[0], a->ptr[1], a->ptr[2]);
}

/* ptr: x, w, dy, dx, dw, work */
static void prelu_slope(const struct host_args *a, int blocked)
{
	const struct prelu s = prelu_of(a->node, blocked);

	prelu_dx(&s, &(struct prelu_dx){ a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4],
	                                 a->ptr[5] });
}

/* ptr: x, b, y */
static void bias(const struct host_args *a, int blocked)
{
	const struct image i = image_of(a->node, blocked);
	const struct bias s = { i.n, i.c, i.points, i.block };

	bias_add(&s, a->ptr[0], a->ptr[1], a->ptr[2]);
}

/* small: x or dx; large: y or dy */
static struct resize resize_of(const struct host_args *a, const struct tensor_desc *small,
                               const struct tensor_desc *large, int blocked)
{
	const int block = blocked ? 16 : 1;

	return (struct resize){ .planes = small->dim[0] * small->dim[1] / block,
		.small = { small->dim[2], small->dim[3] }, .large = { large->dim[2], large->dim[3] },
		.block = block, .how = a->node->attr.resize, .work = a->ptr[2] };
}

/* ptr: x, y, work */
static void resize(const struct host_args *a, int blocked)
{
	const struct resize s = resize_of(a, &a->node->in[0]->desc, &a->node->out[0]->desc, blocked);

	resize_forward(&s, a->ptr[0], a->ptr[1]);
}

/* ptr: dy, dx, work */
static void resize_slope(const struct host_args *a, int blocked)
{
	const struct resize s = resize_of(a, &a->node->out[0]->desc, &a->node->in[0]->desc, blocked);

	resize_dx(&s, a->ptr[0], a->ptr[1]);
}

#define BOTH(name) \
	static void name##_plain(const struct host_args *a) { name(a, 0); } \
	static void name##_blocked(const struct host_args *a) { name(a, 1); }
BOTH(groupnorm) BOTH(groupnorm_dx) BOTH(lrn) BOTH(lrn_slope) BOTH(prelu) BOTH(prelu_slope)
BOTH(bias) BOTH(resize) BOTH(resize_slope)

/* ---- steps ---- */

static size_t channels_bytes(const struct ir_node *n)
{
	return (size_t)image_of(n, 0).c * sizeof(float);
}

static size_t groups_bytes(const struct ir_node *n)
{
	const struct groups s = groups_of(n, 0);

	return (size_t)groups_work(&s) * sizeof(float);
}

/* Of the larger image, whichever side of the node it is on. */
static size_t places_bytes(const struct ir_node *n)
{
	const int64_t *large = n->op == IR_RESIZE ? n->out[0]->desc.dim : n->in[0]->desc.dim;

	return (size_t)(large[2] + large[3]) * sizeof(struct ir_between);
}

/* Bit i of images: input i is as large as x; the first output always is.  over: the input whose
 * memory it may take, or -1.  work: bytes of scratch. */
static const struct pass {
	enum ir_op  op;
	unsigned    images;
	int         over;
	size_t    (*work)(const struct ir_node *n);     /* NULL: none                   */
	host_fn     plain, blocked;                     /* blocked NULL: rows, which are plain */
} passes[] = {
	{ IR_LAYERNORM,    1, 0, NULL, run_layernorm, NULL },
	{ IR_LAYERNORM_DX, 3, 1, NULL, run_layernorm_dx, NULL },
	{ IR_RMSNORM,      1, 0, NULL, run_rmsnorm, NULL },
	{ IR_RMSNORM_DX,   3, 1, NULL, run_rmsnorm_dx, NULL },
	{ IR_GROUPNORM,    1, 0, groups_bytes, groupnorm_plain, groupnorm_blocked },
	{ IR_GROUPNORM_DX, 3, 1, groups_bytes, groupnorm_dx_plain, groupnorm_dx_blocked },
	{ IR_LRN,          1, -1, NULL, lrn_plain, lrn_blocked },
	{ IR_LRN_DX,       3, -1, NULL, lrn_slope_plain, lrn_slope_blocked },
	{ IR_PRELU,        1, 0, NULL, prelu_plain, prelu_blocked },
	{ IR_PRELU_DX,     5, 2, channels_bytes, prelu_slope_plain, prelu_slope_blocked },
	{ IR_BIAS,         1, 0, NULL, bias_plain, bias_blocked },
	{ IR_RESIZE,       1, -1, places_bytes, resize_plain, resize_blocked },
	{ IR_RESIZE_DX,    1, -1, places_bytes, resize_slope_plain, resize_slope_blocked },
};

/* How inputs and the first output lie that are images; NULL: plain. */
struct lies { const struct layout *in, *out; };

/* Inputs, then outputs; those that nobody wants are -1. */
static tt_status find_args(struct plan *p, const struct ir_node *n, const struct pass *k,
                           const struct lies *l, int *args)
{
	for (int i = 0; i < n->n_in; i++)
		if ((args[i] = plan_in(p, n->in[i], k->images >> i & 1 ? l->in : NULL)) < 0)
			return TT_ENOMEM;
	for (int i = 0; i < n->n_out; i++) {
		int *to = &args[n->n_in + i];

		*to = -1;
		if (!plan_wanted(p, n->out[i]))
			continue;
		*to = i > 0 || k->over < 0 ? plan_out(p, n->out[i], i ? NULL : l->out)
		                           : plan_out_over(p, n->out[i], l->out, args[k->over]);
		if (*to < 0)
			return TT_ENOMEM;
	}
	return TT_OK;
}

/* Blocks of 16 channels, if the first input lies so. */
static tt_status find_layouts(struct one_device *d, struct plan *p, const struct ir_node *n,
                              struct lies *l)
{
	const struct ir_value *y = n->out[0];
	md_t md;
	tt_status st = one_blocks(d, p, n->in[0], &l->in);

	if (st != TT_OK || !l->in)
		return st;
	md = one_md(&y->desc, dnnl_f32, dnnl_nChw16c);
	return one_layout(d, p, y, &md, &l->out);
}

tt_status one_pass(struct one_device *d, struct plan *p, const struct ir_node *n,
                   const char *variant)
{
	const struct pass *k = passes;
	struct lies l = { NULL, NULL };
	int args[PLAN_MAX_ARGS], n_args = n->n_in + n->n_out;
	tt_status st = TT_OK;

	(void)variant;
	while (k->op != n->op)
		k++;
	if (k->blocked && (st = find_layouts(d, p, n, &l)) != TT_OK)
		return st;
	if ((st = find_args(p, n, k, &l, args)) != TT_OK)
		return st;
	if (k->work && (args[n_args++] = plan_scratch(p, k->work(n))) < 0)
		return TT_ENOMEM;
	return host_step(p, "tutti", l.in ? k->blocked : k->plain, args, n_args);
}
