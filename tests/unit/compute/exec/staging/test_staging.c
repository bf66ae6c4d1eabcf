/* A device whose memory is not the host's: nobody reads it but by copies, nobody reads too early,
 * and nets learn on it what they learn on the reference, to the bit. */
#include "compute/exec/staging/staging.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "compute/exec/program.h"
#include "compute/exec/ref/ref.h"
#include "compute/exec/tuning_cache.h"
#include "support/nets.h"
#include "support/support.h"

/* ---- memory ---- */

static void touch(volatile char *p) { *p = 1; }

static void the_host_cannot_touch_it(void **state)
{
	struct mem *m;
	void *block;
	int how;
	pid_t child;
	(void)state;

	assert_ok(staging_mem_new(&m));
	assert_ok(m->ops->alloc(m, 8, &block));
	if ((child = fork()) == 0) {
		signal(SIGSEGV, SIG_DFL);
		touch(block);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGSEGV);
	m->ops->free(m, block);
	staging_mem_free(&m);
}

static void only_its_own_addresses_are_good(void **state)
{
	char here[8];
	struct mem *m, *other;
	void *block;
	(void)state;

	assert_ok(staging_mem_new(&m));
	assert_ok(staging_mem_new(&other));
	assert_ok(m->ops->alloc(m, 8, &block));
	assert_status(m->ops->put(m, here, here, 8), TT_EINTERNAL);
	assert_status(other->ops->get(other, here, block, 8), TT_EINTERNAL);
	m->ops->free(m, block);
	assert_status(m->ops->get(m, here, block, 8), TT_EINTERNAL);
	staging_mem_free(&m);
	staging_mem_free(&other);
}

/* ---- streams ---- */

struct counting { struct kernel base; int runs; tt_status gives; };

static tt_status count_run(struct kernel *k, const struct run_context *rc)
{
	struct counting *c = (struct counting *)k;

	(void)rc;
	c->runs++;
	return c->gives == TT_OK ? TT_OK : err_set(c->gives, "a kernel that fails");
}

static const struct kernel_ops counting_ops = { .run = count_run };

static void launches_wait_for_somebody_who_waits(void **state)
{
	struct counting k = { { &counting_ops, "count" }, 0, TT_OK };
	const struct stream_ops *o = &staging_stream_ops;
	struct stream *s;
	(void)state;

	assert_ok(o->open(NULL, 2, &s));
	for (int i = 0; i < 10; i++) {
		assert_ok(o->launch(s, &k.base, NULL));
		if (i == 2 || i == 5)
			assert_ok(o->record(s, i == 5));
	}
	assert_int_equal(k.runs, 0);
	assert_ok(o->wait(s, 0));
	assert_int_equal(k.runs, 3);
	assert_ok(o->wait(s, 1));
	assert_ok(o->wait(s, 0));
	assert_int_equal(k.runs, 6);
	assert_ok(o->wait(s, STREAM_END));
	assert_int_equal(k.runs, 10);
	for (int i = 0; i < 1000; i++)              /* more than a stream has room for */
		assert_ok(o->launch(s, &k.base, NULL));
	o->close(s);
	assert_int_equal(k.runs, 1010);
}

static void an_error_comes_home_where_somebody_waits(void **state)
{
	struct counting bad = { { &counting_ops, "bad" }, 0, TT_EINTERNAL };
	struct counting good = { { &counting_ops, "good" }, 0, TT_OK };
	const struct stream_ops *o = &staging_stream_ops;
	struct stream *s;
	(void)state;

	assert_ok(o->open(NULL, 1, &s));
	assert_ok(o->launch(s, &bad.base, NULL));
	assert_ok(o->launch(s, &good.base, NULL));
	assert_ok(o->record(s, 0));
	assert_status(o->wait(s, 0), TT_EINTERNAL);
	assert_error("a kernel that fails");
	assert_int_equal(good.runs, 0);
	assert_status(o->wait(s, STREAM_END), TT_EINTERNAL);
	assert_ok(o->launch(s, &good.base, NULL));
	assert_ok(o->wait(s, STREAM_END));
	assert_int_equal(good.runs, 1);
	o->close(s);
}

