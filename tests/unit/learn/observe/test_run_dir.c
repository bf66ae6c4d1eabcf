#include "support/support.h"

#include <string.h>
#include <sys/stat.h>
#include <utime.h>

#include <tutti/model.h>

#include "base/file.h"
#include "learn/observe/run_dir.h"

static void put(const char *dir, enum tt_run_file file)
{
	assert_ok(run_dir_make(dir));
	assert_ok(run_dir_write(dir, file, "x"));
}

static void every_file_has_a_path(void **state)
{
	char *path, *first = NULL;

	(void)state;
	for (int f = TT_RUN_SPEC; f <= TT_RUN_TRACK; f++) {
		assert_ok(tt_run_path("runs/a", (enum tt_run_file)f, &path));
		assert_memory_equal(path, "runs/a/", 7);
		if (first)
			assert_string_not_equal(path, first);
		tt_free(first);
		first = path;
	}
	tt_free(first);
	assert_status(tt_run_path("a", (enum tt_run_file)(TT_RUN_TRACK + 1), &path), TT_EINVAL);
	assert_status(tt_run_path(NULL, TT_RUN_LOG, &path), TT_EINVAL);
	assert_status(tt_run_path("a", TT_RUN_LOG, NULL), TT_EINVAL);
}

static void new_runs_never_share_a_folder(void **state)
{
	const char *dir = test_temp_dir();
	char *one, *two;

	(void)state;
	assert_ok(tt_run_new(test_path(dir, "deep/runs"), "a net/x", &one));
	assert_ok(tt_run_new(test_path(dir, "deep/runs"), "a net/x", &two));
	assert_string_not_equal(one, two);
	assert_true(file_is_dir(one) && file_is_dir(two));
	assert_contains(one, "/a_net_x-");
	tt_free(one);
	tt_free(two);
}

static void the_newest_run_is_the_one_saved_last(void **state)
{
	const char *runs = test_temp_dir();
	const struct utimbuf old = { 1000, 1000 };
	char *got, *last;

	(void)state;
	assert_status(tt_run_newest(runs, "net", &got), TT_ENOENT);
	assert_error("no run of 'net'");
	put(test_path(runs, "net-20990101-000000"), TT_RUN_LAST);
	put(test_path(runs, "net-20260101-000000"), TT_RUN_LAST);
	put(test_path(runs, "network-20260101-000000"), TT_RUN_LAST);
	assert_ok(tt_run_path(test_path(runs, "net-20990101-000000"), TT_RUN_LAST, &last));
	assert_int_equal(utime(last, &old), 0);         /* a clock that was wrong */
	tt_free(last);
	assert_ok(tt_run_newest(runs, "net", &got));
	assert_string_equal(got, test_path(runs, "net-20260101-000000"));
	tt_free(got);
}

static void best_is_taken_before_last(void **state)
{
	const char *dir = test_temp_dir();
	char *got;

	(void)state;
	assert_ok(tt_run_checkpoint("some.safetensors", &got));
	assert_string_equal(got, "some.safetensors");
	tt_free(got);
	assert_status(tt_run_checkpoint(dir, &got), TT_ENOENT);
	put(dir, TT_RUN_LAST);
	assert_ok(tt_run_checkpoint(dir, &got));
	assert_contains(got, "/last.safetensors");
	tt_free(got);
	put(dir, TT_RUN_BEST);
	assert_ok(tt_run_checkpoint(dir, &got));
	assert_contains(got, "/best.safetensors");
	tt_free(got);
}

static tt_status count(void *ctx, const char *run)
{
	assert_true(file_is_dir(run));
	return ++*(int *)ctx == 3 ? TT_ESTOPPED : TT_OK;
}

static void each_lists_folders_that_hold_a_run(void **state)
{
	const char *runs = test_temp_dir();
	int n = 0;

	(void)state;
	put(test_path(runs, "a"), TT_RUN_SPEC);
	put(test_path(runs, "b"), TT_RUN_LOG);           /* no run without its spec */
	put(test_path(runs, "c"), TT_RUN_SPEC);
	assert_ok(tt_run_each(runs, count, &n));
	assert_int_equal(n, 2);
	put(test_path(runs, "d"), TT_RUN_SPEC);
	n = 0;
	assert_status(tt_run_each(runs, count, &n), TT_ESTOPPED);
	assert_ok(tt_run_each(test_path(runs, "none"), count, &n));
	assert_status(tt_run_each(NULL, count, &n), TT_EINVAL);
	assert_status(tt_run_each(runs, NULL, &n), TT_EINVAL);
}

static void lowest_steps_go_first(void **state)
{
	const char *dir = test_temp_dir();
	struct str path = {0};

	(void)state;
	assert_ok(run_dir_make(dir));
	for (int step = 8; step <= 12; step++) {
		assert_ok(run_dir_step_path(&path, dir, step));
		assert_ok(file_write_all(path.p, "x", 1));
	}
	put(dir, TT_RUN_LAST);
	assert_ok(run_dir_keep_steps(dir, 2));
	assert_int_equal(test_count_files(test_path(dir, "checkpoints")), 3);
	assert_ok(run_dir_step_path(&path, dir, 12));
	assert_true(file_exists(path.p));
	assert_ok(run_dir_step_path(&path, dir, 10));
	assert_false(file_exists(path.p));
	str_release(&path);
}

static void making_a_folder_sweeps_what_killed_writers_left(void **state)
{
	const char *dir = test_temp_dir();

	(void)state;
	assert_ok(run_dir_make(dir));
	assert_ok(file_write_all(test_path(dir, "curves.svg.tmp.12"), "x", 1));
	assert_ok(file_write_all(test_path(dir, "checkpoints/last.safetensors.tmp.12"), "x", 1));
	assert_ok(file_write_all(test_path(dir, "notes.txt"), "x", 1));
	assert_ok(run_dir_make(dir));
	assert_int_equal(test_count_files(test_path(dir, "checkpoints")), 0);
	assert_int_equal(test_count_files(dir), 2);      /* checkpoints, notes.txt */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_has_a_path),
		cmocka_unit_test(new_runs_never_share_a_folder),
		cmocka_unit_test(the_newest_run_is_the_one_saved_last),
		cmocka_unit_test(best_is_taken_before_last),
		cmocka_unit_test(each_lists_folders_that_hold_a_run),
		cmocka_unit_test(lowest_steps_go_first),
		cmocka_unit_test(making_a_folder_sweeps_what_killed_writers_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
