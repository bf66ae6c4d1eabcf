/* lanes_vec.h -- a vector of one number from sixteen images: for the kernels of this folder. */
#ifndef LANES_LANES_VEC_H
#define LANES_LANES_VEC_H

#include "base/simd.h"
#include "compute/exec/cpu/lanes/lanes.h"

typedef float vec
	__attribute__((vector_size(LANES * sizeof(float)), aligned(LANES * sizeof(float)), may_alias));
typedef int32_t ivec __attribute__((vector_size(LANES * sizeof(int32_t))));

INLINE vec pick(ivec mask, vec yes, vec no)
{
	return (vec)(((ivec)yes & mask) | ((ivec)no & ~mask));
}

/* A NaN stays one. */
INLINE vec positive(vec v) { return pick(v <= (vec){0}, (vec){0}, v); }

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t within(int64_t v, int64_t lo, int64_t hi) { return most(lo, least(v, hi)); }
INLINE int64_t pieces(int64_t n, int64_t each) { return (n + each - 1) / each; }

#endif