/* ---- programs ---- */

/* How often the stream of a device that counts was given a kernel. */
static int launches;
static struct stream_ops counted_stream;

static tt_status counted_launch(struct stream *s, struct kernel *k, const struct run_context *rc)
{
	launches++;
	return staging_stream_ops.launch(s, k, rc);
}

static tt_status counted_open(struct device *d, int events, struct stream **out)
{
	tt_status st = staging_stream_ops.open(d, events, out);

	if (st == TT_OK)
		(*out)->ops = &counted_stream;
	return st;
}

/* Who supports every second node, so that values cross from memory to memory all the time. */
struct half { struct device base; struct device_ops ops; struct device *real; int odd; };

static int half_supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	const struct half *h = (const struct half *)d;

	return n->id % 2 == h->odd && h->real->ops->supports(h->real, p, n);
}

static tt_status half_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                              const char *variant)
{
	struct half *h = (struct half *)d;

	p->device = h->real;
	return h->real->ops->prepare(h->real, p, n, variant);
}

static void half_init(struct half *h, struct device *real, int odd)
{
	*h = (struct half){ .ops = { .name = "half", .abi = DEVICE_ABI, .supports = half_supports,
	                             .prepare = half_prepare }, .real = real, .odd = odd };
	h->base = (struct device){ .ops = &h->ops, .mem = real->mem };
}

enum { STEPS = 4, LISTS = 5 };
static struct device_list one, two, host, libraries;
static struct half even, odd;
static struct device *list[LISTS][DEVICE_LIST_MAX + 1];

/* The reference alone; staging; every second node there, or the others; two such devices that take
 * turns. */
static int open_devices(void **state)
{
	static const struct device_ops *const staging[] = { &staging_device, NULL };
	static const struct device_ops *const ref[] = { &ref_device, NULL };
	(void)state;

	assert_ok(device_list_open(&one, staging));
	assert_ok(device_list_open(&two, staging));
	assert_ok(device_list_open(&host, ref));
	assert_ok(device_list_open_known(&libraries));
	half_init(&even, one.dev[0], 0);
	half_init(&odd, two.dev[0], 1);
	memcpy(list[0], (struct device *[]){ host.dev[0], NULL }, 2 * sizeof **list);
	memcpy(list[1], (struct device *[]){ one.dev[0], host.dev[0], NULL }, 3 * sizeof **list);
	memcpy(list[2], (struct device *[]){ &even.base, host.dev[0], NULL }, 3 * sizeof **list);
	memcpy(list[3], (struct device *[]){ &odd.base, host.dev[0], NULL }, 3 * sizeof **list);
	memcpy(list[4], (struct device *[]){ &odd.base, &even.base, host.dev[0], NULL },
	       4 * sizeof **list);
	return 0;
}

static int close_devices(void **state)
{
	(void)state;
	device_list_close(&one);
	device_list_close(&two);
	device_list_close(&host);
	device_list_close(&libraries);
	return 0;
}

typedef struct ir_graph *(*net_fn)(enum net_mode mode);
static const net_fn nets[] = { net_lenet, net_resnet };
enum { NETS = sizeof nets / sizeof *nets };

struct net {
	size_t  n_params, n_buffers, inputs;
	float  *params, *grads, *buffers, *x, seed;
	int32_t label[64];
	size_t  known;                          /* end of what was needed; begin of what was told */
};

static float *numbers(size_t n, unsigned factor, float least)
{
	float *x = mem_calloc(n + 1, sizeof *x);

	assert_non_null(x);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(i * factor % 200) / 400 + least;
	return x;
}

