/* layers.c -- operators that have numbers of their own: windows, products, norms. */
#include "learn/onnx/in/rows.h"
#include "learn/onnx/in/views.h"

#include <stdio.h>
#include <string.h>

/* ---- windows ---- */

#define WINDOW_MAX 65536        /* of every number of a window: sums and products do not overflow */

struct window { int64_t kernel[2], stride[2], dilation[2], pad[4], out[2]; int sides; };

static int64_t of_list(const Onnx__Node *n, const char *name, int i, int64_t fallback)
{
	const Onnx__Attribute *a = onnx_attribute(n, name);

	return a && (size_t)i < a->n_ints ? a->ints[i] : fallback;
}

/* As `auto_pad` says it. */
static void pad_by_word(const Onnx__Node *n, struct window *w, int i, int64_t in)
{
	const int64_t reach = w->dilation[i] * (w->kernel[i] - 1) + 1;
	int64_t all = (in - 1) / w->stride[i] * w->stride[i] + reach - in;

	all = all < 0 || onnx_word_is(n, "auto_pad", "VALID", "NOTSET") ? 0 : all;
	w->pad[i] = onnx_word_is(n, "auto_pad", "SAME_LOWER", "NOTSET") ? all - all / 2 : all / 2;
	w->pad[2 + i] = all - w->pad[i];
}

/* A side is a whole number of a size at which nothing overflows. */
static int is_sane(const struct window *w, int i)
{
	const int64_t v[] = { w->kernel[i], w->stride[i], w->dilation[i], w->pad[i], w->pad[2 + i] };

	for (int k = 0; k < 5; k++)
		if (v[k] < (k < 3) || v[k] > WINDOW_MAX)
			return 0;
	return 1;
}

/* Windows over the last dimensions of x; kernel: the filter's sides, or NULL.  Rows of numbers are
 * images of one row. */
static tt_status read_window(struct net *r, const Onnx__Node *n, const struct value *x,
                             const int64_t *kernel, struct window *w)
{
	const int sides = x->ndim - 2, by_word = !onnx_word_is(n, "auto_pad", "NOTSET", "NOTSET");

	*w = (struct window){ .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 },
	                      .sides = sides };
	if (sides != 1 && sides != 2)
		return onnx_refuse(r, n, "it has windows of %d dimensions, tutti has 1 and 2", sides);
	for (int k = 0; k < sides; k++) {
		const int i = k + 2 - sides;
		const int64_t in = x->dim[2 + k];
		int64_t left;

		w->kernel[i] = kernel ? kernel[k] : of_list(n, "kernel_shape", k, 0);
		w->stride[i] = of_list(n, "strides", k, 1);
		w->dilation[i] = of_list(n, "dilations", k, 1);
		w->pad[i] = of_list(n, "pads", k, 0);
		w->pad[2 + i] = of_list(n, "pads", sides + k, 0);
		if (!is_sane(w, i) || in < 1)
			return onnx_refuse(r, n, "its window is impossible");
		if (by_word)
			pad_by_word(n, w, i, in);
		left = in + w->pad[i] + w->pad[2 + i] - w->dilation[i] * (w->kernel[i] - 1) - 1;
		if (onnx_int(n, "ceil_mode", 0) && left > 0 && left % w->stride[i]) {
			const int64_t more = w->stride[i] - left % w->stride[i];
			const int64_t starts = left + more - w->pad[i];

			/* a last window that would begin in the padding is left out */
			if (starts < in) {
				w->pad[2 + i] += more;
				left += more;
			}
		}
		w->out[i] = left < 0 ? 0 : left / w->stride[i] + 1;
	}
	return TT_OK;
}

