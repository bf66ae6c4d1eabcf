/* Resizing by dot products of four bytes with four weights (AVX-512 VNNI), on pixels as they lie:
 *
 *   across   16 output bytes at once: a permutation (VBMI) of 64 or 128 bytes brings each its
 *            four; fewer at once where the picture shrinks so much that these lie farther apart
 *   down     64 output bytes at once, of four rows whose bytes are laced
 *
 * A factor has 8 bits and a weight 23: a weight is three digits of base 256, each from -128 to 127,
 * a sum is three dot products.  More than four terms are several groups of four.
 *
 * This file alone is compiled for such processors; resize.c asks before. */
#include "data/image/resize.h"

#include <immintrin.h>
#include <string.h>

#include "base/simd.h"

#define TERMS  4                /* of a dot product                                             */
#define LANES  16               /* dot products at once                                         */
#define CACHE  (24 << 10)       /* of the first level, for rows that go across together         */
#define ENOUGH 12               /* lanes; with fewer, each has its terms of two vectors         */

/* Where the terms of each lane lie among 64 bytes, and their weights' digits. */
struct step { uint32_t from[LANES], digit[3][LANES]; };

/* The own room: */
static struct step *steps(const struct resizing *z) { return (struct step *)z->p; }

static int n_steps(const struct resizing *z) { return z->dots.blocks * z->dots.groups; }

static int32_t *bases(const struct resizing *z) { return (int32_t *)(steps(z) + n_steps(z)); }

static size_t bases_size(const struct resizing *z)
{
	return resize_whole((size_t)n_steps(z) * sizeof(int32_t));
}

static uint8_t *row_of(const struct resizing *z) { return (uint8_t *)bases(z) + bases_size(z); }

static size_t row_bytes(const struct taps *t, const struct raster *r)
{
	return (size_t)t->n * (size_t)r->channels;
}

/* ---- the plan ---- */

/* Are the terms of `lanes` lanes never farther apart than `span` bytes? */
static int fits(const struct resizing *z, int lanes, int span)
{
	const int c = z->in->channels, all = z->across.n * c;

	for (int o = 0; o < all; o += lanes) {
		const int last = (o + lanes < all ? o + lanes : all) - 1;

		if ((z->across.first[last / c] - z->across.first[o / c] + TERMS) * c > span)
			return 0;
	}
	return 1;
}

static int most_lanes(const struct resizing *z, int span)
{
	int lanes = z->in->w * z->in->channels < span ? 0 : LANES;

	while (lanes > 0 && !fits(z, lanes, span))
		lanes--;
	return lanes;
}

static int groups_of(const struct taps *t)
{
	int most = 0;

	for (int i = 0; i < t->n; i++)
		most = t->count[i] > most ? t->count[i] : most;
	return (most + TERMS - 1) / TERMS;
}

static int plan(struct resizing *z)
{
	const size_t row = row_bytes(&z->across, z->in);
	const int narrow = most_lanes(z, CHUNK), wide = narrow < ENOUGH ? most_lanes(z, 2 * CHUNK) : 0;
	const int lanes = wide > narrow ? wide : narrow;

	if (lanes == 0)
		return 0;
	z->dots.lanes = lanes;
	z->dots.span = wide > narrow ? 2 * CHUNK : CHUNK;
	z->dots.blocks = ((int)row + lanes - 1) / lanes;
	z->dots.groups = groups_of(&z->across);
	z->at_once = CACHE / (z->in->w * z->in->channels);
	z->at_once = z->at_once < 2 ? 2 : z->at_once > 16 ? 16 : z->at_once;
	z->band.stride = resize_whole(row + LANES);
	z->own = (size_t)n_steps(z) * sizeof(struct step) + bases_size(z) + resize_whole(row) +
	         3 * CHUNK;
	return 1;
}

/* The digits of one place of up to four weights, a byte each. */
static uint32_t digits(const int32_t *w, int terms, int place)
{
	uint32_t word = 0;

	for (int k = 0; k < terms; k++)
		word |= ((((uint32_t)w[k] + 0x808080) >> 8 * place & 0xff) ^ 0x80) << 8 * k;
	return word;
}

