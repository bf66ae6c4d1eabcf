/* The thread that sends: nobody waits for the server, and each number is sent or counted. */
#include "support/support.h"

#include <pthread.h>
#include <string.h>

#include "learn/track/sender.h"

/* ---- a server that does what the test says ---- */

static struct server {
	int  failing;                       /* so many calls fail from now on           */
	tt_status how;                      /* with this                                */
	int  hanging;                       /* logs last until `stop` wants their end   */
	int  begun, calls, files, ended, in_log;
	enum track_end end;
	int64_t numbers, last;              /* taken, and the step of the last one      */
	int  disorder;
	double pace;                        /* seconds between calls; 0: hardly any    */
} server;
static const struct track_server *asked;

static tt_status answer(void)
{
	__atomic_add_fetch(&server.calls, 1, __ATOMIC_RELAXED);
	if (server.failing && server.failing--)
		return err_set(server.how, "the server is ill");
	return TT_OK;
}

static tt_status fake_open(struct track_link **out, const struct track_server *s)
{
	asked = s;
	*out = NULL;
	return TT_OK;
}

static void fake_close(struct track_link **l)
{
	(void)l;
}

static tt_status fake_begin(struct track_link *l, const struct track_run *run, char id[TRACK_ID])
{
	const tt_status st = answer();

	(void)l, (void)run;
	if (st == TT_OK) {
		server.begun++;
		strcpy(id, "the-run");
	}
	return st;
}

static tt_status fake_log(struct track_link *l, const struct track_metric *m, int n)
{
	tt_status st;

	(void)l;
	__atomic_store_n(&server.in_log, 1, __ATOMIC_RELEASE);
	while (server.hanging && !asked->stop(asked->ctx))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	if (server.hanging)
		return err_set(TT_ESTOPPED, "given up");
	if ((st = answer()) != TT_OK)
		return st;
	for (int i = 0; i < n; i++) {
		server.disorder += m[i].step <= server.last;
		server.last = m[i].step;
		server.numbers++;
	}
	return TT_OK;
}

static tt_status fake_keep(struct track_link *l, const char *path, const char *name)
{
	(void)l, (void)path, (void)name;
	server.files++;
	return answer();
}

static tt_status fake_end(struct track_link *l, enum track_end how, int64_t ms)
{
	const tt_status st = answer();

	(void)l, (void)ms;
	server.ended += st == TT_OK;
	server.end = how;
	return st;
}

static const char *const schemes[] = { "fake", NULL };
static const struct tracker_ops fake = {
	.schemes = schemes, .open = fake_open, .close = fake_close, .begin = fake_begin,
	.log = fake_log, .keep = fake_keep, .end = fake_end,
};

/* ---- */

static struct track_sender s;
static struct track_file file;

static void begin(struct server how)
{
	server = how;
	server.last = -1;
	s = (struct track_sender){ .ops = &fake, .memory = test_path(test_temp_dir(), "track.json") };
	s.pace = (struct track_pace){ .gather = 0.001, .retry = 0.001, .retry_most = 0.004, .gone = 0.2,
	                              .never = 0.1, .stopped = 0.1, .room = 5000 };
	if (how.pace > 0)
		s.pace.gather = s.pace.retry = s.pace.retry_most = how.pace;
	s.server.uri = "fake://x";
	file = (struct track_file){ test_source("CMakeLists.txt"), "file" };
	s.file = &file;
	s.files = 1;
	assert_ok(track_sender_start(&s));
}

static void add(int from, int to)
{
	for (int i = from; i < to; i++)
		track_sender_add(&s, &(struct track_metric){ .key = "loss", .value = i, .step = i });
}

static void finish(enum track_end how)
{
	track_sender_ended(&s, how);
	track_sender_finish(&s);
	assert_int_equal(server.disorder, 0);
}

