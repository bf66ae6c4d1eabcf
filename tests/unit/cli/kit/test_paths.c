#include "support/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/git.h"
#include "kit/paths.h"

static void every_run_has_a_folder_of_its_own(void **state)
{
	struct arena a = { 0 };
	const char  *runs = test_path(test_temp_dir(), "runs"), *one, *two;

	(void)state;
	assert_ok(paths_new_run(&a, runs, "a/b c", &one));
	assert_ok(paths_new_run(&a, runs, "a/b c", &two));
	assert_string_not_equal(one, two);
	assert_contains(one, "/runs/a_b_c-");
	assert_true(file_is_dir(one) && file_is_dir(two));
	arena_release(&a);
}

static void newest_run_is_the_one_with_the_newest_checkpoint(void **state)
{
	struct arena a = { 0 };
	const char  *runs = test_temp_dir(), *found;

	(void)state;
	assert_status(paths_newest_run(&a, runs, "net", &found), TT_ENOENT);
	assert_ok(file_mkdirs(test_path(runs, "net-20260101-000000/checkpoints")));
	assert_ok(file_mkdirs(test_path(runs, "net-20270101-000000")));
	assert_ok(file_mkdirs(test_path(runs, "net-other-20270101-000000/checkpoints")));
	assert_ok(file_write_all(test_path(runs, "net-20260101-000000/checkpoints/last.safetensors"),
	                         "x", 1));
	assert_ok(file_write_all(test_path(runs, "net-other-20270101-000000/checkpoints/"
	                                   "last.safetensors"), "x", 1));
	assert_ok(paths_newest_run(&a, runs, "net", &found));
	assert_contains(found, "/net-20260101-000000");
	arena_release(&a);
}

static void best_comes_before_last(void **state)
{
	struct arena a = { 0 };
	const char  *run = test_temp_dir(), *found;

	(void)state;
	assert_status(paths_checkpoint(&a, run, &found), TT_ENOENT);
	assert_ok(file_mkdirs(test_path(run, "checkpoints")));
	assert_ok(file_write_all(test_path(run, "checkpoints/last.safetensors"), "x", 1));
	assert_ok(paths_checkpoint(&a, run, &found));
	assert_contains(found, "last.safetensors");
	assert_ok(file_write_all(test_path(run, "checkpoints/best.safetensors"), "x", 1));
	assert_ok(paths_checkpoint(&a, run, &found));
	assert_contains(found, "best.safetensors");
	assert_ok(paths_checkpoint(&a, "some/file", &found));
	assert_string_equal(found, "some/file");
	arena_release(&a);
}

static void kernel_cache_is_given_or_in_the_cache_folder(void **state)
{
	struct arena a = { 0 };
	const char  *dir = test_temp_dir(), *found;

	(void)state;
	assert_ok(paths_kernel_cache(&a, "mine.txt", &found));
	assert_string_equal(found, "mine.txt");
	setenv("XDG_CACHE_HOME", dir, 1);
	assert_ok(paths_kernel_cache(&a, NULL, &found));
	assert_contains(found, "/tutti/kernels.txt");
	assert_true(file_is_dir(test_path(dir, "tutti")));
	setenv("XDG_CACHE_HOME", "/dev/null", 1);
	assert_ok(paths_kernel_cache(&a, NULL, &found));
	assert_null(found);
	arena_release(&a);
}

/* A commit by name in HEAD, by branch, in packed-refs, and behind a file .git. */
static void what_is_read_is_not_written_over(void **state)
{
	const char *dir = test_temp_dir();
	char in[300], source[320], link[300], other[300];

	(void)state;
	snprintf(in, sizeof in, "%s/in.csv", dir);
	snprintf(link, sizeof link, "%s/link.csv", dir);
	snprintf(other, sizeof other, "%s/other.csv", dir);
	snprintf(source, sizeof source, "csv:%s?id=id", in);
	assert_ok(file_write_all(in, "a\n", 2));
	assert_ok(file_write_all(other, "a\n", 2));
	assert_int_equal(symlink(in, link), 0);
	assert_int_equal(paths_spare(in, in), TT_EINVAL);
	assert_int_equal(paths_spare(link, in), TT_EINVAL);
	assert_int_equal(paths_spare(in, source), TT_EINVAL);
	assert_ok(paths_spare(other, source));
	assert_ok(paths_spare(NULL, in));
	assert_ok(paths_spare("no/such/file", "-"));
}

static void commit_is_found_wherever_git_keeps_it(void **state)
{
	const char *dir = test_temp_dir(), *hash = "0123456789abcdef0123456789abcdef01234567";
	char        found[GIT_COMMIT_TEXT], text[256];

	(void)state;
	assert_int_equal(chdir(dir), 0);
	assert_ok(file_mkdirs("tree/sub"));
	assert_ok(file_mkdirs("real/refs/heads"));
	assert_ok(file_write_all("tree/.git", "gitdir: ../real\n", 16));
	assert_ok(file_write_all("real/HEAD", "ref: refs/heads/main\n", 21));
	assert_int_equal(chdir("tree/sub"), 0);
	assert_false(git_commit(found));
	snprintf(text, sizeof text, "# pack-refs\n%s refs/heads/main\n", hash);
	assert_ok(file_write_all("../../real/packed-refs", text, strlen(text)));
	assert_true(git_commit(found));
	assert_string_equal(found, hash);
	assert_ok(file_write_all("../../real/refs/heads/main",
	                         "feed456789abcdef0123456789abcdef01234567\n", 41));
	assert_true(git_commit(found));
	assert_string_equal(found, "feed456789abcdef0123456789abcdef01234567");
	assert_ok(file_write_all("../../real/HEAD",
	                         "beef456789abcdef0123456789abcdef01234567\n", 41));
	assert_true(git_commit(found));
	assert_string_equal(found, "beef456789abcdef0123456789abcdef01234567");
	assert_int_equal(chdir("/"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run_has_a_folder_of_its_own),
		cmocka_unit_test(newest_run_is_the_one_with_the_newest_checkpoint),
		cmocka_unit_test(best_comes_before_last),
		cmocka_unit_test(kernel_cache_is_given_or_in_the_cache_folder),
		cmocka_unit_test(what_is_read_is_not_written_over),
		cmocka_unit_test(commit_is_found_wherever_git_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