static void net_init(struct net *t, const struct ir_graph *g)
{
	*t = (struct net){ .n_params = g->param_count, .n_buffers = g->buffer_count, .seed = 0.5f };
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_INPUT && g->value[i]->index == 0)
			t->inputs = (size_t)tensor_count(&g->value[i]->desc);
	t->params = numbers(t->n_params, 7919, -0.25f);
	t->grads = numbers(t->n_params, 1, 0);
	t->buffers = numbers(t->n_buffers, 0, 1);
	t->x = numbers(t->inputs, 104729, -0.25f);
}

static void net_release(struct net *t)
{
	mem_free(t->params);
	mem_free(t->grads);
	mem_free(t->buffers);
	mem_free(t->x);
}

static tt_status need(void *ctx, size_t lo, size_t hi)
{
	struct net *t = ctx;

	assert_int_equal(lo, t->known);
	t->known = hi;
	return TT_OK;
}

/* The optimizer is here: whoever reads a parameter later, or has not written the gradient yet, will
 * find it out.  What is told is destroyed. */
static void ready(void *ctx, size_t lo, size_t hi)
{
	struct net *t = ctx;

	assert_int_equal(hi, t->known);
	t->known = lo;
	for (size_t i = lo; i < hi; i++) {
		t->params[i] -= 0.05f * t->grads[i];
		t->grads[i] = 1e30f;
	}
}

static void train(struct device *const *devices, struct kernel_cache *measured, net_fn net,
                  struct net *t)
{
	const struct program_opts o = { .devices = devices, .purpose = PROGRAM_TRAIN,
	                                .cache = measured };
	struct ir_graph *g = net(NET_TRAIN);
	struct program *p;
	uint64_t allocated = 0;

	net_init(t, g);
	assert_ok(program_new(&p, g, &o));
	program_bind(p, t->params, t->grads, t->buffers);
	program_set_input(p, 0, t->x);
	program_set_input(p, 1, t->label);
	program_set_input(p, 2, &t->seed);
	for (uint64_t step = 1; step <= STEPS; step++) {
		const struct program_run run = { .seed = 7, .step = step, .need = need, .ready = ready,
		                                 .ctx = t };

		t->known = 0;
		assert_ok(program_run(p, &run));
		assert_int_equal(t->known, 0);
		assert_true(allocated == 0 || mem_count() == allocated);
		allocated = mem_count();
	}
	program_free(&p);
}

static void nets_learn_the_same_bits(void **state)
{
	(void)state;
	for (int n = 0; n < NETS; n++) {
		struct net want, got;

		train(list[0], NULL, nets[n], &want);
		for (int k = 1; k < LISTS; k++) {
			train(list[k], NULL, nets[n], &got);
			assert_memory_equal(got.params, want.params, want.n_params * sizeof(float));
			assert_memory_equal(got.buffers, want.buffers, want.n_buffers * sizeof(float));
			net_release(&got);
		}
		net_release(&want);
	}
}

/* Every second node there, the others in the blocked layouts of libraries; and wherever they are
 * measured to be fastest, inputs brought there included. */
static void nets_learn_beside_libraries(void **state)
{
	struct device *devices[DEVICE_LIST_MAX + 2] = { &odd.base };
	(void)state;

	memcpy(devices + 1, libraries.dev, sizeof libraries.dev);
	for (int n = 0; n < NETS; n++) {
		struct kernel_cache *cache;
		struct net want, got;

		train(list[0], NULL, nets[n], &want);
		assert_ok(kernel_cache_open(&cache, NULL, "test"));
		for (int k = 0; k < 2; k++) {
			train(devices, k ? cache : NULL, nets[n], &got);
			assert_floats_near(got.params, want.params, want.n_params, 1e-4);
			assert_floats_near(got.buffers, want.buffers, want.n_buffers, 1e-4);
			net_release(&got);
		}
		kernel_cache_close(&cache);
		net_release(&want);
	}
}

