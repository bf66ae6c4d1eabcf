/* Clones of a program share what compiling decided and cost their activations; programs of one pool
 * share what they prepare from parameters, and nothing else. */
#include "compute/exec/compiled.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/constants.h"
#include "compute/exec/device.h"
#include "support/nets.h"
#include "support/support.h"

#define THREADS 8
#define RUNS    20
#define KERNELS 0.1                   /* of a context, besides its activations */

static struct device_list all;
static int64_t given;                 /* bytes */

struct block { size_t bytes, fill; };

static void *give(void *ctx, size_t bytes)
{
	struct block *b = malloc(sizeof *b + bytes);

	(void)ctx;
	b->bytes = bytes;
	__atomic_add_fetch(&given, (int64_t)bytes, __ATOMIC_RELAXED);
	return b + 1;
}

static void take_back(void *ctx, void *p)
{
	struct block *b = (struct block *)p - 1;

	(void)ctx;
	__atomic_sub_fetch(&given, (int64_t)b->bytes, __ATOMIC_RELAXED);
	free(b);
}

static int start(void **state)
{
	(void)state;
	assert_ok(mem_use(&(struct mem_allocator){ give, take_back, NULL }));
	assert_ok(device_list_open_known(&all));
	return 0;
}

static int end(void **state)
{
	(void)state;
	device_list_close(&all);
	assert_ok(mem_use(NULL));
	return 0;
}

/* ---- a net of two equal branches ---- */

#define CHANNELS 16
#define PLACES   8

static struct ir_graph *twins(int64_t batch)
{
	static const struct ir_attr conv = { .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } };
	struct ir_graph *g;
	struct ir_value *x, *side[2];

	assert_ok(ir_graph_new(&g));
	x = net_input(g, "x", F32(batch, CHANNELS, PLACES, PLACES));
	for (int i = 0; i < 2; i++) {
		char name[2][8];

		snprintf(name[0], sizeof name[0], "conv%d", i);
		snprintf(name[1], sizeof name[1], "bn%d", i);
		side[i] = net_conv(g, name[0], x, CHANNELS, &conv);
		side[i] = net_batchnorm(g, name[1], side[i], NET_INFER);
	}
	ir_output(g, net_op(g, IR_ADD, "sum", NULL, side[0], side[1]));
	return g;
}

#define INPUTS (16 * CHANNELS * PLACES * PLACES)

struct net { float *params, *buffers, *x; size_t n, n_buffers; };

static void net_fill(struct net *t, const struct ir_graph *g)
{
	t->n = g->param_count;
	t->n_buffers = g->buffer_count;
	t->params = mem_calloc(t->n, sizeof(float));
	t->buffers = mem_calloc(t->n_buffers, sizeof(float));
	t->x = mem_calloc(INPUTS, sizeof(float));
	for (size_t i = 0; i < t->n; i++)
		t->params[i] = (float)(i * 7919 % 200) / 400 - 0.25f;
	for (size_t i = 0; i < t->n_buffers; i++)
		t->buffers[i] = 0.5f + (float)(i % 7) / 7;
	for (size_t i = 0; i < INPUTS; i++)
		t->x[i] = (float)(i * 104729 % 100) / 50 - 1;
}

static void net_release(struct net *t)
{
	mem_free(t->params);
	mem_free(t->buffers);
	mem_free(t->x);
}

static struct program *make(struct net *t, int64_t batch, struct constants *pool)
{
	const struct program_opts o = { .devices = all.dev, .purpose = PROGRAM_INFER,
	                                .constants = pool };
	struct program *p;

	assert_ok(program_new(&p, twins(batch), &o));
	program_bind(p, t->params, NULL, t->buffers);
	program_set_input(p, 0, t->x);
	return p;
}

static size_t run(struct program *p, int64_t batch, float *out)
{
	const size_t n = (size_t)batch * CHANNELS * PLACES * PLACES;

	assert_ok(program_run(p, &(struct program_run){ 0 }));
	memcpy(out, program_output(p, 0), n * sizeof *out);
	return n * sizeof *out;
}

/* ---- constants ---- */

