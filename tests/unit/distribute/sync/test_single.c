/* In a group of one every strategy is plain SGD, and costs nothing. */
#include "support/support.h"

#include <dirent.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/sync/sync.h"

#define N 8
#define SUMS 2

struct one {
	float params[N], grads[N + SUMS];
	int   applied;                          /* calls of apply */
};

static void apply(void *ctx, size_t lo, size_t hi)
{
	struct one *o = ctx;

	for (size_t i = lo; i < hi; i++)
		o->params[i] -= o->grads[i];
	o->applied++;
}

static float *no_slot(void *ctx, int i)
{
	(void)ctx;
	(void)i;
	fail_msg("the optimizer's state was asked for");
	return NULL;
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct one fresh(void)
{
	struct one o = { .applied = 0 };

	for (int i = 0; i < N + SUMS; i++)
		o.grads[i] = (float)i;
	return o;
}

static struct sync *open_one(struct one *o, const struct distribute_opts *opts, int by_range)
{
	const struct sync_host h = {
		.strategy = sync_pick(opts, 1), .opts = opts, .params = o->params, .grads = o->grads,
		.param_count = N, .sums = SUMS, .by_range = by_range, .apply = apply, .ctx = o, .slots = 1,
		.slot = no_slot,
	};
	struct sync *s;

	assert_ok(sync_open(&s, &h));
	return s;
}

static void begin(struct sync *s, int64_t step)
{
	assert_ok(sync_begin(s, &(struct sync_step){ .step = step, .samples = 1 }));
	assert_true(s->summed);
	assert_ok(sync_wait_params(s, 0, N));
	assert_ok(sync_flush(s));
}

/* What the rows would otherwise do: average, pull, forget the optimizer's state, gather nets. */
static const struct distribute_opts eager = {
	.period = 1, .optimizer_state = STATE_RESET, .delta = 0.9, .shard_optimizer = 1,
};

static void ranges_are_applied_as_they_come(const struct distribute_opts *opts)
{
	struct one o = fresh();
	struct sync *s = open_one(&o, opts, 1);

	begin(s, 1);
	assert_ok(sync_grad_ready(s, 5, N));
	assert_int_equal(o.applied, 1);
	assert_true(o.params[5] == -5 && o.params[4] == 0);
	assert_ok(sync_grad_ready(s, 0, 5));
	assert_true(o.params[4] == -4);
	assert_ok(sync_finish(s));
	assert_int_equal(o.applied, 2);
	assert_true(s->exchanged && o.grads[N] == N);       /* the sums of all are its own */
	assert_ok(sync_epoch_end(s));
	assert_ok(sync_consolidate(s));
	sync_resume(s);
	assert_ok(sync_end(s));
	for (int i = 0; i < N; i++)
		assert_true(o.params[i] == (float)-i);
	sync_close(&s);
}

static void the_whole_is_applied_at_the_end(const struct distribute_opts *opts)
{
	struct one o = fresh();
	struct sync *s = open_one(&o, opts, 0);

	begin(s, 1);
	assert_ok(sync_grad_ready(s, 0, N));
	assert_int_equal(o.applied, 0);
	assert_ok(sync_finish(s));
	assert_int_equal(o.applied, 1);
	assert_true(o.params[N - 1] == -(N - 1));
	sync_close(&s);
}

static void every_strategy_is_plain_sgd(void **state)
{
	struct distribute_opts opts = eager;

	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		opts.strategy = i;
		ranges_are_applied_as_they_come(&opts);
		the_whole_is_applied_at_the_end(&opts);
	}
}

/* One block for the handle, no thread, nothing in a step. */
static void it_costs_nothing(void **state)
{
	const struct distribute_opts opts = eager;
	const int before = threads();
	struct one o = fresh();
	struct sync *s;
	uint64_t made;

	(void)state;
	made = mem_count();
	s = open_one(&o, &opts, 1);
	assert_true(mem_count() - made == 1);
	for (int64_t i = 1; i <= 3; i++) {
		begin(s, i);
		assert_ok(sync_grad_ready(s, 0, N));
		assert_ok(sync_finish(s));
	}
	assert_true(mem_count() - made == 1);
	assert_int_equal(threads(), before);
	assert_true(s->stats.wire_seconds == 0 && s->stats.exchanges == 0);
	sync_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_strategy_is_plain_sgd),
		cmocka_unit_test(it_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
