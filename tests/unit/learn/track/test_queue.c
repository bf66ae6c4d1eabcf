/* Numbers wait in order, the oldest are dropped first, and each is counted. */
#include "support/support.h"

#include <string.h>

#include "learn/track/queue.h"

static void add(struct track_queue *q, const char *key, int step)
{
	track_queue_add(q, &(struct track_metric){ key, step / 2.0, step, 1000 + step });
}

static void a_full_queue_forgets_the_oldest_and_counts(void **state)
{
	struct track_metric m[8];
	struct track_queue q;

	(void)state;
	assert_ok(track_queue_init(&q, 4));
	for (int i = 0; i < 7; i++)
		add(&q, i % 2 ? "odd" : "even", i);
	assert_int_equal(q.lost, 3);
	assert_int_equal(track_queue_take(&q, m, 3), 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(m[i].step, 3 + i);
		assert_int_equal(m[i].ms, 1003 + i);
		assert_string_equal(m[i].key, (3 + i) % 2 ? "odd" : "even");
	}
	add(&q, "odd", 7);
	assert_int_equal(track_queue_take(&q, m, 8), 2);
	assert_int_equal(m[1].step, 7);
	assert_int_equal(track_queue_take(&q, m, 8), 0);
	track_queue_release(&q);
}

static void more_names_than_there_is_room_for_are_lost_numbers(void **state)
{
	struct track_queue q;
	char name[80];

	(void)state;
	assert_ok(track_queue_init(&q, 400));
	for (int i = 0; i < TRACK_NAMES + 5; i++) {
		snprintf(name, sizeof name, "m%d", i);
		add(&q, name, i);
	}
	memset(name, 'x', 70);
	name[70] = '\0';
	add(&q, name, 1);
	assert_int_equal(q.n, TRACK_NAMES);
	assert_int_equal(q.lost, 6);
	track_queue_release(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_queue_forgets_the_oldest_and_counts),
		cmocka_unit_test(more_names_than_there_is_room_for_are_lost_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
