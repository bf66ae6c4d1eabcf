/* test_train.c -- five training steps follow PyTorch's losses and parameters from the same start.
 *
 * The whole path at once: spec, net, gradients, passes, program, optimizer, applied range by range
 * as gradients become final.  tools/golden/train.py does the same in PyTorch in double precision;
 * start and batches are hashed numbers, so only the results are stored. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/device.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"
#include "optim/optim.h"
#include "support/hashed.h"

enum { STEPS = 5, BATCH = 4, SEED = 3 };                    /* as in train.py */
static const struct optim_opts optimizer = { .kind = OPTIM_SGD, .lr = 0.002, .momentum = 0.9,
                                             .weight_decay = 5e-4, .decay_norms = 1 };

static const char *const nets[] = { "lenet5", "cnn6", "resnet20" };

/* How far f32 may drift from double in five steps: losses relatively, each tensor's change by the
 * Euclidean norm.  The reference's sums are good to the last bit.  A device adds up in an order of
 * its own; then some relu of the millions falls on the other side of zero, and from there on the
 * two trainings part by what that one slope was worth. */
struct bound { double loss, change; };
static const struct bound reference_bound = { 1e-6, 5e-3 }, device_bound = { 2e-4, 1e-1 };

/* ---- the start ---- */

/* Which norm a tensor is: their scales begin near 1. */
static int is_norm(const char *name)
{
	return strstr(name, "bn") || strstr(name, "downsample.1");
}

static double start_number(const tt_tensor *t, const struct hashed *h, int64_t i, int64_t n)
{
	if (t->ndim > 1)
		return hashed_number(h, i, n) * sqrt(3.0 / (double)(n / t->shape[0]));
	if (str_ends_with(t->name, "running_var"))
		return 1;
	if (str_ends_with(t->name, "running_mean"))
		return 0;
	return (is_norm(t->name) && str_ends_with(t->name, "weight")) + 0.1 * hashed_number(h, i, n);
}

static int64_t count_of(const tt_tensor *t)
{
	int64_t n = 1;

	for (int d = 0; d < t->ndim; d++)
		n *= t->shape[d];
	return n;
}

static void fill_start(tt_model *m, const char *net)
{
	for (int k = 0; k < tt_model_tensors(m); k++) {
		tt_tensor t = TT_SIZED(tt_tensor);
		struct hashed h;

		assert_ok(tt_model_tensor(m, k, &t));
		h = hashed_init(net, t.name, "");
		for (int64_t i = 0, n = count_of(&t); i < n; i++)
			t.data[i] = (float)start_number(&t, &h, i, n);
	}
}

static tt_model *make_model(const char *net)
{
	char path[64];
	tt_model *m;
	tt_spec *s;

	snprintf(path, sizeof path, "examples/%s.yaml", net);
	assert_ok(tt_spec_load(&s, test_source(path)));
	assert_ok(tt_model_new(&m, s));
	tt_spec_free(&s);
	fill_start(m, net);
	return m;
}

/* ---- the steps ---- */

struct run { tt_model *m; struct optim *o; float *grads; size_t ready; };

/* Ranges must come from the end on, without gaps. */
static void apply(void *ctx, size_t lo, size_t hi)
{
	struct run *r = ctx;

	assert_true(lo <= hi && hi == r->ready);
	optim_apply(r->o, r->m->params, r->grads, lo, hi);
	r->ready = lo;
}

static void make_optim(struct run *r)
{
	struct optim_tensor *t = mem_calloc((size_t)r->m->n_params, sizeof *t);

	assert_non_null(t);
	for (int i = 0; i < r->m->n_params; i++)
		t[i] = (struct optim_tensor){ .offset = r->m->param[i].offset,
		                             .count = r->m->param[i].count, .decay = 1 };
	assert_ok(optim_new(&r->o, &optimizer, t, r->m->n_params));
	mem_free(t);
}

static void make_batch(const char *net, int step, float *x, int64_t n, int32_t *label)
{
	char name[16];
	struct hashed h;

	snprintf(name, sizeof name, "x%d", step);
	h = hashed_init(net, name, "");
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)hashed_number(&h, i, n);
	snprintf(name, sizeof name, "label%d", step);
	h = hashed_init(net, name, "int10");
	for (int i = 0; i < BATCH; i++)
		label[i] = (int32_t)hashed_number(&h, i, BATCH);
}

