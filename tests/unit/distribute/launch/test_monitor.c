/* What is heard of a run: knocks, silence, and whose fault it is. */
#include "support/support.h"

#include <string.h>
#include <unistd.h>

#include "sys/thread.h"
#include "distribute/launch/monitor.h"

enum { A, B, C, HOSTS };

struct scene {
	struct launch_host host[HOSTS];
	tt_launch          launch;
	int                accused[HOSTS];
	struct launch_news news;
	struct launch_monitor         ear;
	char               heard[4096];
};

static void hear(void *ctx, enum tt_launch_voice whose, const char *text, size_t n)
{
	struct scene *s = ctx;

	if (whose == TT_LAUNCH_OTHERS && strlen(s->heard) + n < sizeof s->heard)
		strncat(s->heard, text, n);
}

static int set_up(void **state)
{
	static struct scene s;

	s = (struct scene){ .host = { { "a", 2, 0 }, { "b", 1, 0 }, { "c", 1, 0 } } };
	s.launch = (tt_launch){ .host = s.host, .n_hosts = HOSTS, .workers = 4, .timeout = 4 };
	s.launch.o = (tt_launch_opts){ .hear = hear, .ctx = &s };
	s.news.accused = s.accused;
	*state = &s;
	return launch_monitor_init(&s.ear, &s.launch, &s.news, MONITOR_ALOUD) == TT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	launch_monitor_release(&((struct scene *)*state)->ear);
	return 0;
}

static void say(struct scene *s, const char *text)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], text, strlen(text)), (ssize_t)strlen(text));
	close(p[1]);
	assert_true(launch_monitor_hear(&s->ear, 0, p[0]));
	assert_false(launch_monitor_hear(&s->ear, 0, p[0]));
	close(p[0]);
}

static void knock(struct scene *s, double when, int rank)
{
	char text[64];

	s->ear.now = when;
	snprintf(text, sizeof text, "tutti train: here is rank %d\n", rank);
	say(s, text);
}

static void assert_accused(const struct scene *s, int a, int b, int c)
{
	assert_int_equal(s->accused[A], a);
	assert_int_equal(s->accused[B], b);
	assert_int_equal(s->accused[C], c);
}

static void a_knock_is_known_behind_a_name_and_in_pieces(void **state)
{
	struct scene *s = *state;

	assert_false(launch_monitor_is_up(&s->ear));
	say(s, "[1,0]<stderr>:tutti train: here is");
	assert_false(launch_monitor_is_up(&s->ear));
	say(s, " rank 0\n");
	assert_true(launch_monitor_is_up(&s->ear));
	say(s, "tutti train: here is rank 99\n");
	assert_accused(s, 0, 0, 0);
}

static void a_host_that_knocks_no_more_is_named(void **state)
{
	struct scene *s = *state;

	for (int t = 1; t < 20; t += 2) {
		knock(s, t, 0);
		knock(s, t, 3);
		if (t < 6)
			knock(s, t, 2);
		assert_int_equal(launch_monitor_missed(&s->ear),
		                 t < 6 + 11 ? MONITOR_WELL : MONITOR_SILENCE);
	}
	launch_monitor_name_silent(&s->ear, MONITOR_SILENCE);
	assert_accused(s, 0, 1, 0);
	assert_int_equal(s->news.complaints, 1);
}

static void our_own_link_is_to_blame_if_most_are_silent(void **state)
{
	struct scene *s = *state;

	knock(s, 1, 0);
	knock(s, 1, 2);
	knock(s, 2, 3);
	knock(s, 12, 0);
	s->ear.now = 13;
	assert_int_equal(launch_monitor_missed(&s->ear), MONITOR_SILENCE);
	launch_monitor_name_silent(&s->ear, MONITOR_SILENCE);
	assert_accused(s, 1, 0, 0);
}

static void a_host_that_never_knocks_is_named(void **state)
{
	struct scene *s = *state;

	for (int t = 1; t < 26; t += 2) {
		knock(s, t, 0);
		knock(s, t, 2);
		assert_int_equal(launch_monitor_missed(&s->ear), t < 25 ? MONITOR_WELL : MONITOR_SILENCE);
	}
	launch_monitor_name_silent(&s->ear, MONITOR_SILENCE);
	assert_accused(s, 0, 0, 1);
}

