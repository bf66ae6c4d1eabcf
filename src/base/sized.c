#include "base/sized.h"

#include <stdint.h>
#include <string.h>

static int is_zero(const unsigned char *p, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (p[i])
			return 0;
	return 1;
}

tt_status sized_take(void *out, size_t size, const void *in, size_t least, const char *name)
{
	const uint32_t own = (uint32_t)size;
	uint32_t theirs;

	if (!in)
		return err_set(TT_EINVAL, "%s: it is NULL", name);
	memcpy(&theirs, in, sizeof theirs);
	if (theirs < least)
		return err_set(TT_EINVAL, "%s: size is %u, at least %zu bytes are needed; set it to the "
		               "size of the struct", name, (unsigned)theirs, least);
	if (theirs > size && !is_zero(in, size, theirs))
		return err_set(TT_EINVAL, "%s: this library knows %zu of its %u bytes, and the others are "
		               "not zero", name, size, (unsigned)theirs);
	memset(out, 0, size);
	memcpy(out, in, theirs < size ? theirs : size);
	memcpy(out, &own, sizeof own);
	return TT_OK;
}
