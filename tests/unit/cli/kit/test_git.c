/* The commit that a folder stands at, read from repositories whole and damaged: never more than the
 * name of a commit, and never for ever. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/git.h"

#define HASH  "0123456789abcdef0123456789abcdef01234567"
#define OTHER "fedcba9876543210fedcba9876543210fedcba98"

static void put(const char *path, const char *text)
{
	assert_ok(file_write_all(path, text, strlen(text)));
}

/* In a new folder with an empty .git. */
static void enter(void)
{
	assert_int_equal(chdir(test_temp_dir()), 0);
	assert_ok(file_mkdirs(".git/refs/heads"));
}

static void commits_are_found(void **state)
{
	char commit[GIT_COMMIT_TEXT];

	(void)state;
	enter();
	put(".git/HEAD", HASH "\n");
	assert_true(git_commit(commit));
	assert_string_equal(commit, HASH);
	put(".git/HEAD", "ref: refs/heads/main\n");
	assert_false(git_commit(commit));
	put(".git/packed-refs", "# pack-refs\n" OTHER " refs/heads/mainly\n" HASH " refs/heads/main\n");
	assert_true(git_commit(commit));
	assert_string_equal(commit, HASH);
	put(".git/refs/heads/main", OTHER "\n");
	assert_true(git_commit(commit));
	assert_string_equal(commit, OTHER);
}

static void work_trees_are_followed(void **state)
{
	char commit[GIT_COMMIT_TEXT], here[512], text[600];

	(void)state;
	enter();
	put(".git/refs/heads/main", HASH "\n");
	assert_ok(file_mkdirs(".git/worktrees/w"));
	put(".git/worktrees/w/HEAD", "ref: refs/heads/main\n");
	put(".git/worktrees/w/commondir", "../..\n");
	assert_non_null(getcwd(here, sizeof here));
	assert_ok(file_mkdirs("tree/below"));
	snprintf(text, sizeof text, "gitdir: %s/.git/worktrees/w\n", here);
	put("tree/.git", text);
	assert_int_equal(chdir("tree/below"), 0);
	assert_true(git_commit(commit));
	assert_string_equal(commit, HASH);
	snprintf(text, sizeof text, "%s/.git\n", here);           /* git writes whole paths, too */
	put("../../.git/worktrees/w/commondir", text);
	assert_true(git_commit(commit));
	assert_string_equal(commit, HASH);
}

static void damage_ends_the_search(void **state)
{
	static const char *const heads[] = {
		"", "\n", "ref: ", "ref: refs/heads/main\n", "ref: ref: x\n", "not a hash\n", HASH "0\n",
		"ref: ../../../../../../../../etc/passwd\n",
	};
	static const char *const commons[] = { ".", "./", "../.git", "", "/", "nowhere" };
	char commit[GIT_COMMIT_TEXT];

	(void)state;
	enter();
	for (size_t c = 0; c < sizeof commons / sizeof *commons; c++)
		for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
			put(".git/commondir", commons[c]);
			put(".git/HEAD", heads[h]);
			assert_false(git_commit(commit));
		}
	assert_int_equal(unlink(".git/HEAD"), 0);
	assert_int_equal(mkfifo(".git/HEAD", 0600), 0);
	assert_false(git_commit(commit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commits_are_found),
		cmocka_unit_test(work_trees_are_followed),
		cmocka_unit_test(damage_ends_the_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
