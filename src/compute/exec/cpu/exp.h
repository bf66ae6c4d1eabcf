/* exp.h -- e^x for x up to 0, to two units in the last place, and what is made of it.
 *
 * Branchless, so that a loop around it becomes vectors.  A NaN stays one; what would be no normal
 * number is 0. */
#ifndef CPU_EXP_H
#define CPU_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

#define EXP_LEAST -87.33654f            /* the logarithm of the least normal number */

/* 2^n, whose n stands in the low bits of 1.5 * 2^23 + n. */
INLINE float exp_power(float shifted)
{
	int32_t bits;
	float power;

	memcpy(&bits, &shifted, sizeof bits);
	bits = (int32_t)(((uint32_t)bits + 127) << 23);
	memcpy(&power, &bits, sizeof power);
	return power;
}

/* x = n log 2 + r; e^x = 2^n e^r, the latter a polynomial (Cephes). */
INLINE float exp_negative(float x)
{
	const float magic = 12582912;
	float at = x < EXP_LEAST ? EXP_LEAST : x;
	float shifted = at * 1.44269504f + magic, n = shifted - magic;
	float r = at - n * 0.693359375f + n * 2.12194440e-4f, p;

	p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1;
	return x < EXP_LEAST ? 0 : p * exp_power(shifted);
}

INLINE float exp_sigmoid(float x)
{
	float e = exp_negative(-fabsf(x));

	return (x < 0 ? e : 1) / (1 + e);
}

/* Near 0 a polynomial (Cephes), where the quotient would lose digits. */
INLINE float exp_tanh(float x)
{
	float size = fabsf(x), e = exp_negative(-2 * size), z = x * x, p;

	p = -5.70498872745e-3f;
	p = p * z + 2.06390887954e-2f;
	p = p * z - 5.37397155531e-2f;
	p = p * z + 1.33314422036e-1f;
	p = p * z - 3.33332819422e-1f;
	p = p * z * x + x;
	return size < 0.625f ? p : copysignf((1 - e) / (1 + e), x);
}

/* s = e^(scale (s - *most)), of which *most is the largest, or a NaN; gives their sum. */
INLINE double exp_row(float *s, int64_t n, float scale, float *most)
{
	float largest = -INFINITY;
	double sum = 0;

	for (int64_t j = 0; j < n; j++)
		largest = s[j] > largest || s[j] != s[j] ? s[j] : largest;
	IN_PLACE
	for (int64_t j = 0; j < n; j++)
		s[j] = exp_negative(scale * (s[j] - largest));
	for (int64_t j = 0; j < n; j++)
		sum += s[j];
	*most = largest;
	return sum;
}

#endif