/* Group g of output pixel x, whose bytes are lanes of one block or two. */
static void lay_pixel(struct resizing *z, int x, int g)
{
	const struct taps *t = &z->across;
	const int c = z->in->channels, row = z->in->w * c, lanes = z->dots.lanes;
	const int left = t->count[x] - TERMS * g, terms = left < TERMS ? left : TERMS;
	const int32_t *w = t->weight + (size_t)x * (size_t)t->most + TERMS * g;
	const uint32_t d[3] = { digits(w, terms, 0), digits(w, terms, 1), digits(w, terms, 2) };

	for (int o = x * c; o < (x + 1) * c; o++) {
		const int b = o / lanes, lane = o % lanes, at = b * z->dots.groups + g;
		const int wanted = (t->first[b * lanes / c] + TERMS * g) * c;
		const int base = wanted < row - z->dots.span ? wanted : row - z->dots.span;
		struct step *s = steps(z) + at;

		bases(z)[at] = base;
		if (terms <= 0)
			continue;
		s->from[lane] = (uint32_t)((t->first[x] + TERMS * g) * c + o % c - base) * 0x01010101u +
		                (uint32_t)c * 0x03020100u;
		for (int i = 0; i < 3; i++)
			s->digit[i][lane] = d[i];
	}
}

static void begin(struct resizing *z)
{
	for (int x = 0; x < z->across.n; x++)
		for (int g = 0; g < z->dots.groups; g++)
			lay_pixel(z, x, g);
}

/* ---- sums ---- */

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

INLINE __m512i whole(const struct sums *s)
{
	const __m512i upper = _mm512_add_epi32(_mm512_slli_epi32(s->of[2], 8), s->of[1]);
	const __m512i sum = _mm512_add_epi32(_mm512_slli_epi32(upper, 8), s->of[0]);

	return _mm512_srli_epi32(sum, FRACTION);
}

/* ---- across ---- */

/* Rows that go across together. */
struct strip { const uint8_t *in; uint8_t *to; int rows; };

INLINE __m512i pick(const uint8_t *in, __m512i from, int span)
{
	const __m512i low = _mm512_loadu_si512(in);

	return span == CHUNK ? _mm512_permutexvar_epi8(from, low)
	                     : _mm512_permutex2var_epi8(low, from, _mm512_loadu_si512(in + CHUNK));
}

INLINE void block_across(const struct resizing *z, int b, struct strip p, int groups, int span)
{
	const size_t stride = (size_t)z->in->w * (size_t)z->in->channels;
	const struct step *s = steps(z) + b * groups;
	const int32_t *base = bases(z) + b * groups;

	for (int i = 0; i < p.rows; i++, p.in += stride, p.to += z->band.stride) {
		struct sums sum = half();

		for (int g = 0; g < groups; g++) {
			const __m512i from = _mm512_load_si512(s[g].from);
			const __m512i digit[3] = { _mm512_load_si512(s[g].digit[0]),
			                           _mm512_load_si512(s[g].digit[1]),
			                           _mm512_load_si512(s[g].digit[2]) };

			add(&sum, pick(p.in + base[g], from, span), digit);
		}
		_mm_storeu_si128((void *)p.to, _mm512_cvtusepi32_epi8(whole(&sum)));
	}
}

/* Lanes beyond a block's last are the next block's, which follows. */
static void across(struct resizing *z, int y, int rows, uint8_t *to)
{
	const uint8_t *in = z->in->p + (size_t)y * (size_t)z->in->w * (size_t)z->in->channels;
	const int groups = z->dots.groups;

	for (int b = 0; b < z->dots.blocks; b++, to += z->dots.lanes) {
		const struct strip p = { in, to, rows };

		if (z->dots.span > CHUNK)
			block_across(z, b, p, groups, 2 * CHUNK);
		else if (groups == 1)
			block_across(z, b, p, 1, CHUNK);
		else if (groups == 2)
			block_across(z, b, p, 2, CHUNK);
		else
			block_across(z, b, p, groups, CHUNK);
	}
}

/* ---- down ---- */

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

static void down(struct resizing *z, int y, const uint8_t *from, uint8_t *out)
{
	const size_t w = (size_t)z->across.n, plane = w * (size_t)z->down.n, stride = z->band.stride;
	const int32_t *weight = z->down.weight + (size_t)y * (size_t)z->down.most;
	const int count = z->down.count[y], groups = (count + TERMS - 1) / TERMS;
	uint8_t *row = row_of(z);

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

const struct resize_way resize_dots = { "dots", plan, begin, across, down };
