/* Any bytes as a checkpoint: refused, or every tensor lies inside the bytes, is aligned, and may be
 * read to its end. */
#include <stdlib.h>

#include "learn/ckpt/ckpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ckpt *c;
	volatile uint8_t sum = 0;
	size_t total = 0;

	if (ckpt_parse(&c, "fuzz", data, size) != TT_OK)
		return 0;
	for (int i = 0; i < ckpt_count(c); i++) {
		const struct ckpt_tensor *t = ckpt_at(c, i);
		const uint8_t *p = t->data;

		if ((uintptr_t)p % dtype_size(t->desc.dtype) != 0 || !ckpt_find(c, t->name))
			abort();
		for (size_t k = 0; k < tensor_bytes(&t->desc); k++)
			sum ^= p[k];
		total += tensor_bytes(&t->desc);
	}
	if (total > 4 * size)           /* a byte may become four */
		abort();
	(void)sum;
	(void)ckpt_meta(c, "tutti.spec");
	ckpt_close(&c);
	return 0;
}
