/* desc.c -- element types and shapes. */
#include "compute/tensor/desc.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *name; size_t size; } dtypes[] = {
	[DTYPE_F32]  = { "f32", 4 },
	[DTYPE_BF16] = { "bf16", 2 },
	[DTYPE_S32]  = { "s32", 4 },
	[DTYPE_U8]   = { "u8", 1 },
};

#define N_DTYPES (sizeof dtypes / sizeof dtypes[0])

size_t dtype_size(enum dtype t)
{
	return dtypes[t].size;
}

const char *dtype_name(enum dtype t)
{
	return dtypes[t].name;
}

/* More than TENSOR_MAX_DIMS dims are not copied; tensor_check then refuses the count. */
struct tensor_desc tensor_desc_make(enum dtype t, int ndim, const int64_t *dim)
{
	struct tensor_desc d = { .dtype = t, .ndim = ndim };

	for (int i = 0; i < ndim && i < TENSOR_MAX_DIMS; i++)
		d.dim[i] = dim[i];
	return d;
}

int64_t tensor_count(const struct tensor_desc *d)
{
	int64_t n = 1;

	for (int i = 0; i < d->ndim; i++)
		n *= d->dim[i];
	return n;
}

size_t tensor_bytes(const struct tensor_desc *d)
{
	return (size_t)tensor_count(d) * dtype_size(d->dtype);
}

int tensor_same(const struct tensor_desc *a, const struct tensor_desc *b)
{
	return a->dtype == b->dtype && a->ndim == b->ndim &&
	       memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

tt_status tensor_check(const struct tensor_desc *d)
{
	char text[TENSOR_TEXT];
	int64_t bytes;

	if ((unsigned)d->dtype >= N_DTYPES)
		return err_set(TT_ESHAPE, "a tensor has no element type number %d", (int)d->dtype);
	if (d->ndim < 0 || d->ndim > TENSOR_MAX_DIMS)
		return err_set(TT_ESHAPE, "a tensor has %d dimensions, 0 to %d are possible",
		               d->ndim, TENSOR_MAX_DIMS);
	bytes = (int64_t)dtype_size(d->dtype);
	for (int i = 0; i < d->ndim; i++) {
		if (d->dim[i] <= 0)
			return err_set(TT_ESHAPE, "shape %s: dimension %d must be at least 1",
			               tensor_text(d, text), i);
		if (__builtin_mul_overflow(bytes, d->dim[i], &bytes))
			return err_set(TT_ESHAPE, "shape %s is larger than any memory",
			               tensor_text(d, text));
	}
	return TT_OK;
}

const char *tensor_text(const struct tensor_desc *d, char buf[TENSOR_TEXT])
{
	size_t used = 0;

	snprintf(buf, TENSOR_TEXT, "scalar");
	for (int i = 0; i < d->ndim && i < TENSOR_MAX_DIMS && used < TENSOR_TEXT; i++)
		used += (size_t)snprintf(buf + used, TENSOR_TEXT - used, "%s%lld", i ? "x" : "",
		                         (long long)d->dim[i]);
	return buf;
}
