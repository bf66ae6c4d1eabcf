/* Any text as a spec with a section `tune`: refused, or options whose texts are all there. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tune/section.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t letters(const struct flag_list *l)
{
	size_t n = 0;

	for (int i = 0; i < l->n; i++)
		n += strlen(l->v[i]);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tune_args o = {0};
	struct arena a = {0};
	char *text = mem_calloc(size + 1, 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	if (section_parse(&a, "spec", text, &o) == TT_OK &&
	    (letters(&o.param) > 1000 * (size + 1) || o.trials < 0 || o.slots < 0 || o.slots > 4096))
		abort();
	arena_release(&a);
	mem_free(text);
	return 0;
}
