/* test_chains.c -- graphs that are no chain of layers learn alike on every device.
 *
 * One op alone is tried in test_device.c.  Here the operations of algebra stand one behind another
 * as users will put them: attention, and a table whose parts are looked up.  Both are trained for
 * some steps with the reference device and with all devices; then they predict. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/device.h"
#include "compute/exec/ref/ref.h"
#include "compute/exec/tuning_cache.h"
#include "support/interp.h"
#include "support/nets.h"

enum { N = 8, T = 6, C = 16, HEADS = 2, ROWS = 11, CLASSES = 3, STEPS = 60 };

static struct device_list all, ref_only;

static int open_devices(void **state)
{
	static const struct device_ops *const ref[] = { &ref_device, NULL };

	(void)state;
	assert_ok(device_list_open_known(&all));
	assert_ok(device_list_open(&ref_only, ref));
	return 0;
}

static int close_devices(void **state)
{
	(void)state;
	device_list_close(&all);
	device_list_close(&ref_only);
	return 0;
}

/* ---- the graphs: input "x" to scores ---- */

static struct ir_value *reshape(struct ir_graph *g, struct ir_value *x, struct tensor_desc d)
{
	struct ir_attr a = { .ndim = d.ndim };

	memcpy(a.dims, d.dim, sizeof a.dims);
	return net_op(g, IR_RESHAPE, "shape", &a, x);
}

static struct ir_value *broadcast(struct ir_graph *g, struct ir_value *x, struct tensor_desc d)
{
	struct ir_attr a = { .ndim = d.ndim };

	memcpy(a.dims, d.dim, sizeof a.dims);
	return net_op(g, IR_BROADCAST, "repeat", &a, x);
}

/* [N,T,C] -> [N,HEADS,T,C/HEADS] */
static struct ir_value *heads(struct ir_graph *g, struct ir_value *x)
{
	const struct ir_attr order = { .perm = { 0, 2, 1, 3 } };

	return net_op(g, IR_TRANSPOSE, "heads", &order, reshape(g, x, F32(N, T, HEADS, C / HEADS)));
}

/* Attention is all you need (Vaswani, 2017), with scores that a parameter scales. */
static struct ir_value *attention(struct ir_graph *g)
{
	const struct ir_attr three = { .axis = 2, .parts = 3 }, to_keys = { .trans_b = 1 };
	const struct ir_attr order = { .perm = { 0, 2, 1, 3 } };
	const struct ir_attr over_time = { .reduce = REDUCE_MEAN, .axes = 1 << 1 };
	struct ir_value *x = net_input(g, "x", F32(N, T, C)), *y, *scale;
	struct ir_value *qkv = net_op(g, IR_MATMUL, "qkv", NULL, x, net_param(g, "w", F32(C, 3 * C)));
	struct ir_node *parts = ir_emit(g, IR_SPLIT, "parts", &qkv, 1, &three);

	assert_non_null(parts);
	y = net_op(g, IR_MATMUL, "scores", &to_keys, heads(g, parts->out[0]), heads(g, parts->out[1]));
	scale = broadcast(g, net_param(g, "scale", F32(HEADS, 1, 1)), y->desc);
	y = net_op(g, IR_SOFTMAX, "soft", NULL, net_op(g, IR_MULTIPLY, "scaled", NULL, y, scale));
	y = net_op(g, IR_MATMUL, "mixed", NULL, y, heads(g, parts->out[2]));
	y = reshape(g, net_op(g, IR_TRANSPOSE, "back", &order, y), F32(N, T, C));
	return net_dense(g, "fc", net_op(g, IR_REDUCE, "mean", &over_time, y), CLASSES);
}

/* Rows of a table by whole numbers, which come place by place, each weighed; the largest of all
 * places, without the first. */
static struct ir_value *lookup(struct ir_graph *g)
{
	const struct ir_attr rows = { .axis = 0 }, over_time = { .reduce = REDUCE_MAX, .axes = 1 << 1 };
	const struct ir_attr tail = { .axis = 1, .start = 1, .size = T - 1 };
	struct ir_value *x = net_op(g, IR_INDEX, "rows", &rows, net_param(g, "table", F32(ROWS, C)),
	                            net_op(g, IR_TRANSPOSE, "by sample", NULL,
	                                   net_input(g, "x", S32(T, N))));

