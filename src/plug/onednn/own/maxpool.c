/* maxpool.c -- max pooling of ours: plain, in blocks of channels, or with channels last.  The
 * library's overlooks a NaN. */
#include "plug/onednn/onednn.h"

#include "base/mem.h"
#include "compute/exec/cpu/maxpool.h"

/* A row per way to lie; the first is for all that lies otherwise. */
static const struct way { dnnl_format_tag_t tag; int lanes, is_last; } ways[] = {
	{ dnnl_nchw, 1, 0 }, { dnnl_nChw16c, 16, 0 }, { dnnl_nChw8c, 8, 0 }, { dnnl_nhwc, 16, 1 },
};

static const struct way *way_of(const md_t *md)
{
	md_t like;

	for (size_t i = 1; i < sizeof ways / sizeof *ways && md->ndims == 4; i++)
		if (dnnl_memory_desc_init_by_tag(&like, 4, md->dims, md->data_type,
		                                 ways[i].tag) == dnnl_success &&
		    dnnl_memory_desc_equal(&like, md))
			return &ways[i];
	return &ways[0];
}

struct maxpool_kernel { struct kernel base; struct maxpool g; int is_backward; void *ptr[3]; };

static void maxpool_bind(struct kernel *k, int arg, void *ptr)
{
	((struct maxpool_kernel *)k)->ptr[arg] = ptr;
}

static tt_status maxpool_run(struct kernel *kernel, const struct run_context *rc)
{
	const struct maxpool_kernel *k = (const struct maxpool_kernel *)kernel;

	(void)rc;
	if (k->is_backward)             /* dy, arg, dx */
		maxpool_backward(&k->g, k->ptr[0], k->ptr[1], k->ptr[2]);
	else                            /* x, y, arg */
		maxpool_forward(&k->g, k->ptr[0], k->ptr[1], k->ptr[2]);
	return TT_OK;
}

static void maxpool_free(struct kernel *k) { mem_free(k); }

static tt_status maxpool_clone(const struct kernel *k, struct kernel **out);

static const struct kernel_ops maxpool_ops = {
	.bind = maxpool_bind, .run = maxpool_run, .free = maxpool_free, .clone = maxpool_clone,
};

static tt_status maxpool_clone(const struct kernel *kernel, struct kernel **out)
{
	const struct maxpool_kernel *k = (const struct maxpool_kernel *)kernel;
	struct maxpool_kernel *c = mem_calloc(1, sizeof *c);

	if (!c)
		return TT_ENOMEM;
	*c = (struct maxpool_kernel){ .base = k->base, .g = k->g, .is_backward = k->is_backward };
	*out = &c->base;
	return TT_OK;
}

static struct maxpool shape_of(const struct ir_attr *a, const int64_t *x, const int64_t *y,
                               const struct way *way)
{
	const int64_t planes = (x[1] + way->lanes - 1) / way->lanes;

	return (struct maxpool){ .relu = a->act == ACT_RELU, .images = x[0], .h = x[2], .w = x[3],
	                         .oh = y[2], .ow = y[3], .kh = a->kernel[0], .kw = a->kernel[1],
	                         .sh = a->stride[0], .sw = a->stride[1], .top = a->pad[0],
	                         .left = a->pad[1], .planes = planes, .lanes = way->lanes,
	                         .channels = way->is_last ? x[1] : planes * way->lanes,
	                         .is_last = way->is_last };
}

static tt_status step(struct plan *p, const struct maxpool_kernel *like, const int *args,
                      int optional)
{
	struct maxpool_kernel *k;

	for (int i = 0; i < 3; i++)
		if (args[i] < 0 && i != optional)
			return TT_ENOMEM;
	if (!(k = mem_calloc(1, sizeof *k)))
		return TT_ENOMEM;
	*k = *like;
	k->base = (struct kernel){ .ops = &maxpool_ops, .name = "tutti:maxpool" };
	return plan_step(p, &k->base, args, 3);
}

/* Buffers of v in this way, to be read or written. */
static int reads(struct one_device *d, struct plan *p, const struct ir_value *v, const md_t *md)
{
	const struct layout *l;

	return one_layout(d, p, v, md, &l) == TT_OK ? plan_in(p, v, l) : -1;
}

static int writes(struct one_device *d, struct plan *p, const struct ir_value *v, const md_t *md)
{
	const struct layout *l;

	return one_layout(d, p, v, md, &l) == TT_OK ? plan_out(p, v, l) : -1;
}

static enum maxpool_type type_of(dnnl_data_type_t t)
{
	return t == dnnl_bf16 ? MAXPOOL_BF16 : MAXPOOL_F32;
}

int one_maxpool_can(const struct plan *p, const struct ir_node *n)
{
	const struct ir_attr *a = &n->attr;

	return a->pad[0] < a->kernel[0] && a->pad[2] < a->kernel[0] && a->pad[1] < a->kernel[1] &&
	       a->pad[3] < a->kernel[1] && (a->act == ACT_NONE || a->act == ACT_RELU) &&
	       (a->kernel[0] * a->kernel[1] <= MAXPOOL_PLACES || !plan_wanted(p, n->out[1]));
}

tt_status one_maxpool(struct one_device *d, struct plan *p, const struct ir_node *n)
{
	const md_t lies = one_md_of(p, n->in[0]);
	const struct way *way = way_of(&lies);
	const md_t x = one_md(&n->in[0]->desc, lies.data_type, way->tag);
	const md_t y = one_md(&n->out[0]->desc, lies.data_type, way->tag);
	const md_t arg = one_md(&n->out[0]->desc, dnnl_u8, way->tag);
	struct maxpool_kernel k = {
		.g = shape_of(&n->attr, n->in[0]->desc.dim, n->out[0]->desc.dim, way) };
	int wanted = plan_wanted(p, n->out[1]), args[3] = { -1, -1, -1 };

	k.g.type = type_of(lies.data_type);
	args[0] = reads(d, p, n->in[0], &x);
	args[1] = writes(d, p, n->out[0], &y);
	if (wanted)
		args[2] = writes(d, p, n->out[1], &arg);
	return step(p, &k, args, wanted ? -1 : 2);
}

/* As the places of the maxima lie. */
tt_status one_maxpool_dx(struct one_device *d, struct plan *p, const struct ir_node *n)
{
	const md_t arg = one_md_lies(p, n->in[1]), lies = one_md_of(p, n->in[0]);
	const struct way *way = way_of(&arg);
	const md_t dy = one_md(&n->in[0]->desc, lies.data_type, way->tag);
	const md_t dx = one_md(&n->out[0]->desc, lies.data_type, way->tag);
	struct maxpool_kernel k = { .is_backward = 1,
		.g = shape_of(&n->attr, n->out[0]->desc.dim, n->in[0]->desc.dim, way) };
	int args[3];

	k.g.type = type_of(lies.data_type);
	args[0] = reads(d, p, n->in[0], &dy);
	args[1] = reads(d, p, n->in[1], &arg);
	args[2] = writes(d, p, n->out[0], &dx);
	return step(p, &k, args, -1);
}
