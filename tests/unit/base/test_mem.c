#include "support/support.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

static void live_blocks_are_counted(void **state)
{
	int64_t before = mem_live();
	uint64_t count = mem_count();
	void *a = mem_alloc(10), *b = mem_calloc(3, 4), *c = mem_alloc_aligned(100);
	char *d = mem_strdup("text");

	(void)state;
	assert_int_equal(mem_live() - before, 4);
	a = mem_realloc(a, 1000);
	assert_non_null(a);
	assert_int_equal(mem_live() - before, 4);
	assert_int_equal(mem_count() - count, 5);
	mem_free(a);
	mem_free(b);
	mem_free(c);
	mem_free(d);
	mem_free(NULL);
	assert_int_equal(mem_live(), before);
}

static void aligned_blocks_are_aligned(void **state)
{
	(void)state;
	for (size_t size = 0; size < 300; size += 7) {
		void *p = mem_alloc_aligned(size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % MEM_ALIGN, 0);
		memset(p, 1, size);
		mem_free(p);
	}
}

static void size_zero_is_a_block(void **state)
{
	void *p = mem_alloc(0), *q = mem_calloc(0, 8);

	(void)state;
	assert_non_null(p);
	assert_non_null(q);
	mem_free(p);
	mem_free(q);
}

static void products_that_overflow_are_refused(void **state)
{
	(void)state;
	assert_null(mem_calloc(SIZE_MAX / 2, 3));
	assert_error("out of memory");
	assert_null(mem_alloc(SIZE_MAX));
	assert_null(mem_alloc_aligned(SIZE_MAX - 3));
}

static void the_nth_allocation_fails_and_the_next_does_not(void **state)
{
	void *p[4];

	(void)state;
	mem_fail_at(3, 1);
	for (int i = 0; i < 4; i++)
		p[i] = mem_alloc(8);
	mem_fail_at(0, 0);
	assert_non_null(p[0]);
	assert_non_null(p[1]);
	assert_null(p[2]);
	assert_non_null(p[3]);
	for (int i = 0; i < 4; i++)
		mem_free(p[i]);
}

static void times_makes_the_following_fail_too(void **state)
{
	void *p;

	(void)state;
	mem_fail_at(1, UINT64_MAX);
	for (int i = 0; i < 5; i++)
		assert_null(mem_calloc(1, 1));
	mem_fail_at(0, 0);
	p = mem_alloc(1);
	assert_non_null(p);
	mem_free(p);
}

static void a_failed_realloc_keeps_the_block(void **state)
{
	char *p = mem_strdup("kept");

	(void)state;
	mem_fail_at(1, 1);
	assert_null(mem_realloc(p, 1 << 20));
	assert_string_equal(p, "kept");
	mem_free(p);
}

static void arena_blocks_are_zeroed_aligned_and_apart(void **state)
{
	struct arena a = {0};
	unsigned char *last = NULL;

	(void)state;
	for (size_t size = 1; size < 20000; size = size * 2 + 1) {
		unsigned char *p = arena_alloc(&a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		assert_true(p != last);
		last = p;
	}
	arena_release(&a);
}

static void arena_is_one_block_per_chunk(void **state)
{
	struct arena a = {0};
	int64_t before = mem_live();

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_non_null(arena_alloc(&a, 24));
	assert_in_range(mem_live() - before, 1, 20);
	arena_release(&a);
	assert_int_equal(mem_live(), before);
	arena_release(&a);
}

static void arena_says_when_memory_ends(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 20));
	mem_fail_at(1, 1);
	assert_null(arena_strdup(&a, "x"));
	assert_string_equal(arena_strdup(&a, "x"), "x");
	assert_string_equal(arena_printf(&a, "%s-%05d", "n", 42), "n-00042");
	arena_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_blocks_are_counted),
		cmocka_unit_test(aligned_blocks_are_aligned),
		cmocka_unit_test(size_zero_is_a_block),
		cmocka_unit_test(products_that_overflow_are_refused),
		cmocka_unit_test(the_nth_allocation_fails_and_the_next_does_not),
		cmocka_unit_test(times_makes_the_following_fail_too),
		cmocka_unit_test(a_failed_realloc_keeps_the_block),
		cmocka_unit_test(arena_blocks_are_zeroed_aligned_and_apart),
		cmocka_unit_test(arena_is_one_block_per_chunk),
		cmocka_unit_test(arena_says_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
