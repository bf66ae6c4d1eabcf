#include "support/support.h"

#include <stdatomic.h>
#include <string.h>

#include "base/cores.h"
#include "base/thread.h"

static struct cores first(int n)
{
	struct cores c;

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
			struct cores all = first(n), seen = first(0), part;
			int before = n;

			for (int p = 0; p < parts; p++) {
				cores_part(&all, p, parts, &part);
				assert_in_range(cores_count(&part), n / parts, (n + parts - 1) / parts);
				assert_true(cores_count(&part) <= before);
				before = cores_count(&part);
				CPU_XOR(&seen.set, &seen.set, &part.set);
			}
			assert_true(cores_equal(&seen, &all));
		}
}

static void with_more_parts_than_cores_all_share_all(void **state)
{
	struct cores all = first(3), part;

	(void)state;
	for (int p = 0; p < 4; p++) {
		cores_part(&all, p, 4, &part);
		assert_true(cores_equal(&part, &all));
	}
}

static void a_set_reads_as_ranges(void **state)
{
	struct cores c = first(4);
	char text[CORES_TEXT];

	(void)state;
	assert_string_equal(cores_text(&c, text), "0-3");
	CPU_SET(5, &c.set);
	CPU_SET(7, &c.set);
	CPU_SET(8, &c.set);
	assert_string_equal(cores_text(&c, text), "0-3,5,7-8");
	CPU_ZERO(&c.set);
	for (int i = 0; i < CPU_SETSIZE; i += 2)
		CPU_SET(i, &c.set);
	assert_true(strlen(cores_text(&c, text)) < CORES_TEXT);
	assert_non_null(strstr(text, "..."));
}

/* Loops ask from within how far their thread may go. */
static void look(void *ctx, int64_t lo, int64_t hi)
{
	struct cores c;

	cores_mine(&c);
	for (int64_t i = lo; i < hi; i++)
		((int *)ctx)[i] = cores_count(&c);
}

static void pinning_reaches_the_threads_of_a_loop(void **state)
{
	struct cores all, part;
	int seen[4] = { 0 };

	(void)state;
	cores_mine(&all);
	thread_set_count(4);
	thread_for(4, 0, look, seen);            /* the loop's threads are there before */
	cores_part(&all, 0, cores_count(&all), &part);
	cores_pin(&part);
	thread_for(4, 0, look, seen);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen[i], 1);
	cores_pin(&all);
	thread_for(4, 0, look, seen);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seen[i], cores_count(&all));
	thread_set_count(1);
}

/* ---- staying ---- */

static atomic_int quiet;

static void crowd(void *ctx)
{
	cores_pin(ctx);
	while (!atomic_load(&quiet))
		;
}

static void who_is_crowded_leaves_and_does_not_come_back(void **state)
{
	struct cores_stay s = { 0 };
	struct cores all, part, now;
	struct thread *t;
	double end;

	(void)state;
	cores_mine(&all);
	cores_part(&all, 0, cores_count(&all), &part);
	cores_stay(&s, &part);
	if (!s.stays)
		skip();                          /* one core, or a kernel that keeps no books */
	cores_mine(&now);
	assert_true(cores_equal(&now, &part));
	cores_stay(&s, &part);                   /* twice is once */
	cores_leave(&s);
	cores_mine(&now);
	assert_true(cores_equal(&now, &all));

	cores_stay(&s, &part);
	assert_ok(thread_start(&t, "crowd", crowd, &part));
	for (end = thread_seconds() + 20; s.stays && thread_seconds() < end; )
		cores_look(&s);
	atomic_store(&quiet, 1);
	thread_join(&t);
	assert_true(s.crowded);
	cores_stay(&s, &part);
	cores_mine(&now);
	assert_true(cores_equal(&now, &all));
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
