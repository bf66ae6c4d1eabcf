/* Programs: memory is shared only by what never lives at once, ranges of gradients come whole and
 * in order, what depends on parameters alone runs once, running allocates nothing. */
#include "compute/exec/program.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/device.h"
#include "compute/exec/ref/ref.h"
#include "compute/exec/tuning_cache.h"
#include "support/nets.h"
#include "support/nth_device.h"
#include "support/support.h"

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

typedef struct ir_graph *(*net_fn)(enum net_mode mode);
static const net_fn nets[] = { net_lenet, net_resnet };
enum { NETS = sizeof nets / sizeof *nets };

/* Two buffers of the slab that overlap in memory must not overlap in time, unless one was made over
 * the other on purpose. */
static void check_places(const struct plan *p)
{
	for (int i = 0; i < p->n_bufs; i++) {
		for (int k = 0; k < i; k++) {
			const struct plan_buf *a = &p->buf[p->buf[i].root], *b = &p->buf[p->buf[k].root];

			if (a == b || a->home != b->home || a->mem != b->mem || a->first < 0 || b->first < 0 ||
			    (a->home != HOME_SLAB && a->home != HOME_CONST))
				continue;
			if (a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes)
				assert_true(a->last < b->first || b->last < a->first);
		}
	}
	for (int i = 0; i < p->n_bufs; i++)
		if (p->buf[i].home == HOME_SLAB && p->buf[i].first >= 0)
			assert_true(p->buf[i].offset + p->buf[i].bytes <= p->mem[p->buf[i].mem].slab);
}

static void live_buffers_never_share_memory(void **state)
{
	(void)state;
	for (int n = 0; n < NETS; n++) {
		for (int mode = NET_TRAIN; mode <= NET_INFER; mode++) {
			const struct program_opts o = { .devices = all.dev,
				.purpose = mode == NET_TRAIN ? PROGRAM_TRAIN : PROGRAM_INFER };
			struct ir_graph *g = nets[n](mode);
			struct plan *p;

			assert_ok(plan_new(&p, g, &o));
			for (struct ir_node *x = g->first; x; x = x->next) {
				struct device *const *d = all.dev;

				while (!(*d)->ops->supports(*d, p, x))
					d++;
				assert_ok(plan_node(p, x, *d, ""));
			}
			assert_ok(plan_assign(p));
			check_places(p);
			assert_int_equal(p->n_mems, 1);         /* all of them are the host's */
			assert_true(p->mem[0].slab + p->mem[0].slab_once <= p->unplanned);
			plan_free(&p);
			ir_graph_free(&g);
		}
	}
}

struct net { float *params, *grads, *buffers, *x; int32_t label[64]; float seed; size_t n; };

static void net_fill(struct net *t, const struct ir_graph *g)
{
	size_t inputs = 0;

	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_INPUT && g->value[i]->index == 0)
			inputs = (size_t)tensor_count(&g->value[i]->desc);
	t->n = g->param_count;
	t->params = mem_calloc(g->param_count + 1, sizeof(float));
	t->grads = mem_calloc(g->param_count + 1, sizeof(float));
	t->buffers = mem_calloc(g->buffer_count + 1, sizeof(float));
	t->x = mem_calloc(inputs + 1, sizeof(float));
	for (size_t i = 0; i < g->param_count; i++)
		t->params[i] = (float)(i * 7919 % 200) / 400 - 0.25f;
	for (size_t i = 0; i < g->buffer_count; i++)
		t->buffers[i] = 1;
	for (size_t i = 0; i < inputs; i++)
		t->x[i] = (float)(i * 104729 % 100) / 50 - 1;
	memset(t->label, 0, sizeof t->label);
	t->seed = 0.5f;
}

static void net_bind(struct net *t, struct program *p, enum net_mode mode)
{
	program_bind(p, t->params, t->grads, t->buffers);
	program_set_input(p, 0, t->x);
	if (mode == NET_TRAIN) {
		program_set_input(p, 1, t->label);
		program_set_input(p, 2, &t->seed);
	}
}

static void net_release(struct net *t)
{
	mem_free(t->params);
	mem_free(t->grads);
	mem_free(t->buffers);
	mem_free(t->x);
}

struct ranges { size_t hi, calls; };

static void note_range(void *ctx, size_t lo, size_t hi)
{
	struct ranges *r = ctx;

	assert_true(lo < hi);
	assert_int_equal(hi, r->hi);
	r->hi = lo;
	r->calls++;
}

