/* Memories of devices: what was put there comes back, by the port's functions alone. */
#include "compute/tensor/mem.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/staging/staging.h"
#include "support/support.h"

static struct mem *memories[] = { &host_mem, NULL };
#define MEMORIES (sizeof memories / sizeof *memories)

static int open_memories(void **state)
{
	(void)state;
	return staging_mem_new(&memories[1]) == TT_OK ? 0 : -1;
}

static int close_memories(void **state)
{
	(void)state;
	staging_mem_free(&memories[1]);
	return 0;
}

static void numbers_come_back_as_they_were_put(void **state)
{
	const char text[] = "a block of one memory";
	char back[sizeof text];
	char *block;
	(void)state;

	for (size_t i = 0; i < MEMORIES; i++) {
		struct mem *m = memories[i];

		assert_ok(m->ops->alloc(m, 3 * sizeof text, (void **)&block));
		assert_int_equal((uintptr_t)block % MEM_ALIGN, 0);
		assert_ok(m->ops->put(m, block + sizeof text, text, sizeof text));
		memset(back, 0, sizeof back);
		assert_ok(m->ops->get(m, back, block + sizeof text, sizeof text));
		assert_string_equal(back, text);
		m->ops->free(m, block);
		m->ops->free(m, NULL);
	}
}

static void fill_writes_a_word_everywhere(void **state)
{
	uint32_t back[4];
	void *block;
	(void)state;

	for (size_t i = 0; i < MEMORIES; i++) {
		struct mem *m = memories[i];

		assert_ok(m->ops->alloc(m, sizeof back, &block));
		assert_ok(m->ops->fill(m, block, 1, sizeof back));
		assert_ok(m->ops->fill(m, block, 0x3f003f00u, sizeof back - 4));
		assert_ok(m->ops->get(m, back, block, sizeof back));
		for (int w = 0; w < 4; w++)
			assert_int_equal(back[w], w < 3 ? 0x3f003f00u : 1);
		m->ops->free(m, block);
	}
}

static void no_memory_is_an_error(void **state)
{
	void *block = NULL;
	(void)state;

	for (size_t i = 0; i < MEMORIES; i++) {
		mem_fail_at(1, 1);
		assert_status(memories[i]->ops->alloc(memories[i], 8, &block), TT_ENOMEM);
		mem_fail_at(0, 0);
		assert_null(block);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_back_as_they_were_put),
		cmocka_unit_test(fill_writes_a_word_everywhere),
		cmocka_unit_test(no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, open_memories, close_memories);
}
