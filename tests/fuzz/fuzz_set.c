/* DOCUMENT newline PATH newline VALUE: a value put into a document as --set does it; what comes of
 * it is written as YAML that parses again. */
#include <stdlib.h>
#include <string.h>

#include "base/node/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct node *n)
{
	struct arena a = {0};
	struct str s = {0};
	struct node *again;

	node_write_yaml(n, &s);
	if (str_status(&s) != TT_OK || node_parse_yaml(&a, "again", s.p, s.len, &again) != TT_OK)
		abort();
	str_release(&s);
	arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *first = size ? memchr(data, '\n', size) : NULL;
	const size_t rest = first ? size - (size_t)(first + 1 - data) : 0;
	const uint8_t *second = first ? memchr(first + 1, '\n', rest) : NULL;
	struct arena a = {0};
	struct node *n;
	char *path, *value;

	if (!second)
		return 0;
	path = strndup((const char *)first + 1, (size_t)(second - first) - 1);
	value = strndup((const char *)second + 1, size - (size_t)(second + 1 - data));
	if (!path || !value)
		abort();
	if (node_parse_yaml(&a, "fuzz", (const char *)data, (size_t)(first - data), &n) == TT_OK &&
	    node_set(&a, n, path, value) == TT_OK)
		check(n);
	free(path);
	free(value);
	arena_release(&a);
	return 0;
}
