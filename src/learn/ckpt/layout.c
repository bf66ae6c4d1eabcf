#include "learn/ckpt/layout.h"

#include <string.h>

#include "data/convert.h"

/* ---- numbers of eight bits: sign, exponent, fraction ---- */

static float scaled(float v, int power)
{
	for (; power > 0; power--)
		v *= 2;
	for (; power < 0; power++)
		v /= 2;
	return v;
}

static float f8_value(uint8_t b, int fraction_bits, int bias)
{
	const int exponent = (b & 0x7f) >> fraction_bits, one = 1 << fraction_bits;
	const int fraction = b & (one - 1);
	const float v = exponent ? scaled((float)(one + fraction), exponent - bias - fraction_bits)
	                         : scaled((float)fraction, 1 - bias - fraction_bits);

	return b & 0x80 ? -v : v;
}

/* Of this type's numbers all bits set is NaN, and none is infinite. */
static void from_f8_e4m3(const void *from, size_t n, void *to)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t b = ((const uint8_t *)from)[i];

		((float *)to)[i] = (b & 0x7f) == 0x7f ? __builtin_nanf("") : f8_value(b, 3, 7);
	}
}

static void from_f8_e5m2(const void *from, size_t n, void *to)
{
	for (size_t i = 0; i < n; i++) {
		const uint16_t half = (uint16_t)(((const uint8_t *)from)[i] << 8);

		convert_to_f32(TT_F16, &half, 1, (float *)to + i);      /* it is a half cut off */
	}
}

/* ---- the others ---- */

static void from_f16(const void *from, size_t n, void *to)
{
	convert_to_f32(TT_F16, from, n, to);
}

#define CONVERT(name, type, result) \
	static void name(const void *from, size_t n, void *to) \
	{ \
		for (size_t i = 0; i < n; i++) \
			((result *)to)[i] = (result)((const type *)from)[i]; \
	}
#define FITS(name, type) \
	static int name(const void *from, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) \
			if ((type)(int32_t)((const type *)from)[i] != ((const type *)from)[i] || \
			    (((const type *)from)[i] < 1) != ((int32_t)((const type *)from)[i] < 1)) \
				return 0; \
		return 1; \
	}

CONVERT(from_f64, double, float)
CONVERT(from_i8, int8_t, int32_t)
CONVERT(from_i16, int16_t, int32_t)
CONVERT(from_u16, uint16_t, int32_t)
CONVERT(from_u32, uint32_t, int32_t)
CONVERT(from_i64, int64_t, int32_t)
CONVERT(from_u64, uint64_t, int32_t)
CONVERT(wide_u32, uint32_t, float)
CONVERT(wide_i64, int64_t, float)
CONVERT(wide_u64, uint64_t, float)
FITS(fits_u32, uint32_t)
FITS(fits_i64, int64_t)
FITS(fits_u64, uint64_t)

static const struct ckpt_type types[] = {
	{ "F32",     4, DTYPE_F32,  NULL, NULL, NULL },
	{ "BF16",    2, DTYPE_BF16, NULL, NULL, NULL },
	{ "I32",     4, DTYPE_S32,  NULL, NULL, NULL },
	{ "U8",      1, DTYPE_U8,   NULL, NULL, NULL },
	{ "BOOL",    1, DTYPE_U8,   NULL, NULL, NULL },
	{ "F64",     8, DTYPE_F32,  from_f64, NULL, NULL },
	{ "F16",     2, DTYPE_F32,  from_f16, NULL, NULL },
	{ "F8_E4M3", 1, DTYPE_F32,  from_f8_e4m3, NULL, NULL },
	{ "F8_E5M2", 1, DTYPE_F32,  from_f8_e5m2, NULL, NULL },
	{ "I8",      1, DTYPE_S32,  from_i8, NULL, NULL },
	{ "I16",     2, DTYPE_S32,  from_i16, NULL, NULL },
	{ "U16",     2, DTYPE_S32,  from_u16, NULL, NULL },
	{ "U32",     4, DTYPE_S32,  from_u32, fits_u32, wide_u32 },
	{ "I64",     8, DTYPE_S32,  from_i64, fits_i64, wide_i64 },
	{ "U64",     8, DTYPE_S32,  from_u64, fits_u64, wide_u64 },
};
#define TYPES (sizeof types / sizeof *types)

const char *ckpt_dtype_word(enum dtype t)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].as == t && !types[i].convert)
			return types[i].word;
	return NULL;
}

const struct ckpt_type *ckpt_type_find(const char *word)
{
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(types[i].word, word) == 0)
			return &types[i];
	return NULL;
}
