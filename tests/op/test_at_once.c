/* test_at_once.c -- threads that compile at the same time get the kernels that each gets alone.
 *
 * A library that notes something for the whole process while it makes a kernel does so rarely at a
 * bad moment: `test_op_at_once 20000` tries so often in each thread. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/device.h"
#include "support/hashed.h"
#include "support/nets.h"
#include "sys/thread.h"

enum { MOST = 4 * 8 * 6 * 6 };

static int turns = 200;

/* Convolutions whose channels fall into different blocks. */
static const struct shape { int64_t in, out, size, kernel; } shapes[] = {
	{ 1, 3, 8, 3 }, { 2, 3, 8, 3 }, { 4, 5, 8, 3 }, { 6, 5, 8, 3 } };
#define SHAPES (sizeof shapes / sizeof *shapes)

struct worker {
	const struct shape *shape;
	struct device_list  devices;
	struct thread      *thread;
	float              *params, x[4 * 6 * 8 * 8], want[MOST];
	int                 wrong;
};

static struct program *compile(const struct worker *w)
{
	const struct shape *s = w->shape;
	const struct ir_attr attr = { .groups = 1, .stride = { 1, 1 }, .dilation = { 1, 1 } };
	const struct program_opts o = { .devices = w->devices.dev, .precision = PRECISION_BF16,
	                                .purpose = PROGRAM_INFER };
	struct ir_graph *g;
	struct program *p;
	struct ir_value *x, *k;

	if (ir_graph_new(&g) != TT_OK)
		return NULL;
	x = net_input(g, "x", F32(4, s->in, s->size, s->size));
	k = net_param(g, "w", F32(s->out, s->in, s->kernel, s->kernel));
	ir_output(g, net_op(g, IR_CONV2D, "conv", &attr, x, k));
	return program_new(&p, g, &o) == TT_OK ? p : NULL;
}

static int64_t outputs(const struct shape *s)
{
	return 4 * s->out * (s->size - s->kernel + 1) * (s->size - s->kernel + 1);
}

static int run(struct worker *w, float *y)
{
	const struct program_run one = { .seed = 1 };
	struct program *p = compile(w);
	tt_status st;

	if (!p)
		return 0;
	program_bind(p, w->params, NULL, NULL);
	program_set_input(p, 0, w->x);
	if ((st = program_run(p, &one)) == TT_OK)
		memcpy(y, program_output(p, 0), (size_t)outputs(w->shape) * sizeof *y);
	program_free(&p);
	return st == TT_OK;
}

static void work(void *ctx)
{
	struct worker *w = ctx;
	float y[MOST];

	for (int i = 0; i < turns; i++)
		w->wrong += !run(w, y) ||
		            memcmp(y, w->want, (size_t)outputs(w->shape) * sizeof *y) != 0;
}

static void open_worker(struct worker *w, const struct shape *s)
{
	const struct hashed h = hashed_init("at once", "x", "");
	const int64_t n = s->in * s->out * s->kernel * s->kernel;

	w->shape = s;
	assert_ok(device_list_open_known(&w->devices));
	assert_non_null(w->params = mem_alloc((size_t)n * sizeof(float)));
	for (int64_t i = 0; i < n; i++)
		w->params[i] = (float)hashed_number(&h, i, 1);
	for (int64_t i = 0; i < 4 * s->in * s->size * s->size; i++)
		w->x[i] = (float)hashed_number(&h, i + 7, 1);
	assert_true(run(w, w->want));
}

static void threads_that_compile_at_once_do_not_feel_it(void **state)
{
	static struct worker w[SHAPES];

	(void)state;
	thread_set_count(1);
	for (size_t i = 0; i < SHAPES; i++)
		open_worker(&w[i], &shapes[i]);
	for (size_t i = 0; i < SHAPES; i++)
		assert_ok(thread_start(&w[i].thread, "worker", work, &w[i]));
	for (size_t i = 0; i < SHAPES; i++)
		thread_join(&w[i].thread);
	for (size_t i = 0; i < SHAPES; i++) {
		device_list_close(&w[i].devices);
		mem_free(w[i].params);
		assert_int_equal(w[i].wrong, 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_that_compile_at_once_do_not_feel_it),
	};

	if (argc > 1)
		turns = atoi(argv[1]);
	/* Each kernel is to be made, not to be found among earlier ones. */
	setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "0", 1);
	setenv("DNNL_PRIMITIVE_CACHE_CAPACITY", "0", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
