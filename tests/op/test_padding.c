/* test_padding.c -- what fills up a batch is never seen.
 *
 * A sequence is put among empty ones, NaNs behind its end, and once more alone: what it makes, its
 * loss and all gradients are the same, on the devices that a training takes and on the reference.
 * Empty sequences and padding get no gradient at all. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/device.h"
#include "compute/exec/ref/ref.h"
#include "support/hashed.h"
#include "support/nets.h"

enum { N = 5, T = 9, LENGTH = 6, WHICH = 3, H = 12, WIDE = 4 * H };
#define BOUND 2e-6                      /* of the largest: sums in another order */

static const struct { const char *name; enum ir_op op; int gates; struct ir_attr attr; } ops[] = {
	{ "rnn",              IR_RNN, 1,       { .act = ACT_TANH } },
	{ "rnn relu reverse", IR_RNN, 1,       { .act = ACT_RELU, .reverse = 1 } },
	{ "lstm",             IR_LSTM, 4,      { .reverse = 0 } },
	{ "lstm reverse",     IR_LSTM, 4,      { .reverse = 1 } },
	{ "gru",              IR_GRU, 3,       { .reverse = 0 } },
	{ "gru reverse",      IR_GRU, 3,       { .reverse = 1 } },
	{ "attention",        IR_ATTENTION, 3, { .heads = 2 } },
	{ "attention causal", IR_ATTENTION, 3, { .heads = 3, .causal = 1 } },
};

/* x: a parameter too, so that its gradient is seen. */
struct shape { int64_t n, t; int padded; };

static struct ir_graph *make_graph(size_t k, struct shape s)
{
	const int gates = ops[k].gates;
	const struct ir_attr rows = { .ndim = 2, .dims = { s.n * s.t, H } };
	struct ir_value *x, *w = NULL, *b = NULL, *lengths = NULL, *label, *weight, *y, *loss;
	struct ir_graph *g;

	assert_ok(ir_graph_new(&g));
	x = net_param(g, "x", F32(s.n, s.t, gates * H));
	if (ops[k].op != IR_ATTENTION) {
		w = net_param(g, "w", F32(gates * H, H));
		b = net_param(g, "b", F32(gates * H));
	}
	label = net_input(g, "label", S32(s.n * s.t));
	weight = net_input(g, "weight", F32(s.n * s.t));
	if (s.padded)
		lengths = net_input(g, "lengths", S32(s.n));
	y = w ? net_op(g, ops[k].op, "op", &ops[k].attr, x, w, b, lengths)
	      : net_op(g, ops[k].op, "op", &ops[k].attr, x, lengths);
	ir_output(g, y);
	y = net_op(g, IR_RESHAPE, "rows", &rows, y);
	loss = net_op(g, IR_XENT, "loss", NULL, y, label, weight);
	ir_output(g, loss);
	assert_ok(ir_backward(g, loss));
	return g;
}

/* The same numbers for the sequence in both shapes; NaN everywhere else. */
static float *make_params(size_t k, struct shape s, size_t count)
{
	const int64_t width = (int64_t)ops[k].gates * H, all = s.n * s.t * width;
	const struct hashed x = hashed_init(ops[k].name, "x", ""), w = hashed_init("padding", "w", "");
	float *p = mem_alloc(count * sizeof *p);

	assert_non_null(p);
	for (int64_t i = 0; i < all; i++)
		p[i] = NAN;
	for (int64_t i = 0; i < LENGTH * width; i++)
		p[(s.padded ? WHICH * T * width : 0) + i] = (float)hashed_number(&x, i, 1);
	for (int64_t i = all; i < (int64_t)count; i++)
		p[i] = (float)hashed_number(&w, i - all, 1) / 2;
	return p;
}

struct results { float y[LENGTH * H], loss, dx[LENGTH * WIDE], dw[WIDE * (H + 1)]; };

