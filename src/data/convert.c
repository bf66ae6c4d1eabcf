#include "data/convert.h"

#include <string.h>

#include "base/err.h"

/* IEEE half to single: the exponent moves from bias 15 to 127. */
static float half_to_f32(uint16_t h)
{
	const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exponent = h >> 10 & 31, fraction = h & 0x3ff, bits;
	float f;

	if (exponent == 0) {                  /* zero and the small ones: fraction * 2^-24 */
		f = (float)fraction * 0x1p-24f;
		memcpy(&bits, &f, sizeof bits);
		bits |= sign;
	} else {
		exponent = exponent == 31 ? 255 : exponent + 112;
		bits = sign | exponent << 23 | fraction << 13;
	}
	memcpy(&f, &bits, sizeof f);
	return f;
}

void convert_to_f32(enum tt_type type, const void *from, size_t n, float *to)
{
	switch (type) {
	case TT_U8:
		for (size_t i = 0; i < n; i++)
			to[i] = ((const uint8_t *)from)[i];
		break;
	case TT_I32:
		for (size_t i = 0; i < n; i++)
			to[i] = (float)((const int32_t *)from)[i];
		break;
	case TT_I64:
		for (size_t i = 0; i < n; i++)
			to[i] = (float)((const int64_t *)from)[i];
		break;
	case TT_F16:
		for (size_t i = 0; i < n; i++)
			to[i] = half_to_f32(((const uint16_t *)from)[i]);
		break;
	case TT_F32:
		if (to != from)
			memcpy(to, from, n * sizeof *to);
		break;
	}
}

static int64_t label_at(const struct labels *l, size_t i)
{
	return l->type == TT_U8 ? ((const uint8_t *)l->from)[i]
	     : l->type == TT_I32 ? ((const int32_t *)l->from)[i] : ((const int64_t *)l->from)[i];
}

tt_status convert_labels(const struct labels *l, size_t n, int32_t *to)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = label_at(l, i);

		if (v < 0 || v >= l->classes)
			return err_set(l->wrong, "sample %lld: class %lld is outside of %d classes",
			               (long long)(l->first + (int64_t)i), (long long)v, l->classes);
		to[i] = (int32_t)v;
	}
	return TT_OK;
}
