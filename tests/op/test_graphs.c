/* test_graphs.c -- nets drawn at random give the same numbers on every device.
 *
 * One operation alone meets plain tensors.  In a net it meets what its neighbours left: blocked
 * layouts, memory that is used again, fused activations, values with several readers.  Each seed
 * draws a small net of the layers below; its outputs and every gradient are compared with those of
 * the reference kernels run node by node on the graph before any pass.  Whole models, as specs say
 * them (support/dags.h), have several inputs, sequences and layers that share parameters, too. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "sys/thread.h"
#include "compute/exec/device.h"
#include "compute/exec/staging/staging.h"
#include "learn/nn/layers/kinds.h"
#include "support/dags.h"
#include "support/interp.h"
#include "support/nets.h"
#include "support/nth_device.h"

enum { MAX_LAYERS = 9, CLASSES = 5, MODELS = 200 };
#define BOUND 1e-3                      /* of the largest number of a result ...             */
#define NOISE 1e-5                      /* ... or of any in the pass it comes from           */
#define BOUND_BF16 0.25                 /* of a result's Euclidean length                    */
#define NOISE_BF16 0.01

static const struct run_context context = { .seed = 4, .step = 2, .sample = 1, .sample_stride = 3 };

/* ---- drawing ---- */

struct draw {
	struct rng        r;
	struct ir_graph  *g;
	enum net_mode     mode;
	struct ir_value  *made[MAX_LAYERS + 2];      /* images so far: what add and concat may take */
	int               n_made, n_names;
	char              names[MAX_LAYERS + 8][16];
};

static int below(struct draw *d, int n)
{
	return (int)rng_below(&d->r, (uint32_t)n);
}

static const char *new_name(struct draw *d, const char *kind)
{
	char *name = d->names[d->n_names];

	snprintf(name, sizeof d->names[0], "%s%d", kind, d->n_names++);
	return name;
}

static struct ir_value *draw_conv(struct draw *d, struct ir_value *x)
{
	static const int channels[] = { 1, 3, 6, 8, 16, 17, 24, 32 };
	int k = 1 + 2 * below(d, 2), s = 1 + below(d, 2), pad = below(d, k / 2 + 1);
	struct ir_attr a = { .kernel = { k, k }, .stride = { s, s }, .pad = { pad, pad, pad, pad } };
	int depthwise = below(d, 5) == 0;

	if (x->desc.dim[2] + 2 * pad < k || x->desc.dim[3] + 2 * pad < k)
		return x;
	a.groups = depthwise ? (int)x->desc.dim[1] : 1;
	return net_conv(d->g, new_name(d, "conv"), x, depthwise ? (int)x->desc.dim[1] :
	                channels[below(d, 8)], &a);
}

static struct ir_value *draw_pool(struct draw *d, struct ir_value *x)
{
	int k = 2 + below(d, 2), pad = below(d, 2);
	struct ir_attr a = { .kernel = { k, k }, .stride = { 2, 2 },
	                     .pad = { pad, pad, pad, pad }, .count_pad = below(d, 2) };
	int max = below(d, 2);

	if (x->desc.dim[2] < k || x->desc.dim[3] < k)
		return x;
	return net_op(d->g, max ? IR_MAXPOOL : IR_AVGPOOL, new_name(d, "pool"), &a, x);
}

static struct ir_value *draw_norm(struct draw *d, struct ir_value *x)
{
	return net_batchnorm(d->g, new_name(d, "bn"), x, d->mode);
}

static struct ir_value *draw_act(struct draw *d, struct ir_value *x)
{
	enum ir_act act = below(d, 2) ? ACT_RELU : (enum ir_act)(ACT_RELU + below(d, ACT_COUNT - 1));

	return net_act(d->g, new_name(d, "act"), x, act);
}

static struct ir_value *draw_dropout(struct draw *d, struct ir_value *x)
{
	struct ir_attr a = { .p = 0.3F, .stream = (uint32_t)d->n_names };