static void an_ill_server_gets_all_in_order_and_is_told_of_once(void **state)
{
	char text[512];
	int said = 0;

	(void)state;
	begin((struct server){ .failing = 7, .how = TT_EPEER });
	for (int i = 0; i < 3000; i += 10) {
		add(i, i + 10);
		said += track_sender_news(&s, text, sizeof text);
	}
	finish(TRACK_FINISHED);
	assert_true(said <= 2);
	assert_int_equal(server.numbers, 3000);
	assert_int_equal(s.end.sent, 3000);
	assert_int_equal(s.end.unsent, 0);
	assert_int_equal(server.files, 1);
	assert_int_equal(server.ended, 1);
	assert_string_equal(s.end.run, "the-run");
}

static void a_server_that_hangs_costs_training_nothing_and_the_end_little(void **state)
{
	double start;

	(void)state;
	begin((struct server){ .hanging = 1 });
	add(0, 1);
	while (!__atomic_load_n(&server.in_log, __ATOMIC_ACQUIRE))
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	start = thread_seconds();
	add(1, 20001);
	finish(TRACK_KILLED);
	assert_true(thread_seconds() - start < 10);
	assert_int_equal(s.end.sent, 0);
	assert_int_equal(s.end.unsent, 20001);          /* also those that there was no room for */
	assert_int_equal(server.ended, 0);
	assert_int_equal(s.end.told, 0);
}

static void a_server_that_never_answers_is_given_up(void **state)
{
	(void)state;
	begin((struct server){ .failing = 1 << 30, .how = TT_ETIMEDOUT });
	add(0, 10);
	finish(TRACK_FINISHED);
	assert_int_equal(s.end.unsent, 10);
	assert_int_equal(s.end.files_unsent, 1);
	assert_string_equal(s.end.run, "");
	assert_contains(s.end.why, "the server is ill");
}

static void a_refusal_is_final(void **state)
{
	(void)state;
	begin((struct server){ .failing = 1, .how = TT_EINVAL });
	add(0, 10);
	finish(TRACK_FINISHED);
	assert_int_equal(server.calls, 1);
	assert_int_equal(s.end.unsent, 10);
	assert_contains(s.news, "the server is ill");
	assert_null(strstr(s.news, "tried again"));
}

static void a_stopped_run_sends_its_numbers_and_no_files(void **state)
{
	(void)state;
	begin((struct server){ 0 });
	add(0, 2500);
	finish(TRACK_KILLED);
	assert_int_equal(server.numbers, 2500);
	assert_int_equal(server.files, 0);
	assert_int_equal(server.ended, 1);
	assert_int_equal(server.end, TRACK_KILLED);
	assert_int_equal(s.end.files_unsent, 0);
}

/* Numbers that come one by one leave together, and new ones are no reason to try again sooner. */
static void calls_depend_on_the_clock_alone(void **state)
{
	static const struct server how[] = { { .pace = 0.1 },
	                                     { .failing = 1 << 30, .how = TT_EPEER, .pace = 0.1 } };

	(void)state;
	for (int k = 0; k < 2; k++) {
		const double start = thread_seconds();
		int most;

		begin(how[k]);
		for (int i = 0; i < 200; i++) {
			add(i, i + 1);
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
		most = 3 + (int)((thread_seconds() - start) / 0.1);
		assert_in_range(__atomic_load_n(&server.calls, __ATOMIC_RELAXED), 1, most);
		finish(TRACK_KILLED);
	}
}

static void a_run_that_never_began_is_not_told(void **state)
{
	(void)state;
	begin((struct server){ 0 });
	track_sender_finish(&s);
	assert_int_equal(server.calls, 0);
	assert_int_equal(s.end.files_unsent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ill_server_gets_all_in_order_and_is_told_of_once),
		cmocka_unit_test(a_server_that_hangs_costs_training_nothing_and_the_end_little),
		cmocka_unit_test(a_server_that_never_answers_is_given_up),
		cmocka_unit_test(a_refusal_is_final),
		cmocka_unit_test(a_stopped_run_sends_its_numbers_and_no_files),
		cmocka_unit_test(calls_depend_on_the_clock_alone),
		cmocka_unit_test(a_run_that_never_began_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
