/* resize_dots.h -- dot products of four bytes with four weights (AVX-512 VNNI).
 *
 * A factor has 8 bits and a weight 23: a weight is three digits of base 256, each from -128 to 127,
 * and a sum is three dot products.
 *
 * Files that include this are compiled for such processors alone; resize.c asks before. */
#ifndef IMAGE_RESIZE_DOTS_H
#define IMAGE_RESIZE_DOTS_H

#include <immintrin.h>

#include "base/simd.h"
#include "data/image/resize.h"

#define TERMS  4                /* of a dot product                                             */
#define LANES  16               /* dot products at once                                         */

/* Where the terms of each lane lie among 64 bytes, and their weights' digits. */
struct step { uint32_t from[LANES], digit[3][LANES]; };

/* The digits of one place of up to four weights, a byte each. */
static inline uint32_t digits(const int32_t *w, int terms, int place)
{
	uint32_t word = 0;

	for (int k = 0; k < terms; k++)
		word |= ((((uint32_t)w[k] + 0x808080) >> 8 * place & 0xff) ^ 0x80) << 8 * k;
	return word;
}

/* Sums of products with the digits of each place. */
struct sums { __m512i of[3]; };

INLINE struct sums half(void)
{
	const __m512i none = _mm512_setzero_si512();

	return (struct sums){ { none, none, _mm512_set1_epi32(1 << (FRACTION - 1 - 16)) } };
}

INLINE void add(struct sums *s, __m512i bytes, const __m512i digit[3])
{
	for (int i = 0; i < 3; i++)
		s->of[i] = _mm512_dpbusd_epi32(s->of[i], bytes, digit[i]);
}

INLINE __m512i join(const struct sums *s)
{
	const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(s->of[2], 8), s->of[1]);

	return _mm512_add_epi32(_mm512_slli_epi32(upper, 8), s->of[0]);
}

INLINE __m512i whole(const struct sums *s)
{
	return _mm512_srli_epi32(join(s), FRACTION);
}

/* Output row y; it needs the own room's first dots_row_size bytes. */
void dots_down(struct resizing *z, int y, const uint8_t *from, uint8_t *out);

static inline size_t dots_row_size(const struct resizing *z)
{
	return resize_whole((size_t)z->across.n * (size_t)z->in->channels) + 3 * CHUNK;
}

#endif
