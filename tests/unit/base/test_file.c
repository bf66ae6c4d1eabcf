#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static int file_size_of(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0 ? (int)s.st_size : -1;
}

static void what_is_written_is_read(void **state)
{
	const char *path = test_path(test_temp_dir(), "a");
	size_t n = 300000, size = 0;
	char *big = malloc(n), *back = NULL;

	(void)state;
	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 7);
	assert_ok(file_write_all(path, big, n));
	assert_ok(file_read_all(path, 0, &back, &size));
	assert_int_equal(size, n);
	assert_memory_equal(back, big, n);
	assert_int_equal(back[n], 0);
	mem_free(back);
	free(big);
}

static void many_small_writes_make_one_file(void **state)
{
	const char *path = test_path(test_temp_dir(), "small");
	struct file_new *f = NULL;
	char *back = NULL;
	size_t size = 0;

	(void)state;
	assert_ok(file_new_open(&f, path));
	for (int i = 0; i < 20000; i++)
		assert_ok(file_new_write(f, "0123456789", 10));
	assert_ok(file_new_write(f, "", 0));
	assert_ok(file_new_commit(f));
	file_new_close(&f);
	assert_ok(file_read_all(path, 0, &back, &size));
	assert_int_equal(size, 200000);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(back[i], '0' + (int)(i % 10));
	mem_free(back);
}

/* Two threads, or two containers whose processes have one number: they must not share what is under
 * construction. */
static void of_two_writers_of_one_file_each_writes_a_whole_one(void **state)
{
	const char *path = test_path(test_temp_dir(), "shared");
	struct file_new *one = NULL, *two = NULL;

	(void)state;
	assert_ok(file_new_open(&one, path));
	assert_ok(file_new_write(one, "the first one", 13));
	assert_ok(file_new_open(&two, path));
	assert_ok(file_new_write(two, "two", 3));
	assert_ok(file_new_commit(one));
	assert_int_equal(file_size_of(path), 13);
	assert_ok(file_new_commit(two));
	assert_int_equal(file_size_of(path), 3);
	file_new_close(&one);
	file_new_close(&two);
}

static void a_file_too_large_is_refused(void **state)
{
	const char *path = test_path(test_temp_dir(), "big");
	char *p = NULL;
	size_t size;

	(void)state;
	assert_ok(file_write_all(path, "12345", 5));
	assert_status(file_read_all(path, 4, &p, &size), TT_EFORMAT);
	assert_error("big");
	assert_null(p);
	assert_ok(file_read_all(path, 5, &p, &size));
	mem_free(p);
}

static void errors_name_the_path_and_the_reason(void **state)
{
	char *p = NULL;
	size_t size;

	(void)state;
	assert_status(file_read_all("/nowhere/x", 0, &p, &size), TT_ENOENT);
	assert_error("/nowhere/x: cannot open: No such file");
	assert_status(file_read_all("/tmp", 0, &p, &size), TT_EIO);
	assert_error("/tmp: is a folder, not a file");
	assert_status(file_write_all("/nowhere/x", "", 0), TT_ENOENT);
	assert_null(p);
	assert_status(file_write_all("", "x", 1), TT_EINVAL);
	assert_error("the name of the file to write is empty");
}

static void an_empty_file_is_an_empty_text(void **state)
{
	const char *path = test_path(test_temp_dir(), "empty");
	char *p = NULL;
	size_t size = 7;

	(void)state;
	assert_ok(file_write_all(path, NULL, 0));
	assert_ok(file_read_all(path, 0, &p, &size));
	assert_string_equal(p, "");
	assert_int_equal(size, 0);
	mem_free(p);
}

/* Nobody writes into the pipe: who waited for it would wait for ever. */
static void what_is_no_file_is_refused_at_once(void **state)
{
	const char *pipe_path = test_path(test_temp_dir(), "pipe");
	char *p = NULL, line[8];
	size_t size;

	(void)state;
	assert_int_equal(mkfifo(pipe_path, 0600), 0);
	assert_status(file_read_all(pipe_path, 0, &p, &size), TT_EIO);
	assert_error("pipe: is a pipe, not a file");
	assert_int_equal(file_first_line(pipe_path, line, sizeof line), 0);
	assert_status(file_read_all("/dev/zero", 1000, &p, &size), TT_EIO);
	assert_error("/dev/zero: is a device");
	assert_null(p);
}

/* What the shell's <(...) makes. */
static void a_pipe_that_was_handed_in_is_read(void **state)
{
	char path[64], *p = NULL;
	size_t size = 0;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	assert_int_equal(write(ends[1], "handed", 6), 6);
	close(ends[1]);
	assert_ok(file_read_all(path, 6, &p, &size));
	assert_string_equal(p, "handed");
	close(ends[0]);
	mem_free(p);
}

