#include "support/nth_device.h"

#include <string.h>

static int supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	const struct nth_device *x = (const struct nth_device *)d;

	return x->real->ops->supports(x->real, p, n);
}

/* A variant of this node's own. */
static int drawn(const struct nth_device *x, const struct ir_node *n, int k)
{
	const uint32_t h = ((uint32_t)n->id + 1) * 2654435761u ^ (uint32_t)-x->nth * 2246822519u;

	return k > 0 ? (int)((h * 3266489917u >> 16) % (uint32_t)k) : 0;
}

static int variants(struct device *d, struct plan *p, const struct ir_node *n,
                    char names[][VARIANT_NAME], int max)
{
	struct nth_device *x = (struct nth_device *)d;
	int k = x->real->ops->variants ? x->real->ops->variants(x->real, p, n, names, max) : 1, nth;

	if (k > x->most)
		x->most = k;
	nth = x->nth < 0 ? drawn(x, n, k) : x->nth;
	if (nth > 0 && nth < k)
		memmove(names[0], names[nth], VARIANT_NAME);
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
