/* The kernel cache remembers across processes, keeps machines apart and shrugs off damage. */
#include "compute/exec/tuning_cache.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "sys/thread.h"
#include "support/support.h"

static const char *path(void) { return test_path(test_temp_dir(), "kernels.txt"); }

static void choices_are_remembered(void **state)
{
	struct kernel_cache *c;
	const char *file = path();
	(void)state;

	assert_ok(kernel_cache_open(&c, file, "cpu A"));
	assert_null(kernel_cache_get(c, "conv 3x3"));
	assert_ok(kernel_cache_put(c, "conv 3x3", "onednn/direct:jit", 12.5));
	assert_ok(kernel_cache_put(c, "conv 3x3", "onednn/winograd", 7.5));      /* the last one wins */
	assert_string_equal(kernel_cache_get(c, "conv 3x3"), "onednn/winograd");
	kernel_cache_close(&c);

	assert_ok(kernel_cache_open(&c, file, "cpu A"));
	assert_string_equal(kernel_cache_get(c, "conv 3x3"), "onednn/winograd");
	kernel_cache_close(&c);
}

/* Found while the machine was busy with something else: good for now. */
static void a_note_is_for_this_process_alone(void **state)
{
	struct kernel_cache *c;
	const char *file = path();
	(void)state;

	assert_ok(kernel_cache_open(&c, file, "cpu A"));
	assert_ok(kernel_cache_put(c, "gemm", "x", 1));
	assert_ok(kernel_cache_note(c, "conv 3x3", "y"));
	assert_string_equal(kernel_cache_get(c, "conv 3x3"), "y");
	kernel_cache_close(&c);
	assert_ok(kernel_cache_open(&c, file, "cpu A"));
	assert_string_equal(kernel_cache_get(c, "gemm"), "x");
	assert_null(kernel_cache_get(c, "conv 3x3"));
	kernel_cache_close(&c);
}

static void machines_share_a_file_but_not_choices(void **state)
{
	struct kernel_cache *a, *b;
	const char *file = path();
	(void)state;

	assert_ok(kernel_cache_open(&a, file, "cpu A"));
	assert_ok(kernel_cache_open(&b, file, "cpu B"));
	assert_ok(kernel_cache_put(a, "gemm", "x", 1));
	assert_ok(kernel_cache_put(b, "gemm", "y", 1));
	kernel_cache_close(&a);
	kernel_cache_close(&b);                   /* neither overwrites the other's rows */
	assert_ok(kernel_cache_open(&a, file, "cpu A"));
	assert_string_equal(kernel_cache_get(a, "gemm"), "x");
	kernel_cache_close(&a);
	assert_ok(kernel_cache_open(&b, file, "cpu B"));
	assert_string_equal(kernel_cache_get(b, "gemm"), "y");
	kernel_cache_close(&b);
}

static void damaged_lines_are_skipped(void **state)
{
	static const char text[] = "tutti-kernels 1\nno tabs\nm\tonly\n\t\t\t\n"
	                           "m\tkey\tchoice\t3\nm\tcut\tcho";
	struct kernel_cache *c;
	const char *file = path();
	(void)state;

	assert_ok(file_write_all(file, text, sizeof text - 1));
	assert_ok(kernel_cache_open(&c, file, "m"));
	assert_string_equal(kernel_cache_get(c, "key"), "choice");
	assert_null(kernel_cache_get(c, "cut"));
	assert_null(kernel_cache_get(c, "only"));
	kernel_cache_close(&c);
}

/* Each row is looked for among all before it: a file full of them must not take minutes. */
static void a_file_of_rows_without_end_costs_little(void **state)
{
	struct kernel_cache *c;
	struct str text = {0};
	const char *file = path();
	const double began = thread_seconds();
	(void)state;

	for (int i = 0; i < 400000; i++)
		str_addf(&text, "m\tkey %d\tc\t1\n", i);
	assert_ok(str_status(&text));
	assert_ok(file_write_all(file, text.p, text.len));
	str_release(&text);
	assert_ok(kernel_cache_open(&c, file, "m"));
	assert_string_equal(kernel_cache_get(c, "key 77"), "c");
	kernel_cache_close(&c);
	assert_true(thread_seconds() - began < 20);
}

static void a_cache_without_a_file_lives_in_memory(void **state)
{
	struct kernel_cache *c;
	(void)state;

	assert_ok(kernel_cache_open(&c, NULL, "m"));
	assert_ok(kernel_cache_put(c, "k", "v", 1));
	assert_ok(kernel_cache_save(c));
	assert_string_equal(kernel_cache_get(c, "k"), "v");
	kernel_cache_close(&c);
}

static void a_lost_write_or_allocation_loses_no_more(void **state)
{
	struct kernel_cache *c;
	const char *file = path();
	tt_status st = TT_ENOMEM;
	int64_t live = mem_live();
	(void)state;

	for (uint64_t n = 1; st != TT_OK; n++) {
		mem_fail_at(n, 1);
		st = kernel_cache_open(&c, file, "m");
		if (st == TT_OK) {
			st = kernel_cache_put(c, "k", "v", 1);
			kernel_cache_close(&c);
		}
		mem_fail_at(0, 0);
		assert_true(mem_live() == live);
	}
	assert_ok(kernel_cache_open(&c, file, "m"));
	assert_ok(kernel_cache_put(c, "other", "v", 1));
	file_fail_at(1);
	assert_status(kernel_cache_save(c), TT_EIO);
	file_fail_at(0);
	assert_ok(kernel_cache_save(c));          /* still there, and now written */
	kernel_cache_close(&c);
	assert_ok(kernel_cache_open(&c, file, "m"));
	assert_string_equal(kernel_cache_get(c, "other"), "v");
	kernel_cache_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(choices_are_remembered),
		cmocka_unit_test(a_note_is_for_this_process_alone),
		cmocka_unit_test(machines_share_a_file_but_not_choices),
		cmocka_unit_test(damaged_lines_are_skipped),
		cmocka_unit_test(a_file_of_rows_without_end_costs_little),
		cmocka_unit_test(a_cache_without_a_file_lives_in_memory),
		cmocka_unit_test(a_lost_write_or_allocation_loses_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