static int window_text(const struct window *w, int dilates, char *out, size_t room)
{
	char dilation[80] = "";
	int one = w->sides == 1;

	if (dilates && one)
		snprintf(dilation, sizeof dilation, ", dilation: %lld", (long long)w->dilation[1]);
	else if (dilates)
		snprintf(dilation, sizeof dilation, ", dilation: [%lld, %lld]", (long long)w->dilation[0],
		         (long long)w->dilation[1]);
	if (one)
		return snprintf(out, room, "kernel: %lld, stride: %lld, padding: [%lld, %lld]%s",
		                (long long)w->kernel[1], (long long)w->stride[1], (long long)w->pad[1],
		                (long long)w->pad[3], dilation);
	return snprintf(out, room, "kernel: [%lld, %lld], stride: [%lld, %lld], padding: [%lld, %lld, "
	                "%lld, %lld]%s", (long long)w->kernel[0], (long long)w->kernel[1],
	                (long long)w->stride[0], (long long)w->stride[1], (long long)w->pad[0],
	                (long long)w->pad[1], (long long)w->pad[2], (long long)w->pad[3], dilation);
}

/* The shape of what comes out with so many channels. */
static void window_shape(const struct window *w, int64_t channels, int64_t *dim)
{
	dim[0] = NET_BATCH;
	dim[1] = channels;
	for (int k = 0; k < w->sides; k++)
		dim[2 + k] = w->out[k + 2 - w->sides];
}

/* A constant input, of floats. */
static tt_status weight_of(struct net *r, const Onnx__Node *n, size_t i, int ndim,
                           struct value **out)
{
	tt_status st = onnx_input(r, n, i, out);

	if (st != TT_OK)
		return st;
	if (!*out || (*out)->kind != VALUE_CONSTANT || (*out)->c.whole)
		return onnx_refuse(r, n, "input %zu is no constant: weights that are computed are not read",
		                  i);
	if (ndim && (*out)->ndim != ndim)
		return onnx_refuse(r, n, "input %zu has %d dimensions, not %d", i, (*out)->ndim, ndim);
	return TT_OK;
}

/* A constant of so many numbers, as a list of them. */
static tt_status give_list(struct net *r, const Onnx__Node *n, const char *name, const char *what,
                           const struct value *v, int64_t count)
{
	struct number x = { .ndim = 1, .dim = { count } };
	size_t is;
	tt_status st = onnx_floats(r, v, &x.f, &is);

	if (st == TT_OK && (int64_t)is != count)
		return onnx_refuse(r, n, "%s has %zu numbers, not %lld", what, is, (long long)count);
	return st == TT_OK ? onnx_give(r, name, what, &x) : st;
}

tt_status in_conv(struct net *r, const Onnx__Node *n)
{
	struct value *x, *w, *b;
	struct window win;
	const int64_t groups = onnx_int(n, "group", 1);
	int64_t dim[TENSOR_MAX_DIMS];
	const char *name;
	char text[200];
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK ||
	    (st = weight_of(r, n, 1, x->ndim, &w)) != TT_OK ||
	    (st = onnx_input(r, n, 2, &b)) != TT_OK ||
	    (st = read_window(r, n, x, w->dim + 2, &win)) != TT_OK)
		return st;
	if (groups < 1 || groups > x->dim[1] || w->dim[1] * groups != x->dim[1] || w->dim[0] < 1)
		return onnx_refuse(r, n, "its filters do not fit %lld channels", (long long)x->dim[1]);
	if (!(name = onnx_name(r, n, w)))
		return TT_ENOMEM;
	window_text(&win, 1, text, sizeof text);
	window_shape(&win, w->dim[0], dim);
	if ((st = SAY(r, n, name, x, x->ndim, dim, "%s: {out: %lld, groups: %lld, bias: %s, %s",
	              win.sides == 1 ? "conv1d" : "conv2d", (long long)w->dim[0], (long long)groups,
	              b ? "yes" : "no", text)) != TT_OK ||
	    (st = onnx_give_value(r, name, "weight", w)) != TT_OK)
		return st;
	return b ? give_list(r, n, name, "bias", b, w->dim[0]) : TT_OK;
}

