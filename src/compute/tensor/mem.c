/* mem.c -- the host's memory. */
#include "compute/tensor/mem.h"

#include <string.h>

#include "base/mem.h"

static tt_status host_alloc(struct mem *m, size_t bytes, void **out)
{
	void *p = mem_alloc_aligned(bytes);

	(void)m;
	if (!p)
		return TT_ENOMEM;
	*out = p;
	return TT_OK;
}

static void host_free(struct mem *m, void *p)
{
	(void)m;
	mem_free(p);
}

static tt_status host_put(struct mem *m, void *to, const void *host, size_t bytes)
{
	(void)m;
	memcpy(to, host, bytes);
	return TT_OK;
}

static tt_status host_get(struct mem *m, void *host, const void *from, size_t bytes)
{
	(void)m;
	memcpy(host, from, bytes);
	return TT_OK;
}

static tt_status host_fill(struct mem *m, void *to, uint32_t word, size_t bytes)
{
	uint32_t *w = to;

	(void)m;
	for (size_t i = 0; i < bytes / sizeof *w; i++)
		w[i] = word;
	return TT_OK;
}

static const struct mem_ops host_ops = {
	.name = "host", .alloc = host_alloc, .free = host_free, .put = host_put, .get = host_get,
	.fill = host_fill,
};

struct mem host_mem = { .ops = &host_ops };
