/* dense.c -- y = act(x w^T + b) and its two gradients.
 *
 * Variants: "plain:IMPL" keeps w as it is stored, "any:IMPL" lets the library choose a layout for
 * w, which then costs a reorder each step in training; "tutti:turned" is ours (own/dense.c). */
#include "plug/onednn/onednn.h"

#include <stdio.h>
#include <string.h>

struct dense { md_t x, w, b, y; int has_bias; };

/* Layouts of x and y are row-major, since their neighbours' are; only w is free. */
static struct dense dense_of(const struct plan *p, const struct ir_node *n, dnnl_data_type_t t,
                             int any)
{
	const enum one_role role = one_role(n);
	const struct tensor_desc *x, *w, *y;
	struct dense c;

	x = role == ROLE_DX ? &n->out[0]->desc : &n->in[0]->desc;
	w = role == ROLE_DW ? &n->out[0]->desc : &n->in[1]->desc;
	y = role == ROLE_FWD ? &n->out[0]->desc : role == ROLE_DX ? &n->in[0]->desc : &n->in[1]->desc;
	c.has_bias = role == ROLE_FWD ? n->n_in == 3 : role == ROLE_DW && plan_wanted(p, n->out[1]);
	c.x = one_md_rows(x, t);
	c.y = one_md_rows(y, t);
	c.b = one_md_vector(w->dim[0]);
	if (role == ROLE_DW)
		t = dnnl_f32;                   /* gradients of parameters stay f32 */
	c.w = any ? one_md_any(w, t) : one_md_rows(w, t);
	return c;
}

static dnnl_status_t describe(dnnl_inner_product_desc_t *cd, const struct plan *p,
                              const struct dense *c, enum one_role role)
{
	const md_t *b = c->has_bias ? &c->b : NULL;

	if (role == ROLE_DX)
		return dnnl_inner_product_backward_data_desc_init(cd, &c->x, &c->w, &c->y);
	if (role == ROLE_DW)
		return dnnl_inner_product_backward_weights_desc_init(cd, &c->x, &c->w, b, &c->y);
	return dnnl_inner_product_forward_desc_init(cd, plan_purpose(p) == PROGRAM_TRAIN ?
		dnnl_forward_training : dnnl_forward_inference, &c->x, &c->w, b, &c->y);
}

static tt_status hint_of(struct one_device *d, const struct dense *c, dnnl_primitive_desc_t *out)
{
	dnnl_inner_product_desc_t cd;
	md_t w = c->w;
	tt_status st;

	w.data_type = c->x.data_type;
	st = one_check(dnnl_inner_product_forward_desc_init(&cd, dnnl_forward_training, &c->x, &w,
	                                                    NULL, &c->y), "a dense layer");
	return st == TT_OK ? one_find(d, &cd, NULL, NULL, NULL, out) : st;
}

static tt_status find(struct one_device *d, struct plan *p, const struct ir_node *n,
                      const char *variant, dnnl_primitive_desc_t *out)
{
	enum one_role role = one_role(n);
	dnnl_data_type_t t = one_variant_type(p, &variant);
	struct dense c = dense_of(p, n, t, strncmp(variant, "any:", 4) == 0);
	dnnl_inner_product_desc_t cd;
	dnnl_primitive_desc_t hint = NULL;
	dnnl_primitive_attr_t attr;
	tt_status st = one_attr(role == ROLE_FWD ? one_library_act(&n->attr) : ACT_NONE,
	                        n->attr.alpha, &attr);

	if (st != TT_OK)
		return st;
	if (role != ROLE_FWD)
		st = hint_of(d, &c, &hint);
	if (st == TT_OK)
		st = one_check(describe(&cd, p, &c, role), "a dense layer");
	if (st == TT_OK)
		st = one_find(d, &cd, attr, hint,
		              strchr(variant, ':') ? strchr(variant, ':') + 1 : "", out);
	if (hint)
		dnnl_primitive_desc_destroy(hint);
	dnnl_primitive_attr_destroy(attr);
	return st;
}

int one_dense_variants(struct one_device *d, struct plan *p, const struct ir_node *n,
                       char names[][VARIANT_NAME], int max)
{
	const enum one_role role = one_role(n);
	const char *first;
	dnnl_data_type_t t;
	int count = 0;

	for (int i = 0; one_types(p, i / 2, &t, &first); i++) {
		struct dense c = dense_of(p, n, t, i % 2);
		dnnl_inner_product_desc_t cd;
		dnnl_primitive_desc_t hint = NULL;
		char prefix[16];

		snprintf(prefix, sizeof prefix, "%s%s", first, i % 2 ? "any:" : "plain:");
		if ((role == ROLE_FWD || hint_of(d, &c, &hint) == TT_OK) &&
		    describe(&cd, p, &c, role) == dnnl_success)
			count = one_list(d, &cd, hint, prefix, names, count, max - 1);
		if (hint)
			dnnl_primitive_desc_destroy(hint);
	}
	if (one_turned_fits(n))                 /* ours is the last in the list */
		strcpy(names[count++], ONE_TURNED);
	return count;
}

tt_status one_dense(struct one_device *d, struct plan *p, const struct ir_node *n,
                    const char *variant)
{
	dnnl_primitive_desc_t pd;
	tt_status st;

	if (strcmp(variant, ONE_TURNED) == 0)
		return one_turned(p, n);
	st = find(d, p, n, variant, &pd);
	return st == TT_OK ? one_linear(d, p, n, pd) : st;
}
