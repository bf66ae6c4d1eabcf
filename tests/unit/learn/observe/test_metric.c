#include "support/support.h"

#include <math.h>
#include <string.h>

#include "learn/observe/metric.h"

static const tt_progress then = { .size = sizeof then, .step = 10, .workers = 2,
                                  .wire_seconds = 1, .exposed_seconds = 0.5, .bytes_sent = 100,
                                  .train_seconds = 2 };

static void every_row_is_explained_and_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < tt_metric_count(); i++) {
		tt_metric m = TT_SIZED(tt_metric), other = TT_SIZED(tt_metric);
		size_t split;

		assert_ok(tt_metric_get(i, &m));
		assert_true(*m.help && m.unit && strcspn(m.help, "\n") == strlen(m.help));
		assert_true(*metric_name(m.name, &split) && m.name[split] == '.');
		for (int k = 0; k < i; k++) {
			assert_ok(tt_metric_get(k, &other));
			assert_string_not_equal(m.name, other.name);
		}
	}
	assert_status(tt_metric_get(tt_metric_count(), &(tt_metric)TT_SIZED(tt_metric)), TT_EINVAL);
	assert_status(tt_metric_get(-1, &(tt_metric)TT_SIZED(tt_metric)), TT_EINVAL);
}

static double number(const struct metric_set *s, const char *name)
{
	const tt_observation o = { .size = sizeof o, .metrics = s->n, .name = s->name,
	                           .value = s->value };

	return tt_observation_value(&o, name);
}

static void numbers_of_workers_are_per_step_since_the_last_time(void **state)
{
	tt_progress now = then;
	struct metric_set s;

	(void)state;
	now.step = 14;
	now.wire_seconds += 0.4;
	now.exposed_seconds += 0.2;
	now.bytes_sent += 4000;
	now.train_seconds += 0.8;
	metric_collect(TT_EVENT_STEP, &(struct metric_source){ &now, &then, 2.5, NAN, NULL, NULL }, &s);
	assert_near(number(&s, "train.loss"), 2.5, 0);
	assert_true(isnan(number(&s, "train.accuracy")));       /* not known: not told */
	assert_near(number(&s, "workers.wire_ms"), 100, 1e-9);
	assert_near(number(&s, "workers.waiting_ms"), 50, 1e-9);
	assert_near(number(&s, "workers.bytes_sent"), 1000, 1e-9);
	assert_near(number(&s, "workers.efficiency"), 0.75, 1e-9);
	assert_true(isnan(number(&s, "valid.loss")));
	now.workers = 1;
	metric_collect(TT_EVENT_STEP, &(struct metric_source){ &now, &then, 2.5, 0.5, NULL, NULL }, &s);
	assert_true(isnan(number(&s, "workers.wire_ms")));
	assert_near(number(&s, "train.accuracy"), 0.5, 0);
}

static void validation_tells_its_k(void **state)
{
	const struct scores m = {
		.what = { .kind = SCORES_CLASSES, .width = 4, .classes = 4, .k = 3, .rows = 7 },
		.sums = { .samples = 4, .weight = 4, .correct = 2, .in_top = 3, .loss = 4, .classes = 4,
		          .k = 3 } };
	struct metric_set s;

	(void)state;
	metric_collect(TT_EVENT_VALID, &(struct metric_source){ &then, &then, NAN, NAN, &m, NULL }, &s);
	assert_int_equal(s.n, 3);
	assert_near(number(&s, "valid.top_3"), 0.75, 0);
	assert_true(isnan(number(&s, "valid.top_K")));
}

static void other_events_have_no_numbers(void **state)
{
	struct metric_set s;

	(void)state;
	metric_collect(TT_EVENT_NOTE, &(struct metric_source){ &then, &then, 1, 1, NULL, NULL }, &s);
	assert_int_equal(s.n, 0);
	assert_true(isnan(tt_observation_value(NULL, "train.loss")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_explained_and_has_a_name_of_its_own),
		cmocka_unit_test(numbers_of_workers_are_per_step_since_the_last_time),
		cmocka_unit_test(validation_tells_its_k),
		cmocka_unit_test(other_events_have_no_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
