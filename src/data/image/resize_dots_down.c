/* Down, 64 output bytes at once: dot products of four rows whose bytes are laced. */
#include "data/image/resize_dots.h"

#include <string.h>

/* Four bytes of four rows, one of each, to a lane: vectors of bytes 0-3, 4-7, 8-11, 12-15 of every
 * 16. */
INLINE void lace(const __m512i row[TERMS], __m512i out[4])
{
	const __m512i a = _mm512_unpacklo_epi8(row[0], row[1]);
	const __m512i b = _mm512_unpackhi_epi8(row[0], row[1]);
	const __m512i c = _mm512_unpacklo_epi8(row[2], row[3]);
	const __m512i d = _mm512_unpackhi_epi8(row[2], row[3]);

	out[0] = _mm512_unpacklo_epi16(a, c);
	out[1] = _mm512_unpackhi_epi16(a, c);
	out[2] = _mm512_unpacklo_epi16(b, d);
	out[3] = _mm512_unpackhi_epi16(b, d);
}

INLINE void put_laced(const struct sums s[4], uint8_t *out)
{
	const __m512i low = _mm512_packus_epi32(whole(&s[0]), whole(&s[1]));
	const __m512i high = _mm512_packus_epi32(whole(&s[2]), whole(&s[3]));

	_mm512_store_si512(out, _mm512_packus_epi16(low, high));
}

/* 64 bytes of `count` rows to one. */
INLINE void chunk_down(const uint8_t *from, size_t stride, const int32_t *w, int count, int groups,
                       uint8_t *restrict out)
{
	struct sums sum[4] = { half(), half(), half(), half() };

	for (int g = 0; g < groups; g++) {
		const int left = count - g * TERMS, terms = left < TERMS ? left : TERMS;
		__m512i row[TERMS], laced[4], digit[3];

		for (int k = 0; k < TERMS; k++)         /* what is not there has no weight */
			row[k] = _mm512_load_si512(from + (size_t)(g * TERMS + (k < terms ? k : 0)) * stride);
		for (int i = 0; i < 3; i++)
			digit[i] = _mm512_set1_epi32((int)digits(w + g * TERMS, terms, i));
		lace(row, laced);
		for (int i = 0; i < 4; i++)
			add(&sum[i], laced[i], digit);
	}
	put_laced(sum, out);
}

INLINE void row_down(const uint8_t *from, size_t stride, const int32_t *w, int count, int groups,
                     uint8_t *restrict out)
{
	for (size_t x = 0; x < stride; x += CHUNK)
		chunk_down(from + x, stride, w, count, groups, out + x);
}

/* 64 pixels at a time, of channel `first` of three. */
INLINE void to_plane(const uint8_t *row, size_t w, int first, uint8_t *out)
{
	uint8_t at[CHUNK];
	__m512i from;
	__mmask64 third;

	for (int i = 0; i < CHUNK; i++)
		at[i] = (uint8_t)(3 * i + first);
	from = _mm512_loadu_si512(at);
	third = _mm512_movepi8_mask(from);              /* 128 and above: of the third vector */
	for (size_t x = 0; x < w; x += CHUNK, row += 3 * CHUNK) {
		const __m512i a = _mm512_load_si512(row), b = _mm512_load_si512(row + CHUNK);
		const __m512i c = _mm512_load_si512(row + 2 * CHUNK);
		const __m512i two = _mm512_permutex2var_epi8(a, from, b);
		const __mmask64 some = w - x < CHUNK ? ((__mmask64)1 << (w - x)) - 1 : ~(__mmask64)0;

		_mm512_mask_storeu_epi8(out + x, some, _mm512_mask_permutexvar_epi8(two, third, from, c));
	}
}

void dots_down(struct resizing *z, int y, const uint8_t *from, uint8_t *out)
{
	const size_t w = (size_t)z->across.n, plane = w * (size_t)z->down.n, stride = z->band.stride;
	const int32_t *weight = z->down.weight + (size_t)y * (size_t)z->down.most;
	const int count = z->down.count[y], groups = (count + TERMS - 1) / TERMS;
	uint8_t *row = z->p;

	switch (groups) {
	case 1:  row_down(from, stride, weight, count, 1, row); break;
	case 2:  row_down(from, stride, weight, count, 2, row); break;
	default: row_down(from, stride, weight, count, groups, row); break;
	}
	out += (size_t)y * w;
	if (z->in->channels == 1)
		memcpy(out, row, w);
	else
		for (int c = 0; c < 3; c++)
			to_plane(row, w, c, out + (size_t)c * plane);
}
