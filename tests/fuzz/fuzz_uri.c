/* Any text as what follows the scheme of a source's URI: refused, or a path and settings, each with
 * a name that none other has; and as the settings of a table. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct node *map)
{
	for (const struct node *n = map->child; n; n = n->next) {
		if (!n->key || !*n->key || !n->text || n->kind != NODE_TEXT)
			abort();
		if (node_get(map, n->key) != n)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_calloc(size + 1, 1);
	struct arena a = {0};
	struct node map;
	const char *path;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	if (reader_parse(&a, text, text, &path, &map) == TT_OK) {
		check(&map);
		if (strlen(path) > size)
			abort();
	}
	mem_free(text);
	arena_release(&a);
	return 0;
}