	return d->mode == NET_TRAIN ? net_op(d->g, IR_DROPOUT, new_name(d, "drop"), &a, x) : x;
}

/* An earlier image that differs in channels at most (or not at all). */
static struct ir_value *find_partner(struct draw *d, const struct ir_value *x, int channels_too)
{
	int start = below(d, d->n_made);

	for (int i = 0; i < d->n_made; i++) {
		struct ir_value *v = d->made[(start + i) % d->n_made];

		if (v->desc.dim[2] == x->desc.dim[2] && v->desc.dim[3] == x->desc.dim[3] &&
		    (!channels_too || v->desc.dim[1] == x->desc.dim[1]))
			return v;
	}
	return NULL;
}

static struct ir_value *draw_add(struct draw *d, struct ir_value *x)
{
	struct ir_value *v = find_partner(d, x, 1);

	return v ? net_op(d->g, IR_ADD, new_name(d, "add"), NULL, x, v) : x;
}

static struct ir_value *draw_concat(struct draw *d, struct ir_value *x)
{
	const struct ir_attr a = { .axis = 1 };
	struct ir_value *v = find_partner(d, x, 0);

	return v ? net_op(d->g, IR_CONCAT, new_name(d, "concat"), &a, x, v) : x;
}

/* Layers that are met more often stand more often. */
static struct ir_value *(*const layers[])(struct draw *, struct ir_value *) = {
	draw_conv, draw_conv, draw_conv, draw_act, draw_act, draw_pool, draw_norm, draw_dropout,
	draw_add, draw_concat,
};

static struct ir_value *draw_head(struct draw *d, struct ir_value *x)
{
	int64_t N = x->desc.dim[0];
	struct ir_attr global = { .kernel = { (int)x->desc.dim[2], (int)x->desc.dim[3] } };
	struct ir_attr rows = { .ndim = 2 };

	if (below(d, 2))
		x = net_op(d->g, IR_AVGPOOL, new_name(d, "global"), &global, x);
	rows.dims[0] = N;
	rows.dims[1] = tensor_count(&x->desc) / N;
	x = net_op(d->g, IR_RESHAPE, new_name(d, "flat"), &rows, x);
	if (below(d, 2))
		x = draw_act(d, net_dense(d->g, new_name(d, "fc"), x, 9 + below(d, 9)));
	return net_dense(d->g, new_name(d, "fc"), x, CLASSES);
}

/* Outputs: logits and, one time in two, an image from the middle; for training also the loss. */
static struct ir_graph *draw_net(int seed, enum net_mode mode)
{
	static const int channels[] = { 1, 3, 16 }, samples[] = { 2, 3, 4, 16 };
	struct draw d = { .mode = mode };
	struct ir_value *x, *loss = NULL;
	int n;

	rng_init(&d.r, rng_key((uint64_t)seed, RNG_TEST), 0, 0);
	assert_ok(ir_graph_new(&d.g));
	x = net_input(d.g, "x", F32(samples[below(&d, 4)], channels[below(&d, 3)], 6 + below(&d, 7),
	                            6 + below(&d, 7)));
	n = 2 + below(&d, MAX_LAYERS - 2);
	for (int i = 0; i < n; i++) {
		d.made[d.n_made++] = x;
		x = layers[below(&d, (int)(sizeof layers / sizeof *layers))](&d, x);
	}
	if (below(&d, 2))
		ir_output(d.g, d.made[below(&d, d.n_made)]);
	x = draw_head(&d, x);
	if (mode == NET_TRAIN)
		loss = net_op(d.g, IR_XENT, "loss", NULL, x, net_input(d.g, "label",
		                                                       S32(x->desc.dim[0])));
	ir_output(d.g, x);
	if (loss) {
		ir_output(d.g, loss);
		assert_ok(ir_backward(d.g, loss));
	}
	assert_ok(ir_verify(d.g));
	return d.g;
}

