/* lanes.c -- our own convolution and max pooling with images in the lanes: the variant
 * "tutti:lanes".
 *
 * Their layout is known to oneDNN too (blocks of 16 along the batch), so its activations and
 * copies go on in it; for the rest a value in lanes counts as not blocked yet (one_md_of).  Since
 * a choice is made before its readers', the variant is offered only where those can go on. */
#include "plug/onednn/onednn.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/cpu/lanes/lanes.h"

/* Sums of a filter's gradient are 16 times its size, and so many stay in the second-level cache. */
#define FILTER_MAX 8192

static md_t lanes_md(const struct ir_value *v, dnnl_data_type_t t)
{
	return one_md(&v->desc, t, dnnl_Abcd16a);
}

/* ---- what nodes can do it ---- */

static const struct tensor_desc *x_of(const struct ir_node *n)
{
	return n->op == IR_CONV2D_DX ? &n->out[0]->desc : &n->in[0]->desc;
}

static const struct tensor_desc *w_of(const struct ir_node *n)
{
	return n->op == IR_CONV2D_DW ? &n->out[0]->desc : &n->in[1]->desc;
}

/* Channels that fill blocks of 16 are served well already. */
static int conv_can(const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const int64_t *w = w_of(n)->dim;

	return x_of(n)->dim[0] % LANES == 0 && a->groups == 1 && (w[0] % 16 || w[1] % 16) &&
	       w[0] * w[1] * w[2] * w[3] <= FILTER_MAX && a->stride[0] == 1 && a->stride[1] == 1 &&
	       a->dilation[0] == 1 && a->dilation[1] == 1 && a->pad[0] < w[2] && a->pad[2] < w[2] &&
	       a->pad[1] < w[3] && a->pad[3] < w[3] &&
	       (a->act == ACT_NONE || a->act == ACT_RELU);
}

static int pool_can(const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;

	return n->in[0]->desc.dim[0] % LANES == 0 && a->kernel[0] * a->kernel[1] <= 256 &&
	       a->pad[0] < a->kernel[0] && a->pad[2] < a->kernel[0] && a->pad[1] < a->kernel[1] &&
	       a->pad[3] < a->kernel[1] && (a->act == ACT_NONE || a->act == ACT_RELU);
}

/* Does this node take its inputs in lanes, or plain, which is one fast copy away? */
static int goes_on(const struct ir_node *n)
{
	switch (n->op) {
	case IR_CONV2D: case IR_CONV2D_DX: case IR_CONV2D_DW:
		return conv_can(n);
	case IR_MAXPOOL:
		return pool_can(n);
	case IR_MAXPOOL_DX: case IR_ACT: case IR_ACT_DX: case IR_RESHAPE: case IR_MSE: case IR_MSE_DX:
		return 1;
	default:
		return 0;
	}
}

static int readers_go_on(const struct ir_node *n)
{
	for (const struct ir_node *r = n->next; r; r = r->next)
		for (int i = 0; i < r->n_in; i++)
			if (r->in[i] == n->out[0] && !goes_on(r))
				return 0;
	return 1;
}

/* What lies in bf16 has a copy before it anyway. */
static int is_near(const struct plan *p, const struct ir_value *v)
{
	const struct one_layout *l = one_layout_of(p, v);

	return !l || one_in_lanes(l) || l->md.data_type == dnnl_bf16;
}

int one_lanes_fits(const struct plan *p, const struct ir_node *n)
{
	if (!lanes_pay() || !is_near(p, n->in[0]))
		return 0;
	if (n->op == IR_MAXPOOL)
		return pool_can(n) && readers_go_on(n);
	if (n->op == IR_CONV2D_DW)
		return conv_can(n) && is_near(p, n->in[1]);
	return conv_can(n) && readers_go_on(n);
}

/* ---- convolution ---- */

static struct lanes_conv conv_of(const struct ir_node *n)
{
	const int64_t *x = x_of(n)->dim, *w = w_of(n)->dim;
	const int *pad = n->attr.pad;

	return (struct lanes_conv){ .n = x[0], .c = x[1], .h = x[2], .w = x[3], .k = w[0], .kh = w[2],
	                            .kw = w[3], .pad = { pad[0], pad[1], pad[2], pad[3] },
	                            .relu = n->attr.act == ACT_RELU };
}

static void run_forward(const struct host_args *a)
{
	struct lanes_conv g = conv_of(a->node);

	lanes_forward(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4]);
}

static void run_dx(const struct host_args *a)
{
	struct lanes_conv g = conv_of(a->node);

	lanes_dx(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3]);
}

static void run_dw(const struct host_args *a)
{
	struct lanes_conv g = conv_of(a->node);

	lanes_dw(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4]);
}

/* A buffer of value v in lanes: to be read, or written. */
static int lanes_in(struct one_device *d, struct plan *p, const struct ir_value *v,
                    dnnl_data_type_t t)
{
	const md_t md = lanes_md(v, t);
	const struct layout *l;

	return one_layout(d, p, v, &md, &l) == TT_OK ? plan_in(p, v, l) : -1;
}

static int lanes_out(struct one_device *d, struct plan *p, const struct ir_value *v,
                     dnnl_data_type_t t)
{
	const md_t md = lanes_md(v, t);
	const struct layout *l;

	return one_layout(d, p, v, &md, &l) == TT_OK ? plan_out(p, v, l) : -1;
}

static tt_status step(struct plan *p, host_fn fn, const int *args, int n_args, int optional)
{
	for (int i = 0; i < n_args; i++)
		if (args[i] < 0 && i != optional)
			return TT_ENOMEM;
	return host_step(p, ONE_LANES, fn, args, n_args);
}

