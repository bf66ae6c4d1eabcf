#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/observe/observers.h"

struct seen { int events, closed; double loss; tt_status answer; char order[64]; };

static char *order_of_all;

static tt_status look(void *ctx, const tt_observation *o)
{
	struct seen *s = ctx;

	s->events++;
	s->loss = tt_observation_value(o, "train.loss");
	if (order_of_all)
		strcat(order_of_all, s->order);
	return s->answer == TT_OK ? TT_OK : err_set(s->answer, "observer %s", s->order);
}

static void close_it(void *ctx)
{
	((struct seen *)ctx)->closed++;
}

static const tt_progress progress = { .size = sizeof progress, .step = 1, .workers = 1 };

static void add(struct observers *list, struct seen *s)
{
	assert_ok(observers_add(list, TT_OBSERVER(.ctx = s, .event = look, .close = close_it)));
}

static void any_number_may_look_and_all_are_told_in_order(void **state)
{
	struct seen s[20] = {0};
	struct observers list = {0};
	char order[64] = "";

	(void)state;
	for (int i = 0; i < 20; i++) {
		s[i].order[0] = (char)('a' + i);
		add(&list, &s[i]);
	}
	order_of_all = order;
	assert_ok(observers_tell(&list, TT_EVENT_STEP, &progress,
	                         &(struct observation){ .due = 1, .loss = 3, .accuracy = NAN }));
	order_of_all = NULL;
	assert_string_equal(order, "abcdefghijklmnopqrst");
	assert_near(s[19].loss, 3, 0);
	observers_release(&list);
	for (int i = 0; i < 20; i++)
		assert_int_equal(s[i].closed, 1);
}

static void the_first_error_comes_back_when_all_have_been_told(void **state)
{
	struct seen s[3] = { [1].answer = TT_EIO, [2].answer = TT_ENOMEM };
	struct observers list = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		add(&list, &s[i]);
	assert_status(observers_tell(&list, TT_EVENT_NOTE, &progress, &(struct observation){ 0 }),
	              TT_EIO);
	assert_int_equal(s[2].events, 1);
	observers_release(&list);
}

static void numbers_come_only_when_they_are_due(void **state)
{
	struct seen s = {0};
	struct observers list = {0};

	(void)state;
	add(&list, &s);
	assert_ok(observers_tell(&list, TT_EVENT_STEP, &progress, &(struct observation){ .loss = 3 }));
	assert_true(isnan(s.loss));
	observers_release(&list);
}

static void telling_allocates_nothing(void **state)
{
	struct seen s = {0};
	struct observers list = {0};
	uint64_t before;

	(void)state;
	add(&list, &s);
	before = mem_count();
	for (int i = 0; i < 10; i++)
		assert_ok(observers_tell(&list, TT_EVENT_STEP, &progress,
		                         &(struct observation){ .due = 1, .loss = 3 }));
	assert_int_equal(mem_count(), before);
	observers_release(&list);
}

static void an_observer_without_ears_is_refused(void **state)
{
	struct observers list = {0};

	(void)state;
	assert_status(observers_add(&list, &(tt_observer)TT_SIZED(tt_observer)), TT_EINVAL);
	assert_error("event is NULL");
	assert_int_equal(list.n, 0);
	assert_ok(observers_tell(&list, TT_EVENT_END, &progress, &(struct observation){ 0 }));
}

static void note(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	assert_int_equal(e, TT_EVENT_NOTE);
	assert_ptr_equal(p, &progress);
	assert_string_equal(text, "hear");
	++*(int *)ctx;
}

static void a_function_is_an_observer_too(void **state)
{
	struct observers list = {0};
	int calls = 0;

	(void)state;
	assert_ok(observers_add_function(&list, NULL, NULL));
	assert_int_equal(list.n, 0);
	assert_ok(observers_add_function(&list, note, &calls));
	assert_ok(observers_tell(&list, TT_EVENT_NOTE, &progress,
	                         &(struct observation){ .seen.text = "hear" }));
	assert_int_equal(calls, 1);
	observers_release(&list);
}

/* An observer of an embedder's may be told anything. */
static void numbers_that_are_none_keep_their_names_in_the_table(void **state)
{
	static const char *const name[] = { "train.loss", "valid.loss", "valid.accuracy" };
	static const double value[] = { NAN, INFINITY, -INFINITY };
	const tt_observation o = { .size = sizeof o, .event = TT_EVENT_STEP, .progress = &progress,
	                           .metrics = 3, .name = name, .value = value };
	const char *dir = test_temp_dir();
	char path[300], *text;
	tt_observer csv;
	size_t size;

	(void)state;
	assert_ok(observer_metrics_csv(&csv, &(struct observer_opts){ .dir = dir }));
	assert_ok(csv.event(csv.ctx, &o));
	csv.close(csv.ctx);
	snprintf(path, sizeof path, "%s/metrics.csv", dir);
	assert_ok(file_read_all(path, 4096, &text, &size));
	assert_contains(text, "train,loss,nan\n");
	assert_contains(text, "valid,loss,inf\n");
	assert_contains(text, "valid,accuracy,-inf\n");
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_may_look_and_all_are_told_in_order),
		cmocka_unit_test(the_first_error_comes_back_when_all_have_been_told),
		cmocka_unit_test(numbers_come_only_when_they_are_due),
		cmocka_unit_test(telling_allocates_nothing),
		cmocka_unit_test(an_observer_without_ears_is_refused),
		cmocka_unit_test(a_function_is_an_observer_too),
		cmocka_unit_test(numbers_that_are_none_keep_their_names_in_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
