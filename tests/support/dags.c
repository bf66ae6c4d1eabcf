#include "support/dags.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "learn/spec/spec.h"
#include "support/support.h"

enum { MOST = 64, LAYERS_MOST = 12, CLASSES = 5 };
enum form { IMAGES, PLACES, FEATURES };          /* [C,H,W], [any,C], [C] */

struct value { char name[24]; enum form form; int c, h, w, read; };

/* A layer whose parameters others may use: what it reads has so many channels. */
struct owner { char name[24], settings[64]; enum form form; int in; };

struct dag {
	struct rng    r;
	struct str   *out;
	struct value  made[MOST];
	struct owner  owner[MOST];
	int           n, owners, names;
};

static int below(struct dag *d, int n) { return (int)rng_below(&d->r, (uint32_t)n); }

static const char *one_of(struct dag *d, const char *const *words)
{
	int n = 0;

	while (words[n])
		n++;
	return words[below(d, n)];
}
#define ONE_OF(d, ...) one_of(d, (const char *const[]){ __VA_ARGS__, NULL })

static struct value *make(struct dag *d, struct value v, const char *name)
{
	struct value *made = &d->made[d->n++];

	assert_true(d->n < MOST);
	*made = v;
	made->read = 0;
	if (name)
		snprintf(made->name, sizeof made->name, "%s", name);
	else
		snprintf(made->name, sizeof made->name, "n%d", d->names++);
	return made;
}

/* `- kind: {name: NAME, from: V, SETTINGS}` makes a value of that shape. */
static struct value *layer(struct dag *d, struct value *v, const char *kind, struct value shape,
                           const char *settings, ...)
	__attribute__((format(printf, 5, 6)));
static struct value *layer(struct dag *d, struct value *v, const char *kind, struct value shape,
                           const char *settings, ...)
{
	struct value *made = make(d, shape, NULL);
	char text[256];
	va_list ap;

	va_start(ap, settings);
	vsnprintf(text, sizeof text, settings, ap);
	va_end(ap);
	str_addf(d->out, "    - %s: {name: %s, from: %s%s%s}\n", kind, made->name, v->name,
	         *text ? ", " : "", text);
	v->read = 1;
	return made;
}

static struct value with(const struct value *v, int c)
{
	struct value made = *v;

	made.c = c;
	return made;
}

static struct value features(int c) { return (struct value){ .form = FEATURES, .c = c }; }

static struct value *same_as(struct dag *d, const struct value *v, int channels_too)
{
	const int first = below(d, d->n);

	for (int i = 0; i < d->n; i++) {
		struct value *o = &d->made[(first + i) % d->n];

		if (o != v && o->form == v->form && o->h == v->h && o->w == v->w && o->c &&
		    (!channels_too || o->c == v->c))
			return o;
	}
	return NULL;
}

/* ---- layers ---- */

static void join(struct dag *d, struct value *v)
{
	const int kind = below(d, 3);
	struct value *o = same_as(d, v, kind != 0), *made;
	const char *const words[] = { "concat", "add", "multiply" };

	if (!o || (kind == 0 && v->c + o->c > 40))
		return;
	made = make(d, with(v, kind ? v->c : v->c + o->c), NULL);
	str_addf(d->out, "    - %s: {name: %s, from: [%s, %s]%s}\n", words[kind], made->name, v->name,
	         o->name, kind == 0 && v->form == PLACES ? ", axis: 2" : "");
	v->read = o->read = 1;
}

