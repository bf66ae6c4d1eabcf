/* conv.c -- convolution, its two gradients; direct and Winograd.
 *
 * A variant's name is "direct:IMPL" or "winograd:IMPL", IMPL as oneDNN calls it, behind "f32:" if
 * it works in f32 among bf16. */
#include "plug/onednn/onednn.h"

#include <stdio.h>
#include <string.h>

/* Names of variants, as they are found; what they begin with. */
struct one_names { char (*v)[VARIANT_NAME]; int n, max; const char *prefix; };

/* What a convolution is to oneDNN: descriptors with free layouts, geometry, attributes. */
struct conv {
	md_t        x, w, b, y;
	int         has_bias;
	dnnl_dims_t stride, dilate, pad_l, pad_r;
};

/* What images and filters are made of. */
static dnnl_data_type_t type_of(dnnl_data_type_t t, const struct ir_node *n, enum one_role role)
{
	/* oneDNN's bf16 gradient of filters reads what was never written where the image is narrower
	 * than a step of the filter (seen in 2.6): such images are computed in f32. */
	if (role == ROLE_DW && n->in[0]->desc.dim[3] < n->attr.stride[1])
		return dnnl_f32;
	return t;
}

static struct conv conv_of(dnnl_data_type_t t, const struct ir_attr *a,
                           const struct tensor_desc *x,
                           const struct tensor_desc *w, const struct tensor_desc *y, int bias)
{
	struct conv c = { .has_bias = bias };
	struct tensor_desc g = *w;

	c.x = one_md_any(x, t);
	c.y = one_md_any(y, t);
	if (a->groups > 1) {
		g = (struct tensor_desc){ .dtype = w->dtype, .ndim = 5, .dim = { a->groups,
			w->dim[0] / a->groups, w->dim[1], w->dim[2], w->dim[3] } };
	}
	c.w = one_md_any(&g, t);
	if (bias)
		c.b = one_md_vector(w->dim[0]);
	for (int i = 0; i < 2; i++) {
		c.stride[i] = a->stride[i];
		c.dilate[i] = a->dilation[i] > 1 ? a->dilation[i] - 1 : 0;
		c.pad_l[i] = a->pad[i];
		c.pad_r[i] = a->pad[i + 2];
	}
	return c;
}

/* The convolution behind a node, whichever of the three it is. */
static struct conv conv_of_node(const struct plan *p, const struct ir_node *n, dnnl_data_type_t t)
{
	const enum one_role role = one_role(n);

	t = type_of(t, n, role);
	if (role == ROLE_FWD)
		return conv_of(t, &n->attr, &n->in[0]->desc, &n->in[1]->desc, &n->out[0]->desc,
		               n->n_in == 3);
	if (role == ROLE_DX)
		return conv_of(t, &n->attr, &n->out[0]->desc, &n->in[1]->desc, &n->in[0]->desc, 0);
	return conv_of(t, &n->attr, &n->in[0]->desc, &n->out[0]->desc, &n->in[1]->desc,
	               plan_wanted(p, n->out[1]));
}

static dnnl_status_t forward_desc(dnnl_convolution_desc_t *cd, const struct conv *c,
                                  enum program_purpose purpose, dnnl_alg_kind_t alg)
{
	return dnnl_dilated_convolution_forward_desc_init(cd,
		purpose == PROGRAM_TRAIN ? dnnl_forward_training : dnnl_forward_inference, alg,
		&c->x, &c->w, c->has_bias ? &c->b : NULL, &c->y, c->stride, c->dilate, c->pad_l, c->pad_r);
}

static dnnl_status_t backward_desc(dnnl_convolution_desc_t *cd, const struct conv *c,
                                   enum one_role role,
                                   dnnl_alg_kind_t alg)
{
	md_t w = c->w;

	if (role == ROLE_DX)
		return dnnl_dilated_convolution_backward_data_desc_init(cd, alg, &c->x, &c->w, &c->y,
			c->stride, c->dilate, c->pad_l, c->pad_r);
	w.data_type = dnnl_f32;                 /* gradients of parameters stay f32 */
	return dnnl_dilated_convolution_backward_weights_desc_init(cd, alg, &c->x, &w,
		c->has_bias ? &c->b : NULL, &c->y, c->stride, c->dilate, c->pad_l, c->pad_r);
}

static dnnl_alg_kind_t algorithm(const char *variant, const char **impl)
{
	*impl = strchr(variant, ':') ? strchr(variant, ':') + 1 : "";
	return strncmp(variant, "winograd", 8) == 0 ? dnnl_convolution_winograd
	                                           : dnnl_convolution_direct;
}

