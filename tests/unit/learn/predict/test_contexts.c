/* Contexts: threads that share a session get the bits of one, in requests that compile nothing; a
 * context costs its activations; memory, threads and patience are the embedding program's. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <tutti/runtime.h>

#include "base/mem.h"

#define THREADS 8
#define ROUNDS  20
#define SAMPLES 53
#define INPUTS  64
#define OUTPUTS 3

static float x[SAMPLES * INPUTS], whole[SAMPLES * OUTPUTS];

static int fill(void **state)
{
	(void)state;
	for (int i = 0; i < SAMPLES * INPUTS; i++)
		x[i] = (float)(i * 7919 % 1000) / 500 - 1;
	return 0;
}

static tt_session *session_of(const char *tune, int batch)
{
	tt_model *m = tiny_model(tiny_conv, "train.tune_kernels", tune, NULL);
	tt_session *s;

	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.batch = batch, .threads = 1)));
	tt_model_free(&m);
	return s;
}

/* ---- threads ---- */

/* by[n]: what one thread gets that asks for n samples at a time.  (Where a row stands in a batch
 * may decide about its last bit.) */
static float by[THREADS + 1][SAMPLES * OUTPUTS];

struct asking { tt_session *s; int own; float off; atomic_int count, wrong; };

/* All samples, n at a time, of the context or else the session. */
static tt_status ask_all(tt_session *s, tt_context *c, int n, float *y)
{
	tt_status st = TT_OK;

	for (int at = 0; at < SAMPLES && st == TT_OK; at += n) {
		const int k = SAMPLES - at < n ? SAMPLES - at : n;

		st = c ? tt_context_run(c, x + at * INPUTS, k, y + at * OUTPUTS)
		       : tt_session_run(s, x + at * INPUTS, k, y + at * OUTPUTS);
	}
	return st;
}

static void *ask(void *p)
{
	struct asking *a = p;
	const int n = 1 + atomic_fetch_add(&a->count, 1);
	float y[SAMPLES * OUTPUTS];
	tt_context *c = NULL;
	int wrong = a->own && tt_context_new(&c, a->s) != TT_OK;

	for (int i = 0; i < ROUNDS; i++) {
		memset(y, 0, sizeof y);
		wrong += ask_all(a->s, c, n, y) != TT_OK;
		for (int k = 0; k < SAMPLES * OUTPUTS; k++)
			wrong += !(fabsf(y[k] - by[n][k]) <= a->off);
	}
	atomic_fetch_add(&a->wrong, wrong);
	tt_context_free(&c);
	return NULL;
}

static void ask_together(struct asking *a)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ask, a), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(a->wrong, 0);
	tt_session_free(&a->s);
}

static void threads_get_the_bits_of_one(void **state)
{
	(void)state;
	for (int own = 0; own < 2; own++) {
		struct asking a = { .s = session_of("no", 8), .own = own };

		assert_ok(tt_session_warm(a.s, (const int64_t[]){ 8 }, 1));
		for (int n = 1; n <= THREADS; n++)
			assert_ok(ask_all(a.s, NULL, n, by[n]));
		ask_together(&a);
	}
}

/* They come before anything is compiled, and each has other sizes compiled. */
static void threads_may_come_to_a_cold_session(void **state)
{
	struct asking a = { .s = session_of("no", 8), .off = 1e-5f };

	(void)state;
	for (int n = 1; n <= THREADS; n++)
		assert_ok(ask_all(a.s, NULL, n, by[n]));
	tt_session_free(&a.s);
	a.s = session_of("yes", 8);
	ask_together(&a);
}

/* ---- sizes ---- */

static void filling_up_changes_no_answer(void **state)
{
	static const int64_t sizes[] = { 8, 32 };
	float y[SAMPLES * OUTPUTS], eight[8 * OUTPUTS];
	tt_session *cold = session_of("no", 64), *warm = session_of("no", 64);

	(void)state;
	assert_ok(tt_session_run(cold, x, SAMPLES, whole));
	assert_ok(tt_session_warm(warm, sizes, 2));
	for (int n = 1; n <= SAMPLES; n++) {
		y[n * OUTPUTS - 1] = 77;
		if (n < SAMPLES)
			y[n * OUTPUTS] = 99;
		assert_ok(tt_session_run(warm, x, n, y));
		assert_floats_near(y, whole, (size_t)n * OUTPUTS, 1e-5);
		if (n < SAMPLES)
			assert_true(y[n * OUTPUTS] == 99);      /* not a row more */
	}
	/* What fills up does not reach its neighbours' bits: they stand where they stood. */
	assert_ok(tt_session_run(warm, x, 8, eight));
	assert_ok(tt_session_run(warm, x, 5, y));
	assert_memory_equal(y, eight, 5 * OUTPUTS * sizeof *y);
	tt_session_free(&cold);
	tt_session_free(&warm);
}