/* A dense layer or convolution: with the parameters of an earlier one, if one fits. */
static void weigh(struct dag *d, struct value *v)
{
	const char *act = ONE_OF(d, "none", "relu", "tanh", "silu", "gelu", "elu");
	const char *kind = v->form == IMAGES ? "conv2d" : "dense";
	struct owner *o = &d->owner[d->owners];
	const int out = below(d, 3) ? 1 + below(d, 12) : v->c;
	struct value *made;

	for (int i = 0; i < d->owners && below(d, 2); i++)
		if (d->owner[i].form == v->form && d->owner[i].in == v->c) {
			int c = 0;

			assert_int_equal(sscanf(d->owner[i].settings, "out: %d", &c), 1);
			layer(d, v, kind, with(v, c), "%s, share: %s", d->owner[i].settings, d->owner[i].name);
			return;
		}
	if (v->form == IMAGES)
		snprintf(o->settings, sizeof o->settings, "out: %d, kernel: %d, padding: same", out,
		         1 + 2 * below(d, 2));
	else
		snprintf(o->settings, sizeof o->settings, "out: %d, activation: %s", out, act);
	made = layer(d, v, kind, with(v, out), "%s", o->settings);
	memcpy(o->name, made->name, sizeof o->name);
	o->form = v->form;
	o->in = v->c;
	d->owners++;
}

static void normalise(struct dag *d, struct value *v)
{
	if (v->form == IMAGES && below(d, 2))
		layer(d, v, "batchnorm", *v, "activation: %s", ONE_OF(d, "none", "relu"));
	else if (v->form == IMAGES)
		layer(d, v, "groupnorm", *v, "groups: 1, affine: yes");
	else if (v->c > 2)
		layer(d, v, ONE_OF(d, "layernorm", "rmsnorm"), *v, "dims: 1");
}

static void act(struct dag *d, struct value *v)
{
	layer(d, v, ONE_OF(d, "relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu", "dropout",
	                   "relu6", "hardswish", "hardsigmoid"), *v, "%s", "");
}

static void nest(struct dag *d, struct value *v)
{
	const char *kind = v->form == IMAGES ? "conv2d" : "dense";
	const char *how = v->form == IMAGES ? ", kernel: 3, padding: 1" : "";

	if (below(d, 2))
		layer(d, v, "residual", *v, "body: [%s: {out: %d%s, activation: tanh}]", kind, v->c, how);
	else
		layer(d, v, "branches", *v, "join: add, paths: [[%s: {out: %d%s}], [], [tanh]]", kind, v->c,
		      how);
}

static void pool(struct dag *d, struct value *v)
{
	struct value half = *v;

	half.h = v->h / 2;
	half.w = v->w / 2;
	if (v->form == PLACES)
		layer(d, v, "seqpool", features(v->c), "pool: %s", ONE_OF(d, "mean", "sum", "max", "last"));
	else if (v->form == IMAGES && half.h && half.w && below(d, 2))
		layer(d, v, ONE_OF(d, "maxpool", "avgpool"), half, "kernel: 2");
	else if (v->form == IMAGES)
		layer(d, v, "globalpool", features(v->c), "pool: %s", ONE_OF(d, "avg", "max"));
}

static void recur(struct dag *d, struct value *v)
{
	const int hidden = 1 + below(d, 6), both = below(d, 2);

	if (v->form != PLACES) {
		nest(d, v);
		return;
	}
	layer(d, v, ONE_OF(d, "rnn", "lstm", "gru"), with(v, hidden * (1 + both)),
	      "hidden: %d, bidirectional: %s", hidden, both ? "yes" : "no");
}

static void attend(struct dag *d, struct value *v)
{
	const char *causal = ONE_OF(d, "yes", "no");

	if (v->form != PLACES || v->c % 2)
		act(d, v);
	else if (below(d, 2))
		layer(d, v, "attention", *v, "heads: 2, causal: %s", causal);
	else
		layer(d, v, "transformer", *v, "heads: 2, hidden: 5, causal: %s, norm_first: %s", causal,
		      ONE_OF(d, "yes", "no"));
}

static void place(struct dag *d, struct value *v)
{
	if (v->form == PLACES && below(d, 2))
		layer(d, v, "positions", *v, "max: 12");
	else if (v->form == PLACES && v->c % 2 == 0)
		layer(d, v, "positions", *v, "kind: sinusoidal");
	else
		weigh(d, v);
}

