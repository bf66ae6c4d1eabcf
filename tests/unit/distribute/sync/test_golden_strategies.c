/* Each strategy against numbers of the literature, made by hand. */
#include "distribute/coll/coll.h"
#include "support/support.h"
#include "support/world.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

/* Rank 0 has 3 samples of gradient 1, rank 1 one of gradient 5: a mean of 2, not of 3. */
static void gradients_are_weighted_by_samples(void **state)
{
	struct world *w = make_world(2, 1, "allreduce");

	(void)state;
	w->rank[0].grads[0] = 3 * 1.0f / 4;
	w->rank[1].grads[0] = 1 * 5.0f / 4;
	run_world(w, world_one_step);
	assert_near(w->rank[0].params[0], -2.0, 0);
	assert_near(w->rank[1].params[0], -2.0, 0);
	mem_free(w);
}

static void clipping_sees_the_sum_of_all_ranks(void **state)
{
	struct world *w = make_world(2, 2, "allreduce");

	(void)state;
	w->whole = 1;
	w->rank[0].clip = w->rank[1].clip = 1;
	w->rank[0].grads[0] = 3 * 0.5f;
	w->rank[1].grads[1] = 4 * 0.5f;
	run_world(w, world_one_step);
	assert_near(w->rank[1].params[0], -0.6, 1e-6);
	assert_near(w->rank[1].params[1], -0.8, 1e-6);
	mem_free(w);
}

/* f1 = x^2 / 2, f2 = 3/2 (x - 4)^2: where local SGD ends depends on the period. */
static tt_status descend(struct rank *r)
{
	int second = r->comm->rank == 1;
	tt_status st = TT_OK;

	for (int64_t i = 1; st == TT_OK && i <= 200; i++) {
		r->grads[0] = second ? 3 * (r->params[0] - 4) : r->params[0];
		st = world_step(r, i, 1);
	}
	return st == TT_OK ? sync_end(r->sync) : st;
}

static void averages_end_where_the_period_says(void **state)
{
	static const struct { int period; double x; } row[] = {
		{ 1, 3 }, { 2, 2.914286 }, { 5, 2.680532 }, { 20, 2.128651 }, { 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct world *w = make_world(2, 1, "average");

		w->opts.period = row[i].period;
		w->rank[0].lr = w->rank[1].lr = 0.1f;
		run_world(w, descend);
		assert_near(w->rank[0].params[0], row[i].x, 2e-6);
		assert_true(w->rank[0].params[0] == w->rank[1].params[0]);
		mem_free(w);
	}
}

/* From x = (1, 3) and centre 0 without gradients: x = (0.9, 2.7), centre 0.4. */
static tt_status stretch(struct rank *r)
{
	tt_status st;

	r->params[0] = r->comm->rank ? 3 : 1;
	if ((st = world_one_step(r)) != TT_OK || (st = sync_consolidate(r->sync)) != TT_OK)
		return st;
	r->slot[1] = r->params[0];           /* the centre */
	sync_resume(r->sync);
	return TT_OK;
}

static void springs_pull_with_the_old_values_and_keep_the_sum(void **state)
{
	static const char *const strategy[] = { "easgd", "eamsgd" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *w = make_world(2, 1, strategy[i]);

		w->opts.alpha = 0.1;
		run_world(w, stretch);
		assert_near(w->rank[0].params[0], 0.9, 1e-6);
		assert_near(w->rank[1].params[0], 2.7, 1e-6);
		assert_near(w->rank[0].slot[1], 0.4, 1e-6);
		assert_near(w->rank[1].slot[1], 0.4, 1e-6);
		mem_free(w);
	}
}

/* v <- delta v - eta g(x + delta v), x <- x + v on f = x^2 / 2, one rank and no spring. */
static tt_status roll(struct rank *r)
{
	tt_status st = TT_OK;

	r->params[0] = 1;
	for (int64_t i = 1; st == TT_OK && i <= 3; i++) {
		st = sync_begin(r->sync, &(struct sync_step){ .step = i, .samples = 1 });
		r->grads[0] = r->params[0];      /* where the strategy has put it */
		if (st == TT_OK && (st = sync_grad_ready(r->sync, 0, 1)) == TT_OK)
			st = sync_finish(r->sync);
	}
	return st;
}

static void eamsgd_takes_the_gradient_ahead(void **state)
{
	struct world *w = make_world(1, 1, "eamsgd");
	double x = 1, v = 0;

	(void)state;
	w->opts.period = 0;
	w->opts.delta = 0.9;
	w->rank[0].lr = 0.1f;
	run_world(w, roll);
	for (int i = 0; i < 3; i++) {
		v = 0.9 * v - 0.1 * (x + 0.9 * v);
		x += v;
	}
	assert_near(w->rank[0].params[0], x, 1e-6);
	mem_free(w);
}

/* 20000 on each of 4 ranks: a sum of 80000 would be infinite in 16 bits. */
static void half_precision_carries_what_is_divided_already(void **state)
{
	struct world *w = make_world(4, 1, "allreduce");

	(void)state;
	w->opts.wire = WIRE_F16;
	for (int i = 0; i < 4; i++)
		w->rank[i].grads[0] = 20000.0f / 4;
	run_world(w, world_one_step);
	for (int i = 0; i < 4; i++)
		assert_near(w->rank[i].params[0], -20000, 0);
	mem_free(w);
}

/* Three ranks, one has no data left, the others have gradients 3 and 6 of a sample each: 4.5, the
 * mean over the samples that there are. */
static void who_has_no_data_left_does_not_count(void **state)
{
	struct world *w = make_world(3, 1, "allreduce");

	(void)state;
	w->rank[0].grads[0] = 3 / 2.0f;
	w->rank[1].grads[0] = 6 / 2.0f;
	run_world(w, world_one_step);
	for (int i = 0; i < 3; i++)
		assert_near(w->rank[i].params[0], -4.5, 0);
	mem_free(w);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_weighted_by_samples),
		cmocka_unit_test(clipping_sees_the_sum_of_all_ranks),
		cmocka_unit_test(averages_end_where_the_period_says),
		cmocka_unit_test(springs_pull_with_the_old_values_and_keep_the_sum),
		cmocka_unit_test(eamsgd_takes_the_gradient_ahead),
		cmocka_unit_test(half_precision_carries_what_is_divided_already),
		cmocka_unit_test(who_has_no_data_left_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
