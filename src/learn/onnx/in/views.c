#include "learn/onnx/in/views.h"

#include <math.h>
#include <string.h>

#include "learn/onnx/in/atoms.h"
#include "learn/onnx/in/marks.h"
#include "learn/onnx/in/rows.h"

enum role {
	VIEW_PART,              /* features of a product                               */
	VIEW_COS, VIEW_SIN,     /* ... times a wave of their places                    */
	VIEW_LOW, VIEW_HIGH,    /* ... turned: one half of them                        */
	VIEW_SCORES, VIEW_CHANCES, VIEW_CONTEXT,
	VIEW_LAYER              /* of a layer that is said, in an order of its own     */
};

struct view {
	enum role       role;
	struct atoms  a;
	struct product *p;
	double          scale;
	int64_t         other;          /* offset of the half that is turned with this one  */
	int             turned, rotary; /* itself; by those that are joined in it           */
	int             causal;
	struct view    *q, *k, *v;      /* of scores and what follows                       */
	const char     *layer;
};

#define LOOK_AHEAD 600          /* nodes behind a product, where its attention must be */
#define LOOK_MOST 64            /* nodes on the way to it                               */

static struct view *view_of(const struct value *v)
{
	return v && v->kind == VALUE_VIEW ? v->view : NULL;
}

/* As a value of a layer where it is one that lies as ours: *done. */
static tt_status lay_out(struct net *r, const char *name, const struct view *w, int *done)
{
	const int form = w->role == VIEW_LAYER ? atoms_form(&w->a) : -1;
	struct value *v;
	tt_status st;

	*done = form >= 0;
	if (!*done)
		return TT_OK;
	if ((st = onnx_add(r, name, VALUE_LAYER, &v)) != TT_OK)
		return st;
	v->form = form ? FORM_TIME_FIRST : FORM_PLAIN;
	v->layer = w->layer;
	v->ndim = 3;
	for (int i = 0; i < 3; i++)
		v->dim[i] = atoms_size(&w->a, i);
	return TT_OK;
}

static tt_status add_view(struct net *r, const char *name, const struct view *w)
{
	struct value *v;
	int done;
	tt_status st = lay_out(r, name, w, &done);

	if (st == TT_OK && !done)
		st = onnx_add(r, name, VALUE_VIEW, &v);
	if (st != TT_OK || done)
		return st;
	if (!(v->view = onnx_room(r, 1, sizeof *v->view)))
		return TT_ENOMEM;
	*v->view = *w;
	v->ndim = w->a.ndim;
	for (int i = 0; i < w->a.ndim; i++)
		if (!(v->dim[i] = atoms_size(&w->a, i)))
			return err_set(TT_ESUPPORT, "%s: '%.80s' has an impossible shape", r->path, name);
	return TT_OK;
}

/* ---- is a product on its way to attention? ---- */

static const Onnx__Node *maker_near(const struct net *r, const char *name)
{
	for (size_t i = r->at; i < r->g->n_node && i < r->at + LOOK_AHEAD; i++)
		for (size_t k = 0; k < r->g->node[i]->n_output; k++)
			if (strcmp(r->g->node[i]->output[k], name) == 0)
				return r->g->node[i];
	return NULL;
}

static int is_one_of(const Onnx__Node *n, const char *const *ops)
{
	while (*ops && !onnx_is(n, *ops))
		ops++;
	return *ops != NULL;
}

static const char *const moves[] = {
	"Reshape", "Transpose", "Split", "Gather", "Slice", "Squeeze", "Unsqueeze", "Mul", "Div", "Sub",
	"Add", "Concat", "Identity", "Cast", NULL
};
static const char *const scales[] = { "Mul", "Div", "Add", "Where", "Identity", "Cast", NULL };

/* Are these scores, or is it the sum that chances weigh? */
static int is_attention(const struct net *r, const Onnx__Node *product)
{
	const Onnx__Node *n = product;
	const struct value *w = onnx_find(r, product->n_input == 2 ? product->input[1] : "");

	if (product->n_input != 2 || (w && w->kind == VALUE_CONSTANT))
		return 0;
	if (onnx_is(maker_near(r, product->input[0]), "Softmax"))
		return 1;
	for (int i = 0; i < 8 && n; i++) {
		if (onnx_is(n, "Softmax"))
			return 1;
		if (n != product && !is_one_of(n, scales))
			return 0;
		n = onnx_next(r, n);
	}
	return 0;
}

