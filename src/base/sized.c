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

static tt_status read_size(const void *of, size_t least, const char *name, uint32_t *size)
{
	if (!of)
		return err_set(TT_EINVAL, "%s: it is NULL", name);
	memcpy(size, of, sizeof *size);
	if (*size >= least)
		return TT_OK;
	return err_set(TT_EINVAL, "%s: size is %u, at least %zu bytes are needed; set it to the "
	               "size of the struct", name, (unsigned)*size, least);
}

tt_status sized_take(void *out, size_t size, const void *in, size_t least, const char *name)
{
	const uint32_t own = (uint32_t)size;
	uint32_t theirs;
	tt_status st;

	if ((st = read_size(in, least, name, &theirs)) != TT_OK)
		return st;
	if (theirs > size && !is_zero(in, size, theirs))
		return err_set(TT_EINVAL, "%s: this library knows %zu of its %u bytes, and the others are "
		               "not zero", name, size, (unsigned)theirs);
	memset(out, 0, size);
	memcpy(out, in, theirs < size ? theirs : size);
	memcpy(out, &own, sizeof own);
	return TT_OK;
}

tt_status sized_options(void *out, size_t size, const void *in, const char *name)
{
	const uint32_t own = (uint32_t)size;

	if (in)
		return sized_take(out, size, in, sizeof own, name);
	memset(out, 0, size);
	memcpy(out, &own, sizeof own);
	return TT_OK;
}

tt_status sized_give(void *out, const void *in, size_t size, const char *name)
{
	uint32_t theirs;
	tt_status st;

	if ((st = read_size(out, sizeof theirs, name, &theirs)) != TT_OK)
		return st;
	memset(out, 0, theirs);
	memcpy(out, in, theirs < size ? theirs : size);
	memcpy(out, &theirs, sizeof theirs);
	return TT_OK;
}