/* The mean losses of all steps; the model is changed. */
static void train(const char *net, tt_model *m, struct device *const *devices, double loss[STEPS])
{
	const struct program_opts opts = { .devices = devices, .purpose = PROGRAM_TRAIN };
	const float seed = 1.0F / BATCH;
	int64_t n = BATCH * m->inputs;
	struct run r = { .m = m, .grads = mem_calloc(m->param_count, sizeof(float)) };
	float *x = mem_calloc((size_t)n, sizeof *x);
	struct program *p;
	struct ir_graph *g;
	int32_t label[BATCH];

	assert_true(x && r.grads);
	make_optim(&r);
	assert_ok(nn_graph(m, BATCH, NN_TRAIN, &g));
	assert_ok(program_new(&p, g, &opts));
	program_bind(p, m->params, r.grads, m->buffers);
	for (int step = 0; step < STEPS; step++) {
		const struct program_run run = { .seed = SEED, .step = (uint64_t)step,
		                                 .sample_stride = 1, .ready = apply, .ctx = &r };

		make_batch(net, step, x, n, label);
		program_set_input(p, 0, x);
		program_set_input(p, 1, label);
		program_set_input(p, 2, &seed);
		optim_begin(r.o, optimizer.lr, step + 1);
		r.ready = m->param_count;
		assert_ok(program_run(p, &run));
		assert_int_equal(r.ready, 0);
		loss[step] = *(const float *)program_output(p, 0) / (double)BATCH;
	}
	program_free(&p);
	optim_free(&r.o);
	mem_free(r.grads);
	mem_free(x);
}

/* ---- the comparison ---- */

/* One line: "net result count stride value ..." */
struct golden { const char *net, *result; int64_t n, stride; char *values; };

static int parse_line(char *line, struct golden *g)
{
	char *rest;

	*g = (struct golden){ .net = strtok_r(line, " ", &rest) };
	if (!g->net)
		return 0;
	g->result = strtok_r(NULL, " ", &rest);
	g->n = atoll(strtok_r(NULL, " ", &rest));
	g->stride = atoll(strtok_r(NULL, " ", &rest));
	g->values = rest;
	return 1;
}

static void compare_loss(const struct bound *bound, const struct golden *g, const double *loss)
{
	char *p = g->values;

	assert_int_equal(g->n, STEPS);
	for (int i = 0; i < STEPS; i++) {
		double want = strtod(p, &p);

		if (!(fabs(loss[i] - want) <= bound->loss * want))
			fail_msg("%s: loss of step %d is %.9g, PyTorch has %.9g", g->net, i + 1,
			         loss[i], want);
	}
}

/* from: the same tensor before the first step. */
static void compare_tensor(const struct bound *bound, const struct golden *g, const tt_tensor *t,
                           const tt_tensor *from)
{
	double change = 0, off = 0;
	char *p = g->values;

	assert_string_equal(t->name, g->result);
	assert_int_equal(count_of(t), g->n);
	for (int64_t i = 0; i < g->n; i += g->stride) {
		double want = strtod(p, &p);

		change += (want - from->data[i]) * (want - from->data[i]);
		off += (t->data[i] - want) * (t->data[i] - want);
	}
	assert_true(change > 0);
	if (!(sqrt(off) <= bound->change * sqrt(change)))
		fail_msg("%s: %s changed by %.3g in %d steps and is %.3g off", g->net, t->name,
		         sqrt(change), STEPS, sqrt(off));
}

static int find_tensor(const tt_model *m, const char *name, tt_tensor *out)
{
	for (int i = 0; i < tt_model_tensors(m); i++)
		if (tt_model_tensor(m, i, out) == TT_OK && strcmp(out->name, name) == 0)
			return 1;
	return 0;
}

/* One training, and what to hold it to. */
struct trial {
	const char           *net;
	const char           *golden;      /* file of lines; NULL: the stored one */
	struct device *const *devices;
	const struct bound   *bound;
};