/* Is all of x[n] but [at, at+count) zero? */
static void assert_zero_around(const char *name, const float *x, int64_t n, int64_t at,
                               int64_t count)
{
	for (int64_t i = 0; i < n; i++)
		if ((i < at || i >= at + count) && x[i] != 0)
			fail_msg("%s: padding has %g", name, (double)x[i]);
}

static void run(size_t k, struct shape s, struct device *const *devices, struct results *r)
{
	const int64_t width = (int64_t)ops[k].gates * H, all = s.n * s.t * width;
	const int64_t at = s.padded ? WHICH * T : 0;
	const struct program_opts opts = { .devices = devices, .purpose = PROGRAM_TRAIN };
	const struct program_run one = { .seed = 1 };
	struct ir_graph *g = make_graph(k, s);
	const size_t count = g->param_count;
	const float seed = 0.5F;
	float weight[N * T] = { 0 };
	int32_t label[N * T] = { 0 }, lengths[N] = { 0 };
	float *params = make_params(k, s, count), *grads = mem_calloc(count, sizeof *grads);
	struct program *p;

	memset(r, 0, sizeof *r);
	lengths[WHICH] = LENGTH;
	for (int i = 0; i < LENGTH; i++) {
		label[at + i] = i * 5 % H;
		weight[at + i] = 1;
	}
	assert_ok(program_new(&p, g, &opts));
	program_bind(p, params, grads, NULL);
	program_set_input(p, 0, label);
	program_set_input(p, 1, weight);
	if (s.padded)
		program_set_input(p, 2, lengths);
	program_set_input(p, 2 + s.padded, &seed);
	assert_ok(program_run(p, &one));
	memcpy(r->y, (const float *)program_output(p, 0) + at * H, sizeof r->y);
	assert_zero_around(ops[k].name, program_output(p, 0), s.n * s.t * H, at * H, LENGTH * H);
	r->loss = ((const float *)program_output(p, 1))[0];
	memcpy(r->dx, grads + at * width, (size_t)(LENGTH * width) * sizeof *grads);
	assert_zero_around(ops[k].name, grads, all, at * width, LENGTH * width);
	memcpy(r->dw, grads + all, (count - (size_t)all) * sizeof *grads);
	program_free(&p);
	mem_free(params);
	mem_free(grads);
}

static void compare(const char *name, const char *what, const float *got, const float *want,
                    int64_t n)
{
	double most = 1e-30;

	for (int64_t i = 0; i < n; i++)
		most = fmax(most, fabs((double)want[i]));
	for (int64_t i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) <= BOUND * most))
			fail_msg("%s: %s[%lld] is %.9g in a batch and %.9g alone", name, what, (long long)i,
			         (double)got[i], (double)want[i]);
}

static void check_all(struct device *const *devices)
{
	static struct results batch, alone;

	for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
		run(k, (struct shape){ N, T, 1 }, devices, &batch);
		run(k, (struct shape){ 1, LENGTH, 0 }, devices, &alone);
		compare(ops[k].name, "y", batch.y, alone.y, LENGTH * H);
		compare(ops[k].name, "loss", &batch.loss, &alone.loss, 1);
		compare(ops[k].name, "dx", batch.dx, alone.dx, LENGTH * WIDE);
		compare(ops[k].name, "dw", batch.dw, alone.dw, WIDE * (H + 1));
	}
}

static void a_sequence_in_a_padded_batch_is_as_it_is_alone(void **state)
{
	struct device_list list;

	(void)state;
	assert_ok(device_list_open_known(&list));
	check_all(list.dev);
	device_list_close(&list);
}

static void so_it_is_by_the_reference(void **state)
{
	const struct device_ops *const only[] = { &ref_device, NULL };
	struct device_list list;

	(void)state;
	assert_ok(device_list_open(&list, only));
	check_all(list.dev);
	device_list_close(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sequence_in_a_padded_batch_is_as_it_is_alone),
		cmocka_unit_test(so_it_is_by_the_reference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
