/* Workers that only play, started by an ssh that only plays: what becomes of them, who hears it. */
#include <tutti/launch.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/support.h"

static struct { char own[4096], others[4096]; } heard;

static void hear(void *ctx, enum tt_launch_voice whose, const char *text, size_t n)
{
	char *to = whose == TT_LAUNCH_OWN ? heard.own : heard.others;

	assert_string_equal(ctx, "mine");
	assert_true(strlen(to) + n < sizeof heard.own);
	strncat(to, text, n);
}

#define PLAYED(line) ((const char *const[]){ "sh", "-c", line, "worker", NULL })

static tt_status play(const tt_launch_opts *given, int *code)
{
	tt_launch_opts o = *given;
	tt_launch *l = NULL;
	tt_status st;

	memset(&heard, 0, sizeof heard);
	o.hear = hear;
	o.ctx = (char[]){ "mine" };
	assert_ok(tt_launch_new(&l, &o));
	st = tt_launch_run(l, code);
	tt_launch_free(&l);
	return st;
}

static int set_up(void **state)
{
	const char *path = test_path(test_temp_dir(), "plays");
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fputs("#!/bin/sh\ncase $1 in\n"
	      "nobody) echo 'ssh: Could not resolve hostname nobody: Name unknown' >&2; exit 255 ;;\n"
	      "esac\nshift\nexec sh -c \"$*\"\n", f);
	fclose(f);
	chmod(path, 0700);
	setenv("TUTTI_SSH", path, 1);
	return 0;
}

static int count_children_left(void)
{
	char line[64] = "", path[64];
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if ((f = fopen(path, "r"))) {
		if (!fgets(line, sizeof line, f))
			line[0] = '\0';
		fclose(f);
	}
	return *line != '\0';
}

static void workers_are_heard_by_the_caller_alone(void **state)
{
	const int real = dup(STDERR_FILENO), quiet = open(test_path(test_temp_dir(), "err"),
	                                                   O_RDWR | O_CREAT | O_TRUNC, 0600);
	int code = -1;
	struct stat s;

	(void)state;
	dup2(quiet, STDERR_FILENO);
	assert_ok(play(TT_LAUNCH_OPTS(.command = PLAYED("echo $* >&2; exit 2"), .hosts = "a:2,b",
	                              .launcher = "ssh"), &code));
	dup2(real, STDERR_FILENO);
	assert_int_equal(code, TT_EXIT_USAGE);
	assert_non_null(strstr(heard.others, "--rendezvous - --rank 0 --world 3 --local 2\n"));
	assert_non_null(strstr(heard.others, "--rendezvous - --rank 2 --world 3 --local 1\n"));
	assert_string_equal(heard.own, "");
	assert_int_equal(fstat(quiet, &s), 0);
	assert_int_equal(s.st_size, 0);
	close(real);
	close(quiet);
	assert_int_equal(count_children_left(), 0);
}

/* Lost after all was done and saved: that there is nothing left to do is good news. */
static void a_restart_that_finds_all_done_is_good(void **state)
{
	int code = -1;

	(void)state;
	assert_ok(play(TT_LAUNCH_OPTS(.command = PLAYED("exit 75"), .again = PLAYED("exit 99"),
	                              .hosts = "a", .launcher = "ssh", .restarts = 2), &code));
	assert_int_equal(code, TT_EXIT_GOOD);
	assert_string_equal(heard.own, "exit code 75: starting again, 1 of 2, with 1 workers");
	assert_ok(play(TT_LAUNCH_OPTS(.command = PLAYED("exit 99"), .hosts = "a", .launcher = "ssh",
	                              .restarts = 2), &code));
	assert_int_equal(code, TT_EXIT_NOTHING);
	assert_status(play(TT_LAUNCH_OPTS(.command = PLAYED("exit 75"), .hosts = "a",
	                                  .launcher = "ssh", .restarts = 1), &code), TT_EPEER);
	assert_int_equal(code, TT_EXIT_AGAIN);
}