/* Rows of pixels, and as many places: back to features at once, for nothing else reads them. */
static void turn_over(struct dag *d, struct value *v)
{
	const struct value hidden = { .form = IMAGES };         /* c is 0: nobody picks it */
	const int n = v->h * v->w;
	struct value *x;

	if (below(d, 2)) {
		x = layer(d, v, "reshape", hidden, "shape: [%d, %d]", v->c, n);
		x = layer(d, x, "conv1d", hidden, "out: %d, kernel: 3, padding: 1", 3);
		if (n > 1)
			x = layer(d, x, ONE_OF(d, "maxpool1d", "avgpool1d"), hidden, "kernel: 2");
		layer(d, x, "globalpool", features(3), "%s", "");
	} else {
		x = layer(d, v, "reshape", hidden, "shape: [%d, %d]", n, v->c);
		x = layer(d, x, "class_token", hidden, "%s", "");
		layer(d, x, "reduce", features(v->c), "op: %s, axis: 1", ONE_OF(d, "mean", "sum"));
	}
}

/* Images that become others: kinds with settings that fit any, and what sides and channels are. */
static const struct { const char *kind, *settings; int times, more, c; } turned[] = {
	{ "depthwise2d", "kernel: 3, padding: 1", 1, 0, 0 },
	{ "conv_transpose2d", "out: 3, kernel: 2, stride: 2", 2, 0, 3 },
	{ "upsample", "scale: 2, mode: bilinear", 2, 0, 0 },
	{ "pad", "padding: 1, value: 0.5", 1, 2, 0 },
	{ "lrn", "size: 3, alpha: 0.1", 1, 0, 0 }, { "prelu", "channels: yes", 1, 0, 0 },
	{ "instancenorm", "affine: yes", 1, 0, 0 }, { "slice", "size: 1", 1, 0, 1 },
	{ "sequence", "layers: [tanh, prelu]", 1, 0, 0 },
	{ "repeat", "times: 2, layers: [depthwise2d: {kernel: 1}, silu]", 1, 0, 0 },
};

static void turn(struct dag *d, struct value *v)
{
	const int which = below(d, (int)(sizeof turned / sizeof *turned) + 3);
	struct value made = *v;

	if (v->form != IMAGES || v->h > 8 || v->w > 8 || v->h * v->w < 4) {
		layer(d, v, ONE_OF(d, "prelu", "elu", "tanh"), *v, "%s", "");
	} else if (which < 2) {
		turn_over(d, v);
	} else if (which == 2) {
		if (v->c * v->h * v->w <= 60)
			layer(d, v, "flatten", features(v->c * v->h * v->w), "%s", "");
		made.h = v->w;
		made.w = v->h;
		layer(d, v, "transpose", made, "dims: [1, 3, 2]");
	} else {
		made.h = v->h * turned[which - 3].times + turned[which - 3].more;
		made.w = v->w * turned[which - 3].times + turned[which - 3].more;
		made.c = turned[which - 3].c ? turned[which - 3].c : v->c;
		layer(d, v, turned[which - 3].kind, made, "%s", turned[which - 3].settings);
	}
}

static void sharpen(struct dag *d, struct value *v)
{
	if (v->form == FEATURES && v->c > 1)
		layer(d, v, "softmax", *v, "%s", "");
	else
		turn(d, v);
}

static void (*const layers[])(struct dag *, struct value *) = {
	weigh, weigh, weigh, join, join, join, normalise, act, nest, pool, recur, attend, place, turn,
	turn, sharpen,
};

/* ---- inputs, ends ---- */

