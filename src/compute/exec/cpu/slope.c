/* slope.c -- see slope.h. */
#include "compute/exec/cpu/slope.h"

#include "base/simd.h"
#include "base/thread.h"

#define B     16
#define GRAIN 4096                      /* vectors that are not worth another thread */

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(B * 4), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(B * 4)));
typedef uint32_t bits __attribute__((vector_size(B * 4)));
typedef uint16_t half __attribute__((vector_size(B * 2), aligned(2), may_alias));

INLINE vec widen(half h) { return (vec)(__builtin_convertvector(h, bits) << 16); }

/* To the nearest, ties to even; what is not a number stays none. */
INLINE half narrow(vec v)
{
	bits u = (bits)v, near = (u + 0x7fff + (u >> 16 & 1)) >> 16, none = (bits)(v != v);

	return __builtin_convertvector((near & ~none) | (0x7fc0 & none), half);
}

INLINE vec through(vec z, vec dy) { return (vec)((mask)dy & (z > (vec){0})); }

/* Vectors lo .. hi; how many addends is known where it is small. */
INLINE void some_f32(const struct slope *s, int64_t lo, int64_t hi, const int n_dy)
{
	for (int64_t i = lo; i < hi; i++) {
		vec sum = ((const vec *)s->dy[0])[i];

		for (int k = 1; k < n_dy; k++)
			sum += ((const vec *)s->dy[k])[i];
		((vec *)s->dx)[i] = through(((const vec *)s->z)[i], sum);
	}
}

INLINE void some_bf16(const struct slope *s, int64_t lo, int64_t hi, const int n_dy)
{
	for (int64_t i = lo; i < hi; i++) {
		vec sum = widen(((const half *)s->dy[0])[i]);

		for (int k = 1; k < n_dy; k++)
			sum += widen(((const half *)s->dy[k])[i]);
		((half *)s->dx)[i] = narrow(through(widen(((const half *)s->z)[i]), sum));
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

SIMD static void bf16(void *ctx, int64_t lo, int64_t hi)
{
	const struct slope *s = ctx;

	switch (s->n_dy) {
	case 1: some_bf16(s, lo, hi, 1); break;
	case 2: some_bf16(s, lo, hi, 2); break;
	default: some_bf16(s, lo, hi, s->n_dy);
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
		((float *)s->dx)[i] = ((const float *)s->z)[i] > 0 ? sum : 0;
	}
}

void slope_relu_bf16(const struct slope *s)
{
	struct slope all = *s;

	thread_for(s->n / B, GRAIN, bf16, &all);
	for (int64_t i = s->n / B * B; i < s->n; i++) {
		vec sum = widen((half){ ((const uint16_t *)s->dy[0])[i] });
		vec z = widen((half){ ((const uint16_t *)s->z)[i] });

		for (int k = 1; k < s->n_dy; k++)
			sum += widen((half){ ((const uint16_t *)s->dy[k])[i] });
		((uint16_t *)s->dx)[i] = narrow(through(z, sum))[0];
	}
}