	x = net_op(g, IR_MULTIPLY, "weighed", NULL, x,
	           broadcast(g, net_param(g, "gain", F32(C)), x->desc));
	x = net_op(g, IR_SLICE, "tail", &tail, x);
	return net_dense(g, "fc", net_op(g, IR_REDUCE, "largest", &over_time, x), CLASSES);
}

typedef struct ir_value *(*body_fn)(struct ir_graph *g);

static struct ir_graph *graph(body_fn body, enum net_mode mode)
{
	struct ir_graph *g;
	struct ir_value *y, *loss;

	assert_ok(ir_graph_new(&g));
	y = body(g);
	ir_output(g, y);
	if (mode == NET_TRAIN) {
		loss = net_op(g, IR_XENT, "loss", NULL, y, net_input(g, "label", S32(N)));
		ir_output(g, loss);
		assert_ok(ir_backward(g, loss));
	}
	assert_ok(ir_verify(g));
	return g;
}

/* ---- training ---- */

struct net {
	struct program *p;
	float          *params, *grads, *x;
	int32_t         label[N];
	float           seed;
	size_t          count;
};

/* All that a graph reads, as interp_fill gives it. */
static void net_fill(struct net *t, body_fn body)
{
	struct ir_graph *g = graph(body, NET_TRAIN);
	struct interp *p;

	assert_ok(interp_new(&p, g));
	interp_fill(p, 5);
	t->count = g->param_count;
	t->params = mem_calloc(t->count, sizeof *t->params);
	t->grads = mem_calloc(t->count, sizeof *t->grads);
	t->x = mem_calloc((size_t)N * T * C, sizeof *t->x);
	assert_true(t->params && t->grads && t->x);
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];

		if (v->kind == IR_PARAM)
			memcpy(t->params + v->offset, interp_data(p, v), tensor_bytes(&v->desc));
	}
	memcpy(t->x, interp_data(p, interp_find(g, IR_INPUT, "x")),
	       tensor_bytes(&interp_find(g, IR_INPUT, "x")->desc));
	for (int i = 0; i < N * T && body == lookup; i++)       /* of the rows of its table */
		((int32_t *)(void *)t->x)[i] = (i * i + i / N) % ROWS;
	memcpy(t->label, interp_data(p, interp_find(g, IR_INPUT, "label")), sizeof t->label);
	t->seed = 1.0F / N;
	interp_free(&p);
	ir_graph_free(&g);
}

static void net_release(struct net *t)
{
	program_free(&t->p);
	mem_free(t->params);
	mem_free(t->grads);
	mem_free(t->x);
}

static void net_compile(struct net *t, struct ir_graph *g, const struct program_opts *o)
{
	program_free(&t->p);
	assert_ok(program_new(&t->p, g, o));
	program_bind(t->p, t->params, t->grads, NULL);
	program_set_input(t->p, 0, t->x);
	if (o->purpose == PROGRAM_TRAIN) {
		program_set_input(t->p, 1, t->label);
		program_set_input(t->p, 2, &t->seed);
	}
}

/* The loss of a sample before the step. */
static float net_step(struct net *t)
{
	assert_ok(program_run(t->p, &(struct program_run){ .seed = 1 }));
	for (size_t i = 0; i < t->count; i++)
		t->params[i] -= 0.3F * t->grads[i];
	return *(const float *)program_output(t->p, 1) / N;
}

/* losses[STEPS], and the scores that the trained net predicts. */
static void train(body_fn body, const struct program_opts *how, float *losses, float *scores)
{
	struct program_opts o = *how;
	struct net t = { .p = NULL };

	net_fill(&t, body);
	o.purpose = PROGRAM_TRAIN;
	net_compile(&t, graph(body, NET_TRAIN), &o);
	for (int i = 0; i < STEPS; i++)
		losses[i] = net_step(&t);
	o.purpose = PROGRAM_INFER;
	net_compile(&t, graph(body, NET_INFER), &o);
	assert_ok(program_run(t.p, &(struct program_run){ .seed = 1 }));
	memcpy(scores, program_output(t.p, 0), N * CLASSES * sizeof *scores);
	net_release(&t);
}

static const body_fn bodies[] = { attention, lookup };
enum { BODIES = sizeof bodies / sizeof *bodies };

static double furthest(const float *a, const float *b, int n)
{
	double worst = 0;

	for (int i = 0; i < n; i++)
		worst = fmax(worst, fabs((double)a[i] - b[i]));
	return worst;
}

