#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"

#define HUGE_PAGE  ((size_t)2 << 20)
#define LARGE      ((size_t)1 << 30)    /* worth a look at what there is */
#define HEAP_ALIGN ((size_t)16)      /* malloc's */

/* The state of this file: counters for tests, and the program's allocator.  Allocations are
 * numbered from 1; those numbered fail_from <= i < fail_to fail. */
static _Atomic uint64_t count, fail_from, fail_to;
static _Atomic int64_t live;
static struct mem_allocator own;           /* alloc NULL: the C library's */

/* What this machine has; a request above it would be promised, and whoever uses it killed. */
static size_t machine_memory(void)
{
	static _Atomic size_t known;
	size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);

	if (!bytes) {
		bytes = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
		atomic_store_explicit(&known, bytes, memory_order_relaxed);
	}
	return bytes;
}

static void *no_memory(size_t size)
{
	if (size > LARGE && size > machine_memory())
		err_set(TT_ENOMEM, "out of memory: %zu bytes were asked for, this machine has %zu", size,
		        machine_memory());
	else
		err_set(TT_ENOMEM, "out of memory: %zu bytes were asked for", size);
	return NULL;
}

/* Whether this allocation may go on to the system's allocator. */
static int admit(size_t size)
{
	uint64_t i = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) + 1;

	return size <= PTRDIFF_MAX && (size <= LARGE || size <= machine_memory()) &&
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

/* ---- the program's allocator ---- */

/* It need not know of alignment, nor of sizes: what we give out begins behind this. */
struct head { void *base; size_t size; };

static struct head *head_of(void *p) { return (struct head *)p - 1; }

static void *own_alloc(size_t size, size_t align)
{
	const size_t extra = align + sizeof(struct head);
	unsigned char *base = size > SIZE_MAX - extra ? NULL : own.alloc(own.ctx, size + extra), *p;

	if (!base)
		return NULL;
	p = base + sizeof(struct head);
	p += (align - (uintptr_t)p % align) % align;
	*head_of(p) = (struct head){ base, size };
	return p;
}

static void *own_calloc(size_t size)
{
	void *p = own_alloc(size, HEAP_ALIGN);

	return p ? memset(p, 0, size) : NULL;
}

static void *own_realloc(void *p, size_t size)
{
	void *q = own_alloc(size, HEAP_ALIGN);

	if (!q)
		return NULL;
	memcpy(q, p, head_of(p)->size < size ? head_of(p)->size : size);
	own.free(own.ctx, head_of(p)->base);
	return q;
}

tt_status mem_use(const struct mem_allocator *a)
{
	if (a && own.alloc == a->alloc && own.free == a->free && own.ctx == a->ctx)
		return TT_OK;
	if (!a && !own.alloc)
		return TT_OK;
	if (mem_live() != 0)
		return err_set(TT_EINVAL, "the allocator cannot change: %lld blocks of the one so far are "
		               "in use", (long long)mem_live());
	own = a ? *a : (struct mem_allocator){0};
	return TT_OK;
}

/* ---- allocation ---- */

void *mem_alloc(size_t size)
{
	if (!admit(size))
		return no_memory(size);
	return given(own.alloc ? own_alloc(size, HEAP_ALIGN) : malloc(size ? size : 1), size);
}

void *mem_calloc(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		all = SIZE_MAX;                 /* admit refuses it */
	if (!admit(all))
		return no_memory(all);
	return given(own.alloc ? own_calloc(all) : calloc(1, all ? all : 1), all);
}

void *mem_realloc(void *p, size_t size)
{
	void *q;

	if (!p)
		return mem_alloc(size);
	if (!admit(size))
		return no_memory(size);
	q = own.alloc ? own_realloc(p, size) : realloc(p, size ? size : 1);
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
	if (!admit(up))
		return no_memory(size);
	if (own.alloc)
		return given(own_alloc(size, MEM_ALIGN), size);
	p = given(aligned_alloc(align, up ? up : align), size);
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
	if (own.alloc)
		own.free(own.ctx, head_of(p)->base);
	else
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
