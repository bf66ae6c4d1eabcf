/* words.h -- different texts, numbered in the order in which they are met.
 *
 *   "red" "blue" "red"   -->   0 1 0
 *
 * Zero-initialise, add, words_release. */
#ifndef TABLE_WORDS_H
#define TABLE_WORDS_H

#include "base/str.h"

struct words {
	struct str texts;           /* each with \0                          */
	size_t    *at;              /* [n] where each begins in them         */
	size_t     n, cap;
	uint32_t  *slot;            /* place of a text, + 1; 0: free         */
	size_t     slots;           /* a power of two                        */
};

#define WORDS_NONE UINT32_MAX
/* WORDS_NONE: it is none of them. */
uint32_t  words_find(const struct words *w, const char *text);
/* Its number, which may be a new one. */
tt_status words_add(struct words *w, const char *text, uint32_t *out);
void      words_release(struct words *w);

static inline const char *words_text(const struct words *w, size_t i)
{
	return w->texts.p + w->at[i];
}

#endif