/* Every tensor of the net must be in the file. */
static void compare_net(const struct trial *trial, char *text, const tt_model *m,
                        const double *loss)
{
	tt_model *before = make_model(trial->net);
	struct golden g;
	char *rest;
	int seen = 0;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		tt_tensor t = TT_SIZED(tt_tensor), from = TT_SIZED(tt_tensor);

		if (!parse_line(line, &g) || strcmp(g.net, trial->net) != 0)
			continue;
		if (strcmp(g.result, "loss") == 0) {
			compare_loss(trial->bound, &g, loss);
			continue;
		}
		if (!find_tensor(m, g.result, &t) || !find_tensor(before, g.result, &from))
			fail_msg("%s has no %s", g.net, g.result);
		compare_tensor(trial->bound, &g, &t, &from);
		seen++;
	}
	assert_int_equal(seen, tt_model_tensors(m));
	tt_model_free(&before);
}

static void check(const struct trial *trial)
{
	tt_model *m = make_model(trial->net);
	const char *golden;
	double loss[STEPS];
	char *text;

	train(trial->net, m, trial->devices, loss);
	golden = trial->golden ? trial->golden : test_source("tests/golden/train.txt");
	assert_ok(file_read_all(golden, 0, &text, &(size_t){ 0 }));
	compare_net(trial, text, m, loss);
	mem_free(text);
	tt_model_free(&m);
}

/* ---- the tests ---- */

static struct device_list devices;

static int open_devices(void **state)
{
	(void)state;
	thread_set_count(1);
	return device_list_open_known(&devices) == TT_OK ? 0 : -1;
}

static int close_devices(void **state)
{
	(void)state;
	device_list_close(&devices);
	return 0;
}

static void check_all(const char *golden, struct device *const *list, const struct bound *bound)
{
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
		check(&(struct trial){ nets[i], golden, list, bound });
}

static void training_follows_the_stored_numbers_of_pytorch(void **state)
{
	(void)state;
	check_all(NULL, devices.dev, &device_bound);
}

static void training_with_reference_kernels_follows_pytorch_closely(void **state)
{
	struct device *const *last = devices.dev;

	(void)state;
	while (last[1])
		last++;
	check_all(NULL, last, &reference_bound);
}

/* A state_dict saved by PyTorch has our names, shapes and numbers. */
static void check_state_dict(const char *net, const char *folder)
{
	tt_model *m = make_model(net);
	struct ckpt *c;
	char name[64];

	snprintf(name, sizeof name, "%s.safetensors", net);
	assert_ok(ckpt_open(&c, test_path(folder, name)));
	assert_int_equal(ckpt_count(c), tt_model_tensors(m));
	for (int i = 0; i < ckpt_count(c); i++) {
		const struct ckpt_tensor *t = ckpt_at(c, i);
		tt_tensor own = TT_SIZED(tt_tensor);

		if (!find_tensor(m, t->name, &own))
			fail_msg("%s has no %s", net, t->name);
		assert_int_equal(tensor_count(&t->desc), count_of(&own));
		assert_memory_equal(t->data, own.data, tensor_bytes(&t->desc));
	}
	ckpt_close(&c);
	tt_model_free(&m);
}

static void training_follows_all_numbers_of_pytorch(void **state)
{
	const char *folder = test_temp_dir();
	char golden[128], command[1024];

	(void)state;
	if (system("/usr/bin/python3 -c 'import torch' 2>/dev/null") != 0)
		test_skip("Python has no torch");
	snprintf(golden, sizeof golden, "%s/train.txt", folder);
	snprintf(command, sizeof command, "/usr/bin/python3 -B %s all %s 3000 %s",
	         test_source("tools/golden/train.py"), golden, folder);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
		check_state_dict(nets[i], folder);
	check_all(golden, devices.dev, &device_bound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(training_follows_the_stored_numbers_of_pytorch),
		cmocka_unit_test(training_with_reference_kernels_follows_pytorch_closely),
		cmocka_unit_test(training_follows_all_numbers_of_pytorch),
	};

	return cmocka_run_group_tests(tests, open_devices, close_devices);
}
