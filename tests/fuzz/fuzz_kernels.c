/* Any text as a kernel cache: damaged rows are skipped, and what is known afterwards is one of the
 * rows. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/tuning_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_calloc(size + 1, 1), *whole = mem_calloc(size + 1, 1);
	struct kernel_cache *c;
	const char *choice;

	if (!text || !whole || kernel_cache_open(&c, NULL, "m") != TT_OK)
		abort();
	if (size) {
		memcpy(text, data, size);
		memcpy(whole, data, size);
	}
	if (kernel_cache_parse(c, text) != TT_OK)
		abort();
	if ((choice = kernel_cache_get(c, "k")) && !strstr(whole, choice))
		abort();
	kernel_cache_close(&c);
	mem_free(text);
	mem_free(whole);
	return 0;
}