static void gradients_come_in_ranges_from_the_end(void **state)
{
	(void)state;
	for (int n = 0; n < NETS; n++) {
		const struct program_opts o = { .devices = all.dev };
		struct ir_graph *g = nets[n](NET_TRAIN);
		struct net t;
		struct program *p;
		struct ranges r;

		net_fill(&t, g);
		r = (struct ranges){ .hi = t.n };
		assert_ok(program_new(&p, g, &o));
		net_bind(&t, p, NET_TRAIN);
		assert_ok(program_run(p, &(struct program_run){ .ready = note_range, .ctx = &r }));
		assert_int_equal(r.hi, 0);
		assert_true(r.calls > 2);         /* layer by layer, not all at the end */
		program_free(&p);
		net_release(&t);
	}
}

/* Parameters that are no numbers until they are asked for: who reads one too early gives NaN. */
struct late { struct net *net; float *params; size_t lo, calls; };

static tt_status bring(void *ctx, size_t lo, size_t hi)
{
	struct late *l = ctx;

	assert_true(lo < hi);
	assert_int_equal(lo, l->lo);
	memcpy(l->net->params + lo, l->params + lo, (hi - lo) * sizeof(float));
	l->lo = hi;
	l->calls++;
	return TT_OK;
}

static void none_before_the_end(void *ctx, size_t lo, size_t hi)
{
	struct late *l = ctx;

	(void)lo;
	(void)hi;
	assert_int_equal(l->lo, l->net->n);       /* all were asked for before backward */
}

static void parameters_are_asked_for_before_they_are_read(void **state)
{
	struct device *const *devices[] = { all.dev, ref_only.dev };

	(void)state;
	for (int n = 0; n < 2 * NETS; n++) {
		const struct program_opts o = { .devices = devices[n / NETS], .profile = n % 2 };
		struct ir_graph *g = nets[n % NETS](NET_TRAIN);
		struct late l = { .params = mem_calloc(g->param_count, sizeof(float)) };
		struct net t;
		struct program *p;
		float *grads;

		net_fill(&t, g);
		l.net = &t;
		memcpy(l.params, t.params, t.n * sizeof(float));
		grads = mem_calloc(t.n, sizeof *grads);
		assert_ok(program_new(&p, g, &o));
		net_bind(&t, p, NET_TRAIN);
		assert_ok(program_run(p, &(struct program_run){ 0 }));
		memcpy(grads, t.grads, t.n * sizeof *grads);
		memset(t.params, 0xff, t.n * sizeof(float));
		memset(t.grads, 0xff, t.n * sizeof(float));
		assert_ok(program_run(p, &(struct program_run){
			.need = bring, .ready = none_before_the_end, .ctx = &l }));
		assert_int_equal(l.lo, t.n);
		assert_true(l.calls > 2);
		assert_memory_equal(t.grads, grads, t.n * sizeof *grads);
		program_free(&p);
		net_release(&t);
		mem_free(l.params);
		mem_free(grads);
	}
}

static tt_status refuse(void *ctx, size_t lo, size_t hi)
{
	(void)ctx;
	(void)hi;
	return lo ? err_set(TT_EIO, "it did not come") : TT_OK;
}

static void parameters_that_do_not_come_end_the_run(void **state)
{
	const struct program_opts o = { .devices = all.dev };
	struct ir_graph *g = net_lenet(NET_TRAIN);
	struct net t;
	struct program *p;

	(void)state;
	net_fill(&t, g);
	assert_ok(program_new(&p, g, &o));
	net_bind(&t, p, NET_TRAIN);
	assert_status(program_run(p, &(struct program_run){ .need = refuse }), TT_EIO);
	program_free(&p);
	net_release(&t);
}

static void running_allocates_nothing(void **state)
{
	(void)state;
	for (int n = 0; n < NETS; n++) {
		const struct program_opts o = { .devices = all.dev };
		struct ir_graph *g = nets[n](NET_TRAIN);
		struct net t;
		struct program *p;
		uint64_t before;

		net_fill(&t, g);
		assert_ok(program_new(&p, g, &o));
		net_bind(&t, p, NET_TRAIN);
		before = mem_count();
		for (int i = 0; i < 3; i++)
			assert_ok(program_run(p, &(struct program_run){ .step = (uint64_t)i }));
		assert_int_equal(mem_count(), before);
		program_free(&p);
		net_release(&t);
	}
}

static unsigned char *stack_lo, *stack_hi;      /* of the main thread */
static volatile sig_atomic_t at_home, astray;

static void look_where_we_are(int sig)
{
	unsigned char *const here = __builtin_frame_address(0);

	(void)sig;
	if (here >= stack_lo && here < stack_hi)
		at_home++;
	else
		astray++;
}