/* ONNX's bias is an input, or a sum behind, as tutti writes it. */
tt_status in_conv_transpose(struct net *r, const Onnx__Node *n)
{
	const Onnx__Node *next = onnx_next(r, n), *last = n;
	const int64_t groups = onnx_int(n, "group", 1);
	struct value *x, *w, *b;
	struct window win;
	int64_t dim[TENSOR_MAX_DIMS], more[2];
	const char *name;
	char text[200];
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = weight_of(r, n, 1, 4, &w)) != TT_OK ||
	    (st = onnx_input(r, n, 2, &b)) != TT_OK || x->ndim != 4 ||
	    (st = read_window(r, n, x, w->dim + 2, &win)) != TT_OK)
		return st != TT_OK ? st : onnx_refuse(r, n, "its input is no image");
	if (onnx_attribute(n, "output_shape") || !onnx_word_is(n, "auto_pad", "NOTSET", "NOTSET"))
		return onnx_refuse(r, n, "its padding is not said by `pads`");
	if (groups < 1 || w->dim[0] != x->dim[1] || groups > x->dim[1])
		return onnx_refuse(r, n, "its filters do not fit %lld channels", (long long)x->dim[1]);
	if (!b && next && strcmp(next->op_type, "Add") == 0 && next->n_input == 2) {
		b = onnx_find(r, next->input[strcmp(next->input[0], n->output[0]) == 0]);
		if (b && b->kind == VALUE_CONSTANT && !b->c.whole && b->ndim == 3 &&
		    value_count(b) == (size_t)(w->dim[1] * groups) && b->dim[0] == w->dim[1] * groups)
			onnx_skip(r, last = next);
		else
			b = NULL;
	}
	window_text(&win, 1, text, sizeof text);
	for (int i = 0; i < 2; i++) {
		more[i] = of_list(n, "output_padding", i, 0);
		if (more[i] < 0 || more[i] > WINDOW_MAX)
			return onnx_refuse(r, n, "its output_padding is impossible");
		win.out[i] = (x->dim[2 + i] - 1) * win.stride[i] + win.dilation[i] * (win.kernel[i] - 1) +
		             1 + more[i] - win.pad[i] - win.pad[2 + i];
	}
	window_shape(&win, w->dim[1] * groups, dim);
	if (!(name = onnx_name(r, n, w)))
		return TT_ENOMEM;
	if ((st = SAY(r, last, name, x, 4, dim, "conv_transpose2d: {out: %lld, groups: %lld, bias: %s, "
	              "output_padding: [%lld, %lld], %s", (long long)dim[1], (long long)groups,
	              b ? "yes" : "no", (long long)more[0], (long long)more[1], text)) != TT_OK ||
	    (st = onnx_give_value(r, name, "weight", w)) != TT_OK)
		return st;
	return b ? give_list(r, n, name, "bias", b, dim[1]) : TT_OK;
}

tt_status in_pool(struct net *r, const Onnx__Node *n)
{
	const int max = strcmp(n->op_type, "MaxPool") == 0;
	const int counts = (int)onnx_int(n, "count_include_pad", 0);
	struct value *x;
	struct window w;
	int64_t dim[TENSOR_MAX_DIMS], pads = 0;
	char text[200];
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK ||
	    (st = read_window(r, n, x, NULL, &w)) != TT_OK)
		return st;
	for (int i = 0; i < 4; i++) {
		pads += w.pad[i];
		if (w.pad[i] >= w.kernel[i % 2])
			return onnx_refuse(r, n, "its padding is not below its window");
	}
	if (w.dilation[0] != 1 || w.dilation[1] != 1)
		return onnx_refuse(r, n, "its windows have holes");
	if (!max && onnx_int(n, "ceil_mode", 0) && pads && counts)
		return onnx_refuse(r, n, "ceil_mode counts padding another way");
	window_text(&w, 0, text, sizeof text);
	window_shape(&w, x->dim[1], dim);
	return SAY(r, n, onnx_name(r, n, NULL), x, x->ndim, dim, "%spool%s: {%s%s",
	           max ? "max" : "avg", w.sides == 1 ? "1d" : "", text,
	           max ? "" : counts ? ", count_pad: yes" : ", count_pad: no");
}