/* It would come to the same again. */
static void a_loss_that_is_not_finite_is_final(void **state)
{
	const char *nan = "echo 'tutti train: rank 0 (host a, pid 9): the loss is not finite' >&2; "
	                  "exit 1";
	int code = -1;

	(void)state;
	assert_ok(play(TT_LAUNCH_OPTS(.command = PLAYED(nan), .hosts = "a,b", .launcher = "ssh",
	                              .restarts = 2), &code));
	assert_int_equal(code, TT_EXIT_FAILED);
	assert_string_equal(heard.own, "");
}

static void a_mistyped_host_is_one_error_and_no_more(void **state)
{
	int code = -1;

	(void)state;
	assert_status(play(TT_LAUNCH_OPTS(.command = PLAYED("sleep 100"), .hosts = "a,nobody",
	                                  .launcher = "ssh", .restarts = 3), &code), TT_EINVAL);
	assert_error("no address is known of host nobody");
	assert_int_equal(code, TT_EXIT_USAGE);
	assert_string_equal(heard.own, "");
	assert_string_equal(heard.others, "");
}

static volatile sig_atomic_t came;
static void note(int sig) { came = sig; }

/* What came is what the code says, and whoever had the signal before has it again. */
static void signals_are_lent(void **state)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
	int code;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		char line[200];

		snprintf(line, sizeof line, "trap 'exit $((128 + %d))' TERM; read secret; "
		         "kill -%d %d; read word n; exit $((128 + n))", all[i], all[i], (int)getpid());
		signal(all[i], note);
		came = 0;
		assert_ok(play(TT_LAUNCH_OPTS(.command = PLAYED(line), .hosts = "a", .launcher = "ssh",
		                              .restarts = 3), &code));
		assert_int_equal(code, TT_EXIT_SIGNAL + all[i]);
		assert_int_equal(came, 0);
		raise(all[i]);
		assert_int_equal(came, all[i]);
		signal(all[i], SIG_DFL);
	}
}

static void places_are_known_before_anything_is_started(void **state)
{
	tt_launch *l = NULL;
	tt_place p = TT_SIZED(tt_place);

	(void)state;
	assert_ok(tt_launch_new(&l, TT_LAUNCH_OPTS(.command = PLAYED(":"), .hosts = "a:2,b")));
	assert_int_equal(tt_launch_workers(l), 3);
	assert_ok(tt_launch_place(l, 1, &p));
	assert_string_equal(p.host, "a");
	assert_string_equal(p.cores, "part 2 of 2 of what it has");
	assert_ok(tt_launch_place(l, 2, &p));
	assert_string_equal(p.host, "b");
	assert_status(tt_launch_place(l, 3, &p), TT_EINVAL);
	tt_launch_free(&l);
	assert_ok(tt_launch_new(&l, TT_LAUNCH_OPTS(.command = PLAYED("it's"), .workers = 2,
	                                           .threads = 3)));
	assert_ok(tt_launch_place(l, 0, &p));
	assert_string_equal(p.host, "");
	assert_int_equal(p.threads, 2);
	assert_string_equal(tt_launch_line(l, 0), "sh -c 'it'\\''s' worker");
	assert_null(tt_launch_line(l, 1));
	tt_launch_free(&l);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const bad[] = { "", "a,", "a:0", "a:x", "-oProxyCommand=x", "a b", "a;b" };
	tt_launch *l = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_status(tt_launch_new(&l, TT_LAUNCH_OPTS(.command = PLAYED(":"), .hosts = bad[i])),
		              TT_EINVAL);
		assert_error("hosts: ");
	}
	assert_status(tt_launch_new(&l, TT_LAUNCH_OPTS(.command = PLAYED(":"), .launcher = "rsh")),
	              TT_EINVAL);
	assert_status(tt_launch_new(&l, TT_LAUNCH_OPTS(.command = (const char *[]){ NULL })),
	              TT_EINVAL);
	assert_null(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_are_heard_by_the_caller_alone),
		cmocka_unit_test(a_restart_that_finds_all_done_is_good),
		cmocka_unit_test(a_loss_that_is_not_finite_is_final),
		cmocka_unit_test(a_mistyped_host_is_one_error_and_no_more),
		cmocka_unit_test(signals_are_lent),
		cmocka_unit_test(places_are_known_before_anything_is_started),
		cmocka_unit_test(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
