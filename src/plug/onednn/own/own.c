/* own.c -- our own convolution among oneDNN's: the variant "tutti:winograd-4x4".
 *
 * It reads and writes oneDNN's layout of images in blocks of 16 channels, so it stands between
 * oneDNN's other primitives without a copy; filters and their gradients stay plain. */
#include "plug/onednn/onednn.h"

#include "compute/exec/cpu/winograd.h"

static const struct tensor_desc *x_of(const struct ir_node *n)
{
	return n->op == IR_CONV2D_DX ? &n->out[0]->desc : &n->in[0]->desc;
}

static const struct tensor_desc *w_of(const struct ir_node *n)
{
	return n->op == IR_CONV2D_DW ? &n->out[0]->desc : &n->in[1]->desc;
}

static struct winograd shape_of(const struct ir_node *n)
{
	const struct tensor_desc *x = x_of(n);

	return (struct winograd){ .n = x->dim[0], .c = x->dim[1], .k = w_of(n)->dim[0], .h = x->dim[2],
	                          .w = x->dim[3], .pad = n->attr.pad[0],
	                          .relu = n->attr.act == ACT_RELU };
}

int one_own_fits(dnnl_data_type_t t, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;
	const struct tensor_desc *w = w_of(n);

	return (t == dnnl_bf16 ? winograd_bf16_pays() : winograd_pays()) && a->groups == 1 &&
	       w->dim[0] % 16 == 0 && w->dim[1] % 16 == 0 && a->kernel[0] == 3 && a->kernel[1] == 3 &&
	       a->stride[0] == 1 && a->stride[1] == 1 && a->dilation[0] == 1 && a->dilation[1] == 1 &&
	       a->pad[0] <= 1 && a->pad[0] == a->pad[1] && a->pad[0] == a->pad[2] &&
	       a->pad[0] == a->pad[3] && (a->act == ACT_NONE || a->act == ACT_RELU);
}

static void run_forward(const struct host_args *a)
{
	struct winograd g = shape_of(a->node);

	winograd_forward(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4]);
}

static void run_dx(const struct host_args *a)
{
	struct winograd g = shape_of(a->node);

	winograd_dx(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3]);
}

static void run_dw(const struct host_args *a)
{
	struct winograd g = shape_of(a->node);

	winograd_dw(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4]);
}

static void run_forward_bf16(const struct host_args *a)
{
	struct winograd g = shape_of(a->node);

	winograd_bf16_forward(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4]);
}

static void run_dx_bf16(const struct host_args *a)
{
	struct winograd g = shape_of(a->node);

	winograd_bf16_dx(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3]);
}

static void run_dw_bf16(const struct host_args *a)
{
	struct winograd g = shape_of(a->node);

	winograd_bf16_dw(&g, a->ptr[0], a->ptr[1], a->ptr[2], a->ptr[3], a->ptr[4]);
}

/* A buffer of value v in blocks of 16 channels: to be read, or written. */
static int blocked_in(struct one_device *d, struct plan *p, const struct ir_value *v,
                      dnnl_data_type_t t)
{
	const md_t md = one_md(&v->desc, t, dnnl_nChw16c);
	const struct layout *l;

	return one_layout(d, p, v, &md, &l) == TT_OK ? plan_in(p, v, l) : -1;
}

static int blocked_out(struct one_device *d, struct plan *p, const struct ir_value *v,
                       dnnl_data_type_t t)
{
	const md_t md = one_md(&v->desc, t, dnnl_nChw16c);
	const struct layout *l;

	return one_layout(d, p, v, &md, &l) == TT_OK ? plan_out(p, v, l) : -1;
}

static tt_status step(struct plan *p, host_fn fn, const int *args, int n_args, int optional)
{
	for (int i = 0; i < n_args; i++)
		if (args[i] < 0 && i != optional)
			return TT_ENOMEM;
	return host_step(p, ONE_OWN, fn, args, n_args);
}

tt_status one_own(struct one_device *d, struct plan *p, const struct ir_node *n,
                  dnnl_data_type_t t)
{
	const int bf16 = t == dnnl_bf16;
	struct winograd g = shape_of(n);
	size_t scratch = sizeof(float) *
		(n->op == IR_CONV2D_DW ? winograd_dw_scratch(&g) : winograd_scratch(&g));
	int a[5];

	if (n->op == IR_CONV2D) {
		a[0] = blocked_in(d, p, n->in[0], t);
		a[1] = plan_in(p, n->in[1], NULL);
		a[2] = n->n_in == 3 ? plan_in(p, n->in[2], NULL) : -1;
		a[3] = blocked_out(d, p, n->out[0], t);
		a[4] = plan_scratch(p, scratch);
		return step(p, bf16 ? run_forward_bf16 : run_forward, a, 5, n->n_in == 3 ? -1 : 2);
	}
	if (n->op == IR_CONV2D_DX) {
		a[0] = blocked_in(d, p, n->in[0], t);
		a[1] = plan_in(p, n->in[1], NULL);
		a[2] = blocked_out(d, p, n->out[0], t);
		a[3] = plan_scratch(p, scratch);
		return step(p, bf16 ? run_dx_bf16 : run_dx, a, 4, -1);
	}
	a[0] = blocked_in(d, p, n->in[0], t);
	a[1] = blocked_in(d, p, n->in[1], t);
	a[2] = plan_out(p, n->out[0], NULL);
	a[3] = plan_wanted(p, n->out[1]) ? plan_out(p, n->out[1], NULL) : -1;
	a[4] = plan_scratch(p, scratch);
	return step(p, bf16 ? run_dw_bf16 : run_dw, a, 5, plan_wanted(p, n->out[1]) ? -1 : 3);
}