static void all_devices_learn_what_the_reference_learns(void **state)
{
	const struct program_opts ref = { .devices = ref_only.dev }, fast = { .devices = all.dev };

	(void)state;
	for (int b = 0; b < BODIES; b++) {
		float want[STEPS], got[STEPS], said[N * CLASSES], says[N * CLASSES];

		train(bodies[b], &ref, want, said);
		train(bodies[b], &fast, got, says);
		if (!(want[STEPS - 1] < 0.2F * want[0]))
			fail_msg("net %d learns nothing: %g, then %g", b, (double)want[0],
			         (double)want[STEPS - 1]);
		if (!(furthest(want, got, STEPS) < 1e-3))
			fail_msg("net %d: losses differ by %g", b, furthest(want, got, STEPS));
		if (!(furthest(said, says, N * CLASSES) < 1e-2))
			fail_msg("net %d: scores differ by %g", b, furthest(said, says, N * CLASSES));
	}
}

static void bf16_learns_as_well(void **state)
{
	const struct program_opts o = { .devices = all.dev, .precision = PRECISION_BF16 };

	(void)state;
	for (int b = 0; b < BODIES; b++) {
		float got[STEPS], says[N * CLASSES];

		train(bodies[b], &o, got, says);
		if (!(got[STEPS - 1] < 0.25F * got[0]))
			fail_msg("net %d: %g, then %g", b, (double)got[0], (double)got[STEPS - 1]);
	}
}

static void kernels_that_are_measured_learn_the_same(void **state)
{
	struct kernel_cache *cache;
	float want[STEPS], got[STEPS], said[N * CLASSES], says[N * CLASSES];

	(void)state;
	assert_ok(kernel_cache_open(&cache, NULL, "m"));
	for (int b = 0; b < BODIES; b++) {
		const struct program_opts o = { .devices = all.dev, .cache = cache };

		train(bodies[b], &(struct program_opts){ .devices = ref_only.dev }, want, said);
		train(bodies[b], &o, got, says);
		assert_true(furthest(want, got, STEPS) < 1e-3);
	}
	kernel_cache_close(&cache);
}

/* ---- indices ---- */

static void an_index_that_names_nothing_ends_the_run(void **state)
{
	static const int32_t bad[] = { ROWS, -ROWS - 1, INT32_MAX, INT32_MIN };
	struct device *const *const lists[] = { ref_only.dev, all.dev };

	(void)state;
	for (int d = 0; d < 2; d++) {
		const struct program_opts o = { .devices = lists[d], .purpose = PROGRAM_TRAIN };
		struct net t = { .p = NULL };
		int32_t *index;

		net_fill(&t, lookup);
		index = (int32_t *)(void *)t.x;
		net_compile(&t, graph(lookup, NET_TRAIN), &o);
		for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
			char text[32];
			int32_t good = index[3 * N + 2];

			index[3 * N + 2] = bad[i];
			assert_status(program_run(t.p, &(struct program_run){ .seed = 1 }), TT_EINVAL);
			snprintf(text, sizeof text, "index %d ", bad[i]);
			assert_non_null(strstr(tt_last_error(), text));
			assert_non_null(strstr(tt_last_error(), "[2,3]"));
			index[3 * N + 2] = good;
			assert_ok(program_run(t.p, &(struct program_run){ .seed = 1 }));
		}
		net_release(&t);
	}
}

static void negative_indices_count_from_the_end(void **state)
{
	const struct program_opts o = { .devices = all.dev, .purpose = PROGRAM_TRAIN };
	float want[STEPS], got[STEPS];
	struct net t[2] = { { .p = NULL }, { .p = NULL } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		net_fill(&t[i], lookup);
		for (int k = 0; k < N * T && i == 1; k++)
			((int32_t *)(void *)t[i].x)[k] -= ROWS;
		net_compile(&t[i], graph(lookup, NET_TRAIN), &o);
		for (int k = 0; k < STEPS; k++)
			(i ? got : want)[k] = net_step(&t[i]);
		net_release(&t[i]);
	}
	assert_memory_equal(want, got, sizeof want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_devices_learn_what_the_reference_learns),
		cmocka_unit_test(bf16_learns_as_well),
		cmocka_unit_test(kernels_that_are_measured_learn_the_same),
		cmocka_unit_test(an_index_that_names_nothing_ends_the_run),
		cmocka_unit_test(negative_indices_count_from_the_end),
	};

	return cmocka_run_group_tests(tests, open_devices, close_devices);
}