static void find_stack(void)
{
	pthread_attr_t a;
	void *lo;
	size_t bytes;

	pthread_getattr_np(pthread_self(), &a);
	pthread_attr_getstack(&a, &lo, &bytes);
	pthread_attr_destroy(&a);
	stack_lo = lo;
	stack_hi = stack_lo + bytes;
}

/* Each computing thread has a clock of its own. */
static void wind_up(void *clocks, int64_t lo, int64_t hi)
{
	const struct itimerspec often = { { 0, 200000 }, { 0, 200000 } };
	struct sigevent e = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };

	e._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	for (timer_t *c = (timer_t *)clocks + lo; c < (timer_t *)clocks + hi; c++) {
		timer_create(CLOCK_MONOTONIC, &e, c);
		timer_settime(*c, 0, &often, NULL);
	}
}

/* A kernel may have the stack pointer elsewhere, on whichever thread it runs. */
static void handlers_do_not_run_amid_kernels(void **state)
{
	const struct program_opts o = { .devices = all.dev, .purpose = PROGRAM_INFER };
	const struct sigaction a = { .sa_handler = look_where_we_are, .sa_flags = SA_RESTART };
	const int threads = thread_count();
	struct ir_graph *g;
	struct program *p;
	struct net t;
	timer_t clocks[2];

	(void)state;
	find_stack();
	sigaction(SIGALRM, &a, NULL);
	assert_ok(ir_graph_new(&g));
	ir_output(g, net_dense(g, "fc", net_input(g, "x", F32(64, 1024)), 256));
	net_fill(&t, g);
	thread_set_count(2);
	assert_ok(program_new(&p, g, &o));
	net_bind(&t, p, NET_INFER);
	thread_for(2, 0, wind_up, clocks);
	for (const double end = thread_seconds() + 60; at_home < 500 && thread_seconds() < end;)
		assert_ok(program_run(p, &(struct program_run){ 0 }));
	timer_delete(clocks[0]);
	timer_delete(clocks[1]);
	assert_true(at_home >= 500);
	assert_int_equal(astray, 0);
	program_free(&p);
	net_release(&t);
	thread_set_count(threads);
}

/* What an inference program keeps from its parameters is made again when it is told to. */
static void parameters_are_taken_in_on_refresh(void **state)
{
	const struct program_opts o = { .devices = all.dev, .purpose = PROGRAM_INFER };
	const struct program_run run = {0};
	struct ir_graph *g = net_resnet(NET_INFER);
	struct net t;
	struct program *p;
	float first;
	(void)state;

	net_fill(&t, g);
	assert_ok(program_new(&p, g, &o));
	net_bind(&t, p, NET_INFER);
	assert_ok(program_run(p, &run));
	first = *(const float *)program_output(p, 0);
	for (size_t i = 0; i < t.n; i++)
		t.params[i] *= 1.5f;
	program_refresh(p);
	assert_ok(program_run(p, &run));
	assert_true(*(const float *)program_output(p, 0) != first);
	for (size_t i = 0; i < t.n; i++)
		t.params[i] /= 1.5f;
	program_refresh(p);
	assert_ok(program_run(p, &run));
	assert_near(*(const float *)program_output(p, 0), first, 1e-4);
	program_free(&p);
	net_release(&t);
}

/* Measuring finds the same choices as the cache gives back, and a cache makes them stay. */
static void a_warm_cache_gives_the_same_kernels(void **state)
{
	struct kernel_cache *cache;
	struct program *p[2];
	(void)state;

	assert_ok(kernel_cache_open(&cache, NULL, "test"));
	for (int i = 0; i < 2; i++) {
		const struct program_opts o = { .devices = all.dev, .cache = cache };

		assert_ok(program_new(&p[i], net_lenet(NET_TRAIN), &o));
	}
	assert_int_equal(program_steps(p[0]), program_steps(p[1]));
	for (int i = 0; i < program_steps(p[0]); i++) {
		struct program_step_info a, b;

		program_step(p[0], i, &a);
		program_step(p[1], i, &b);
		assert_string_equal(a.kernel, b.kernel);
	}
	program_free(&p[0]);
	program_free(&p[1]);
	kernel_cache_close(&cache);
}

/* The reference, with several names for a convolution; counts how often it prepares a node. */
struct many_names {
	struct device     base;
	struct device_ops ops;
	struct device    *real;
	int               names, prepared;
};

static int all_supported(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	(void)d, (void)p, (void)n;
	return 1;
}

