/* Any bytes as a picture of any format: refused, or decoded at its own size and at another. */
#include <stdlib.h>

#include "base/mem.h"
#include "data/image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIXELS_MAX (1 << 20)     /* keeps the fuzzer fast; the limit itself has a test */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size, "fuzz" };
	uint8_t small[3 * 5 * 9], *whole;
	int h, w;

	if (image_probe(&in, IMAGE_AS_STORED, &h, &w) != TT_OK || h > PIXELS_MAX / w)
		return 0;
	(void)image_decode(&in, &(struct image_want){ .channels = 3, .h = 5, .w = 9 }, small);
	whole = mem_alloc((size_t)h * (size_t)w);
	if (!whole)
		abort();
	(void)image_decode(&in, &(struct image_want){ .channels = 1, .h = h, .w = w }, whole);
	mem_free(whole);
	return 0;
}
