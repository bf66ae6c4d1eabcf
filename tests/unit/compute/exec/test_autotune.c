/* What kernels are measured on: numbers that the operation can work on. */
#include "compute/exec/autotune.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "compute/exec/host/hostkernel.h"
#include "compute/exec/ref/ref.h"
#include "compute/exec/tuning_cache.h"
#include "support/nets.h"
#include "support/support.h"
#include "sys/thread.h"

/* A device that computes nothing, but looks at each index that it is given. */
static struct { int looked, bad, largest; } seen;

static void look(const struct host_args *a)
{
	for (int i = 0; i < a->node->n_in; i++) {
		const struct tensor_desc *d = &a->node->in[i]->desc;
		const int64_t limit = ir_index_limit(a->node, i);

		for (int64_t k = 0; limit && k < tensor_count(d); k++) {
			const double v = d->dtype == DTYPE_S32 ? ((const int32_t *)a->ptr[i])[k]
			                                       : (double)((const float *)a->ptr[i])[k];

			seen.looked++;
			seen.bad += !(v >= 0 && v < (double)limit && v == (double)(int64_t)v);
			seen.largest = v > seen.largest ? (int)v : seen.largest;
		}
	}
}

static tt_status probe_open(struct device **out)
{
	(void)out;
	return TT_ESUPPORT;
}

static void probe_close(struct device *d) { (void)d; }

static int probe_supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	(void)d;
	(void)p;
	(void)n;
	return 1;
}

/* Two, so that there is something to choose. */
static int probe_variants(struct device *d, struct plan *p, const struct ir_node *n,
                          char names[][VARIANT_NAME], int max)
{
	(void)d;
	(void)p;
	(void)n;
	assert_true(max >= 2);
	strcpy(names[0], "one");
	strcpy(names[1], "other");
	return 2;
}

static tt_status probe_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                               const char *variant)
{
	int args[PLAN_MAX_ARGS];
	tt_status st = host_plain_args(p, n, args);

	(void)d;
	(void)variant;
	return st == TT_OK ? host_step(p, "probe", look, args, n->n_in + n->n_out) : st;
}

static const struct device_ops probe_ops = {
	.name = "probe", .abi = DEVICE_ABI, .open = probe_open, .close = probe_close,
	.supports = probe_supports, .variants = probe_variants, .prepare = probe_prepare,
};

/* Rows looked up in two ways, and labels, with all gradients. */
static struct ir_graph *lookups(void)
{
	struct ir_graph *g;
	struct ir_value *a, *b, *loss;

	assert_ok(ir_graph_new(&g));
	a = net_op(g, IR_INDEX, "index", NULL, net_param(g, "p", F32(7, 4)),
	           net_input(g, "i", S32(50)));
	b = net_op(g, IR_EMBEDDING, "embedding", NULL, net_input(g, "x", F32(50)),
	           net_param(g, "table", F32(11, 4)));
	loss = net_op(g, IR_XENT, "loss", NULL, net_op(g, IR_ADD, "add", NULL, a, b),
	              net_input(g, "label", S32(50)));
	ir_output(g, loss);
	assert_ok(ir_backward(g, loss));
	return g;
}

static void kernels_are_measured_on_indices_that_exist(void **state)
{
	struct device probe = { .ops = &probe_ops }, *devices[] = { &probe, NULL };
	struct program_opts o = { .devices = devices };
	struct program *p;
	(void)state;

	assert_ok(kernel_cache_open(&o.cache, NULL, "m"));
	assert_ok(program_new(&p, lookups(), &o));
	assert_true(seen.looked > 0);
	assert_int_equal(seen.bad, 0);
	assert_int_equal(seen.largest, 10);             /* and on all of them */
	program_free(&p);
	kernel_cache_close(&o.cache);
}

/* ---- beside a neighbour ---- */

#define LONG_SECONDS 0.008      /* more than a scheduler lets one thread have while another waits */

static double core_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void work(const struct host_args *a)
{
	const double until = core_seconds() + LONG_SECONDS;

	(void)a;
	while (core_seconds() < until)
		;
}

static tt_status busy_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                              const char *variant)
{
	int args[PLAN_MAX_ARGS];
	tt_status st = host_plain_args(p, n, args);

	(void)d;
	(void)variant;
	return st == TT_OK ? host_step(p, "busy", work, args, n->n_in + n->n_out) : st;
}

static const struct device_ops busy_ops = {
	.name = "busy", .abi = DEVICE_ABI, .open = probe_open, .close = probe_close,
	.supports = probe_supports, .variants = probe_variants, .prepare = busy_prepare,
};

/* The same core for both, where the kernel says who waits for it. */
static pid_t neighbour(void)
{
	const pid_t parent = getpid();
	double mark = 0;
	cpu_set_t one;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof one, &one) != 0 || !thread_waited(&mark))
		return 0;
	assert_true((pid = fork()) >= 0);
	while (!pid && getppid() == parent)
		;
	return pid ? pid : (_exit(0), 0);
}

static void a_choice_made_beside_a_neighbour_is_not_kept(void **state)
{
	struct device busy = { .ops = &busy_ops }, *devices[] = { &busy, NULL };
	struct program_opts o = { .devices = devices };
	const char *file = test_path(test_temp_dir(), "kernels.txt");
	struct ir_graph *g;
	struct program *p;
	const pid_t pid = neighbour();
	(void)state;

	if (!pid)
		test_skip("who waits for a core is not known here");
	assert_ok(kernel_cache_open(&o.cache, file, "m"));
	assert_ok(ir_graph_new(&g));
	ir_output(g, net_op(g, IR_ACT, "act", NULL, net_input(g, "x", F32(8))));
	assert_ok(program_new(&p, g, &o));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	program_free(&p);
	kernel_cache_close(&o.cache);
	assert_false(file_exists(file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_are_measured_on_indices_that_exist),
		cmocka_unit_test(a_choice_made_beside_a_neighbour_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