/* Whole models, as specs say them. */
static struct ir_graph *draw_dag(int seed, enum net_mode mode)
{
	return dag_graph(seed, mode == NET_TRAIN ? NN_TRAIN : NN_PREDICT);
}

typedef struct ir_graph *draw_fn(int seed, enum net_mode mode);

/* ---- comparing ---- */

/* The graph and its numbers by the reference. */
struct truth { struct ir_graph *g; struct interp *p; float *params, *buffers; };

/* Weights so that sums keep their size, else one class soon has all the probability; scales of
 * norms away from 0, else the next norm blows up what is left of a channel, rounding and all. */
static void tame_weights(struct interp *p, const struct ir_value *v)
{
	int64_t n = tensor_count(&v->desc);
	float scale = v->desc.ndim > 1 ? sqrtf(3.0F * (float)v->desc.dim[0] / (float)n) : 0.5F;
	float shift = strncmp(v->name, "bn", 2) == 0 && str_ends_with(v->name, "weight");

	for (int64_t i = 0; i < n; i++)
		interp_f32(p, v)[i] = shift + scale * interp_f32(p, v)[i];
}

/* Sequences have 1 place to all. */
static void fill_lengths(struct interp *p, const struct ir_value *v, int64_t places)
{
	int32_t *n = interp_data(p, v);

	for (int64_t i = 0; i < tensor_count(&v->desc); i++)
		n[i] = (int32_t)(places - i * 2 % places);
}

static void truth_init(struct truth *t, draw_fn *draw, int seed, enum net_mode mode)
{
	t->g = draw(seed, mode);
	assert_ok(interp_new(&t->p, t->g));
	interp_fill(t->p, (uint64_t)seed);
	for (int i = 1; i < t->g->n_values; i++)
		if (str_ends_with(t->g->value[i]->name, ".lengths"))
			fill_lengths(t->p, t->g->value[i], t->g->value[i - 1]->desc.dim[1]);
	t->params = mem_calloc(t->g->param_count + 1, sizeof(float));
	t->buffers = mem_calloc(t->g->buffer_count + 1, sizeof(float));
	assert_true(t->params && t->buffers);
	for (int i = 0; i < t->g->n_values; i++) {
		const struct ir_value *v = t->g->value[i];

		if (v->kind == IR_PARAM)
			tame_weights(t->p, v);
		if (v->kind == IR_PARAM)
			memcpy(t->params + v->offset, interp_data(t->p, v), tensor_bytes(&v->desc));
		if (v->kind == IR_BUFFER)
			memcpy(t->buffers + v->offset, interp_data(t->p, v), tensor_bytes(&v->desc));
	}
	interp_run(t->p, &context);
}

static void truth_release(struct truth *t)
{
	interp_free(&t->p);
	ir_graph_free(&t->g);
	mem_free(t->params);
	mem_free(t->buffers);
}

struct who {
	draw_fn        *draw;
	int             seed;
	const char     *device;
	enum net_mode   mode;
	enum precision  precision;
	int             nth;           /* variant, as nth_device has it */
	int             faults;
};

static void complain(struct who *w, const char *name, double off, double size)
{
	print_error("net %d (%s, %s, nth %d) on %s: %s is %.3g off, size %.3g\n", w->seed,
	            w->mode == NET_TRAIN ? "train" : "infer",
	            w->precision == PRECISION_BF16 ? "bf16" : "f32", w->nth, w->device, name,
	            off, size);
	w->faults++;
}

/* The largest number that the forward or the backward nodes made.  Sums that cancel, as all bias
 * gradients in front of a batch norm, keep only the noise of what went in. */
static double largest_made(const struct truth *t, int backward)
{
	double largest = 0;

	for (const struct ir_node *n = t->g->first; n; n = n->next)
		for (int64_t i = 0; n->backward == backward && i < tensor_count(&n->out[0]->desc); i++)
			largest = fmax(largest, fabs((double)interp_f32(t->p, n->out[0])[i]));
	return largest;
}

