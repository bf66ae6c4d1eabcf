/* Across where RGB shrinks so much that terms of neighbours lie far apart: a vector of 64 bytes has
 * 20 terms of one pixel, as five dot products for each of its three colours, which are added up for
 * four rows at once. */
#include "data/image/resize_dots.h"

#include <string.h>

#define PARTS  5                        /* dot products of one colour in a vector               */
#define COLOURS 3
#define ROWS   4                        /* that are added up together                           */
#define FAR    9                        /* times smaller: from here on faster than resize_dots  */
#define PIXELS (PARTS * TERMS)          /* terms of a vector                                    */

/* Lanes of a vector: part * COLOURS + colour; the last one is idle and nothing. */

/* ---- the plan ---- */

static struct step *steps(const struct resizing *z)
{
	return (struct step *)(z->p + dots_row_size(z));
}

static int32_t *bases(const struct resizing *z)
{
	return (int32_t *)(steps(z) + (size_t)z->dots.blocks * (size_t)z->dots.groups);
}

/* Sums of ROWS rows, pixel by pixel: four bytes of each row. */
static uint8_t *pixels_of(const struct resizing *z)
{
	return (uint8_t *)bases(z) +
	       resize_whole((size_t)z->dots.blocks * (size_t)z->dots.groups * sizeof(int32_t));
}

static int plan(struct resizing *z)
{
	const size_t n = (size_t)z->across.n;
	int most = 0;

	if (z->in->channels != COLOURS || z->in->w < FAR * z->across.n || z->in->w * COLOURS < CHUNK)
		return 0;
	for (int x = 0; x < z->across.n; x++)
		most = z->across.count[x] > most ? z->across.count[x] : most;
	z->dots.blocks = z->across.n;
	z->dots.groups = (most + PIXELS - 1) / PIXELS;
	z->at_once = 2 * ROWS;
	z->band.stride = resize_whole(n * COLOURS + LANES);
	z->own = dots_row_size(z) + n * (size_t)z->dots.groups * sizeof(struct step) +
	         resize_whole(n * (size_t)z->dots.groups * sizeof(int32_t)) +
	         resize_whole(n * ROWS * 4 + CHUNK);
	return 1;
}

/* Vector v of output pixel x. */
static void lay_vector(struct resizing *z, int x, int v)
{
	const struct taps *t = &z->across;
	const int row = z->in->w * COLOURS, at = x * z->dots.groups + v;
	const int wanted = (t->first[x] + PIXELS * v) * COLOURS;
	const int base = wanted < row - CHUNK ? wanted : row - CHUNK;
	struct step *s = steps(z) + at;

	bases(z)[at] = base;
	for (int lane = 0; lane < PARTS * COLOURS; lane++) {
		const int k = PIXELS * v + lane / COLOURS * TERMS, left = t->count[x] - k;
		const int terms = left < TERMS ? left : TERMS;
		const int32_t *w = t->weight + (size_t)x * (size_t)t->most + k;

		s->from[lane] = (uint32_t)((t->first[x] + k) * COLOURS + lane % COLOURS - base) *
		                0x01010101u + COLOURS * 0x03020100u;
		for (int i = 0; i < 3; i++)
			s->digit[i][lane] = terms > 0 ? digits(w, terms, i) : 0;
	}
}

static void begin(struct resizing *z)
{
	for (int x = 0; x < z->across.n; x++)
		for (int v = 0; v < z->dots.groups; v++)
			lay_vector(z, x, v);
}

/* ---- sums ---- */

/* Lanes of two vectors, the second's from 16 on.  Of two rows: parts two by two, then the fifth;
 * what is left are two parts of each, eight lanes apart; of these the first, then the second. */
static const int32_t two_rows[3][LANES] = {
	{ 0, 1, 2, 3, 4, 5, 15, 15, 16, 17, 18, 19, 20, 21, 15, 15 },
	{ 6, 7, 8, 9, 10, 11, 15, 15, 22, 23, 24, 25, 26, 27, 15, 15 },
	{ 12, 13, 14, 15, 15, 15, 15, 15, 28, 29, 30, 15, 15, 15, 15, 15 },
};
static const int32_t four_rows[2][LANES] = {
	{ 0, 1, 2, 6, 8, 9, 10, 14, 16, 17, 18, 22, 24, 25, 26, 30 },
	{ 3, 4, 5, 7, 11, 12, 13, 15, 19, 20, 21, 23, 27, 28, 29, 31 },
};

struct order { __m512i two[3], four[2]; };