/* The forward primitive that a backward one wants as a hint. */
static tt_status hint_of(struct one_device *d, const struct conv *c, dnnl_alg_kind_t alg,
                         dnnl_primitive_desc_t *out)
{
	dnnl_convolution_desc_t cd;
	tt_status st = one_check(forward_desc(&cd, c, PROGRAM_TRAIN, alg), "a convolution");

	return st == TT_OK ? one_find(d, &cd, NULL, NULL, NULL, out) : st;
}

static tt_status find(struct one_device *d, struct plan *p, const struct ir_node *n,
                      const char *variant, dnnl_primitive_desc_t *out)
{
	enum one_role role = one_role(n);
	struct conv c = conv_of_node(p, n, one_variant_type(p, &variant));
	dnnl_convolution_desc_t cd;
	dnnl_primitive_desc_t hint = NULL;
	dnnl_primitive_attr_t attr;
	const char *impl;
	dnnl_alg_kind_t alg = algorithm(variant, &impl);
	tt_status st = one_attr(role == ROLE_FWD ? one_library_act(&n->attr) : ACT_NONE,
	                        n->attr.alpha, &attr);

	if (st != TT_OK)
		return st;
	if (role == ROLE_FWD) {
		st = one_check(forward_desc(&cd, &c, plan_purpose(p), alg), "a convolution");
	} else if ((st = hint_of(d, &c, alg, &hint)) == TT_OK) {
		st = one_check(backward_desc(&cd, &c, role, alg), "a convolution's gradient");
	}
	if (st == TT_OK)
		st = one_find(d, &cd, attr, hint, impl, out);
	if (hint)
		dnnl_primitive_desc_destroy(hint);
	dnnl_primitive_attr_destroy(attr);
	return st;
}

/* The library's, of one type. */
static void list_library(struct one_device *d, struct plan *p, const struct ir_node *n,
                        dnnl_data_type_t t, struct one_names *names)
{
	static const struct { dnnl_alg_kind_t alg; const char *prefix; } algs[] = {
		{ dnnl_convolution_direct, "direct:" }, { dnnl_convolution_winograd, "winograd:" } };
	const struct conv c = conv_of_node(p, n, t);
	const enum one_role role = one_role(n);

	for (int i = 0; i < 2; i++) {
		dnnl_convolution_desc_t cd;
		dnnl_primitive_desc_t hint = NULL;
		char prefix[16];

		snprintf(prefix, sizeof prefix, "%s%s", names->prefix, algs[i].prefix);
		if (role == ROLE_FWD) {
			if (forward_desc(&cd, &c, plan_purpose(p), algs[i].alg) != dnnl_success)
				continue;
		} else if (hint_of(d, &c, algs[i].alg, &hint) != TT_OK ||
		           backward_desc(&cd, &c, role, algs[i].alg) != dnnl_success) {
			continue;
		}
		names->n = one_list(d, &cd, hint, prefix, names->v, names->n, names->max);
		if (hint)
			dnnl_primitive_desc_destroy(hint);
	}
}

int one_conv_variants(struct one_device *d, struct plan *p, const struct ir_node *n,
                      char names[][VARIANT_NAME], int max)
{
	struct one_names list = { .v = names, .max = max - 3 };     /* ours are last in the list */
	dnnl_data_type_t t;

	for (int i = 0; one_types(p, i, &t, &list.prefix); i++)
		list_library(d, p, n, t, &list);
	for (int i = 0; one_types(p, i, &t, &list.prefix); i++)
		if (one_own_fits(t, n))
			snprintf(names[list.n++], VARIANT_NAME, "%s%s", list.prefix, ONE_OWN);
	if (one_lanes_fits(p, n))
		strcpy(names[list.n++], ONE_LANES);
	return list.n;
}

tt_status one_conv(struct one_device *d, struct plan *p, const struct ir_node *n,
                   const char *variant)
{
	const char *own = variant;
	const dnnl_data_type_t t = one_variant_type(p, &own);
	dnnl_primitive_desc_t pd;
	tt_status st;

	if (strcmp(own, ONE_OWN) == 0)
		return one_own(d, p, n, t);
	if (strcmp(variant, ONE_LANES) == 0)
		return one_lanes_conv(d, p, n);
	st = find(d, p, n, variant, &pd);
	return st == TT_OK ? one_linear(d, p, n, pd) : st;
}
