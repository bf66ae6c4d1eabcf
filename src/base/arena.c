#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_MIN ((size_t)4 << 10)
#define CHUNK_MAX ((size_t)256 << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	_Alignas(16) unsigned char data[];
};

/* Chunks double, so a big tree costs few of them and a small one little memory.
 * A request above the chunk size gets a chunk of its own behind the head, whose
 * free rest stays in use. */
static struct arena_chunk *add_chunk(struct arena *a, size_t need)
{
	size_t size = a->head ? 2 * a->head->size : CHUNK_MIN;
	struct arena_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (need > size)
		size = need;
	if (size > PTRDIFF_MAX - sizeof *c)
		size = PTRDIFF_MAX - sizeof *c; /* too much: mem_calloc says so */
	if (!(c = mem_calloc(1, sizeof *c + size)))
		return NULL;
	c->size = size;
	if (a->head && size == need) {
		c->next = a->head->next;
		a->head->next = c;
	} else {
		c->next = a->head;
		a->head = c;
	}
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t need = size > SIZE_MAX - 16 ? SIZE_MAX - 15 : (size + 15) & ~(size_t)15;
	struct arena_chunk *c = a->head;

	if (need == 0)
		need = 16;
	if ((!c || c->size - c->used < need) && !(c = add_chunk(a, need)))
		return NULL;
	c->used += need;
	return c->data + c->used - need;
}

char *arena_strdup(struct arena *a, const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = arena_alloc(a, n);

	return p ? memcpy(p, s, n) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && (p = arena_alloc(a, (size_t)n + 1)))
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

void arena_release(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *c = a->head;

		a->head = c->next;
		mem_free(c);
	}
}