static void a_part_that_is_not_there_is_an_error(void **state)
{
	const char *path = test_path(test_temp_dir(), "part");
	uint64_t size;
	char part[8] = "";
	int fd;

	(void)state;
	assert_ok(file_write_all(path, "123456", 6));
	assert_ok(file_open(path, &fd, &size));
	assert_int_equal(size, 6);
	assert_ok(file_read_at(fd, path, (struct file_part){ part, 2, 3 }));
	assert_string_equal(part, "345");
	assert_int_equal(truncate(path, 3), 0);
	assert_status(file_read_at(fd, path, (struct file_part){ part, 2, 3 }), TT_EIO);
	assert_error("became shorter");
	close(fd);
}

static void close_without_commit_leaves_nothing(void **state)
{
	const char *dir = test_temp_dir();
	struct file_new *f = NULL;

	(void)state;
	assert_ok(file_new_open(&f, test_path(dir, "x")));
	assert_ok(file_new_write(f, "half", 4));
	file_new_close(&f);
	assert_null(f);
	assert_int_equal(test_count_files(dir), 0);
	file_new_close(&f);
	file_new_close(NULL);
}

/* Every write, sync and rename of a replacement fails once: the old file stays
 * whole, and no temporary one lies about. */
static void leftovers_of_the_killed_are_swept_and_nothing_else(void **state)
{
	static const char *const tails[] = { "curves.svg", ".safetensors", NULL };
	static const struct { const char *name; int stays; } file[] = {
		{ "last.safetensors.tmp.411", 0 }, { "curves.svg.tmp.1", 0 },
		{ "a.tmp.2.safetensors.tmp.3", 0 }, { "last.safetensors", 1 }, { "notes.tmp.5", 1 },
		{ "curves.svg.tmp.", 1 }, { "curves.svg.tmp.5x", 1 }, { "svg.tmp.5", 1 },
		{ ".tmp.5", 1 }, { "last.safetensors.tmp.4.old", 1 },
	};
	char dir[512];

	(void)state;
	snprintf(dir, sizeof dir, "%s", test_path(test_temp_dir(), "sweep"));
	assert_ok(file_mkdirs(dir));
	for (size_t i = 0; i < sizeof file / sizeof *file; i++)
		assert_ok(file_write_all(test_path(dir, file[i].name), "x", 1));
	file_sweep(dir, tails);
	for (size_t i = 0; i < sizeof file / sizeof *file; i++)
		assert_int_equal(file_exists(test_path(dir, file[i].name)), file[i].stays);
	file_sweep("/no/such/folder", tails);
}

static void whatever_step_fails_the_old_file_stays(void **state)
{
	const char *dir = test_temp_dir(), *path = test_path(dir, "x");
	static char big[200000];
	uint64_t before, steps;

	(void)state;
	before = file_write_count();
	assert_ok(file_write_all(path, big, sizeof big));
	steps = file_write_count() - before;
	assert_true(steps >= 4);
	assert_ok(file_write_all(path, "old", 3));
	for (uint64_t n = 1; n <= steps; n++) {
		tt_status st;
		char *p = NULL;
		size_t size = 0;

		file_fail_at(n);
		st = file_write_all(path, big, sizeof big);
		file_fail_at(0);
		assert_int_equal(st, TT_EIO);
		assert_error("No space left");
		assert_int_equal(test_count_files(dir), 1);
		assert_ok(file_read_all(path, 0, &p, &size));
		if (n < steps)          /* the last step syncs the folder: the new file is there */
			assert_int_equal(size, 3);
		mem_free(p);
	}
}

static void memory_that_ends_leaves_nothing(void **state)
{
	const char *dir = test_temp_dir(), *path = test_path(dir, "x");
	int64_t live = mem_live();

	(void)state;
	for (uint64_t n = 1; n < 5; n++) {
		tt_status st;

		mem_fail_at(n, 1);
		st = file_write_all(path, "x", 1);
		mem_fail_at(0, 0);
		assert_int_equal(mem_live(), live);
		assert_int_equal(test_count_files(dir), st == TT_OK ? 1 : 0);
		unlink(path);
	}
}

static void a_log_is_appended_to(void **state)
{
	const char *path = test_path(test_temp_dir(), "log");
	struct file_log *f = NULL;
	char *p = NULL;
	size_t size;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_ok(file_log_open(&f, path, FILE_LINKS_REFUSED));
		assert_ok(file_log_append(f, "line\n", 5));
		file_log_close(&f);
	}
	assert_null(f);
	assert_ok(file_read_all(path, 0, &p, &size));
	assert_string_equal(p, "line\nline\n");
	mem_free(p);
	assert_ok(file_log_open(&f, path, FILE_LINKS_REFUSED));
	file_fail_at(1);
	assert_status(file_log_append(f, "x", 1), TT_EIO);
	file_log_close(&f);
	assert_status(file_log_open(&f, "/nowhere/log", FILE_LINKS_REFUSED), TT_ENOENT);
}

