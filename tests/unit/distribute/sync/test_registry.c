/* Every row of the table: complete, named once, and what it cannot do is refused by its row. */
#include "support/support.h"

#include <string.h>

#include "distribute/sync/sync.h"

static void rows_are_complete_and_named(void **state)
{
	int n = 0;

	(void)state;
	for (; sync_strategies[n]; n++) {
		const struct strategy *r = sync_strategies[n];

		assert_string_equal(r->name, sync_words[n]);
		assert_true(r->help && *r->help);
		assert_true(r->open && r->begin && r->grad_ready && r->finish && r->epoch_end && r->end &&
		            r->close);
		assert_true(!r->resume || r->consolidate);
		/* Who makes one batch of all ranks can say everybody's numbers. */
		assert_true(!r->sync_batchnorm || r->all_gather);
		assert_int_equal(r->collective + r->in_process, 1);      /* how the others are reached */
		for (int k = 0; k < n; k++)
			assert_string_not_equal(r->name, sync_strategies[k]->name);
	}
	assert_null(sync_words[n]);
	assert_true(n >= 6);
}

static void refused(const struct strategy *r, const struct distribute_opts *o, double momentum,
                    const char *why)
{
	const struct sync_demands d = { .opts = o, .momentum = momentum, .processes = 1 };

	if (!why) {
		assert_ok(sync_check(r, &d));
		return;
	}
	assert_int_equal(sync_check(r, &d), TT_ESPEC);
	assert_contains(tt_last_error(), why);
}

static void what_a_row_cannot_do_is_refused(void **state)
{
	const struct distribute_opts usual = { .period = 10 }, never = { .period = 0 },
	                             shared = { .period = 10, .sync_batchnorm = 1 };

	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		const struct strategy *r = sync_strategies[i];

		refused(r, &usual, 0, NULL);
		refused(r, &usual, 0.9, r->own_momentum ? "has a momentum of its own" : NULL);
		refused(r, &never, 0, r->needs_period ? "would stay what it was at the start" : NULL);
		refused(r, &shared, 0, r->sync_batchnorm ? NULL
		        : "as only distribute.strategy: allreduce does");
	}
}

/* Threads of one process, which meet between epochs only. */
static void what_memory_alone_cannot_do_is_refused(void **state)
{
	const struct distribute_opts usual = { .period = 10 };
	const struct sync_demands launched = { .opts = &usual, .processes = 3 },
	                          often = { .opts = &usual, .processes = 1, .every_steps = 5 };

	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		const struct strategy *r = sync_strategies[i];

		assert_int_equal(sync_check(r, &launched), r->in_process ? TT_ESPEC : TT_OK);
		if (r->in_process)
			assert_contains(tt_last_error(), "start it with --workers 3");
		assert_int_equal(sync_check(r, &often), r->in_process ? TT_ESPEC : TT_OK);
	}
}

/* The name of the strategy asked for stands in the text. */
static void texts_name_the_strategy(void **state)
{
	const struct distribute_opts never = { .period = 0 };

	(void)state;
	for (int i = 0; sync_strategies[i]; i++)
		if (sync_strategies[i]->needs_period)
			refused(sync_strategies[i], &never, 0, sync_strategies[i]->name);
}

/* One worker alone may ask for anything: nothing is done about it. */
static void of_one_nothing_is_refused(void **state)
{
	struct distribute_opts o = { .period = 0, .sync_batchnorm = 1 };

	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		o.strategy = i;
		refused(sync_pick(&o, 1), &o, 0.9, NULL);
		assert_ptr_equal(sync_pick(&o, 2), sync_strategies[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete_and_named),
		cmocka_unit_test(what_a_row_cannot_do_is_refused),
		cmocka_unit_test(what_memory_alone_cannot_do_is_refused),
		cmocka_unit_test(texts_name_the_strategy),
		cmocka_unit_test(of_one_nothing_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
