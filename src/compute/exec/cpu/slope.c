/* slope.c -- see slope.h. */
#include "compute/exec/cpu/slope.h"

#include <string.h>

#include "base/simd.h"
#include "sys/thread.h"

#define B     16                        /* f32 in a vector */
#define GRAIN 4096                      /* vectors that are not worth another thread */

typedef float vec __attribute__((vector_size(B * 4), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(B * 4)));
typedef uint32_t pairs __attribute__((vector_size(B * 4), aligned(4), may_alias));
typedef int16_t halves __attribute__((vector_size(B * 4), may_alias));

/* ---- f32: vectors lo .. hi; how many addends is known where it is small ---- */

INLINE void some_f32(const struct slope *s, int64_t lo, int64_t hi, const int n_dy)
{
	for (int64_t i = lo; i < hi; i++) {
		vec sum = ((const vec *)s->dy[0])[i];

		for (int k = 1; k < n_dy; k++)
			sum += ((const vec *)s->dy[k])[i];
		((vec *)s->dx)[i] = (vec)((mask)sum & ~(((const vec *)s->z)[i] <= (vec){0}));
	}
}

SIMD static void f32(void *ctx, int64_t lo, int64_t hi)
{
	const struct slope *s = ctx;

	switch (s->n_dy) {
	case 1: some_f32(s, lo, hi, 1); break;
	case 2: some_f32(s, lo, hi, 2); break;
	default: some_f32(s, lo, hi, s->n_dy);
	}
}

void slope_relu(const struct slope *s)
{
	struct slope all = *s;

	thread_for(s->n / B, GRAIN, f32, &all);
	for (int64_t i = s->n / B * B; i < s->n; i++) {
		float sum = ((const float *)s->dy[0])[i];

		for (int k = 1; k < s->n_dy; k++)
			sum += ((const float *)s->dy[k])[i];
		((float *)s->dx)[i] = ((const float *)s->z)[i] <= 0 ? 0 : sum;
	}
}

/* ---- bf16: 32 numbers as 16 pairs, each half of a pair an f32 without its lower half ---- */

/* To the nearest, ties to even.  A sum that is not a number has nothing in its lower half. */
INLINE pairs rounded(vec v)
{
	pairs u = (pairs)v;

	return u + 0x7fff + (u >> 16 & 1);
}

INLINE pairs sum_pairs(const struct slope *s, int64_t i, const int n_dy)
{
	pairs first = ((const pairs *)s->dy[0])[i];
	vec low = (vec)(first << 16), high = (vec)(first & 0xffff0000u);

	if (n_dy == 1)
		return first;
	for (int k = 1; k < n_dy; k++) {
		pairs p = ((const pairs *)s->dy[k])[i];

		low += (vec)(p << 16);
		high += (vec)(p & 0xffff0000u);
	}
	return rounded(low) >> 16 | (rounded(high) & 0xffff0000u);
}

typedef uint16_t words __attribute__((vector_size(B * 4)));

/* All bits where a bf16 is none: its exponent's, and one of those behind. */
INLINE halves nan_bf16(halves z) { return (halves)(((words)z & 0x7fff) + 0x7f) >> 15; }

/* A bf16 is above zero where its bits are, as a signed number. */
INLINE void some_bf16(const struct slope *s, int64_t lo, int64_t hi, const int n_dy)
{
	for (int64_t i = lo; i < hi; i++) {
		halves z = (halves)((const pairs *)s->z)[i];

		pairs open = (pairs)(z > (halves){0}) | (pairs)nan_bf16(z);

		((pairs *)s->dx)[i] = sum_pairs(s, i, n_dy) & open;
	}
}

SIMD static void bf16(void *ctx, int64_t lo, int64_t hi)
{
	const struct slope *s = ctx;

	switch (s->n_dy) {
	case 1: some_bf16(s, lo, hi, 1); break;
	case 2: some_bf16(s, lo, hi, 2); break;
	default: some_bf16(s, lo, hi, s->n_dy);
	}
}

/* What is left over fills a vector of its own. */
static void rest_bf16(const struct slope *s, int64_t from)
{
	const void *dy[SLOPE_MOST];
	uint16_t z[2 * B] = {0}, parts[SLOPE_MOST][2 * B] = {{0}};
	struct slope last = { .z = z, .dy = dy, .n_dy = s->n_dy, .dx = z };
	size_t bytes = (size_t)(s->n - from) * sizeof *z;

	memcpy(z, (const uint16_t *)s->z + from, bytes);
	for (int k = 0; k < s->n_dy; k++) {
		memcpy(parts[k], (const uint16_t *)s->dy[k] + from, bytes);
		dy[k] = parts[k];
	}
	bf16(&last, 0, 1);
	memcpy((uint16_t *)s->dx + from, z, bytes);
}

void slope_relu_bf16(const struct slope *s)
{
	struct slope all = *s;
	int64_t whole = s->n / (2 * B);

	thread_for(whole, GRAIN, bf16, &all);
	if (whole * 2 * B < s->n)
		rest_bf16(s, whole * 2 * B);
}
