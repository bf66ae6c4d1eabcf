/* mem.h -- the one door to the heap.
 *
 * All of tutti allocates here, so that a program can bring its own allocator and a
 * test can count allocations and make the n-th one fail.  Thread-safe.  Every
 * failing call sets TT_ENOMEM's text. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MEM_ALIGN 64            /* of mem_alloc_aligned: a cache line, an AVX-512 vector */

void *mem_alloc(size_t size);                     /* NULL on failure; size 0 is 1        */
void *mem_calloc(size_t n, size_t size);          /* zeroed; checks the product          */
void *mem_realloc(void *p, size_t size);          /* p stays valid on failure            */
void *mem_alloc_aligned(size_t size);             /* MEM_ALIGN; freed by mem_free as well */
char *mem_strdup(const char *s);
void  mem_free(void *p);                          /* NULL is fine                        */

/* Where memory comes from; alloc gives blocks, aligned or not, or NULL.  NULL: the C library.
 * TT_EINVAL while blocks are in use.  Not while another thread is at work. */
struct mem_allocator {
	void *(*alloc)(void *ctx, size_t bytes);
	void  (*free)(void *ctx, void *p);
	void   *ctx;
};
tt_status mem_use(const struct mem_allocator *a);

/* For tests.  mem_count: allocations so far in this process.  mem_fail_at(n):
 * the n-th allocation from now fails, and with `times` > 1 the ones after it;
 * n = 0 switches this off.  mem_live: blocks not yet freed. */
uint64_t mem_count(void);
int64_t  mem_live(void);
void     mem_fail_at(uint64_t n, uint64_t times);

#endif
