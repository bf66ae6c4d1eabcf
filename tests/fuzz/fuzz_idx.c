/* Any bytes as an IDX file, as they are and through gzip. */
#include <stdlib.h>

#include "base/mem.h"
#include "data/readers/mnist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const struct bytes *in)
{
	struct idx x;
	unsigned sum = 0;

	if (idx_parse(in, &x) != TT_OK)
		return;
	if (x.size != 0 && (x.data < in->p || x.data + x.size != in->p + in->n))
		abort();
	for (size_t i = 0; i < x.size; i++)
		sum += x.data[i];
	if (sum == 1 && x.size == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size, "fuzz" };
	uint8_t *flat;
	size_t n;

	parse(&in);
	if (gzip_inflate(&in, 1 << 20, &flat, &n) == TT_OK) {
		if (n > 1 << 20)
			abort();
		parse(&(struct bytes){ flat, n, "fuzz.gz" });
		mem_free(flat);
	}
	return 0;
}
