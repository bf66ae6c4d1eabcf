/* Any text as a spec with ${NAME} in it: refused, or expanded to what holds no more than it and the
 * values. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kit/expand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name with an A is set, to a text that looks like a name itself. */
static const char *look_up(void *ctx, const char *name)
{
	(void)ctx;
	return strchr(name, 'A') ? "${AGAIN}" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_calloc(size + 1, 1);
	struct expansion e = {0};

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	if (expand_text("fuzz", text, look_up, NULL, &e) == TT_OK && e.text.len > 8 * size)
		abort();
	expansion_release(&e);
	mem_free(text);
	return 0;
}