static void programs_of_a_pool_share_constants_to_the_bit(void **state)
{
	static const int64_t batch[] = { 4, 1, 16, 4 };
	static float own[INPUTS], shared[INPUTS];
	struct program *p[4], *alone;
	struct constants *pool;
	struct ir_graph *g = twins(1);
	struct net t;
	size_t first = 0;

	(void)state;
	net_fill(&t, g);
	ir_graph_free(&g);
	assert_ok(constants_new(&pool));
	for (int i = 0; i < 4; i++) {
		size_t bytes;

		p[i] = make(&t, batch[i], pool);
		alone = make(&t, batch[i], NULL);
		bytes = run(alone, batch[i], own);
		program_free(&alone);
		assert_int_equal(run(p[i], batch[i], shared), bytes);
		assert_memory_equal(shared, own, bytes);
		first = first ? first : constants_bytes(pool);
	}
	/* Two branches of equal shape are not the same; the same program twice is. */
	assert_true(first >= 2 * CHANNELS * CHANNELS * 9 * sizeof(float));
	program_free(&p[3]);
	p[3] = make(&t, 4, pool);
	assert_true(constants_bytes(pool) <= 2 * first);
	for (int i = 0; i < 4; i++)
		program_free(&p[i]);
	constants_unref(&pool);
	net_release(&t);
}

static void the_same_program_again_adds_no_constants(void **state)
{
	struct ir_graph *g = twins(1);
	struct constants *pool;
	struct program *p[2];
	struct net t;
	size_t before;

	(void)state;
	net_fill(&t, g);
	ir_graph_free(&g);
	assert_ok(constants_new(&pool));
	p[0] = make(&t, 4, pool);
	before = constants_bytes(pool);
	p[1] = make(&t, 4, pool);
	assert_int_equal(constants_bytes(pool), before);
	program_free(&p[1]);
	program_free(&p[0]);
	constants_unref(&pool);
	net_release(&t);
}

static void a_refresh_reaches_all_who_share(void **state)
{
	static float before[INPUTS], after[INPUTS], want[INPUTS];
	struct ir_graph *g = twins(1);
	struct constants *pool;
	struct program *p[2], *fresh;
	struct net t;
	size_t bytes;

	(void)state;
	net_fill(&t, g);
	ir_graph_free(&g);
	assert_ok(constants_new(&pool));
	p[0] = make(&t, 4, pool);
	p[1] = make(&t, 4, pool);
	bytes = run(p[1], 4, before);
	for (size_t i = 0; i < t.n; i++)
		t.params[i] *= 1.5f;
	program_refresh(p[1]);
	run(p[1], 4, after);
	assert_memory_not_equal(after, before, bytes);
	fresh = make(&t, 4, NULL);
	run(fresh, 4, want);
	assert_memory_equal(after, want, bytes);
	run(p[0], 4, after);
	assert_memory_equal(after, want, bytes);
	program_free(&fresh);
	program_free(&p[1]);
	program_free(&p[0]);
	constants_unref(&pool);
	net_release(&t);
}

/* ---- clones ---- */

static void a_clone_costs_its_activations(void **state)
{
	struct ir_graph *g = twins(1);
	struct constants *pool;
	struct program *p, *clone;
	struct net t;
	int64_t before;
	size_t activations;

	(void)state;
	net_fill(&t, g);
	ir_graph_free(&g);
	assert_ok(constants_new(&pool));
	p = make(&t, 16, pool);
	assert_ok(program_run(p, &(struct program_run){ 0 }));
	activations = program_slab_bytes(p) - constants_bytes(pool);
	before = given;
	assert_ok(program_clone(&clone, p));
	assert_true((double)(given - before) <= (1 + KERNELS) * (double)activations);
	program_free(&clone);
	assert_int_equal(given, before);
	program_free(&p);
	constants_unref(&pool);
	net_release(&t);
}

struct clone {
	struct program   *p;
	const struct net *net;
	const float      *want;
	size_t            bytes;
	int               bad;
};

static void *run_clone(void *ctx)
{
	struct clone *c = ctx;

	for (int i = 0; i < RUNS; i++) {
		program_set_input(c->p, 0, c->net->x);
		if (program_run(c->p, &(struct program_run){ 0 }) != TT_OK ||
		    memcmp(program_output(c->p, 0), c->want, c->bytes) != 0)
			c->bad++;
	}
	return NULL;
}

