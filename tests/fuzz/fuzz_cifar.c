/* Any bytes as a batch of CIFAR-10: refused, or every label is a class. */
#include <stdlib.h>

#include "base/mem.h"
#include "data/readers/cifar10.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size, "fuzz" };
	int32_t *label;
	uint8_t *x;
	size_t n;

	if (cifar10_count(&in, &n) != TT_OK)
		return 0;
	x = mem_calloc(n, CIFAR10_PIXELS);
	label = mem_calloc(n, sizeof *label);
	if (!x || !label)
		abort();
	if (cifar10_parse(&in, x, label) == TT_OK)
		for (size_t i = 0; i < n; i++)
			if (label[i] < 0 || label[i] > 9)
				abort();
	mem_free(x);
	mem_free(label);
	return 0;
}