static void a_log_has_one_holder(void **state)
{
	const char *path = test_path(test_temp_dir(), "log");
	struct file_log *f[2] = { NULL };

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_ok(file_log_open(&f[i], path, FILE_LINKS_REFUSED));
	assert_ok(file_log_hold(f[0]));
	assert_status(file_log_hold(f[1]), TT_EBUSY);
	assert_error("another process");
	file_log_close(&f[0]);
	assert_ok(file_log_hold(f[1]));
	file_log_close(&f[1]);
}

/* Also one that leads nowhere yet: the file would be made where it leads. */
static void a_log_goes_through_no_link_that_stands_in_its_place(void **state)
{
	const char *dir = test_temp_dir();
	struct file_log *f = NULL;
	char to[1024], link[1024];

	(void)state;
	for (int there = 0; there < 2; there++) {
		snprintf(to, sizeof to, "%s", test_path(dir, there ? "theirs" : "new"));
		snprintf(link, sizeof link, "%s", test_path(dir, there ? "link" : "dangling"));
		if (there)
			assert_ok(file_write_all(to, "", 0));
		assert_int_equal(symlink(to, link), 0);
		assert_status(file_log_open(&f, link, FILE_LINKS_REFUSED), TT_EIO);
		assert_error("is a link");
		assert_int_equal(file_exists(to), there);
		assert_ok(file_log_open(&f, link, FILE_LINKS_FOLLOWED));
		file_log_close(&f);
		assert_true(file_exists(to));
	}
}

static void a_full_disk_is_told(void **state)
{
	struct file_log *f = NULL;

	(void)state;
	if (!file_exists("/dev/full"))
		test_skip("no /dev/full");
	assert_ok(file_log_open(&f, "/dev/full", FILE_LINKS_REFUSED));
	assert_status(file_log_append(f, "x", 1), TT_EIO);
	assert_error("No space left");
	file_log_close(&f);
}

/* A rename as root would take the device's place. */
static void devices_and_folders_are_not_replaced(void **state)
{
	const char *fifo = test_path(test_temp_dir(), "fifo");

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_status(file_write_all(fifo, "x", 1), TT_EIO);
	assert_error("no file that could be replaced");
	assert_status(file_write_all(test_temp_dir(), "x", 1), TT_EIO);
}

static void folders_are_made_with_their_parents(void **state)
{
	const char *dir = test_temp_dir(), *deep = test_path(dir, "a/b//c/");

	(void)state;
	assert_ok(file_mkdirs(deep));
	assert_ok(file_mkdirs(deep));
	assert_true(file_is_dir(deep));
	assert_ok(file_write_all(test_path(dir, "f"), "", 0));
	assert_true(file_exists(test_path(dir, "f")));
	assert_false(file_is_dir(test_path(dir, "f")));
	assert_status(file_mkdirs(test_path(dir, "f/x")), TT_ENOENT);
	assert_error("/f: cannot create this folder: Not a directory");
	assert_int_equal(symlink("nowhere", test_path(dir, "link")), 0);
	assert_status(file_mkdirs(test_path(dir, "link/x")), TT_ENOENT);
	assert_error("/link: cannot create this folder: Not a directory");
	assert_ok(file_mkdirs("/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(many_small_writes_make_one_file),
		cmocka_unit_test(of_two_writers_of_one_file_each_writes_a_whole_one),
		cmocka_unit_test(a_file_too_large_is_refused),
		cmocka_unit_test(errors_name_the_path_and_the_reason),
		cmocka_unit_test(an_empty_file_is_an_empty_text),
		cmocka_unit_test(what_is_no_file_is_refused_at_once),
		cmocka_unit_test(a_pipe_that_was_handed_in_is_read),
		cmocka_unit_test(a_part_that_is_not_there_is_an_error),
		cmocka_unit_test(close_without_commit_leaves_nothing),
		cmocka_unit_test(leftovers_of_the_killed_are_swept_and_nothing_else),
		cmocka_unit_test(whatever_step_fails_the_old_file_stays),
		cmocka_unit_test(memory_that_ends_leaves_nothing),
		cmocka_unit_test(a_log_is_appended_to),
		cmocka_unit_test(a_log_has_one_holder),
		cmocka_unit_test(a_log_goes_through_no_link_that_stands_in_its_place),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(devices_and_folders_are_not_replaced),
		cmocka_unit_test(folders_are_made_with_their_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