static int attends(const struct net *r, const char *from)
{
	const char *name[LOOK_MOST];
	int n = 0, at = 0;

	for (name[n++] = from; at < n; at++)
		for (size_t i = r->at; i < r->g->n_node && i < r->at + LOOK_AHEAD; i++) {
			const Onnx__Node *k = r->g->node[i];

			if (!onnx_reads(k, name[at]))
				continue;
			if (onnx_is(k, "MatMul") && is_attention(r, k))
				return 1;
			for (size_t o = 0; is_one_of(k, moves) && o < k->n_output && n < LOOK_MOST; o++)
				name[n++] = k->output[o];
		}
	return 0;
}

tt_status views_begin(struct net *r, const struct product *p, int *begun)
{
	const int time_first = p->x->form == FORM_TIME_FIRST;
	struct view w = { .role = VIEW_PART, .scale = 1 };

	*begun = p->x->kind == VALUE_LAYER && (p->x->form == FORM_PLAIN || time_first) &&
	         p->x->ndim == 3 && p->w->dim[p->turned ? 0 : 1] == p->x->dim[2] &&
	         attends(r, p->last->output[0]);
	if (!*begun)
		return TT_OK;
	if (!(w.p = onnx_room(r, 1, sizeof *w.p)))
		return TT_ENOMEM;
	*w.p = *p;
	atoms_init(&w.a, p->x->dim[!time_first], p->w->dim[p->turned ? 1 : 0], time_first);
	return add_view(r, p->last->output[0], &w);
}

/* ---- what moves ---- */

static tt_status wholes_of(struct net *r, const Onnx__Node *n, size_t i, const char *name,
                           const int64_t **v, size_t *count)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);
	struct value *list;
	tt_status st;

	*v = a ? a->ints : NULL;
	*count = a ? a->n_ints : 0;
	if (a || (st = onnx_input(r, n, i, &list)) != TT_OK || !list)
		return a ? TT_OK : st;
	return onnx_wholes(r, list, v, count);
}

static tt_status cannot(const struct net *r, const Onnx__Node *n)
{
	return onnx_refuse(r, n, "the parts of an attention cannot be put together again here");
}

static tt_status reshape(struct net *r, const Onnx__Node *n, struct view *w)
{
	const int keep = !onnx_int(n, "allowzero", 0);
	const int64_t *v;
	size_t count;
	tt_status st = wholes_of(r, n, 1, "shape", &v, &count);

	if (st != TT_OK)
		return st;
	return atoms_reshape(&w->a, v, count, keep, r->batch) ? add_view(r, n->output[0], w)
	                                                        : cannot(r, n);
}

static tt_status transpose(struct net *r, const Onnx__Node *n, struct view *w)
{
	const Onnx__Attribute *perm = onnx_attribute(n, "perm");

	return perm && atoms_transpose(&w->a, perm->ints, perm->n_ints)
		? add_view(r, n->output[0], w) : cannot(r, n);
}

static tt_status squeeze(struct net *r, const Onnx__Node *n, struct view *w)
{
	const int more = onnx_is(n, "Unsqueeze");
	int64_t axes[TENSOR_MAX_DIMS];
	int count;
	tt_status st = onnx_axes(r, n, more ? 0 : w->a.ndim, axes, &count);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < count && more; i++)
		axes[i] += axes[i] < 0 ? w->a.ndim + count : 0;
	if (more ? !atoms_unsqueeze(&w->a, axes, count) : !atoms_squeeze(&w->a, axes, count))
		return cannot(r, n);
	return add_view(r, n->output[0], w);
}

/* One place of a dimension, which goes. */
static tt_status gather(struct net *r, const Onnx__Node *n, struct view *w)
{
	int64_t axis = onnx_int(n, "axis", 0);
	struct value *at;
	const int64_t *v;
	size_t count;
	tt_status st = onnx_input(r, n, 1, &at);

	if (st != TT_OK || (st = at ? onnx_wholes(r, at, &v, &count) : cannot(r, n)) != TT_OK)
		return st;
	axis += axis < 0 ? w->a.ndim : 0;
	if (count != 1 || at->ndim > 1 ||
	    !atoms_cut(&w->a, axis, v[0], v[0] < 0 ? -1 : 1) ||
	    (at->ndim == 0 && !atoms_squeeze(&w->a, &axis, 1)))
		return cannot(r, n);
	return add_view(r, n->output[0], w);
}