static int many_variants(struct device *d, struct plan *p, const struct ir_node *n,
                         char names[][VARIANT_NAME], int max)
{
	int k = n->op == IR_CONV2D ? ((struct many_names *)d)->names : 1;
	(void)p;

	assert_true(k <= max);
	for (int i = 0; i < k; i++)
		snprintf(names[i], VARIANT_NAME, "way %d", i);
	return k;
}

static tt_status count_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                               const char *variant)
{
	struct many_names *x = (struct many_names *)d;

	x->prepared++;
	return x->real->ops->prepare(x->real, p, n, variant);
}

/* How many nodes are prepared, trials included. */
static int count_prepared(struct many_names *x, int names, struct kernel_cache *cache)
{
	struct device *devices[] = { &x->base, NULL };
	const struct program_opts o = { .devices = devices, .cache = cache };
	struct program *p;

	x->names = names;
	x->prepared = 0;
	assert_ok(program_new(&p, net_lenet(NET_TRAIN), &o));
	program_free(&p);
	return x->prepared;
}

static void a_warm_cache_knows_nothing_of_a_new_variant(void **state)
{
	struct many_names x = { .ops = { .name = "many", .abi = DEVICE_ABI, .supports = all_supported,
	                                 .variants = many_variants, .prepare = count_prepare },
	                        .real = ref_only.dev[0] };
	struct kernel_cache *cache;
	int cold, warm;
	(void)state;

	x.base.ops = &x.ops;
	assert_ok(kernel_cache_open(&cache, NULL, "test"));
	cold = count_prepared(&x, 2, cache);
	warm = count_prepared(&x, 2, cache);
	assert_true(warm < cold);
	assert_int_equal(count_prepared(&x, 3, cache) - warm, (cold - warm) / 2 * 3);
	assert_int_equal(count_prepared(&x, 3, cache), warm);
	kernel_cache_close(&cache);
}

static void every_failing_allocation_is_an_error_without_a_leak(void **state)
{
	const struct program_opts o = { .devices = ref_only.dev };
	int64_t live = mem_live();
	struct program *p;
	tt_status st = TT_ENOMEM;
	(void)state;

	for (uint64_t n = 1; st != TT_OK; n++) {
		struct ir_graph *g = net_lenet(NET_TRAIN);

		mem_fail_at(n, 1);
		st = program_new(&p, g, &o);
		mem_fail_at(0, 0);
		if (st == TT_OK)
			program_free(&p);
		else
			assert_int_equal(st, TT_ENOMEM);
		assert_true(mem_live() == live);
	}
}

/* Each node has a variant drawn for it, so that layouts of all kinds meet: channels that fill
 * blocks of 8 and not of 16, and are padded next door. */
static void any_mix_of_variants_gives_the_same_gradients(void **state)
{
	const struct program_run run = { .step = 1 };
	struct nth_device drawn;
	struct device *mixed[] = { &drawn.base, ref_only.dev[0], NULL };
	float *want = NULL;
	(void)state;

	for (int draw = 0; draw <= 24; draw++) {
		const struct program_opts o = { .devices = draw ? mixed : ref_only.dev };
		struct ir_graph *g = net_resnet(NET_TRAIN);
		struct program *p = NULL;
		struct net t;

		nth_device_init(&drawn, all.dev[0], -draw);
		net_fill(&t, g);
		if (program_new(&p, g, &o) == TT_OK) {      /* a variant may refuse a node */
			net_bind(&t, p, NET_TRAIN);
			assert_ok(program_run(p, &run));
			if (!want && (want = mem_alloc(t.n * sizeof *want)))
				memcpy(want, t.grads, t.n * sizeof *want);
			assert_floats_near(t.grads, want, t.n, 1e-3);
			program_free(&p);
		}
		net_release(&t);
	}
	mem_free(want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_buffers_never_share_memory),
		cmocka_unit_test(gradients_come_in_ranges_from_the_end),
		cmocka_unit_test(parameters_are_asked_for_before_they_are_read),
		cmocka_unit_test(parameters_that_do_not_come_end_the_run),
		cmocka_unit_test(running_allocates_nothing),
		cmocka_unit_test(handlers_do_not_run_amid_kernels),
		cmocka_unit_test(parameters_are_taken_in_on_refresh),
		cmocka_unit_test(a_warm_cache_gives_the_same_kernels),
		cmocka_unit_test(a_warm_cache_knows_nothing_of_a_new_variant),
		cmocka_unit_test(every_failing_allocation_is_an_error_without_a_leak),
		cmocka_unit_test(any_mix_of_variants_gives_the_same_gradients),
	};

	return cmocka_run_group_tests(tests, open_devices, close_devices);
}
