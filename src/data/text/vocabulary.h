/* vocabulary.h -- the tokens that a net knows, numbered.
 *
 *   text  --count-->  names ["<unk>", "e", " ", "t", ...]  --take-->  vocabulary
 *   "the" --encode--> 3 7 1
 *
 * Names are all there is to it where tokens stand side by side: whoever has them (a checkpoint, as
 * the names of its classes; a file, one in each line) has the vocabulary.  What it does not have is
 * "<unk>", and counted.  Tokens that are looked for have a tokenizer besides, and a recipe, which
 * is {"tokenizer": what a tokenizer.json holds}.
 * Single-threaded while it is made, safe from any thread afterwards. */
#ifndef TEXT_VOCABULARY_H
#define TEXT_VOCABULARY_H

#include "base/arena.h"
#include "data/text/encoding.h"
#include "data/text/token_table.h"
#include "data/text/tokenizer.h"

#define VOCABULARY_MAX 1000000          /* tokens */
#define VOCABULARY_BPE 8000             /* of bpe, where it is not said how many */

struct vocabulary {
	enum token_kind    kind;
	const char *const *name;        /* [n], in the arena                */
	int                n;
	int                unknown;     /* its number; -1: there is none    */
	struct token_table table;       /* [n], by number; with a tokenizer: of its names */
	struct tokenizer  *tokenizer;   /* NULL: tokens stand side by side  */
	const char        *recipe;      /* its JSON, in the arena; or NULL  */
	struct arena       arena;
};

/* The vocabulary of texts: the most frequent tokens first, at most `most` with the unknown; bytes
 * are always all 256; of bpe as many tokens as there are to be found.  TT_EFORMAT: no UTF-8, by its
 * place. */
tt_status vocabulary_build(struct vocabulary *out, enum token_kind k, const struct text_piece *text,
                           size_t texts, size_t most);
/* From its names, which tell the kind; or from a recipe, if that is there.  TT_EFORMAT: two names
 * are the same, or one is empty.  TT_ESHAPE: the recipe is of something else. */
struct vocabulary_known { const char *const *names; int n; const char *recipe; };
tt_status vocabulary_take(struct vocabulary *out, const struct vocabulary_known *known);
/* From a file's text, a name in each line, where unknown is added if it is missing; or from a
 * tokenizer.json, by its name. */
tt_status vocabulary_parse(struct vocabulary *out, const struct text_piece *file);
void      vocabulary_release(struct vocabulary *v);

/* Append a text.  TT_EFORMAT names the place: no UTF-8, or a token that is not in a vocabulary
 * without an unknown. */
tt_status vocabulary_encode(const struct vocabulary *v, const struct text_piece *text,
                            struct encoding *e);
void      encoding_release(struct encoding *e);
/* The *n bytes that a token writes, borrowed. */
const char *vocabulary_text(const struct vocabulary *v, int32_t id, size_t *n);

#endif