static tt_status slice(struct net *r, const Onnx__Node *n, struct view *w)
{
	static const char *const names[] = { "starts", "ends", "axes", "steps" };
	int64_t is[4] = { 0, 0, 0, 1 }, axis, size;
	const int64_t *v;
	size_t count;
	tt_status st;

	for (size_t i = 0; i < 4; i++) {
		if ((st = wholes_of(r, n, i + 1, names[i], &v, &count)) != TT_OK)
			return st;
		if (count > 1 || (count == 0 && i < 2))
			return cannot(r, n);
		is[i] = count ? v[0] : is[i];
	}
	axis = is[2] + (is[2] < 0 ? w->a.ndim : 0);
	if (axis < 0 || axis >= w->a.ndim || is[3] != 1 || (size = atoms_size(&w->a, (int)axis)) < 1)
		return cannot(r, n);
	for (int i = 0; i < 2; i++)
		is[i] = is[i] < -size ? 0 : is[i] < 0 ? is[i] + size : is[i] > size ? size : is[i];
	return is[1] > is[0] && atoms_cut(&w->a, axis, is[0], is[1] - is[0])
		? add_view(r, n->output[0], w) : cannot(r, n);
}

static tt_status split(struct net *r, const Onnx__Node *n, const struct view *w)
{
	int64_t axis = onnx_int(n, "axis", 0), at = 0, size, each;
	const int64_t *v;
	size_t count;
	tt_status st = wholes_of(r, n, 1, "split", &v, &count);

	axis += axis < 0 ? w->a.ndim : 0;
	if (st != TT_OK || axis < 0 || axis >= w->a.ndim ||
	    (size = atoms_size(&w->a, (int)axis)) < 1 || (count && count != n->n_output))
		return st != TT_OK ? st : cannot(r, n);
	for (size_t i = 0; i < n->n_output && st == TT_OK; i++, at += each) {
		struct view part = *w;

		each = count ? v[i] : size / (int64_t)n->n_output;
		if (each < 1 || (!count && size % (int64_t)n->n_output) ||
		    !atoms_cut(&part.a, axis, at, each))
			return cannot(r, n);
		st = *n->output[i] ? add_view(r, n->output[i], &part) : TT_OK;
	}
	return st;
}

/* ---- rotary ---- */

static enum stage stage_of(const struct value *v)
{
	return v && v->kind == VALUE_MARK ? v->mark->stage : AT_NONE;
}

/* Half the features of each head, times a wave of its places. */
static tt_status times_wave(struct net *r, const Onnx__Node *n, struct view *w, enum stage wave)
{
	w->role = wave == AT_COS ? VIEW_COS : VIEW_SIN;
	return add_view(r, n->output[0], w);
}

/* u cos - v sin, or v cos + u sin. */
static tt_status turn(struct net *r, const Onnx__Node *n, const struct view *a,
                      const struct view *b)
{
	struct view w = *a;
	const int minus = onnx_is(n, "Sub");

	if (a->role != VIEW_COS || b->role != VIEW_SIN || a->p != b->p)
		return cannot(r, n);
	w.role = minus ? VIEW_LOW : VIEW_HIGH;
	w.other = b->a.offset;
	return add_view(r, n->output[0], &w);
}

/* Both halves again. */
static tt_status join_halves(struct net *r, const Onnx__Node *n, const struct view *low,
                             const struct view *high)
{
	struct view w = *low;
	const int64_t half = atoms_size(&low->a, low->a.ndim - 1), axis = onnx_int(n, "axis", 0);

	if (low->p != high->p || high->role != VIEW_HIGH || low->other != high->a.offset ||
	    high->other != low->a.offset || !atoms_grow(&w.a, low->other, half) ||
	    atoms_size(&w.a, w.a.ndim - 1) != 2 * half ||
	    (axis != -1 && axis != w.a.ndim - 1))
		return cannot(r, n);
	w.role = VIEW_PART;
	w.turned = 1;
	return add_view(r, n->output[0], &w);
}

/* Queries and keys that are turned, and values: a product of which attention knows that. */
static tt_status join_parts(struct net *r, const Onnx__Node *n, struct view *const v[3])
{
	struct view w = *v[0];
	const int64_t size = atoms_size(&w.a, w.a.ndim - 1), axis = onnx_int(n, "axis", 0);

	for (int i = 0; i < 3; i++)
		if (v[i]->role != VIEW_PART || v[i]->p != w.p || v[i]->turned != (i < 2) ||
		    v[i]->a.offset != w.a.offset + i * size || v[i]->a.ndim != 3 || v[i]->scale != 1)
			return cannot(r, n);
	if ((axis != -1 && axis != 2) || !atoms_grow(&w.a, w.a.offset + size, size) ||
	    !atoms_grow(&w.a, w.a.offset + 2 * size, size) || !(w.p = onnx_room(r, 1, sizeof *w.p)))
		return r->failed ? TT_ENOMEM : cannot(r, n);
	*w.p = *v[0]->p;
	w.turned = 0;
	w.rotary = 1;
	return add_view(r, n->output[0], &w);
}

