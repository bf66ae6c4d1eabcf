#include "compute/exec/host/dropout.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/simd.h"

enum {
	ROUNDS  = 10,
	WORDS   = 4,                /* of one counter                                     */
	NUMBERS = 2 * WORDS,        /* 16-bit ones of one counter                         */
	LANES   = 64,               /* counters at a time: enough for the widest vectors  */
	BLOCK   = LANES * NUMBERS
};

uint32_t dropout_threshold(float p)
{
	return (uint32_t)lround((double)p * 65536);
}

/* Philox4x32-10 (base/rng.h has the plain one) of LANES counters that follow each other in their
 * first word, lane by lane into word[].  The rounds are unrolled so that the compiler sees one
 * straight loop over lanes and runs 16 of them in a register. */
__attribute__((always_inline))
static inline void philox_lanes(struct rng_key key, const uint32_t start[WORDS],
                                uint32_t word[restrict LANES * WORDS])
{
	for (uint32_t i = 0; i < LANES; i++) {
		uint32_t c0 = start[0] + i, c1 = start[1], c2 = start[2], c3 = start[3];
		uint32_t k0 = key.k[0], k1 = key.k[1];

#pragma GCC unroll 10
		for (int r = 0; r < ROUNDS; r++) {
			uint64_t a = (uint64_t)0xd2511f53u * c0, b = (uint64_t)0xcd9e8d57u * c2;

			c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
			c1 = (uint32_t)b;
			c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
			c3 = (uint32_t)a;
			k0 += 0x9e3779b9u;
			k1 += 0xbb67ae85u;
		}
		word[WORDS * i] = c0;
		word[WORDS * i + 1] = c1;
		word[WORDS * i + 2] = c2;
		word[WORDS * i + 3] = c3;
	}
}

/* One sample's mask[n]; start: the counter of element 0. */
SIMD static void mask_sample(struct rng_key key, const uint32_t start[WORDS], uint32_t threshold,
                             int64_t n, uint8_t *mask)
{
	uint32_t at[WORDS] = { start[0], start[1], start[2], start[3] };
	uint32_t word[LANES * WORDS];
	uint8_t keep[BLOCK];

	for (int64_t e = 0; e < n; e += BLOCK, at[0] += LANES) {
		philox_lanes(key, at, word);
		for (int i = 0; i < LANES * WORDS; i++) {
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
		const uint32_t start[WORDS] = { 0, d->stream, (uint32_t)s, (uint32_t)d->run->step };

		mask_sample(key, start, threshold, per_sample, mask + i * per_sample);
	}
}
