/* wanted.h -- the tokens that a source's settings ask for.
 *
 *   tokens=words&vocab_size=5000      found in the text
 *   vocab=tokens.txt                  a list, a name in each line
 *   tokens=tokenizer.json             a tokenizer of Hugging Face
 */
#ifndef TEXT_WANTED_H
#define TEXT_WANTED_H

#include "data/text/vocabulary.h"

#define TOKENS_AUTO   (-1)
#define TOKENS_WORDS_MOST "10000"       /* words, where vocab_size does not say how many */
#define TOKENS_WHAT "chars; bytes; words: with the blank before them, digits and signs apart; " \
	"bpe: byte pairs, found in the text to train on; a FILE.json: a tokenizer of Hugging Face"

struct tokens_wanted { const char *tokens, *vocab; int vocab_size; };

/* What tokens= says: a kind, or TOKENS_AUTO, which a file may be.  TT_ESPEC: nothing known. */
tt_status tokens_wanted_kind(const struct tokens_wanted *w, int *kind);
/* The vocabulary that a model knows (NULL: none), else that of a file; *given is 0 where neither is
 * there and it is to be found.  TT_EINVAL: it is of another kind than is wanted. */
tt_status tokens_wanted_given(const struct tokens_wanted *w, const struct vocabulary_known *known,
                              struct vocabulary *out, int *given);
/* How many tokens to find at most. */
size_t    tokens_wanted_most(const struct tokens_wanted *w, enum token_kind k);

#endif
