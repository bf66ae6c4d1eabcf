/* views_layer.c -- where heads are together again: the layer, and its weights, head by head. */
#include "learn/onnx/in/view.h"

#include <math.h>
#include <string.h>

/* Rows of a part's weights, head by head: into w [E, in] and b [E]. */
static tt_status take_rows(struct net *r, const struct view *v, double scale, float *w, float *b)
{
	const struct product *p = v->p;
	const int64_t in = p->x->dim[2], out = p->w->dim[p->turned ? 1 : 0];
	const float *from, *bias = NULL;
	struct heads h;
	size_t count;
	tt_status st;

	atoms_heads(&v->a, &h);
	if ((st = onnx_floats(r, p->w, &from, &count)) != TT_OK ||
	    (p->b && (st = onnx_floats(r, p->b, &bias, &count)) != TT_OK))
		return st;
	for (int64_t k = 0; k < h.heads * h.size; k++) {
		const int64_t row = v->a.offset + k / h.size * h.head_step + k % h.size * h.step;

		for (int64_t i = 0; i < in; i++) {
			const float x = from[p->turned ? i * out + row : row * in + i];

			w[k * in + i] = scale == 1 ? x : (float)(x * scale);
		}
		b[k] = !bias ? 0 : scale == 1 ? bias[row] : (float)(bias[row] * scale);
	}
	return TT_OK;
}

static tt_status give_parts(struct net *r, const struct view *c, const char *name, int has_bias)
{
	const struct view *part[3] = { c->q, c->k, c->v };
	const int64_t wide = c->q->p->x->dim[2];
	struct heads h;
	struct number w = { .ndim = 2, .dim = { 3 * wide, wide } };
	struct number b = { .ndim = 1, .dim = { 3 * wide } };
	float *own, *bias;
	double scale[3] = { 1, 1, c->v->scale };
	tt_status st = onnx_use(r, NULL, (size_t)(3 * wide * (wide + 1)));

	if (st != TT_OK)
		return st;
	if (!(own = onnx_room(r, (size_t)(3 * wide * wide), sizeof *own)) ||
	    !(bias = onnx_room(r, (size_t)(3 * wide), sizeof *bias)))
		return TT_ENOMEM;
	atoms_heads(&c->q->a, &h);
	scale[0] = c->scale * sqrt((double)h.size);     /* tutti's is 1 / that */
	scale[0] = fabs(scale[0] - 1) < 1e-6 ? 1 : scale[0];
	for (int i = 0; i < 3 && st == TT_OK; i++)
		st = take_rows(r, part[i], scale[i], own + i * wide * wide, bias + i * wide);
	w.f = own;
	b.f = bias;
	if (st != TT_OK || (st = onnx_give(r, name, "in_proj_weight", &w)) != TT_OK || !has_bias)
		return st;
	return onnx_give(r, name, "in_proj_bias", &b);
}

static tt_status give_end(struct net *r, const struct product *p, const char *name, int has_bias)
{
	struct number b = { .ndim = 1, .dim = { p->w->dim[0] } };
	size_t count;
	tt_status st = p->turned ? onnx_give_turned(r, p->n, name, "out_proj.weight", p->w)
	                         : onnx_give_value(r, name, "out_proj.weight", p->w);

	if (st != TT_OK || !has_bias)
		return st;
	if (!p->b && !(b.f = onnx_room(r, (size_t)b.dim[0], sizeof *b.f)))
		return TT_ENOMEM;
	if (!p->b)
		memset((float *)b.f, 0, (size_t)b.dim[0] * sizeof *b.f);
	else if ((st = onnx_floats(r, p->b, &b.f, &count)) != TT_OK)
		return st;
	return onnx_give(r, name, "out_proj.bias", &b);
}

static tt_status say_attention(struct net *r, const struct product *p, const struct view *c)
{
	struct value *x = c->q->p->x;
	const int64_t wide = x->dim[2];
	const int has_bias = p->b || c->q->p->b || c->k->p->b || c->v->p->b;
	struct view w = { .role = VIEW_LAYER, .a = c->a, .scale = 1 };
	struct heads h;
	tt_status st;

	atoms_heads(&c->q->a, &h);
	if (h.heads * h.size != wide || p->w->dim[0] != wide || p->w->dim[1] != wide ||
	    !atoms_is_joined(&c->a, wide) || (c->q->rotary && (c->q->a.offset != 0 ||
	    c->k->a.offset != wide || c->v->a.offset != 2 * wide || !c->v->rotary)))
		return onnx_refuse(r, p->n, "its heads do not have all features of what they read");
	if (!(w.layer = onnx_name(r, c->q->p->n, NULL)))
		return TT_ENOMEM;
	st = onnx_line(r, &(struct saying){ p->n, w.layer, &x, 1, 0, NULL },
	               "attention: {heads: %lld, causal: %s, rotary: %s, bias: %s", (long long)h.heads,
	               c->causal ? "yes" : "no", c->q->rotary ? "yes" : "no", has_bias ? "yes" : "no");
	if (st != TT_OK || (st = give_parts(r, c, w.layer, has_bias)) != TT_OK ||
	    (st = give_end(r, p, w.layer, has_bias)) != TT_OK)
		return st;
	return view_add(r, p->last->output[0], &w);
}

/* The product behind the heads, with what is added to it. */
tt_status view_finish(struct net *r, const Onnx__Node *n, const struct view *c)
{
	struct product p = { .n = n, .last = n, .turned = !onnx_int(n, "transB", 0) };
	tt_status st = onnx_input(r, n, 1, &p.w);

	if (st != TT_OK || (st = onnx_input(r, n, 2, &p.b)) != TT_OK)
		return st;
	if (!p.w || p.w->kind != VALUE_CONSTANT || p.w->c.whole || p.w->ndim != 2 ||
	    onnx_int(n, "transA", 0) || onnx_float(n, "alpha", 1) != 1 ||
	    onnx_float(n, "beta", 1) != 1 ||
	    (p.b && (p.b->kind != VALUE_CONSTANT || p.b->c.whole ||
	             value_count(p.b) != (size_t)c->q->p->x->dim[2])))
		return view_refuse(r, n);
	if (!p.b)
		p.b = onnx_bias(r, n, p.w->dim[p.turned ? 1 : 0], &p.last);
	return say_attention(r, &p, c);
}
