/* pool.c -- average pooling by the library; max pooling is ours.  Both keep the layout that their
 * input has. */
#include "plug/onednn/onednn.h"

#include <string.h>

struct pool {
	dnnl_alg_kind_t alg;
	md_t            x, y;
	dnnl_dims_t     stride, kernel, dilate, pad_l, pad_r;
};

/* x: as it lies (or is wanted); y: the library's choice for that. */
static struct pool pool_of(const struct ir_node *n, md_t x, md_t y)
{
	const struct ir_attr *a = &n->attr;
	struct pool c = { .x = x, .y = y };

	c.alg = a->count_pad ? dnnl_pooling_avg_include_padding
	                     : dnnl_pooling_avg_exclude_padding;
	for (int i = 0; i < 2; i++) {
		c.stride[i] = a->stride[i];
		c.kernel[i] = a->kernel[i];
		c.dilate[i] = 0;
		c.pad_l[i] = a->pad[i];
		c.pad_r[i] = a->pad[i + 2];
	}
	return c;
}

static tt_status forward(struct one_device *d, const struct pool *c, enum program_purpose purpose,
                         dnnl_primitive_desc_t *out)
{
	dnnl_pooling_v2_desc_t pd;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(ACT_NONE, 0, &attr);

	if (st != TT_OK)
		return st;
	st = one_check(dnnl_pooling_v2_forward_desc_init(&pd, purpose == PROGRAM_TRAIN ?
		dnnl_forward_training : dnnl_forward_inference, c->alg, &c->x, &c->y, c->stride,
		c->kernel, c->dilate, c->pad_l, c->pad_r), "a pooling");
	if (st == TT_OK)
		st = one_find(d, &pd, attr, NULL, NULL, out);
	dnnl_primitive_attr_destroy(attr);
	return st;
}

int one_pool_variants(struct one_device *d, struct plan *p, const struct ir_node *n,
                      char names[][VARIANT_NAME], int max)
{
	int lanes = n->op == IR_MAXPOOL && one_lanes_fits(p, n) && max > 1;
	int first = lanes && one_in_lanes(one_layout_of(p, n->in[0]));   /* stay there */

	(void)d;
	names[0][0] = '\0';
	if (!lanes)
		return 1;
	names[first][0] = '\0';
	strcpy(names[!first], ONE_LANES);
	return 2;
}

tt_status one_pool(struct one_device *d, struct plan *p, const struct ir_node *n,
                   const char *variant)
{
	const md_t x = one_md_of(p, n->in[0]);
	struct pool c = pool_of(n, x, one_md_any(&n->out[0]->desc, x.data_type));
	struct one_args a = { .n = 0 };
	dnnl_primitive_desc_t pd;
	tt_status st;

	if (strcmp(variant, ONE_LANES) == 0)
		return one_lanes_pool(d, p, n);
	if (n->op == IR_MAXPOOL)
		return one_maxpool(d, p, n);
	st = forward(d, &c, plan_purpose(p), &pd);
	if (st != TT_OK)
		return st;
	one_reads(d, p, &a, DNNL_ARG_SRC, n->in[0], &x);
	one_writes(d, p, &a, DNNL_ARG_DST, n->out[0], one_query(pd, dnnl_query_dst_md, 0));
	return one_step(d, p, &a, pd);
}

/* x's layout is guessed from dy's: the same blocking with x's shape. */
static tt_status hint_for(struct one_device *d, struct plan *p, const struct ir_node *n,
                          dnnl_primitive_desc_t *hint)
{
	const md_t dy = one_md_of(p, n->in[0]);
	const struct tensor_desc *x = &n->out[0]->desc;
	md_t dx = one_md_any(x, dy.data_type);
	struct pool c;

	if (dy.format_kind == dnnl_blocked && dy.format_desc.blocking.inner_nblks == 1)
		dx = one_md(x, dy.data_type, dy.format_desc.blocking.inner_blks[0] == 16 ?
		            dnnl_nChw16c : dnnl_nChw8c);
	else
		dx = one_md_as_plain(&dx, dy.data_type);
	c = pool_of(n, dx, one_md_any(&n->in[0]->desc, dy.data_type));
	return forward(d, &c, PROGRAM_TRAIN, hint);
}

tt_status one_pool_dx(struct one_device *d, struct plan *p, const struct ir_node *n,
                      const char *variant)
{
	struct one_args a = { .n = 0 };
	struct pool c;
	dnnl_pooling_v2_desc_t cd;
	dnnl_primitive_desc_t hint, pd = NULL;
	dnnl_primitive_attr_t attr;
	tt_status st;

	(void)variant;
	if (n->op == IR_MAXPOOL_DX)
		return one_lanes_pooled(p, n) ? one_lanes_pool_dx(d, p, n) : one_maxpool_dx(d, p, n);
	if ((st = hint_for(d, p, n, &hint)) != TT_OK)
		return st;
	if ((st = one_attr(ACT_NONE, 0, &attr)) != TT_OK)
		goto out;
	c = pool_of(n, *one_query(hint, dnnl_query_src_md, 0), *one_query(hint, dnnl_query_dst_md, 0));
	st = one_check(dnnl_pooling_v2_backward_desc_init(&cd, c.alg, &c.x, &c.y, c.stride, c.kernel,
		c.dilate, c.pad_l, c.pad_r), "a pooling's gradient");
	if (st == TT_OK)
		st = one_find(d, &cd, attr, hint, NULL, &pd);
	dnnl_primitive_attr_destroy(attr);
	if (st != TT_OK)
		goto out;
	one_reads(d, p, &a, DNNL_ARG_DIFF_DST, n->in[0], &c.y);
	one_writes(d, p, &a, DNNL_ARG_DIFF_SRC, n->out[0], &c.x);
	st = one_step(d, p, &a, pd);
out:
	dnnl_primitive_desc_destroy(hint);
	return st;
}