/* noise: what may be off whatever the result's own size. */
static void compare_f32(struct who *w, const char *name, struct test_floats f, double noise)
{
	double largest = 0, worst = 0;

	for (size_t i = 0; i < f.n; i++) {
		double d = fabs((double)f.got[i] - f.want[i]);

		largest = fmax(largest, fabs((double)f.want[i]));
		worst = isnan(d) ? HUGE_VAL : fmax(worst, d);
	}
	if (worst > fmax(BOUND * largest, noise))
		complain(w, name, worst, largest);
}

/* Eight bits flip many a relu and maximum: only the whole tensor can be compared.  What is in the
 * wrong layout or memory is off by as much as the tensor is long. */
static void compare_bf16(struct who *w, const char *name, struct test_floats f, double noise)
{
	double size = 0, off = 0;

	for (size_t i = 0; i < f.n; i++) {
		double d = (double)f.got[i] - f.want[i];

		size += (double)f.want[i] * f.want[i];
		off += d * d;
	}
	if (!(sqrt(off) <= BOUND_BF16 * sqrt(size) + noise * sqrt((double)f.n)))
		complain(w, name, sqrt(off), sqrt(size));
}

static void compare(struct who *w, const char *name, struct test_floats f, double noise)
{
	if (w->precision == PRECISION_BF16)
		compare_bf16(w, name, f, noise);
	else
		compare_f32(w, name, f, noise);
}

static void compare_all(struct who *w, const struct truth *t, const struct program *p,
                        const float *grads, const float *buffers)
{
	double share = w->precision == PRECISION_BF16 ? NOISE_BF16 : NOISE;
	double forward = share * largest_made(t, 0), backward = share * largest_made(t, 1);

	for (int i = 0; i < t->g->n_values; i++) {
		const struct ir_value *v = t->g->value[i];
		size_t n = (size_t)tensor_count(&v->desc);

		if (v->output)
			compare(w, v->name, (struct test_floats){
				program_output(p, v->output - 1), interp_f32(t->p, v), n }, forward);
		if (v->kind == IR_PARAM && v->grad)
			compare(w, v->name, (struct test_floats){
				grads + v->offset, interp_f32(t->p, v->grad), n }, backward);
		if (v->kind == IR_BUFFER)
			compare(w, v->name, (struct test_floats){
				buffers + v->offset, interp_f32(t->p, v), n }, forward);
	}
}

/* One net on one device. */
static void run_on(struct who *w, const struct truth *t, struct device *device,
                   struct device *reference)
{
	const struct program_run run = { .seed = context.seed, .step = context.step,
	                                 .sample = context.sample,
	                                 .sample_stride = context.sample_stride };
	struct nth_device nth;
	struct device *list[] = { &nth.base, reference, NULL };
	struct program_opts opts = { .devices = list, .precision = w->precision,
	                             .purpose = w->mode == NET_TRAIN ? PROGRAM_TRAIN
	                                                             : PROGRAM_INFER };
	float *grads = mem_calloc(t->g->param_count + 1, sizeof(float));
	float *buffers = mem_calloc(t->g->buffer_count + 1, sizeof(float));
	struct program *p;

	assert_true(grads && buffers);
	memcpy(buffers, t->buffers, t->g->buffer_count * sizeof(float));
	nth_device_init(&nth, device, w->nth);
	if (program_new(&p, w->draw(w->seed, w->mode), &opts) != TT_OK) {
		nth.nth = 0;                    /* a variant but the first may refuse a node */
		assert_ok(program_new(&p, w->draw(w->seed, w->mode), &opts));
	}
	program_bind(p, t->params, grads, buffers);
	for (int i = 0; i < t->g->n_values; i++)
		if (t->g->value[i]->kind == IR_INPUT)
			program_set_input(p, t->g->value[i]->index,
			                  interp_data(t->p, t->g->value[i]));
	assert_ok(program_run(p, &run));
	compare_all(w, t, p, grads, buffers);
	program_free(&p);
	mem_free(grads);
	mem_free(buffers);
}