INLINE __m512i add_two(__m512i a, __m512i b, const struct order *o)
{
	const __m512i first = _mm512_permutex2var_epi32(a, o->two[0], b);
	const __m512i second = _mm512_permutex2var_epi32(a, o->two[1], b);

	return _mm512_add_epi32(_mm512_add_epi32(first, second),
	                        _mm512_permutex2var_epi32(a, o->two[2], b));
}

/* Four bytes of each row, the last of them idle. */
INLINE __m128i add_parts(const __m512i row[ROWS], const struct order *o)
{
	const __m512i a = add_two(row[0], row[1], o), b = add_two(row[2], row[3], o);
	const __m512i sum = _mm512_add_epi32(_mm512_permutex2var_epi32(a, o->four[0], b),
	                                     _mm512_permutex2var_epi32(a, o->four[1], b));
	const __m512i half_more = _mm512_add_epi32(sum, _mm512_set1_epi32(1 << (FRACTION - 1)));

	return _mm512_cvtusepi32_epi8(_mm512_srli_epi32(half_more, FRACTION));
}

/* One pixel of ROWS rows. */
INLINE __m128i pixel(const uint8_t *const in[ROWS], const struct step *s, const int32_t *base,
                     int vectors, const struct order *o)
{
	struct sums sum[ROWS] = { 0 };
	__m512i row[ROWS];

	for (int v = 0; v < vectors; v++) {
		const __m512i from = _mm512_load_si512(s[v].from);
		const __m512i digit[3] = { _mm512_load_si512(s[v].digit[0]),
		                           _mm512_load_si512(s[v].digit[1]),
		                           _mm512_load_si512(s[v].digit[2]) };

		for (int i = 0; i < ROWS; i++)
			add(&sum[i], _mm512_permutexvar_epi8(from, _mm512_loadu_si512(in[i] + base[v])), digit);
	}
	for (int i = 0; i < ROWS; i++)
		row[i] = join(&sum[i]);
	return add_parts(row, o);
}

/* ---- across ---- */

INLINE void row_of_pixels(const struct resizing *z, const uint8_t *const in[ROWS], int vectors,
                          uint8_t *out)
{
	struct order o;

	for (int i = 0; i < 3; i++)
		o.two[i] = _mm512_loadu_si512(two_rows[i]);
	for (int i = 0; i < 2; i++)
		o.four[i] = _mm512_loadu_si512(four_rows[i]);
	for (int x = 0; x < z->across.n; x++)
		_mm_store_si128((void *)(out + (size_t)x * LANES),
		                pixel(in, steps(z) + (size_t)x * (size_t)vectors,
		                      bases(z) + (size_t)x * (size_t)vectors, vectors, &o));
}

/* in[x][ROWS][4] to `rows` rows [x][3]: four pixels at a time; what is beyond the last is idle. */
static void to_rows(const uint8_t *in, int n, int rows, size_t stride, uint8_t *to)
{
	uint8_t at[CHUNK];
	__m512i from;

	for (int i = 0; i < CHUNK; i++)
		at[i] = (uint8_t)(i % LANES / 3 % 4 * LANES + i / LANES * 4 + i % LANES % 3);
	from = _mm512_loadu_si512(at);
	for (int x = 0; x < n; x += 4, in += CHUNK) {
		_Alignas(CHUNK) uint8_t four[CHUNK];

		_mm512_store_si512(four, _mm512_permutexvar_epi8(from, _mm512_load_si512(in)));
		for (int i = 0; i < rows; i++)
			memcpy(to + (size_t)i * stride + 3 * (size_t)x, four + i * LANES, LANES);
	}
}

static void across(struct resizing *z, int y, int rows, uint8_t *to)
{
	const size_t stride = (size_t)z->in->w * COLOURS;

	for (int i = 0; i < rows; i += ROWS, to += ROWS * z->band.stride) {
		const int here = rows - i < ROWS ? rows - i : ROWS;
		const uint8_t *in[ROWS];

		for (int k = 0; k < ROWS; k++)          /* what is not there is not looked at */
			in[k] = z->in->p + (size_t)(y + i + (k < here ? k : 0)) * stride;
		switch (z->dots.groups) {
		case 1:  row_of_pixels(z, in, 1, pixels_of(z)); break;
		case 2:  row_of_pixels(z, in, 2, pixels_of(z)); break;
		default: row_of_pixels(z, in, z->dots.groups, pixels_of(z)); break;
		}
		to_rows(pixels_of(z), z->across.n, here, z->band.stride, to);
	}
}

const struct resize_way resize_far = { "far", plan, begin, across, dots_down };