static tt_status concat(struct net *r, const Onnx__Node *n, struct view *const v[3])
{
	if (n->n_input == 2 && v[0] && v[1] && v[0]->role == VIEW_LOW)
		return join_halves(r, n, v[0], v[1]);
	return n->n_input == 3 && v[0] && v[1] && v[2] ? join_parts(r, n, v) : cannot(r, n);
}

/* ---- scores, chances, context ---- */

static tt_status score(struct net *r, const Onnx__Node *n, struct view *q, struct view *k)
{
	struct view w = *q;

	if (k->role != VIEW_PART || q->p->x->layer != k->p->x->layer || q->turned || k->turned ||
	    q->rotary != k->rotary ||
	    !atoms_score(&w.a, &k->a))
		return cannot(r, n);
	w.role = VIEW_SCORES;
	w.scale = q->scale * k->scale;
	w.q = q;
	w.k = k;
	return add_view(r, n->output[0], &w);
}

static tt_status weigh(struct net *r, const Onnx__Node *n, struct view *chances, struct view *v)
{
	struct view w = *chances;

	if (v->role != VIEW_PART || v->turned || v->p->x->layer != w.q->p->x->layer ||
	    !atoms_weigh(&w.a, &v->a))
		return cannot(r, n);
	w.role = VIEW_CONTEXT;
	w.v = v;
	return add_view(r, n->output[0], &w);
}

static tt_status multiply(struct net *r, const Onnx__Node *n, struct view *w, double by)
{
	const int scales_ = w->role == VIEW_PART || w->role == VIEW_SCORES;

	if (!scales_ || !isfinite(by) || by == 0)
		return cannot(r, n);
	w->scale *= by;
	return add_view(r, n->output[0], w);
}

/* A square of zeros, and of less than anything above its diagonal. */
static int is_causal(struct net *r, const struct value *v)
{
	const int64_t rows = v && v->kind == VALUE_CONSTANT && !v->c.whole && v->ndim > 1
		? v->dim[v->ndim - 1] : 0;
	const float *f;
	size_t count;

	if (stage_of(v) == AT_BARRED)
		return 1;
	if (rows < 1 || value_count(v) != (size_t)(rows * rows) ||
	    onnx_floats(r, v, &f, &count) != TT_OK)
		return 0;
	for (int64_t i = 0; i < rows; i++)
		for (int64_t k = 0; k < rows; k++)
			if (k > i ? !(f[i * rows + k] < -1e29f) : f[i * rows + k] != 0)
				return 0;
	return 1;
}

static tt_status mask(struct net *r, const Onnx__Node *n, const struct value *const in[3])
{
	struct view w = *in[1]->view;
	const enum stage at = stage_of(in[0]);
	double other;

	if (!onnx_number(r, in[2], &other) || (at != AT_CAUSAL && at != AT_THERE))
		return cannot(r, n);
	if (w.role == VIEW_SCORES && other < -1e29)
		w.causal |= at == AT_CAUSAL;
	else if (w.role != VIEW_CONTEXT || at != AT_THERE || other != 0)
		return cannot(r, n);
	return add_view(r, n->output[0], &w);
}

static tt_status softmax(struct net *r, const Onnx__Node *n, struct view *w)
{
	const int64_t axis = onnx_int(n, "axis", r->opset < 13 ? 1 : -1);

	if (w->role != VIEW_SCORES || (axis != -1 && axis != w->a.ndim - 1))
		return cannot(r, n);
	w->role = VIEW_CHANCES;
	return add_view(r, n->output[0], w);
}

/* ---- the layer ---- */

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
	return add_view(r, p->last->output[0], &w);
}

/* The product behind the heads, with what is added to it. */
static tt_status finish(struct net *r, const Onnx__Node *n, const struct view *c)
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
		return cannot(r, n);
	if (!p.b)
		p.b = onnx_bias(r, n, p.w->dim[p.turned ? 1 : 0], &p.last);
	return say_attention(r, &p, c);
}

/* ---- the table ---- */

