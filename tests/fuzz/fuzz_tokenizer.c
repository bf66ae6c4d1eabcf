/* Any bytes as a tokenizer.json and as a text: refused, or every number is in the vocabulary, and
 * of tokens that are exact those bytes come back. */
#include <stdlib.h>
#include <string.h>

#include "data/text/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct vocabulary *v, const struct text_piece *text,
                       const struct encoding *e)
{
	size_t n = 0, k;

	for (size_t i = 0; i < e->n; i++) {
		const char *p;

		if (e->id[i] < 0 || e->id[i] >= v->n)
			abort();
		p = vocabulary_text(v, e->id[i], &k);
		if (v->tokenizer->exact && (n + k > text->n || (k && memcmp(text->p + n, p, k) != 0)))
			abort();
		n += k;
	}
	if (v->tokenizer->exact && n != text->n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text_piece file = { (const char *)data, size, 0, "fuzz.json" };
	struct vocabulary v, again;
	struct encoding e = {0};

	if (vocabulary_parse(&v, &file) != TT_OK)
		return 0;
	if (vocabulary_take(&again, &(struct vocabulary_known){ v.name, v.n, v.recipe }) != TT_OK ||
	    again.n != v.n)
		abort();                /* what is kept in a checkpoint is read again */
	if (vocabulary_encode(&again, &file, &e) == TT_OK)
		check_text(&again, &file, &e);
	encoding_release(&e);
	vocabulary_release(&v);
	vocabulary_release(&again);
	return 0;
}