tt_status in_global_pool(struct net *r, const Onnx__Node *n)
{
	struct value *x;
	int64_t dim[TENSOR_MAX_DIMS] = { NET_BATCH, 0, 1, 1 };
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (x->ndim != 3 && x->ndim != 4)
		return onnx_refuse(r, n, "its input is neither images nor rows");
	dim[1] = x->dim[1];
	return SAY(r, n, onnx_name(r, n, NULL), x, x->ndim, dim, "globalpool: {pool: %s, keepdims: yes",
	           strcmp(n->op_type, "GlobalMaxPool") == 0 ? "max" : "avg");
}

/* ---- products ---- */

/* At each place of a picture whose channels lie last: tutti's works on rows of places. */
static tt_status say_places(struct net *r, const struct product *p, const char *name,
                            const int64_t *dim)
{
	const int64_t *is = p->x->dim;
	struct value rows = { .layer = onnx_name(r, p->n, NULL) }, made = { .layer = name };
	const char *back = onnx_name(r, p->n, NULL);
	tt_status st;

	if (!rows.layer || !back)
		return TT_ENOMEM;
	if ((st = onnx_line(r, &(struct saying){ p->n, rows.layer, (struct value *const[]){ p->x }, 1 },
	                    "reshape: {shape: [%lld, %lld]", (long long)(is[1] * is[2]),
	                    (long long)is[3])) != TT_OK ||
	    (st = onnx_line(r, &(struct saying){ p->n, name, (struct value *const[]){ &rows }, 1 },
	                    "dense: {out: %lld, bias: %s", (long long)dim[3],
	                    p->b ? "yes" : "no")) != TT_OK)
		return st;
	return SAY(r, p->last, back, &made, 4, dim, "reshape: {shape: [%lld, %lld, %lld]",
	           (long long)dim[1], (long long)dim[2], (long long)dim[3]);
}

static tt_status say_dense(struct net *r, const struct product *p)
{
	const int64_t out = p->w->dim[p->turned], in = p->w->dim[!p->turned];
	const struct value *x = p->x;
	int64_t dim[TENSOR_MAX_DIMS + 1];
	const char *name;
	tt_status st;

	memcpy(dim, x->dim, sizeof dim);
	if (x->ndim < 2 || x->ndim > 4 || x->dim[x->ndim - 1] != in)
		return onnx_refuse(r, p->n, "its weights do not fit what it reads");
	dim[x->ndim - 1] = out;
	if (!(name = onnx_name(r, p->n, p->w)))
		return TT_ENOMEM;
	st = x->ndim == 4 ? say_places(r, p, name, dim)
	                  : SAY(r, p->last, name, p->x, x->ndim, dim, "dense: {out: %lld, bias: %s",
	                        (long long)out, p->b ? "yes" : "no");
	if (st != TT_OK)
		return st;
	if ((st = p->turned ? onnx_give_turned(r, p->n, name, "weight", p->w)
	                    : onnx_give_value(r, name, "weight", p->w)) != TT_OK)
		return st;
	return p->b ? give_list(r, p->n, name, "bias", p->b, out) : TT_OK;
}

tt_status in_gemm(struct net *r, const Onnx__Node *n)
{
	struct product p = { .n = n, .last = n, .turned = !onnx_int(n, "transB", 0) };
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &p.x)) != TT_OK || (st = weight_of(r, n, 1, 2, &p.w)) != TT_OK ||
	    (st = onnx_input(r, n, 2, &p.b)) != TT_OK)
		return st;
	if (onnx_int(n, "transA", 0) || onnx_float(n, "alpha", 1) != 1 || onnx_float(n, "beta", 1) != 1)
		return onnx_refuse(r, n, "it has transA, alpha or beta");
	return p.x->ndim == 2 ? say_dense(r, &p) : onnx_refuse(r, n, "it reads no lists of features");
}

