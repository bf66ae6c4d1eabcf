#include "support/nth_device.h"

#include <string.h>

static int supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	const struct nth_device *x = (const struct nth_device *)d;

	return x->real->ops->supports(x->real, p, n);
}

static int variants(struct device *d, struct plan *p, const struct ir_node *n,
                    char names[][VARIANT_NAME], int max)
{
	struct nth_device *x = (struct nth_device *)d;
	int k = x->real->ops->variants ? x->real->ops->variants(x->real, p, n, names, max) : 1;

	if (k > x->most)
		x->most = k;
	if (x->nth > 0 && x->nth < k)
		memmove(names[0], names[x->nth], VARIANT_NAME);
	return k > 0 ? 1 : 0;
}

static tt_status prepare(struct device *d, struct plan *p, const struct ir_node *n,
                         const char *variant)
{
	struct nth_device *x = (struct nth_device *)d;

	return x->real->ops->prepare(x->real, p, n, variant);
}

static tt_status stream_open(struct device *d, int events, struct stream **out)
{
	struct nth_device *x = (struct nth_device *)d;

	return x->real->ops->stream->open(x->real, events, out);
}

void nth_device_init(struct nth_device *x, struct device *real, int nth)
{
	*x = (struct nth_device){ .ops = { .name = real->ops->name, .abi = DEVICE_ABI,
	                                   .supports = supports, .variants = variants,
	                                   .prepare = prepare }, .real = real, .nth = nth };
	x->base = (struct device){ .ops = &x->ops, .mem = real->mem };
	if (!real->ops->stream)
		return;
	x->stream = *real->ops->stream;
	x->stream.open = stream_open;
	x->ops.stream = &x->stream;
}
