/* Any bytes as a file of tokens and as a text: refused, or every number is in the vocabulary and
 * the tokens that it knows are those bytes. */
#include <stdlib.h>
#include <string.h>

#include "data/text/vocabulary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vocabulary *v, const struct text_piece *text)
{
	struct encoding e = {0};
	char name[4 * TOKEN_MAX + 1];
	size_t n = 0;

	if (vocabulary_encode(v, text, &e) == TT_OK) {
		for (size_t i = 0; i < e.n; i++) {
			if (e.id[i] < 0 || e.id[i] >= v->n)
				abort();
			if (!e.unknown && strlen(v->name[e.id[i]]) < sizeof name) {
				const size_t k = token_unname(v->name[e.id[i]], name);

				if (n + k > text->n || memcmp(text->p + n, name, k) != 0)
					abort();
				n += k;
			}
		}
		if (!e.unknown && n != text->n)
			abort();
	}
	encoding_release(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct text_piece text = { (const char *)data, size, 0, "fuzz" };
	struct vocabulary v;

	for (int k = 0; k < TOKEN_KINDS; k++)
		if (vocabulary_build(&v, k, &text, 1, size % 7) == TT_OK) {
			check(&v, &text);
			vocabulary_release(&v);
		}
	if (vocabulary_parse(&v, &text) == TT_OK) {
		check(&v, &text);
		vocabulary_release(&v);
	}
	return 0;
}
