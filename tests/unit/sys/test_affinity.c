#include "support/support.h"

#include <stdatomic.h>
#include <string.h>

#include "sys/affinity.h"
#include "sys/thread.h"

static struct affinity first(int n)
{
	struct affinity c;

	CPU_ZERO(&c.set);
	for (int i = 0; i < n; i++)
		CPU_SET(i, &c.set);
	return c;
}

static void parts_are_disjoint_and_all_there_is(void **state)
{
	(void)state;
	for (int n = 1; n <= 40; n++)
		for (int parts = 1; parts <= n; parts++) {
			struct affinity all = first(n), seen = first(0), part;
			int before = n;

			for (int p = 0; p < parts; p++) {
				affinity_part(&all, p, parts, &part);
				assert_in_range(affinity_count(&part), n / parts, (n + parts - 1) / parts);
				assert_true(affinity_count(&part) <= before);
				before = affinity_count(&part);
				CPU_XOR(&seen.set, &seen.set, &part.set);
			}
			assert_true(affinity_equal(&seen, &all));
		}
}

static void with_more_parts_than_cores_all_share_all(void **state)
{
	struct affinity all = first(3), part;

	(void)state;
	for (int p = 0; p < 4; p++) {
		affinity_part(&all, p, 4, &part);
		assert_true(affinity_equal(&part, &all));
	}
}

static void a_set_reads_as_ranges(void **state)
{
	struct affinity c = first(4);
	char text[CORES_TEXT];

	(void)state;
	assert_string_equal(affinity_text(&c, text), "0-3");
	CPU_SET(5, &c.set);
	CPU_SET(7, &c.set);
	CPU_SET(8, &c.set);
	assert_string_equal(affinity_text(&c, text), "0-3,5,7-8");
	CPU_ZERO(&c.set);
	for (int i = 0; i < CPU_SETSIZE; i += 2)
		CPU_SET(i, &c.set);
	assert_true(strlen(affinity_text(&c, text)) < CORES_TEXT);
	assert_non_null(strstr(text, "..."));
}

/* Loops ask from within how far their thread may go. */
static void look(void *ctx, int64_t lo, int64_t hi)
{
	struct affinity c;

	affinity_mine(&c);
	for (int64_t i = lo; i < hi; i++)
		((int *)ctx)[i] = affinity_count(&c);
}

static void pinning_reaches_the_threads_of_a_loop(void **state)
{
	struct affinity all, part;
	int seen[4] = { 0 };

	(void)state;
	affinity_mine(&all);
	thread_set_count(4);
	thread_for(4, 0, look, seen);            /* the loop's threads are there before */
	affinity_part(&all, 0, affinity_count(&all), &part);
	affinity_pin(&part);
	thread_for(4, 0, look, seen);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen[i], 1);
	affinity_pin(&all);
	thread_for(4, 0, look, seen);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen[i], affinity_count(&all));
	thread_set_count(1);
}

/* ---- staying ---- */

static atomic_int quiet;

static void crowd(void *ctx)
{
	affinity_pin(ctx);
	while (!atomic_load(&quiet))
		;
}

static void who_is_crowded_leaves_and_does_not_come_back(void **state)
{
	struct affinity_stay s = { 0 };
	struct affinity all, part, now;
	struct thread *t;
	double end;

	(void)state;
	affinity_mine(&all);
	affinity_part(&all, 0, affinity_count(&all), &part);
	affinity_stay(&s, &part);
	if (!s.stays)
		skip();                          /* one core, or a kernel that keeps no books */
	affinity_mine(&now);
	assert_true(affinity_equal(&now, &part));
	affinity_stay(&s, &part);                   /* twice is once */
	affinity_leave(&s);
	affinity_mine(&now);
	assert_true(affinity_equal(&now, &all));

	affinity_stay(&s, &part);
	assert_ok(thread_start(&t, "crowd", crowd, &part));
	for (end = thread_seconds() + 20; s.stays && thread_seconds() < end; )
		affinity_look(&s);
	atomic_store(&quiet, 1);
	thread_join(&t);
	assert_true(s.crowded);
	affinity_stay(&s, &part);
	affinity_mine(&now);
	assert_true(affinity_equal(&now, &all));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_disjoint_and_all_there_is),
		cmocka_unit_test(with_more_parts_than_cores_all_share_all),
		cmocka_unit_test(a_set_reads_as_ranges),
		cmocka_unit_test(pinning_reaches_the_threads_of_a_loop),
		cmocka_unit_test(who_is_crowded_leaves_and_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
