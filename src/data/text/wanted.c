#include "data/text/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define FILE_MAX ((size_t)64 << 20)     /* bytes of a file of tokens */

static int is_json(const char *word)
{
	return str_ends_with(word, ".json");
}

tt_status tokens_wanted_kind(const struct tokens_wanted *w, int *kind)
{
	const char *word = w->tokens ? w->tokens : "auto";

	if (strcmp(word, "auto") == 0 || is_json(word)) {
		*kind = TOKENS_AUTO;
		return !w->vocab || !is_json(word) ? TT_OK
			: err_set(TT_EINVAL, "tokens=%s and vocab=%s: there is one vocabulary", word, w->vocab);
	}
	for (int k = 0; k <= TOKENS_BPE; k++)
		if (strcmp(token_kind_words[k], word) == 0) {
			*kind = k;
			return TT_OK;
		}
	return err_set(TT_ESPEC, "tokens=%s is none of auto, chars, bytes, words, bpe, and no "
	               "FILE.json", word);
}

static tt_status read_file(const char *path, struct vocabulary *out)
{
	struct text_piece file = { .name = path };
	char *text;
	tt_status st = file_read_all(path, FILE_MAX, &text, &file.n);

	if (st != TT_OK)
		return st;
	file.p = text;
	st = vocabulary_parse(out, &file);
	mem_free(text);
	return st;
}

tt_status tokens_wanted_given(const struct tokens_wanted *w, const struct vocabulary_known *known,
                              struct vocabulary *out, int *given)
{
	const char *file = w->vocab ? w->vocab : w->tokens && is_json(w->tokens) ? w->tokens : NULL;
	struct vocabulary v = {0};
	int kind;
	tt_status st = tokens_wanted_kind(w, &kind);

	if (st != TT_OK)
		return st;
	*given = known || file;
	if (!*given)
		return TT_OK;
	if ((st = known ? vocabulary_take(&v, known) : read_file(file, &v)) != TT_OK)
		return st;
	if (kind != TOKENS_AUTO && (int)v.kind != kind) {
		st = err_set(TT_EINVAL, "tokens=%s, and the vocabulary that is given holds %s: leave out "
		             "tokens=", w->tokens, token_kind_words[v.kind]);
		vocabulary_release(&v);
		return st;
	}
	*out = v;
	return TT_OK;
}

size_t tokens_wanted_most(const struct tokens_wanted *w, enum token_kind k)
{
	return w->vocab_size ? (size_t)w->vocab_size
	     : k == TOKENS_WORDS ? strtoul(TOKENS_WORDS_MOST, NULL, 10) : 0;
}