/* Each with one variant, which goes round with the seed, or with one drawn for each node. */
static void check_nets(draw_fn *draw, int nets, enum net_mode mode, enum precision precision)
{
	const struct device_ops *ops[DEVICE_LIST_MAX + 2] = { &staging_device };
	struct device_list l;
	int faults = 0, last = 0;

	device_list_known(ops + 1);
	assert_ok(device_list_open(&l, ops));
	while (l.dev[last + 1])
		last++;
	for (int seed = 0; seed < nets; seed++) {
		struct truth t;

		truth_init(&t, draw, seed, mode);
		for (int i = 0; l.dev[i]; i++) {
			const int nth = seed % 2 ? seed / 2 % 4 : -1 - seed;
			struct who w = { draw, seed, l.dev[i]->ops->name, mode, precision, nth, 0 };

			run_on(&w, &t, l.dev[i], l.dev[last]);
			faults += w.faults;
		}
		truth_release(&t);
	}
	device_list_close(&l);
	assert_int_equal(faults, 0);
}

static void random_nets_train_alike_on_all_devices(void **state)
{
	(void)state;
	check_nets(draw_net, 150, NET_TRAIN, PRECISION_F32);
}

static void random_nets_train_alike_on_two_threads(void **state)
{
	(void)state;
	thread_set_count(2);
	check_nets(draw_net, 40, NET_TRAIN, PRECISION_F32);
	thread_set_count(1);
}

static void random_nets_predict_alike_on_all_devices(void **state)
{
	(void)state;
	check_nets(draw_net, 150, NET_INFER, PRECISION_F32);
}

static void random_nets_are_near_in_bf16(void **state)
{
	(void)state;
	check_nets(draw_net, 100, NET_TRAIN, PRECISION_BF16);
	check_nets(draw_net, 100, NET_INFER, PRECISION_BF16);
}

static void random_models_train_alike_on_all_devices(void **state)
{
	(void)state;
	check_nets(draw_dag, MODELS, NET_TRAIN, PRECISION_F32);
}

static void random_models_predict_alike_on_all_devices(void **state)
{
	(void)state;
	check_nets(draw_dag, 80, NET_INFER, PRECISION_F32);
}

/* "- kind:" in a list of layers, or one of those in brackets. */
static int has_kind(const char *spec, const char *kind)
{
	const size_t n = strlen(kind);

	for (const char *p = spec; (p = strstr(p, kind)); p += n)
		if ((p[-1] == ' ' || p[-1] == '[') && strchr(":,]", p[n]) && p[n])
			return 1;
	return 0;
}

/* A kind of layer that is new is drawn, too: tests/support/dags.c. */
static void random_models_have_every_kind_of_layer(void **state)
{
	(void)state;
	for (int i = 0; layer_kinds[i]; i++) {
		int found = 0;

		for (int seed = 0; seed < MODELS && !found; seed++) {
			struct str text = { 0 };

			dag_spec(seed, &text);
			found = has_kind(text.p, layer_kinds[i]->name);
			str_release(&text);
		}
		if (!found)
			fail_msg("no random model has the layer %s", layer_kinds[i]->name);
	}
}

static int one_thread(void **state)
{
	(void)state;
	thread_set_count(1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_nets_train_alike_on_all_devices),
		cmocka_unit_test(random_nets_train_alike_on_two_threads),
		cmocka_unit_test(random_nets_predict_alike_on_all_devices),
		cmocka_unit_test(random_models_have_every_kind_of_layer),
		cmocka_unit_test(random_models_train_alike_on_all_devices),
		cmocka_unit_test(random_models_predict_alike_on_all_devices),
		cmocka_unit_test(random_nets_are_near_in_bf16),
	};

	return cmocka_run_group_tests(tests, one_thread, NULL);
}
