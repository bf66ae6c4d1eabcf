#include "data/table/words.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* The slot of a text, or the free one where it belongs. */
static size_t slot_of(const struct words *w, const char *text)
{
	size_t i = (size_t)hash_text(text) & (w->slots - 1);

	while (w->slot[i] && strcmp(words_text(w, w->slot[i] - 1), text) != 0)
		i = (i + 1) & (w->slots - 1);
	return i;
}

uint32_t words_find(const struct words *w, const char *text)
{
	return w->n ? w->slot[slot_of(w, text)] - 1 : WORDS_NONE;
}

static tt_status grow(struct words *w)
{
	const size_t cap = w->cap ? 2 * w->cap : 32, slots = 4 * cap;
	size_t *at;
	uint32_t *slot;

	if (cap >= WORDS_NONE)
		return err_set(TT_ENOMEM, "more than %zu different texts", w->n);
	if (!(at = mem_realloc(w->at, cap * sizeof *at)))
		return TT_ENOMEM;
	w->at = at;
	if (!(slot = mem_calloc(slots, sizeof *slot)))
		return TT_ENOMEM;
	mem_free(w->slot);
	w->slot = slot;
	w->slots = slots;
	w->cap = cap;
	for (size_t i = 0; i < w->n; i++)
		w->slot[slot_of(w, words_text(w, i))] = (uint32_t)i + 1;
	return TT_OK;
}

tt_status words_add(struct words *w, const char *text, uint32_t *out)
{
	size_t slot;
	tt_status st;

	if (w->n == w->cap && (st = grow(w)) != TT_OK)
		return st;
	slot = slot_of(w, text);
	if (!w->slot[slot]) {
		w->at[w->n] = w->texts.len;
		str_add_bytes(&w->texts, text, strlen(text) + 1);
		if ((st = str_status(&w->texts)) != TT_OK)
			return st;
		w->slot[slot] = (uint32_t)++w->n;
	}
	*out = w->slot[slot] - 1;
	return TT_OK;
}

void words_release(struct words *w)
{
	str_release(&w->texts);
	mem_free(w->at);
	mem_free(w->slot);
	*w = (struct words){0};
}
