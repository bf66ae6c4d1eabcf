/* Any text as a filter: refused with a word, or a condition whose places all have values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/store/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter *f = calloc(1, sizeof *f);
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	if (filter_parse(f, text) == TT_OK)
		for (const char *at = f->sql.p; (at = strchr(at, '?')); at++)
			if (atoi(at + 1) < 1 || atoi(at + 1) > f->values)
				abort();
	filter_release(f);
	free(text);
	free(f);
	return 0;
}