static void nobody_at_all_is_asked(void **state)
{
	struct scene *s = *state;

	s->ear.now = 24;
	assert_int_equal(launch_monitor_missed(&s->ear), MONITOR_WELL);
	s->ear.now = 24.5;
	assert_int_equal(launch_monitor_missed(&s->ear), MONITOR_START);
	launch_monitor_answered(&s->ear, A);
	launch_monitor_answered(&s->ear, C);
	launch_monitor_name_silent(&s->ear, MONITOR_START);
	assert_accused(s, 0, 1, 0);
}

static void nobody_is_named_if_all_are_silent(void **state)
{
	struct scene *s = *state;

	knock(s, 1, 0);
	s->ear.now = 30;
	assert_int_equal(launch_monitor_missed(&s->ear), MONITOR_SILENCE);
	launch_monitor_name_silent(&s->ear, MONITOR_SILENCE);
	assert_accused(s, 0, 0, 0);
	assert_int_equal(s->news.complaints, 1);
}

static void a_host_that_is_left_out_is_not_missed(void **state)
{
	struct scene *s = *state;

	s->host[B].slots = 0;
	knock(s, 20, 0);
	knock(s, 20, 2);
	s->ear.now = 30;
	assert_int_equal(launch_monitor_missed(&s->ear), MONITOR_WELL);
}

static void the_dead_are_blamed_and_patience_ends(void **state)
{
	struct scene *s = *state;

	s->ear.now = 1;
	say(s, "tutti train: rank 2 (host x, pid 9) was killed by SIGKILL\n");
	assert_accused(s, 0, 1, 0);
	assert_true(s->ear.end == 1 + 4 + 10);
	say(s, "tutti train: rank 2 (host x, pid 9) said nothing for 4 s\n");
	assert_accused(s, 0, 2, 0);
	assert_true(s->ear.end == 1 + 4);
}

static void who_gives_up_is_not_lost(void **state)
{
	struct scene *s = *state;

	say(s, "tutti train: rank 2 (host x, pid 9) gave up: data.train: there is no such file\n");
	assert_accused(s, 0, 0, 0);
	assert_int_equal(s->news.failures, 1);
	assert_true(s->ear.end > 0);
}

static void time_in_which_we_are_stopped_does_not_count(void **state)
{
	struct scene *s = *state;

	s->ear.clock = thread_seconds() - 1000;
	launch_monitor_tick(&s->ear);
	assert_true(s->ear.now <= 1);
}

static void what_all_workers_say_is_shown_once(void **state)
{
	struct scene *s = *state;

	say(s, "tutti train: no such file\nmpirun says\nmpirun says\ntutti train: no such file\n");
	say(s, "tutti train: another\ntutti train: no such file\n");
	assert_string_equal(s->heard, "tutti train: no such file\nmpirun says\nmpirun says\n"
	                    "tutti train: another\ntutti train: no such file\n");
}

/* Launchers say the same on a page; who has started them says it in a line. */
static void of_a_host_without_an_address_nothing_more_is_heard(void **state)
{
	struct scene *s = *state;

	say(s, "before\nssh: Could not resolve hostname b: Name or service not known\n");
	say(s, "------\nORTE was unable to start ...\n");
	assert_string_equal(s->news.unknown, "b");
	assert_string_equal(s->heard, "before\n");
}

static void a_line_without_an_end_is_harmless(void **state)
{
	struct scene *s = *state;
	char text[3001];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	say(s, text);
	launch_monitor_flush(&s->ear);
	say(s, "\n");
	knock(s, 1, 0);
	assert_true(launch_monitor_is_up(&s->ear));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_gives_up_is_not_lost),
		TEST(what_all_workers_say_is_shown_once),
		TEST(of_a_host_without_an_address_nothing_more_is_heard),
		TEST(a_knock_is_known_behind_a_name_and_in_pieces),
		TEST(a_host_that_knocks_no_more_is_named),
		TEST(our_own_link_is_to_blame_if_most_are_silent),
		TEST(a_host_that_never_knocks_is_named),
		TEST(nobody_at_all_is_asked),
		TEST(nobody_is_named_if_all_are_silent),
		TEST(a_host_that_is_left_out_is_not_missed),
		TEST(the_dead_are_blamed_and_patience_ends),
		TEST(time_in_which_we_are_stopped_does_not_count),
		TEST(a_line_without_an_end_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
