/* wire.c -- halves by the bits: every compiler knows integers, and turns such loops into
 * vectors. */
#include "distribute/coll/wire.h"

#include <stdint.h>
#include <string.h>

#include "base/simd.h"

const char *const comm_wire_words[] = { "f32", "f16", "bf16", NULL };

INLINE uint32_t bits_of(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof u);
	return u;
}

INLINE float of_bits(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof f);
	return f;
}

/* Below 2^-14 a half is fixed point with steps of 2^-24: adding 0.5, whose last bit is worth just
 * that, lets the adder round. */
INLINE uint16_t to_f16(float f)
{
	uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
	uint32_t normal = (a - (112u << 23) + 0xfff + (a >> 13 & 1)) >> 13;
	uint32_t tiny = bits_of(of_bits(a) + 0.5f) - bits_of(0.5f);
	uint32_t h = a < 113u << 23 ? tiny : normal;

	h = a >= 143u << 23 ? 0x7c00 : h;
	h = a > 255u << 23 ? 0x7e00 : h;
	return (uint16_t)(h | sign);
}

INLINE float from_f16(uint16_t h)
{
	float f = of_bits((uint32_t)(h & 0x7fff) << 13) * 0x1p112f;
	uint32_t u = bits_of(f);

	u |= u >= 143u << 23 ? 255u << 23 : 0;
	return of_bits(u | (uint32_t)(h & 0x8000) << 16);
}

INLINE uint16_t to_bf16(float f)
{
	uint32_t u = bits_of(f), rounded = (u + 0x7fff + (u >> 16 & 1)) >> 16;

	return (uint16_t)((u & 0x7fffffff) > 255u << 23 ? (u >> 16) | 0x40 : rounded);
}

INLINE float from_bf16(uint16_t h) { return of_bits((uint32_t)h << 16); }

SIMD static void add_f32(float *restrict x, const float *restrict in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += in[i];
}

/* The three loops of a half format. */
#define HALF(name) \
	SIMD static void pack_##name(uint16_t *restrict out, const float *restrict x, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) \
			out[i] = to_##name(x[i]); \
	} \
	SIMD static void unpack_##name(float *restrict x, const uint16_t *restrict in, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) \
			x[i] = from_##name(in[i]); \
	} \
	SIMD static void add_##name(float *restrict x, const uint16_t *restrict in, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) \
			x[i] += from_##name(in[i]); \
	} \
	SIMD static void round_##name(float *x, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) \
			x[i] = from_##name(to_##name(x[i])); \
	}

HALF(f16)
HALF(bf16)

size_t wire_bytes(enum comm_wire w, size_t n)
{
	return w == WIRE_F32 ? n * sizeof(float) : n * sizeof(uint16_t);
}

void wire_pack(enum comm_wire w, void *out, const float *x, size_t n)
{
	switch (w) {
	case WIRE_F32:  memcpy(out, x, n * sizeof *x); break;
	case WIRE_F16:  pack_f16(out, x, n); break;
	case WIRE_BF16: pack_bf16(out, x, n); break;
	}
}

void wire_unpack(enum comm_wire w, float *x, const void *in, size_t n)
{
	switch (w) {
	case WIRE_F32:  memcpy(x, in, n * sizeof *x); break;
	case WIRE_F16:  unpack_f16(x, in, n); break;
	case WIRE_BF16: unpack_bf16(x, in, n); break;
	}
}

void wire_add(enum comm_wire w, float *x, const void *in, size_t n)
{
	switch (w) {
	case WIRE_F32:  add_f32(x, in, n); break;
	case WIRE_F16:  add_f16(x, in, n); break;
	case WIRE_BF16: add_bf16(x, in, n); break;
	}
}

void wire_round(enum comm_wire w, float *x, size_t n)
{
	switch (w) {
	case WIRE_F32:  break;
	case WIRE_F16:  round_f16(x, n); break;
	case WIRE_BF16: round_bf16(x, n); break;
	}
}
