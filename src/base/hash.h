/* hash.h -- FNV-1a: bytes to a number that tells them apart, where nobody means harm. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_BEGIN   UINT64_C(0xcbf29ce484222325)
#define HASH_BEGIN32 UINT32_C(0x811c9dc5)

/* Go on from h with n more bytes; the first ones from HASH_BEGIN, or from HASH_BEGIN32. */
static inline uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
	for (const unsigned char *c = p, *end = c + n; c < end; c++)
		h = (h ^ *c) * UINT64_C(0x100000001b3);
	return h;
}

static inline uint32_t hash_bytes32(uint32_t h, const void *p, size_t n)
{
	for (const unsigned char *c = p, *end = c + n; c < end; c++)
		h = (h ^ *c) * UINT32_C(0x01000193);
	return h;
}

static inline uint64_t hash_text(const char *s) { return hash_bytes(HASH_BEGIN, s, strlen(s)); }

#endif