/* A sum with a constant behind it is its bias. */
tt_status in_matmul(struct net *r, const Onnx__Node *n)
{
	struct product p = { .n = n, .last = n, .turned = 1 };
	int begun = 0;
	tt_status st;

	if ((st = onnx_input(r, n, 0, &p.x)) != TT_OK || (st = weight_of(r, n, 1, 2, &p.w)) != TT_OK)
		return st;
	p.b = onnx_bias(r, n, p.w->dim[1], &p.last);
	if ((p.x && (st = views_begin(r, &p, &begun)) != TT_OK) || begun ||
	    (st = onnx_layer(r, n, 0, &p.x)) != TT_OK)
		return st;
	return say_dense(r, &p);
}

/* ---- norms ---- */

tt_status in_batchnorm(struct net *r, const Onnx__Node *n)
{
	static const char *const what[] = { "weight", "bias", "running_mean", "running_var" };
	struct value *x, *v[4];
	const char *name;
	tt_status st = onnx_layer(r, n, 0, &x);

	for (size_t i = 0; i < 4 && st == TT_OK; i++)
		st = weight_of(r, n, i + 1, 1, &v[i]);
	if (st != TT_OK)
		return st;
	if (onnx_int(n, "training_mode", 0) || n->n_output > 1)
		return onnx_refuse(r, n, "it is written for training: export the model in eval mode");
	if (x->ndim < 2 || x->ndim > 4)
		return onnx_refuse(r, n, "it reads %d dimensions", x->ndim);
	if (!(name = onnx_name(r, n, v[0])))
		return TT_ENOMEM;
	st = SAY(r, n, name, x, x->ndim, x->dim, "batchnorm: {eps: %.9g, momentum: %.6g",
	         onnx_float(n, "epsilon", 1e-5), 1 - onnx_float(n, "momentum", 0.9));
	for (int i = 0; i < 4 && st == TT_OK; i++)
		st = give_list(r, n, name, what[i], v[i], x->dim[1]);
	return st;
}

tt_status in_instancenorm(struct net *r, const Onnx__Node *n)
{
	struct value *x, *scale, *shift;
	const char *name;
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = weight_of(r, n, 1, 1, &scale)) != TT_OK ||
	    (st = weight_of(r, n, 2, 1, &shift)) != TT_OK)
		return st;
	if (!(name = onnx_name(r, n, scale)))
		return TT_ENOMEM;
	if ((st = SAY(r, n, name, x, x->ndim, x->dim, "instancenorm: {affine: yes, eps: %.9g",
	              onnx_float(n, "epsilon", 1e-5))) != TT_OK ||
	    (st = give_list(r, n, name, "weight", scale, x->dim[1])) != TT_OK)
		return st;
	return give_list(r, n, name, "bias", shift, x->dim[1]);
}

/* The last `dims` dimensions of x, as a parameter of ours has them; v NULL: zeros. */
static tt_status give_last(struct net *r, const Onnx__Node *n, const char *name, const char *what,
                           const struct value *x, int dims, const struct value *v)
{
	struct number own = { .ndim = dims };
	size_t count = 1, is;
	tt_status st = v ? onnx_floats(r, v, &own.f, &is) : TT_OK;

	for (int i = 0; i < dims; i++) {
		own.dim[i] = x->dim[x->ndim - dims + i];
		if (own.dim[i] < 1 || __builtin_mul_overflow(count, (size_t)own.dim[i], &count))
			return onnx_refuse(r, n, "it works on a dimension that is not fixed");
	}
	if (st != TT_OK)
		return st;
	if (!v && ((st = onnx_use(r, n, count)) != TT_OK ||
	           !(own.f = onnx_room(r, count, sizeof *own.f))))
		return st != TT_OK ? st : TT_ENOMEM;
	if (v && is != count)
		return onnx_refuse(r, n, "%s has %zu numbers, not %zu", what, is, count);
	return onnx_give(r, name, what, &own);
}