/* Clones of clones, too, and whoever was first may go before the others run. */
static void clones_run_side_by_side_with_the_bits_of_one(void **state)
{
	static float want[INPUTS];
	struct clone c[THREADS];
	struct ir_graph *g = twins(1);
	struct program *p;
	pthread_t id[THREADS];
	struct net t;
	size_t bytes;

	(void)state;
	net_fill(&t, g);
	ir_graph_free(&g);
	p = make(&t, 4, NULL);
	bytes = run(p, 4, want);
	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct clone){ .net = &t, .want = want, .bytes = bytes };
		assert_ok(program_clone(&c[i].p, i % 2 ? c[i - 1].p : p));
	}
	program_free(&p);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&id[i], NULL, run_clone, &c[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(id[i], NULL);
		assert_int_equal(c[i].bad, 0);
		program_free(&c[i].p);
	}
	net_release(&t);
}

/* Two threads on one vector of parameters, each with gradients of its own. */
static void a_clone_trains_into_gradients_of_its_own(void **state)
{
	const struct program_opts o = { .devices = all.dev };
	struct ir_graph *g = net_lenet(NET_TRAIN);
	const size_t n = g->param_count;
	float *params = mem_calloc(n, sizeof *params), *grads[2], *x, seed = 0.5f;
	struct program *p[2];
	int32_t label[64] = { 0 };
	size_t inputs = 0;

	(void)state;
	for (int i = 0; i < g->n_values; i++)
		if (g->value[i]->kind == IR_INPUT && g->value[i]->index == 0)
			inputs = (size_t)tensor_count(&g->value[i]->desc);
	x = mem_calloc(inputs, sizeof *x);
	for (size_t i = 0; i < inputs; i++)
		x[i] = (float)(i * 104729 % 100) / 50 - 1;
	for (size_t i = 0; i < n; i++)
		params[i] = (float)(i * 7919 % 200) / 400 - 0.25f;
	assert_ok(program_new(&p[0], g, &o));
	assert_ok(program_clone(&p[1], p[0]));
	for (int i = 0; i < 2; i++) {
		grads[i] = mem_calloc(n, sizeof *grads[i]);
		program_bind(p[i], params, grads[i], NULL);
		program_set_input(p[i], 0, x);
		program_set_input(p[i], 1, label);
		program_set_input(p[i], 2, &seed);
		assert_ok(program_run(p[i], &(struct program_run){ 0 }));
	}
	assert_memory_equal(grads[1], grads[0], n * sizeof(float));
	assert_true(grads[0][0] != 0);
	for (int i = 0; i < 2; i++) {
		program_free(&p[i]);
		mem_free(grads[i]);
	}
	mem_free(params);
	mem_free(x);
}

/* Every allocation of a clone made to fail: nothing of the first one goes with it. */
static void a_clone_that_fails_leaves_the_first_whole(void **state)
{
	static float want[INPUTS], got[INPUTS];
	struct ir_graph *g = twins(1);
	struct program *p, *clone = NULL;
	struct net t;
	size_t bytes;
	int64_t before;
	tt_status st = TT_ENOMEM;

	(void)state;
	net_fill(&t, g);
	ir_graph_free(&g);
	p = make(&t, 4, NULL);
	bytes = run(p, 4, want);
	before = given;
	for (uint64_t n = 1; st != TT_OK; n++) {
		mem_fail_at(n, 1);
		st = program_clone(&clone, p);
		mem_fail_at(0, 0);
		if (st == TT_OK)
			break;
		assert_int_equal(st, TT_ENOMEM);
		assert_int_equal(given, before);
		run(p, 4, got);
		assert_memory_equal(got, want, bytes);
	}
	program_free(&clone);
	program_free(&p);
	net_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_of_a_pool_share_constants_to_the_bit),
		cmocka_unit_test(the_same_program_again_adds_no_constants),
		cmocka_unit_test(a_refresh_reaches_all_who_share),
		cmocka_unit_test(a_clone_costs_its_activations),
		cmocka_unit_test(clones_run_side_by_side_with_the_bits_of_one),
		cmocka_unit_test(a_clone_trains_into_gradients_of_its_own),
		cmocka_unit_test(a_clone_that_fails_leaves_the_first_whole),
	};

	return cmocka_run_group_tests(tests, start, end);
}
