/* mem.h -- the memory of a device, as a port.
 *
 * A memory gives blocks and copies between them and the host's.  What it gives is a device's own
 * address: one may add an offset within the block to it and hand it to that device's kernels, but
 * only the copies here may be told to read or write it.  The host's memory is one of them.
 *
 * All functions block until the work is done, and are safe from any thread.  Copies inside a memory
 * are work of its device: kernels. */
#ifndef TENSOR_MEM_H
#define TENSOR_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mem { const struct mem_ops *ops; };      /* implementations embed it first */

struct mem_ops {
	const char *name;
	/* *out: owned, aligned for every kernel, not cleared; TT_ENOMEM with a text. */
	tt_status (*alloc)(struct mem *m, size_t bytes, void **out);
	void      (*free)(struct mem *m, void *p);                       /* NULL is fine */
	tt_status (*put)(struct mem *m, void *to, const void *host, size_t bytes);
	tt_status (*get)(struct mem *m, void *host, const void *from, size_t bytes);
	/* The same 32 bits everywhere; bytes is a multiple of 4. */
	tt_status (*fill)(struct mem *m, void *to, uint32_t word, size_t bytes);
};

/* base/mem.h's heap. */
extern struct mem host_mem;

#endif
