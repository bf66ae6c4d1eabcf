/* process.c -- the number is kept on a page that the kernel empties in the child of a fork. */
#include "sys/process.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* On a page of its own, mapped for good; NULL: not yet. */
static _Atomic(atomic_int *) kept;

/* NULL where the kernel (before 4.14) cannot do that, or there is no memory. */
static atomic_int *map_page(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	atomic_int *none = NULL, *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, size, MADV_WIPEONFORK) != 0) {
		munmap(page, size);
		return NULL;
	}
	if (!atomic_compare_exchange_strong(&kept, &none, page)) {
		munmap(page, size);
		return none;                /* another thread's */
	}
	return page;
}

int process_id(void)
{
	atomic_int *page = atomic_load_explicit(&kept, memory_order_acquire);
	int id = page ? atomic_load_explicit(page, memory_order_relaxed) : 0;

	if (id)
		return id;
	id = (int)getpid();
	if (page || (page = map_page()))
		atomic_store_explicit(page, id, memory_order_relaxed);
	return id;
}
