/* bf16.h -- a bf16 is the upper half of an f32: to and fro, in loops that become vectors. */
#ifndef CPU_BF16_H
#define CPU_BF16_H

#include <stdint.h>
#include <string.h>

#include "base/simd.h"

INLINE float bf16_value(uint16_t h)
{
	uint32_t bits = (uint32_t)h << 16;
	float x;

	memcpy(&x, &bits, sizeof x);
	return x;
}

/* To the nearest, ties to even.  For what was made of bf16: such a NaN has nothing in its lower
 * half, and stays one. */
INLINE uint16_t bf16_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