struct reads { const struct value *in[3]; struct view *v[3], *one; };

static tt_status go_product(struct net *r, const Onnx__Node *n, struct reads *k)
{
	if (k->v[0] && k->v[0]->role == VIEW_CONTEXT && !k->v[1])
		return finish(r, n, k->v[0]);
	if (!k->v[0] || !k->v[1] || onnx_is(n, "Gemm"))
		return cannot(r, n);
	if (k->v[0]->role == VIEW_PART)
		return score(r, n, k->v[0], k->v[1]);
	return k->v[0]->role == VIEW_CHANCES ? weigh(r, n, k->v[0], k->v[1]) : cannot(r, n);
}

static tt_status go_times(struct net *r, const Onnx__Node *n, struct reads *k)
{
	const int first = k->v[0] != NULL, over = onnx_is(n, "Div");
	const enum stage wave = stage_of(k->in[first]);
	struct view w = *k->one;
	double by;

	if (!over && w.role == VIEW_PART && (wave == AT_COS || wave == AT_SIN))
		return times_wave(r, n, &w, wave);
	if ((over && !first) || !onnx_number(r, k->in[first], &by))
		return cannot(r, n);
	return multiply(r, n, &w, over ? 1 / by : by);
}

static tt_status go_sum(struct net *r, const Onnx__Node *n, struct reads *k)
{
	const int first = k->v[0] != NULL;
	struct view w = *k->one;

	if (k->v[0] && k->v[1])
		return turn(r, n, k->v[0], k->v[1]);
	if (w.role != VIEW_SCORES || onnx_is(n, "Sub") || !is_causal(r, k->in[first]))
		return cannot(r, n);
	w.causal = 1;
	return add_view(r, n->output[0], &w);
}

static tt_status go_where(struct net *r, const Onnx__Node *n, struct reads *k)
{
	return k->v[1] ? mask(r, n, k->in) : cannot(r, n);
}

static tt_status go_concat(struct net *r, const Onnx__Node *n, struct reads *k)
{
	return concat(r, n, k->v);
}

static tt_status go_same(struct net *r, const Onnx__Node *n, struct reads *k)
{
	return add_view(r, n->output[0], k->one);
}

#define MOVE(f) \
	static tt_status go_##f(struct net *r, const Onnx__Node *n, struct reads *k) \
	{ \
		struct view w = *k->one; \
		return k->v[0] ? f(r, n, &w) : cannot(r, n); \
	}
MOVE(reshape)
MOVE(transpose)
MOVE(squeeze)
MOVE(gather)
MOVE(slice)
MOVE(split)
MOVE(softmax)

static const struct {
	const char *op;
	tt_status (*go)(struct net *r, const Onnx__Node *n, struct reads *k);
	int         turns;      /* a layer's value may go through it, which lies in another order */
} rows[] = {
	{ "Reshape", go_reshape, 1 }, { "Transpose", go_transpose, 1 }, { "Squeeze", go_squeeze, 1 },
	{ "Unsqueeze", go_squeeze, 1 }, { "Gather", go_gather, 0 }, { "Slice", go_slice, 0 },
	{ "Split", go_split, 0 }, { "Softmax", go_softmax, 0 }, { "MatMul", go_product, 0 },
	{ "Gemm", go_product, 0 }, { "Mul", go_times, 0 }, { "Div", go_times, 0 },
	{ "Add", go_sum, 0 }, { "Sub", go_sum, 0 }, { "Where", go_where, 0 },
	{ "Concat", go_concat, 0 }, { "Identity", go_same, 1 }, { "Cast", go_same, 1 },
	{ "Dropout", go_same, 1 },
};

tt_status views_step(struct net *r, const Onnx__Node *n, int *done)
{
	struct reads k = { .one = NULL };
	size_t row = 0;
	tt_status st;

	*done = 0;
	for (size_t i = 0; i < n->n_input && i < 3; i++) {
		struct value *v;

		if ((st = onnx_input(r, n, i, &v)) != TT_OK)
			return st;
		k.in[i] = v;
		k.v[i] = view_of(v);
		k.one = k.one ? k.one : k.v[i];
	}
	if (!k.one)
		return TT_OK;
	*done = 1;
	while (row < sizeof rows / sizeof *rows && !onnx_is(n, rows[row].op))
		row++;
	if (row == sizeof rows / sizeof *rows || (k.one->role == VIEW_LAYER && !rows[row].turns))
		return cannot(r, n);
	return rows[row].go(r, n, &k);
}