tt_status one_lanes_conv(struct one_device *d, struct plan *p, const struct ir_node *n)
{
	struct lanes_conv g = conv_of(n);
	int a[5], db = n->op == IR_CONV2D_DW && plan_wanted(p, n->out[1]);

	a[0] = lanes_in(d, p, n->in[0], dnnl_f32);
	if (n->op == IR_CONV2D_DW) {
		a[1] = lanes_in(d, p, n->in[1], dnnl_f32);
		a[2] = plan_out(p, n->out[0], NULL);
		a[3] = db ? plan_out(p, n->out[1], NULL) : -1;
		a[4] = plan_scratch(p, sizeof(float) * lanes_dw_scratch(&g));
		return step(p, run_dw, a, 5, db ? -1 : 3);
	}
	a[1] = plan_in(p, n->in[1], NULL);
	if (n->op == IR_CONV2D_DX) {
		a[2] = lanes_out(d, p, n->out[0], dnnl_f32);
		a[3] = plan_scratch(p, sizeof(float) * lanes_scratch(&g));
		return step(p, run_dx, a, 4, -1);
	}
	a[2] = n->n_in == 3 ? plan_in(p, n->in[2], NULL) : -1;
	a[3] = lanes_out(d, p, n->out[0], dnnl_f32);
	a[4] = plan_scratch(p, sizeof(float) * lanes_scratch(&g));
	return step(p, run_forward, a, 5, n->n_in == 3 ? -1 : 2);
}

/* ---- max pooling; where the maxima were is kept in lanes of bytes ---- */

static struct lanes_pool pool_of(const struct ir_node *n, const int64_t *x, const int64_t *y)
{
	const struct ir_attr *a = &n->attr;

	return (struct lanes_pool){ .n = x[0], .c = x[1], .h = x[2], .w = x[3], .oh = y[2], .ow = y[3],
	                            .kh = a->kernel[0], .kw = a->kernel[1], .sh = a->stride[0],
	                            .sw = a->stride[1], .top = a->pad[0], .left = a->pad[1],
	                            .relu = a->act == ACT_RELU };
}

static void run_pool(const struct host_args *a)
{
	const struct ir_node *n = a->node;
	struct lanes_pool g = pool_of(n, n->in[0]->desc.dim, n->out[0]->desc.dim);

	lanes_maxpool(&g, a->ptr[0], a->ptr[1], a->ptr[2]);
}

static void run_pool_dx(const struct host_args *a)
{
	const struct ir_node *n = a->node;
	struct lanes_pool g = pool_of(n, n->out[0]->desc.dim, n->in[0]->desc.dim);

	lanes_maxpool_dx(&g, a->ptr[0], a->ptr[1], a->ptr[2]);
}

tt_status one_lanes_pool(struct one_device *d, struct plan *p, const struct ir_node *n)
{
	int a[3] = { lanes_in(d, p, n->in[0], dnnl_f32), lanes_out(d, p, n->out[0], dnnl_f32), -1 };
	int arg = plan_wanted(p, n->out[1]);

	if (arg)
		a[2] = lanes_out(d, p, n->out[1], dnnl_u8);
	return step(p, run_pool, a, 3, arg ? -1 : 2);
}

int one_lanes_pooled(const struct plan *p, const struct ir_node *n)
{
	const struct one_layout *l = one_layout_of(p, n->in[1]);

	return l && one_is_lanes(&l->md, dnnl_u8);
}

tt_status one_lanes_pool_dx(struct one_device *d, struct plan *p, const struct ir_node *n)
{
	const int a[3] = { lanes_in(d, p, n->in[0], dnnl_f32), lanes_in(d, p, n->in[1], dnnl_u8),
	                   lanes_out(d, p, n->out[0], dnnl_f32) };

	return step(p, run_pool_dx, a, 3, -1);
}

/* ---- between plain images and lanes ---- */

struct turn_kernel {
	struct kernel base;
	int64_t       n, points;
	int           to_plain;
	void         *ptr[2];           /* from, to */
};

static void turn_bind(struct kernel *k, int arg, void *ptr)
{
	((struct turn_kernel *)k)->ptr[arg] = ptr;
}

static tt_status turn_run(struct kernel *k, const struct run_context *rc)
{
	const struct turn_kernel *t = (const struct turn_kernel *)k;

	(void)rc;
	if (t->to_plain)
		lanes_to_plain(t->ptr[0], t->n, t->points, t->ptr[1]);
	else
		lanes_from_plain(t->ptr[0], t->n, t->points, t->ptr[1]);
	return TT_OK;
}

static void turn_free(struct kernel *k) { mem_free(k); }

static tt_status turn_clone(const struct kernel *k, struct kernel **out)
{
	const struct turn_kernel *t = (const struct turn_kernel *)k;
	struct turn_kernel *c = mem_calloc(1, sizeof *c);

	if (!c)
		return TT_ENOMEM;
	*c = (struct turn_kernel){ .base = t->base, .n = t->n, .points = t->points,
	                           .to_plain = t->to_plain };
	*out = &c->base;
	return TT_OK;
}

static const struct kernel_ops turn_ops = {
	.bind = turn_bind, .run = turn_run, .free = turn_free, .clone = turn_clone,
};

tt_status one_lanes_turn(struct plan *p, int from, int to)
{
	const struct plan_buf *a = plan_buf(p, from);
	const struct tensor_desc *x = &a->value->desc;
	struct turn_kernel *t = mem_calloc(1, sizeof *t);

	if (!t)
		return TT_ENOMEM;
	*t = (struct turn_kernel){ .base = { .ops = &turn_ops, .name = ONE_LANES }, .n = x->dim[0],
	                           .points = tensor_count(x) / x->dim[0],
	                           .to_plain = a->layout != NULL };
	return plan_step(p, &t->base, (const int[]){ from, to }, 2);
}
