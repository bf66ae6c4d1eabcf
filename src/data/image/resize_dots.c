/* Resizing by dot products, on pixels as they lie:
 *
 *   across   16 output bytes at once: a permutation (VBMI) of 64 or 128 bytes brings each its
 *            four; fewer at once where the picture shrinks so much that these lie farther apart
 *
 * More than four terms are several groups of four. */
#include "data/image/resize_dots.h"

#define CACHE  (24 << 10)       /* of the first level, for rows that go across together         */
#define ENOUGH 12               /* lanes; with fewer, each has its terms of two vectors         */

/* The own room begins with the row that dots_down needs. */
static struct step *steps(const struct resizing *z)
{
	return (struct step *)(z->p + dots_row_size(z));
}

static int n_steps(const struct resizing *z) { return z->dots.blocks * z->dots.groups; }

static int32_t *bases(const struct resizing *z) { return (int32_t *)(steps(z) + n_steps(z)); }

static size_t bases_size(const struct resizing *z)
{
	return resize_whole((size_t)n_steps(z) * sizeof(int32_t));
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
	const int row = z->across.n * z->in->channels;
	const int narrow = most_lanes(z, CHUNK), wide = narrow < ENOUGH ? most_lanes(z, 2 * CHUNK) : 0;
	const int lanes = wide > narrow ? wide : narrow;

	if (lanes == 0)
		return 0;
	z->dots.lanes = lanes;
	z->dots.span = wide > narrow ? 2 * CHUNK : CHUNK;
	z->dots.blocks = (row + lanes - 1) / lanes;
	z->dots.groups = groups_of(&z->across);
	z->at_once = CACHE / (z->in->w * z->in->channels);
	z->at_once = z->at_once < 2 ? 2 : z->at_once > 16 ? 16 : z->at_once;
	z->band.stride = resize_whole((size_t)row + LANES);
	z->own = dots_row_size(z) + (size_t)n_steps(z) * sizeof(struct step) + bases_size(z);
	return 1;
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

const struct resize_way resize_dots = { "dots", plan, begin, across, dots_down };
