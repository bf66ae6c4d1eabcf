/* memory.c -- memory behind addresses that cannot be touched: each block is reserved address space
 * without access, and a block of the heap that has the numbers. */
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "compute/exec/staging/staging.h"

struct block {
	struct block  *next;
	unsigned char *address, *real;
	size_t         bytes;
};

struct staging_mem {
	struct mem      base;
	pthread_mutex_t lock;           /* guards blocks */
	struct block   *blocks;
};

static struct staging_mem *of(struct mem *m) { return (struct staging_mem *)m; }

static void block_free(struct block *b)
{
	if (!b)
		return;
	if (b->address)
		munmap(b->address, b->bytes);
	mem_free(b->real);
	mem_free(b);
}

static tt_status block_new(size_t bytes, struct block **out)
{
	struct block *b = mem_calloc(1, sizeof *b);
	void *address = MAP_FAILED;

	if (b && (b->real = mem_alloc_aligned(bytes))) {
		b->bytes = bytes;
		address = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	}
	if (address == MAP_FAILED) {
		block_free(b);
		return err_set(TT_ENOMEM, "staging: no memory for %zu bytes", bytes);
	}
	b->address = address;
	*out = b;
	return TT_OK;
}

static tt_status alloc(struct mem *m, size_t bytes, void **out)
{
	struct staging_mem *s = of(m);
	struct block *b;
	tt_status st = block_new(bytes ? bytes : 1, &b);

	if (st != TT_OK)
		return st;
	pthread_mutex_lock(&s->lock);
	b->next = s->blocks;
	s->blocks = b;
	pthread_mutex_unlock(&s->lock);
	*out = b->address;
	return TT_OK;
}

static void release(struct mem *m, void *p)
{
	struct staging_mem *s = of(m);
	struct block **at, *b;

	if (!p)
		return;
	pthread_mutex_lock(&s->lock);
	for (at = &s->blocks; *at && (*at)->address != p;)
		at = &(*at)->next;
	if ((b = *at))
		*at = b->next;
	pthread_mutex_unlock(&s->lock);
	block_free(b);
}

void *staging_mem_find(struct mem *m, const void *address)
{
	struct staging_mem *s = of(m);
	const unsigned char *p = address;
	void *real = NULL;

	pthread_mutex_lock(&s->lock);
	for (const struct block *b = s->blocks; b && !real; b = b->next)
		if (p >= b->address && p < b->address + b->bytes)
			real = b->real + (p - b->address);
	pthread_mutex_unlock(&s->lock);
	return real;
}

static tt_status find(struct mem *m, const void *address, void **real)
{
	*real = staging_mem_find(m, address);
	return *real ? TT_OK : err_set(TT_EINTERNAL, "staging: not an address of its memory");
}

static tt_status put(struct mem *m, void *to, const void *host, size_t bytes)
{
	void *real;
	tt_status st = find(m, to, &real);

	if (st == TT_OK)
		memcpy(real, host, bytes);
	return st;
}

static tt_status get(struct mem *m, void *host, const void *from, size_t bytes)
{
	void *real;
	tt_status st = find(m, from, &real);

	if (st == TT_OK)
		memcpy(host, real, bytes);
	return st;
}

static tt_status fill(struct mem *m, void *to, uint32_t word, size_t bytes)
{
	void *real;
	tt_status st = find(m, to, &real);

	return st == TT_OK ? host_mem.ops->fill(&host_mem, real, word, bytes) : st;
}

static const struct mem_ops ops = {
	.name = "staging", .alloc = alloc, .free = release, .put = put, .get = get, .fill = fill,
};

tt_status staging_mem_new(struct mem **out)
{
	struct staging_mem *s = mem_calloc(1, sizeof *s);

	if (!s)
		return TT_ENOMEM;
	s->base.ops = &ops;
	pthread_mutex_init(&s->lock, NULL);
	*out = &s->base;
	return TT_OK;
}

void staging_mem_free(struct mem **m)
{
	if (!*m)
		return;
	pthread_mutex_destroy(&of(*m)->lock);
	mem_free(*m);
	*m = NULL;
}
