/* Any bytes as JSON: parsed or refused; what was parsed is written as JSON that
 * parses again to something that is written alike. */
#include <stdlib.h>
#include <string.h>

#include "base/node/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct str first = {0}, second = {0};
	struct node *n;

	if (node_parse_json(&a, "fuzz", (const char *)data, size, &n) == TT_OK) {
		node_write_json(n, &first);
		if (node_parse_json(&a, "again", first.p, first.len, &n) != TT_OK)
			abort();
		node_write_json(n, &second);
		if (strcmp(first.p, second.p) != 0)
			abort();
	}
	str_release(&first);
	str_release(&second);
	arena_release(&a);
	return 0;
}
