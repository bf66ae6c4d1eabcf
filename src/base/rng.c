#include "base/rng.h"

#include <math.h>

/* Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011, section 4. */
#define ROUNDS 10
#define M0 0xd2511f53u
#define M1 0xcd9e8d57u
#define W0 0x9e3779b9u          /* golden ratio */
#define W1 0xbb67ae85u          /* sqrt(3) - 1  */

/* A bijection of 64-bit numbers that spreads every bit (Stafford's variant 13,
 * as in SplitMix64): neighbouring seeds get unrelated keys. */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct rng_key rng_key(uint64_t seed, enum rng_use use)
{
	uint64_t k = mix(mix(seed) + (uint64_t)use * 0x9e3779b97f4a7c15u);

	return (struct rng_key){ { (uint32_t)k, (uint32_t)(k >> 32) } };
}

void rng_philox(struct rng_key key, const uint32_t counter[4], uint32_t out[4])
{
	uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
	uint32_t k0 = key.k[0], k1 = key.k[1];

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t p0 = (uint64_t)M0 * c0, p1 = (uint64_t)M1 * c2;

		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c1 = (uint32_t)p1;
		c3 = (uint32_t)p0;
		k0 += W0;
		k1 += W1;
	}
	out[0] = c0;
	out[1] = c1;
	out[2] = c2;
	out[3] = c3;
}

/* counter[0] runs: a stream holds 2^34 words before it comes round. */
void rng_init(struct rng *r, struct rng_key key, uint64_t a, uint32_t b)
{
	*r = (struct rng){ .key = key, .counter = { 0, b, (uint32_t)a, (uint32_t)(a >> 32) } };
}

uint32_t rng_u32(struct rng *r)
{
	if (r->left == 0) {
		rng_philox(r->key, r->counter, r->buf);
		r->counter[0]++;
		r->left = 4;
	}
	return r->buf[4 - r->left--];
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high word of
 * a product is even-handed once the few low words that favour some are thrown away. */
uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint32_t unfair = -n % n;
	uint64_t p;

	do
		p = (uint64_t)rng_u32(r) * n;
	while ((uint32_t)p < unfair);
	return (uint32_t)(p >> 32);
}

double rng_uniform(struct rng *r)
{
	uint64_t hi = rng_u32(r) >> 5, lo = rng_u32(r) >> 6;

	return (double)(hi << 26 | lo) * 0x1p-53;
}

/* Box-Muller.  The second number is dropped: no hidden state between calls. */
double rng_normal(struct rng *r)
{
	double u = 1 - rng_uniform(r);          /* (0, 1]: its logarithm is finite */
	double v = rng_uniform(r);

	return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

#define FEISTEL_ROUNDS 4        /* Luby and Rackoff: four make a strong permutation */

/* One pass through the network over numbers of 2 * half bits. */
static uint64_t feistel(struct rng_key key, uint32_t c[4], int half, uint64_t x)
{
	uint32_t mask = (uint32_t)((UINT64_C(1) << half) - 1), salt = c[1];
	uint32_t left = (uint32_t)(x >> half), right = (uint32_t)x & mask, out[4];

	for (uint32_t i = 0; i < FEISTEL_ROUNDS; i++) {
		uint32_t old = right;

		c[0] = right;
		c[1] = salt + i;
		rng_philox(key, c, out);
		right = left ^ (out[0] & mask);
		left = old;
	}
	c[1] = salt;
	return (uint64_t)left << half | right;
}

/* The network permutes 0..4^half-1, the smallest such range that holds n; walking
 * its cycle until it comes back below n permutes 0..n-1 (Black and Rogaway, 2002).
 * The range is less than 4n, so the walk takes under four passes on average. */
uint64_t rng_permute(struct rng_key key, uint64_t epoch, uint64_t n, uint64_t i)
{
	uint32_t c[4] = { 0, (uint32_t)n << 2, (uint32_t)epoch, (uint32_t)(epoch >> 32) };
	int half = 1;

	if (n < 2)
		return 0;
	while (half < 32 && (n - 1) >> (2 * half))
		half++;
	do
		i = feistel(key, c, half, i);
	while (i >= n);
	return i;
}

/* Where the i-th part begins: i * count / n, which may need more than 64 bits on the way. */
static uint64_t part(uint64_t n, uint64_t count, uint64_t i)
{
	return count / n * i + (uint64_t)((unsigned __int128)(count % n) * i / n);
}

uint64_t rng_spread(struct rng_key key, uint64_t n, uint64_t count, uint64_t i)
{
	const uint64_t lo = part(n, count, i), size = part(n, count, i + 1) - lo;
	struct rng r;
	uint64_t k;

	rng_init(&r, key, i, 0);
	k = (uint64_t)(rng_uniform(&r) * (double)size);
	return lo + (k < size ? k : size - 1);
}