tt_status in_layernorm(struct net *r, const Onnx__Node *n)
{
	int64_t axis = onnx_int(n, "axis", -1);
	struct value *x, *scale, *shift;
	const char *name;
	int dims;
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = weight_of(r, n, 1, 0, &scale)) != TT_OK ||
	    (st = onnx_input(r, n, 2, &shift)) != TT_OK)
		return st;
	axis += axis < 0 ? x->ndim : 0;
	if (axis < 1 || axis >= x->ndim)
		return onnx_refuse(r, n, "it normalises the batch");
	dims = x->ndim - (int)axis;
	if (!(name = onnx_name(r, n, scale)))
		return TT_ENOMEM;
	if ((st = SAY(r, n, name, x, x->ndim, x->dim, "layernorm: {dims: %d, eps: %.9g", dims,
	              onnx_float(n, "epsilon", 1e-5))) != TT_OK ||
	    (st = give_last(r, n, name, "weight", x, dims, scale)) != TT_OK)
		return st;
	return give_last(r, n, name, "bias", x, dims, shift);
}

tt_status in_lrn(struct net *r, const Onnx__Node *n)
{
	const int64_t size = onnx_int(n, "size", 0);
	struct value *x;
	tt_status st = onnx_layer(r, n, 0, &x);

	if (st != TT_OK)
		return st;
	if (size < 1 || size > 127 || size % 2 == 0 || x->ndim != 4)
		return onnx_refuse(r, n, "it is of an even size, or of no images");
	return SAY(r, n, onnx_name(r, n, NULL), x, 4, x->dim,
	           "lrn: {size: %lld, alpha: %.9g, beta: %.9g, k: %.9g", (long long)size,
	           onnx_float(n, "alpha", 1e-4), onnx_float(n, "beta", 0.75), onnx_float(n, "bias", 1));
}

tt_status in_prelu(struct net *r, const Onnx__Node *n)
{
	struct value *x, *w;
	const char *name;
	int64_t count;
	tt_status st;

	if ((st = onnx_layer(r, n, 0, &x)) != TT_OK || (st = weight_of(r, n, 1, 0, &w)) != TT_OK)
		return st;
	count = (int64_t)value_count(w);
	if (count != 1 && (x->ndim < 2 || count != x->dim[1] || w->ndim != x->ndim - 1 ||
	                   w->dim[0] != count))
		return onnx_refuse(r, n, "its slopes are neither one nor one for each channel");
	if (!(name = onnx_name(r, n, w)))
		return TT_ENOMEM;
	if ((st = SAY(r, n, name, x, x->ndim, x->dim, "prelu: {channels: %s",
	              count == 1 ? "no" : "yes")) != TT_OK)
		return st;
	return give_list(r, n, name, "weight", w, count);
}

/* A table of vectors, looked up; a list of one number of a layer's value is in shapes.c. */
tt_status in_embedding(struct net *r, const Onnx__Node *n)
{
	struct value *w, *at;
	int64_t dim[TENSOR_MAX_DIMS];
	const char *name;
	tt_status st;

	if ((st = weight_of(r, n, 0, 2, &w)) != TT_OK || (st = onnx_layer(r, n, 1, &at)) != TT_OK)
		return st;
	if (onnx_int(n, "axis", 0) != 0 || at->ndim != 2)
		return onnx_refuse(r, n, "it looks up no list of things");
	memcpy(dim, at->dim, 2 * sizeof *dim);
	dim[2] = w->dim[1];
	if (!(name = onnx_name(r, n, w)))
		return TT_ENOMEM;
	if ((st = SAY(r, n, name, at, 3, dim, "embedding: {rows: %lld, dim: %lld",
	              (long long)w->dim[0], (long long)w->dim[1])) != TT_OK)
		return st;
	return onnx_give_value(r, name, "weight", w);
}
