/* Any bytes as YAML: parsed or refused; what was parsed is written as YAML that
 * parses to the same tree, and takes a --set without harm. */
#include <stdlib.h>
#include <string.h>

#include "base/node/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || strcmp(a->key ? a->key : "", b->key ? b->key : "") != 0)
		abort();
	if (a->kind == NODE_TEXT && strcmp(a->text, b->text) != 0)
		abort();
	for (a = a->child, b = b->child; a && b; a = a->next, b = b->next)
		same(a, b);
	if (a || b)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct str s = {0};
	struct node *n, *again;

	if (node_parse_yaml(&a, "fuzz", (const char *)data, size, &n) == TT_OK) {
		node_write_yaml(n, &s);
		if (node_parse_yaml(&a, "again", s.p, s.len, &again) != TT_OK)
			abort();
		same(n, again);
		str_release(&s);
		node_write_json(n, &s);
		(void)node_set(&a, n, "train.lr", "[1, {a: 2}]");
		(void)node_set(&a, n, "0.layers.1", "x");
	}
	str_release(&s);
	arena_release(&a);
	return 0;
}
