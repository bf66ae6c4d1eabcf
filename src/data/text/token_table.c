#include "data/text/token_table.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

static size_t find_slot(const struct token_table *t, const char *p, size_t n)
{
	size_t at = (size_t)hash_bytes(HASH_BEGIN, p, n) & (t->slots - 1);

	for (; t->slot[at]; at = (at + 1) & (t->slots - 1)) {
		const struct token *is = &t->v[t->slot[at] - 1];

		if (is->n == n && memcmp(is->p, p, n) == 0)
			break;
	}
	return at;
}

/* Room for one more, and half of the slots free. */
static tt_status table_grow(struct token_table *t)
{
	const size_t room = t->room ? 2 * t->room : 256;
	struct token *v;
	uint32_t *slot;

	if (t->n < t->room)
		return TT_OK;
	if (room > UINT32_MAX / 4)
		return err_set(TT_EFORMAT, "more than %zu different tokens", t->room);
	if (!(v = mem_realloc(t->v, room * sizeof *v)))
		return TT_ENOMEM;
	t->v = v;
	if (!(slot = mem_calloc(2 * room, sizeof *slot)))
		return TT_ENOMEM;
	mem_free(t->slot);
	t->slot = slot;
	t->slots = 2 * room;
	t->room = room;
	for (size_t i = 0; i < t->n; i++)
		t->slot[find_slot(t, t->v[i].p, t->v[i].n)] = (uint32_t)i + 1;
	return TT_OK;
}

int64_t token_table_find(const struct token_table *t, const char *p, size_t n)
{
	return t->slots ? (int64_t)t->slot[find_slot(t, p, n)] - 1 : -1;
}

tt_status token_table_add(struct token_table *t, const char *p, size_t n, size_t *out)
{
	const tt_status st = table_grow(t);
	size_t slot;

	if (st != TT_OK)
		return st;
	slot = find_slot(t, p, n);
	if (!t->slot[slot]) {
		t->v[t->n] = (struct token){ p, n, 0 };
		t->slot[slot] = (uint32_t)++t->n;
	}
	*out = t->slot[slot] - 1;
	return TT_OK;
}

void token_table_release(struct token_table *t)
{
	mem_free(t->v);
	mem_free(t->slot);
	*t = (struct token_table){0};
}
