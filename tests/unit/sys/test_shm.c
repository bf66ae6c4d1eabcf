/* Blocks of memory that another process finds by their addresses and reads in place. */
#include "sys/shm.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "support/support.h"

#define FLOATS 100000

/* A child that has these blocks, and waits. */
struct other { pid_t pid; struct shm a, b; float *plain; };

static struct other begin(void)
{
	struct other o = { 0 };
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	assert_ok(shm_alloc(&o.a, FLOATS * sizeof(float)));
	assert_ok(shm_alloc(&o.b, 1));
	o.plain = mem_alloc_aligned(FLOATS * sizeof(float));
	if ((o.pid = fork()) == 0) {
		for (int i = 0; i < FLOATS; i++)
			((float *)o.a.p)[i] = (float)i;
		((float *)o.b.p)[0] = 7;
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_true(o.pid > 0);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return o;
}

static void end(struct other *o)
{
	kill(o->pid, SIGKILL);
	waitpid(o->pid, NULL, 0);
	shm_free(&o->a);
	shm_free(&o->b);
	mem_free(o->plain);
}

static void a_block_is_found_from_any_place_in_it(void **state)
{
	static const int places[] = { 0, 1, FLOATS / 2, FLOATS - 1 };
	struct other o = begin();
	struct shm_view v;

	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const char *at = (const char *)((float *)o.a.p + places[i]);

		shm_map(o.pid, at, &v);
		assert_non_null(v.here);
		assert_ptr_equal(v.lo, o.a.p);
		assert_true(v.hi >= (const char *)((float *)o.a.p + FLOATS));
		assert_true(*(const float *)(v.here + (at - v.lo)) == (float)places[i]);
		shm_unmap(&v);
	}
	shm_map(o.pid, o.b.p, &v);
	assert_true(*(const float *)v.here == 7);
	shm_unmap(&v);
	end(&o);
}

static void what_its_owner_writes_is_seen_and_outlives_it(void **state)
{
	struct other o = begin();
	struct shm_view v;

	(void)state;
	shm_map(o.pid, o.a.p, &v);
	((float *)o.a.p)[5] = -1;               /* the same pages, on this side of the fork */
	assert_true(((const float *)v.here)[5] == -1);
	end(&o);
	assert_true(((const float *)v.here)[FLOATS - 1] == FLOATS - 1);
	shm_unmap(&v);
}

static void other_memory_is_not(void **state)
{
	struct other o = begin();
	struct shm_view v;

	(void)state;
	shm_map(o.pid, o.plain + 17, &v);
	assert_null(v.here);
	assert_true(v.lo <= (char *)(o.plain + 17) && v.hi > (char *)(o.plain + 17));
	shm_map(o.pid, NULL, &v);            /* nothing lies there */
	assert_null(v.here);
	shm_unmap(&v);
	end(&o);
	shm_map(o.pid, o.plain, &v);         /* nobody is there */
	assert_null(v.here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_found_from_any_place_in_it),
		cmocka_unit_test(what_its_owner_writes_is_seen_and_outlives_it),
		cmocka_unit_test(other_memory_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
