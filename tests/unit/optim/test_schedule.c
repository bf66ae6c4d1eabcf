/* The learning rate of every step, against closed forms. */
#include <math.h>

#include "optim/optim.h"
#include "support/support.h"

#define EPOCH 10         /* steps */

static struct schedule_opts schedule(struct arena *a, const char *yaml)
{
	struct schedule_opts s;
	struct node *n;
	struct str text = {0};

	str_add(&text, yaml);
	assert_ok(options_default(schedule_options, a, &s));
	assert_ok(node_parse_yaml(a, "schedule", text.p, text.len, &n));
	assert_ok(options_read(schedule_options, a, n, &s));
	str_release(&text);
	return s;
}

static double at(const struct schedule_opts *s, double epoch)
{
	return schedule_lr(s, 0.8, (int64_t)lround(epoch * EPOCH), EPOCH, 100 * EPOCH, 64);
}

static void constant_stays(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{}");

	(void)state;
	assert_near(at(&s, 0), 0.8, 0);
	assert_near(at(&s, 99.9), 0.8, 0);
	arena_release(&a);
}

/* lr(e) = lr0 (1/N) (e (N-1)/W + 1) with N = 8, W = 5: warm-up begins at lr/N and not at zero, and
 * grows at every step, not at every epoch. */
static void warm_up_is_gradual(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{warmup_epochs: 5, warmup_from: 0.125}");

	(void)state;
	assert_near(at(&s, 0), 0.1, 1e-12);
	assert_near(at(&s, 1), 0.24, 1e-12);
	assert_near(at(&s, 2.5), 0.45, 1e-12);
	assert_near(at(&s, 5), 0.8, 1e-12);
	assert_near(at(&s, 50), 0.8, 1e-12);
	arena_release(&a);
}

/* From nothing the n steps of a warm-up have 1/n, 2/n ... of the rate: none of them is lost. */
static void warm_up_from_nothing_begins_with_its_first_rise(void **state)
{
	static const char *const kinds[] = { "constant", "step", "exponential", "cosine" };

	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct arena a = {0};
		struct schedule_opts s = schedule(&a, arena_printf(&a, "{kind: %s, warmup_epochs: 0.5}",
		                                                   kinds[k]));

		for (int step = 0; step < 5; step++)
			assert_near(at(&s, 0.1 * step), 0.8 * (step + 1) / 5, 1e-12);
		assert_near(at(&s, 0.5), 0.8, 1e-12);
		arena_release(&a);
	}
}

/* Half a step of warm-up is none, and a run of one step trains. */
static void the_shortest_run_has_a_rate(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{kind: cosine, warmup_epochs: 1}");

	(void)state;
	assert_near(schedule_lr(&s, 0.8, 0, 1, 1, 64), 0.8, 1e-12);
	s.warmup_epochs = 0.05;
	assert_near(at(&s, 0), 0.8, 1e-12);
	arena_release(&a);
}

static void milestones_divide_from_their_epoch_on(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{kind: step, milestones: [30, 60, 80], gamma: 0.1}");

	(void)state;
	assert_near(at(&s, 29.9), 0.8, 1e-12);
	assert_near(at(&s, 30), 0.08, 1e-12);
	assert_near(at(&s, 79.9), 0.008, 1e-12);
	assert_near(at(&s, 80), 0.0008, 1e-12);
	arena_release(&a);
}

static void equal_steps_divide_again_and_again(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{kind: step, step_size: 10, gamma: 0.5}");

	(void)state;
	assert_near(at(&s, 9.9), 0.8, 1e-12);
	assert_near(at(&s, 10), 0.4, 1e-12);
	assert_near(at(&s, 35), 0.1, 1e-12);
	arena_release(&a);
}

static void exponential_falls_once_an_epoch(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{kind: exponential, gamma: 0.9}");

	(void)state;
	assert_near(at(&s, 0.9), 0.8, 1e-12);
	assert_near(at(&s, 7), 0.8 * pow(0.9, 7), 1e-12);
	arena_release(&a);
}

static void cosine_begins_after_warm_up_and_ends_low(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{kind: cosine, warmup_epochs: 20, min_lr: 0.1}");

	(void)state;
	assert_near(at(&s, 0), 0.004, 1e-12);
	assert_near(at(&s, 10), 0.404, 1e-12);
	assert_near(at(&s, 20), 0.8, 1e-12);
	assert_near(at(&s, 60), 0.45, 1e-12);
	assert_near(at(&s, 100), 0.1, 1e-12);
	arena_release(&a);
}

/* SGDR: every wave begins at its restart and ends at the next; after the last, at the end. */
static void cosine_begins_anew(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{kind: cosine, warmup_epochs: 20, restarts: [80, 40], "
	                                      "restart_scale: 0.5}");

	(void)state;
	assert_near(at(&s, 10), 0.404, 1e-12);
	assert_near(at(&s, 30), 0.4, 1e-12);
	assert_near(at(&s, 40), 0.4, 1e-12);
	assert_near(at(&s, 60), 0.2, 1e-12);
	assert_near(at(&s, 80), 0.2, 1e-12);
	assert_near(at(&s, 90), 0.1, 1e-12);
	assert_near(at(&s, 100), 0, 1e-12);
	arena_release(&a);
}

static void batch_scales_linearly(void **state)
{
	struct arena a = {0};
	struct schedule_opts s = schedule(&a, "{scale_batch: 256}");

	(void)state;
	assert_near(schedule_lr(&s, 0.1, 0, 10, 100, 8192), 3.2, 1e-12);
	assert_near(schedule_lr(&s, 0.1, 0, 10, 100, 128), 0.05, 1e-12);
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_stays),
		cmocka_unit_test(warm_up_is_gradual),
		cmocka_unit_test(warm_up_from_nothing_begins_with_its_first_rise),
		cmocka_unit_test(the_shortest_run_has_a_rate),
		cmocka_unit_test(milestones_divide_from_their_epoch_on),
		cmocka_unit_test(equal_steps_divide_again_and_again),
		cmocka_unit_test(exponential_falls_once_an_epoch),
		cmocka_unit_test(cosine_begins_after_warm_up_and_ends_low),
		cmocka_unit_test(cosine_begins_anew),
		cmocka_unit_test(batch_scales_linearly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
