/* arena.h -- many small objects that die together.
 *
 *   arena --> [chunk] -> [chunk] -> ...      each chunk: header | used | free
 *
 * Caller's storage: zero-initialise, use, arena_release.  Single-threaded. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena { struct arena_chunk *head; };

void *arena_alloc(struct arena *a, size_t size);              /* zeroed, 16-aligned, or NULL */
char *arena_strdup(struct arena *a, const char *s);           /* NULL on no memory           */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void  arena_release(struct arena *a);                         /* empty is fine               */

#endif
