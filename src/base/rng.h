/* rng.h -- random numbers that are a function, not a stream.
 *
 * Philox4x32-10 (Salmon et al., SC'11): four 32-bit words from a key and a
 * counter.  The same (seed, what, index) gives the same number on any thread,
 * rank or device, in any order.  Pure; safe from any thread. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng_key { uint32_t k[2]; };

/* What a key is for: the same seed never serves two purposes. */
enum rng_use { RNG_INIT = 1, RNG_SHUFFLE, RNG_AUGMENT, RNG_DROPOUT, RNG_SYNTH, RNG_TEST,
               RNG_PARTS, RNG_LOOK, RNG_SAMPLE, RNG_BUCKETS, RNG_TUNE };

struct rng_key rng_key(uint64_t seed, enum rng_use use);

/* Known answer (Random123): key 0, counter 0 -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8. */
void rng_philox(struct rng_key key, const uint32_t counter[4], uint32_t out[4]);

/* A stream for sequential use, keyed by up to two numbers (an epoch, a sample). */
struct rng { struct rng_key key; uint32_t counter[4]; uint32_t buf[4]; int left; };
void     rng_init(struct rng *r, struct rng_key key, uint64_t a, uint32_t b);
uint32_t rng_u32(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);        /* unbiased, n > 0        */
double   rng_uniform(struct rng *r);                  /* [0, 1)                 */
double   rng_normal(struct rng *r);                   /* mean 0, variance 1     */

/* The i-th place of a random permutation of 0..n-1 without storing it: a pure
 * function of (key, epoch, n, i), O(1) memory (cycle-walking Feistel network). */
uint64_t rng_permute(struct rng_key key, uint64_t epoch, uint64_t n, uint64_t i);

/* Which of `count` are looked at if `n` are, 0 < n <= count: the i-th of them, ascending.  One is
 * drawn from each of n equal parts, so that neither order nor period of the whole hides a part. */
uint64_t rng_spread(struct rng_key key, uint64_t n, uint64_t count, uint64_t i);

#endif
