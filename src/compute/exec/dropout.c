#include "compute/exec/dropout.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/simd.h"

enum {
	LANES    = 16,              /* counters at a time: one AVX-512 register of words  */
	NUMBERS  = 8,               /* 16-bit numbers of one counter                      */
	BLOCK    = LANES * NUMBERS,
	ROUNDS   = 10
};

uint32_t dropout_threshold(float p)
{
	return (uint32_t)lround((double)p * 65536);
}

/* LANES Philox counters that follow each other in their first word; see base/rng.h for the
 * plain one.  c0..c3: each lane's words, in and out. */
static inline void philox_lanes(struct rng_key key, uint32_t c[4][LANES])
{
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < LANES; i++) {
			uint64_t a = (uint64_t)0xD2511F53u * c[0][i];
			uint64_t b = (uint64_t)0xCD9E8D57u * c[2][i];
			uint32_t c1 = c[1][i], c3 = c[3][i];

			c[0][i] = (uint32_t)(b >> 32) ^ c1 ^ key.k[0];
			c[1][i] = (uint32_t)b;
			c[2][i] = (uint32_t)(a >> 32) ^ c3 ^ key.k[1];
			c[3][i] = (uint32_t)a;
		}
		key.k[0] += 0x9E3779B9u;
		key.k[1] += 0xBB67AE85u;
	}
}

/* One sample's mask[n]; start: the counter of element 0. */
SIMD static void mask_sample(struct rng_key key, const uint32_t start[4], uint32_t threshold,
                             int64_t n, uint8_t *mask)
{
	for (int64_t e = 0; e < n; e += BLOCK) {
		uint32_t c[4][LANES], word[LANES * 4];
		uint8_t keep[BLOCK];

		for (int i = 0; i < LANES; i++) {
			c[0][i] = start[0] + (uint32_t)(e / NUMBERS) + (uint32_t)i;
			c[1][i] = start[1];
			c[2][i] = start[2];
			c[3][i] = start[3];
		}
		philox_lanes(key, c);
		for (int i = 0; i < LANES; i++)
			for (int w = 0; w < 4; w++)
				word[4 * i + w] = c[w][i];
		for (int i = 0; i < LANES * 4; i++) {
			keep[2 * i] = (word[i] & 0xffff) >= threshold;
			keep[2 * i + 1] = (word[i] >> 16) >= threshold;
		}
		memcpy(mask + e, keep, (size_t)(n - e < BLOCK ? n - e : BLOCK));
	}
}

void dropout_mask(const struct dropout *d, int64_t first, int64_t samples, int64_t per_sample,
                  uint8_t *mask)
{
	struct rng_key key = rng_key(d->run->seed, RNG_DROPOUT);
	uint32_t threshold = dropout_threshold(d->p);

	for (int64_t i = 0; i < samples; i++) {
		int64_t s = d->run->sample + (first + i) * d->run->sample_stride;
		const uint32_t start[4] = { 0, d->stream, (uint32_t)s, (uint32_t)d->run->step };

		mask_sample(key, start, threshold, per_sample, mask + i * per_sample);
	}
}