static void a_warm_session_compiles_and_allocates_nothing(void **state)
{
	tt_session *s = session_of("yes", 32);
	float y[SAMPLES * OUTPUTS];
	uint64_t before;

	(void)state;
	assert_ok(tt_session_warm(s, NULL, 0));
	before = mem_count();
	for (int n = 1; n <= SAMPLES; n++)
		assert_ok(tt_session_run(s, x, n, y));
	assert_int_equal(mem_count(), before);
	tt_session_free(&s);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	tt_session *s = session_of("no", 16);
	float y[OUTPUTS];

	(void)state;
	assert_status(tt_session_warm(s, (const int64_t[]){ 4, 17 }, 2), TT_EINVAL);
	assert_error("1 to 16 samples");
	assert_status(tt_session_warm(s, (const int64_t[]){ 0 }, 1), TT_EINVAL);
	assert_status(tt_session_warm(s, (const int64_t[]){ 4 }, 0), TT_EINVAL);
	assert_ok(tt_session_run(s, x, 1, y));          /* as cold as before */
	assert_ok(tt_session_warm(s, (const int64_t[]){ 4 }, 1));
	assert_ok(tt_session_warm(s, (const int64_t[]){ 16 }, 1));      /* and another one */
	assert_ok(tt_session_run(s, x, 1, y));
	tt_session_free(&s);
}

/* ---- the program's memory ---- */

static _Atomic int64_t given_bytes, given_blocks, taken;

struct block { size_t bytes, fill; };

static void *give(void *ctx, size_t bytes)
{
	struct block *b = malloc(sizeof *b + bytes);

	assert_ptr_equal(ctx, &given_bytes);
	b->bytes = bytes;
	atomic_fetch_add(&given_bytes, (int64_t)bytes);
	atomic_fetch_add(&given_blocks, 1);
	atomic_fetch_add(&taken, 1);
	return b + 1;
}

static void take_back(void *ctx, void *p)
{
	struct block *b = (struct block *)p - 1;

	assert_ptr_equal(ctx, &given_bytes);
	atomic_fetch_sub(&given_bytes, (int64_t)b->bytes);
	atomic_fetch_sub(&given_blocks, 1);
	free(b);
}

#define OWN_MEMORY .alloc = give, .free = take_back, .ctx = &given_bytes

static void train_a_step(void)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_trainer *t;
	int more;

	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_step(t, &more));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void the_programs_allocator_gives_all_memory(void **state)
{
	const int64_t held = mem_live();
	tt_metrics metrics = TT_SIZED(tt_metrics);
	tt_source *source;
	tt_session *s;
	uint64_t before;
	float y[OUTPUTS];

	(void)state;
	assert_int_equal(held, 0);
	assert_ok(tt_runtime_set(TT_RUNTIME(OWN_MEMORY)));
	before = mem_count();
	taken = 0;
	train_a_step();
	s = session_of("no", 16);
	assert_status(tt_runtime_set(NULL), TT_EINVAL);
	assert_error("blocks of the one so far are in use");
	assert_ok(tt_session_run(s, x, 1, y));
	assert_ok(tt_source_open(&source, "synth:objects?size=8&count=20&classes=3&gray=yes"));
	assert_ok(tt_session_evaluate(s, source, &metrics));
	tt_free(metrics.confusion);
	tt_source_close(&source);
	tt_session_free(&s);
	assert_int_equal(taken, mem_count() - before);  /* nobody went past it */
	assert_int_equal(given_blocks, 0);
	assert_int_equal(given_bytes, 0);
	assert_ok(tt_runtime_set(NULL));
}