static void add_inputs(struct dag *d)
{
	const int which = 1 + below(d, 7);
	struct value v = { .c = 1 + below(d, 4), .h = 3 + below(d, 4), .w = 3 + below(d, 4) };

	str_add(d->out, "  inputs:\n");
	if (which & 1) {
		str_addf(d->out, "    image: [%d, %d, %d]\n", v.c, v.h, v.w);
		make(d, v, "image");
	}
	if (which & 2) {
		v = features(2 + below(d, 8));
		str_addf(d->out, "    table: [%d]\n", v.c);
		make(d, v, "table");
	}
	if (which & 4) {
		str_add(d->out, "    words: {shape: [-1], type: i32}\n");
		make(d, (struct value){ .form = PLACES }, "words");
	}
	str_add(d->out, "  layers:\n");
	v = (struct value){ .form = PLACES, .c = 2 * (1 + below(d, 4)) };
	if (which & 4)
		layer(d, &d->made[d->n - 1], "embedding", v, "rows: 9, dim: %d", v.c);
}

/* What nobody has read becomes features. */
static struct value *flat(struct dag *d, struct value *v)
{
	if (v->form == PLACES)
		return layer(d, v, "seqpool", features(v->c), "pool: %s", ONE_OF(d, "mean", "max"));
	return v->form == IMAGES ? layer(d, v, "globalpool", features(v->c), "%s", "") : v;
}

static struct value *side_by_side(struct dag *d, struct value *const *end, int n)
{
	struct value *all;

	if (n == 1)
		return end[0];
	all = make(d, features(0), NULL);
	str_addf(d->out, "    - concat: {name: %s, from: [", all->name);
	for (int i = 0; i < n; i++) {
		str_addf(d->out, "%s%s", i ? ", " : "", end[i]->name);
		all->c += end[i]->c;
	}
	str_add(d->out, "]}\n");
	return all;
}

static void add_ends(struct dag *d)
{
	struct value *end[MOST], *all;
	int n = 0;

	for (int i = 0, last = d->n; i < last; i++)
		if (!d->made[i].read && d->made[i].c)
			end[n++] = flat(d, &d->made[i]);
	all = side_by_side(d, end, n);
	if (below(d, 3) == 0) {
		struct value *aside = layer(d, end[below(d, n)], "dense", features(CLASSES), "out: %d",
		                            CLASSES);

		layer(d, all, "dense", features(CLASSES), "out: %d", CLASSES);
		str_addf(d->out, "  outputs: {aside: {from: %s, weight: 0.%d}}\n", aside->name,
		         1 + below(d, 9));
	} else {
		layer(d, all, "dense", features(CLASSES), "out: %d", CLASSES);
	}
}

void dag_spec(int seed, struct str *out)
{
	struct dag d = { .out = out };
	int n;

	rng_init(&d.r, rng_key((uint64_t)seed, RNG_TEST), 1, 0);
	str_add(out, "name: dag\nmodel:\n  init: glorot\n");
	add_inputs(&d);
	n = 3 + below(&d, LAYERS_MOST - 3);
	for (int i = 0; i < n; i++) {
		struct value *v = &d.made[below(&d, d.n)];

		if (v->c)
			layers[below(&d, (int)(sizeof layers / sizeof *layers))](&d, v);
	}
	add_ends(&d);
	assert_ok(str_status(out));
}

struct ir_graph *dag_graph(int seed, enum nn_purpose purpose)
{
	const struct nn_shape shape = { .batch = 2 + seed % 3, .length = 4 + seed % 5,
	                                .purpose = purpose };
	struct str text = {0};
	struct ir_graph *g = NULL;
	tt_model *m;
	tt_spec *s;

	dag_spec(seed, &text);
	assert_ok(tt_spec_parse(&s, "dag.yaml", text.p));
	if (tt_model_new(&m, s) != TT_OK || nn_graph_of(m, &shape, &g) != TT_OK)
		fail_msg("net %d: %s\n%s", seed, tt_last_error(), text.p);
	tt_model_free(&m);
	tt_spec_free(&s);
	str_release(&text);
	return g;
}