/* Not one kernel of a device with streams runs on the calling thread. */
static void all_of_a_net_is_launched(void **state)
{
	struct device_ops ops = staging_device;
	struct device d = { .ops = &ops, .mem = one.dev[0]->mem }, *devices[] = { &d, NULL };
	const struct program_opts o = { .devices = devices, .purpose = PROGRAM_TRAIN };
	const struct program_run run = { .step = 1 };
	struct ir_graph *g = net_lenet(NET_TRAIN);
	struct program *p;
	struct net t;
	(void)state;

	counted_stream = staging_stream_ops;
	counted_stream.open = counted_open;
	counted_stream.launch = counted_launch;
	ops.stream = &counted_stream;
	net_init(&t, g);
	assert_ok(program_new(&p, g, &o));
	program_bind(p, t.params, t.grads, t.buffers);
	program_set_input(p, 0, t.x);
	program_set_input(p, 1, t.label);
	program_set_input(p, 2, &t.seed);
	launches = 0;
	assert_ok(program_run(p, &run));
	assert_int_equal(launches, program_steps(p));
	program_free(&p);
	net_release(&t);
}

/* Whatever allocation fails, nothing is left over; and then all goes well. */
static void any_allocation_may_fail(void **state)
{
	const struct program_opts o = { .devices = list[1], .purpose = PROGRAM_TRAIN };
	const int64_t live = mem_live();
	tt_status st = TT_ENOMEM;
	(void)state;

	for (uint64_t n = 1; st != TT_OK; n += 1 + n / 50) {
		struct ir_graph *g = net_lenet(NET_TRAIN);
		struct program *p = NULL;

		mem_fail_at(n, 1);
		st = program_new(&p, g, &o);
		mem_fail_at(0, 0);
		if (st != TT_OK)
			assert_int_equal(st, TT_ENOMEM);
		program_free(&p);
		assert_int_equal(mem_live(), live);
	}
}

/* What depends on parameters alone is brought there once; and again when they changed. */
static void predictions_are_the_same_bits(void **state)
{
	const struct program_run run = { .seed = 1 };
	(void)state;

	for (int n = 0; n < NETS; n++) {
		float *want = NULL;
		size_t bytes = 0;

		for (int k = 0; k < LISTS; k++) {
			const struct program_opts o = { .devices = list[k], .purpose = PROGRAM_INFER };
			struct ir_graph *g = nets[n](NET_INFER);
			struct program *p, *other;
			struct net t;

			bytes = tensor_bytes(&net_output(g, 1)->desc);
			net_init(&t, g);
			assert_ok(program_new(&p, g, &o));
			program_bind(p, t.params, NULL, t.buffers);
			program_set_input(p, 0, t.x);
			assert_ok(program_run(p, &run));
			t.params[0] += 1;
			program_refresh(p);
			assert_ok(program_run(p, &run));
			assert_ok(program_run(p, &run));
			if (!want) {
				assert_non_null(want = mem_alloc(bytes));
				memcpy(want, program_output(p, 0), bytes);
			}
			assert_memory_equal(program_output(p, 0), want, bytes);
			assert_ok(program_clone(&other, p));
			program_set_input(other, 0, t.x);
			assert_ok(program_run(other, &run));
			assert_memory_equal(program_output(other, 0), want, bytes);
			program_free(&other);
			program_free(&p);
			net_release(&t);
		}
		mem_free(want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_host_cannot_touch_it),
		cmocka_unit_test(only_its_own_addresses_are_good),
		cmocka_unit_test(launches_wait_for_somebody_who_waits),
		cmocka_unit_test(an_error_comes_home_where_somebody_waits),
		cmocka_unit_test(nets_learn_the_same_bits),
		cmocka_unit_test(nets_learn_beside_libraries),
		cmocka_unit_test(all_of_a_net_is_launched),
		cmocka_unit_test(any_allocation_may_fail),
		cmocka_unit_test(predictions_are_the_same_bits),
	};

	return cmocka_run_group_tests(tests, open_devices, close_devices);
}