static void an_allocator_is_whole(void **state)
{
	(void)state;
	assert_status(tt_runtime_set(TT_RUNTIME(.alloc = give)), TT_EINVAL);
	assert_status(tt_runtime_set(TT_RUNTIME(.free = take_back)), TT_EINVAL);
	assert_status(tt_runtime_set(TT_RUNTIME(.threads = -1)), TT_EINVAL);
}

static const char wide[] =
	"name: wide\n"
	"model:\n"
	"  input: [64]\n"
	"  layers:\n"
	"    - dense: {name: fc1, out: 1000, activation: relu}\n"
	"    - dense: {name: fc2, out: 1000, activation: relu}\n"
	"    - dense: {name: fc3, out: 3}\n"
	"train: {tune_kernels: no}\n";

#define WEIGHTS     ((64 + 1) * 1000 + (1000 + 1) * 1000 + (1000 + 1) * 3)
#define ACTIVATIONS (64 + 2 * 1000 + 2 * 3)          /* and the answers, as scores */

/* Weights are there once as the model has them, once as kernels want them, for all sizes; contexts
 * hold activations. */
static void weights_are_there_once_and_contexts_hold_activations(void **state)
{
	static const int64_t sizes[] = { 4, 16 };
	int64_t start, session, context;
	tt_context *c;
	tt_session *s;
	tt_model *m;

	(void)state;
	assert_ok(tt_runtime_set(TT_RUNTIME(OWN_MEMORY)));
	m = tiny_model(wide, NULL);
	start = given_bytes;
	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_session_warm(s, sizes, 2));
	session = given_bytes - start;
	assert_ok(tt_context_new(&c, s));
	context = given_bytes - start - session;
	assert_true(context < (int64_t)sizeof(float) * (4 + 16 + 16) * ACTIVATIONS + 16384);
	assert_true(session - context < (int64_t)sizeof(float) * 2 * WEIGHTS + 262144);
	tt_context_free(&c);
	assert_int_equal(given_bytes, start + session);
	tt_session_free(&s);
	tt_model_free(&m);
	assert_ok(tt_runtime_set(NULL));
}

/* ---- the program's patience ---- */

static int patience;

static int lose_patience(void *ctx)
{
	(void)ctx;
	return patience-- <= 0;
}

static void an_interrupt_ends_what_takes_long(void **state)
{
	tt_metrics metrics = TT_SIZED(tt_metrics);
	tt_session *s = session_of("yes", 16);
	tt_model *m = tiny_model(tiny_conv, NULL);
	tt_source *source;
	tt_trainer *t;
	float y[SAMPLES * OUTPUTS], again[SAMPLES * OUTPUTS];

	(void)state;
	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_source_open(&source, "synth:objects?size=8&count=20&classes=3&gray=yes"));
	assert_ok(tt_runtime_set(TT_RUNTIME(.interrupted = lose_patience)));
	patience = 2;
	assert_status(tt_session_warm(s, NULL, 0), TT_ESTOPPED);
	assert_error("the measuring of kernels");
	patience = 1000000;
	assert_ok(tt_session_run(s, x, SAMPLES, y));
	patience = 3;
	assert_status(tt_session_run(s, x, SAMPLES, y), TT_ESTOPPED);
	assert_error("a prediction");
	patience = 0;
	assert_status(tt_session_evaluate(s, source, &metrics), TT_ESTOPPED);
	patience = 2;
	assert_status(tt_trainer_run(t), TT_ESTOPPED);
	assert_true(tt_trainer_progress(t)->step < tt_trainer_progress(t)->steps);
	assert_ok(tt_runtime_set(NULL));
	/* And then all goes on. */
	assert_ok(tt_session_run(s, x, SAMPLES, y));
	assert_ok(tt_session_run(s, x, SAMPLES, again));
	assert_memory_equal(y, again, sizeof y);
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_source_close(&source);
	tt_session_free(&s);
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_programs_allocator_gives_all_memory),
		cmocka_unit_test(an_allocator_is_whole),
		cmocka_unit_test(weights_are_there_once_and_contexts_hold_activations),
		cmocka_unit_test(threads_get_the_bits_of_one),
		cmocka_unit_test(threads_may_come_to_a_cold_session),
		cmocka_unit_test(filling_up_changes_no_answer),
		cmocka_unit_test(a_warm_session_compiles_and_allocates_nothing),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
		cmocka_unit_test(an_interrupt_ends_what_takes_long),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
