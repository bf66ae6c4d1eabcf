#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"

#define HUGE_PAGE ((size_t)2 << 20)

/* The one state of this file: counters for tests.  Allocations are numbered from
 * 1; those numbered fail_from <= i < fail_to fail. */
static _Atomic uint64_t count, fail_from, fail_to;
static _Atomic int64_t live;

static void *no_memory(size_t size)
{
	err_set(TT_ENOMEM, "out of memory: %zu bytes were asked for", size);
	return NULL;
}

/* Whether this allocation may go on to the system's allocator. */
static int admit(size_t size)
{
	uint64_t i = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;

	return size <= PTRDIFF_MAX &&
	       !(i >= atomic_load_explicit(&fail_from, memory_order_relaxed) &&
	         i < atomic_load_explicit(&fail_to, memory_order_relaxed));
}

static void *given(void *p, size_t size)
{
	if (!p)
		return no_memory(size);
	atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
	return p;
}

void *mem_alloc(size_t size)
{
	return given(admit(size) ? malloc(size ? size : 1) : NULL, size);
}

void *mem_calloc(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		all = SIZE_MAX;                 /* admit refuses it */
	return given(admit(all) ? calloc(1, all ? all : 1) : NULL, all);
}

void *mem_realloc(void *p, size_t size)
{
	void *q;

	if (!p)
		return mem_alloc(size);
	q = admit(size) ? realloc(p, size ? size : 1) : NULL;
	return q ? q : no_memory(size);
}

/* Large blocks begin on a huge page and ask for more of them: kernels that jump from row to row
 * miss the address cache with small ones.  A system that has none to give changes nothing. */
void *mem_alloc_aligned(size_t size)
{
	size_t align = size >= HUGE_PAGE ? HUGE_PAGE : MEM_ALIGN;
	size_t up = (size + align - 1) & ~(align - 1);
	void *p;

	if (up < size)
		up = SIZE_MAX;                  /* wrapped round: admit refuses it */
	p = given(admit(up) ? aligned_alloc(align, up ? up : align) : NULL, size);
	if (p && align == HUGE_PAGE)
		(void)madvise(p, up, MADV_HUGEPAGE);
	return p;
}

char *mem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = mem_alloc(n);

	return p ? memcpy(p, s, n) : NULL;
}

void mem_free(void *p)
{
	if (!p)
		return;
	atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
	free(p);
}

uint64_t mem_count(void)
{
	return atomic_load(&count);
}

int64_t mem_live(void)
{
	return atomic_load(&live);
}

void mem_fail_at(uint64_t n, uint64_t times)
{
	uint64_t from = n ? atomic_load(&count) + n : 0;
	uint64_t to = times > UINT64_MAX - from ? UINT64_MAX : from + (times ? times : 1);

	atomic_store(&fail_to, 0);              /* never an old end with a new start */
	atomic_store(&fail_from, from);
	atomic_store(&fail_to, n ? to : 0);
}
