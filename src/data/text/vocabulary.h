/* vocabulary.h -- the tokens that a net knows, numbered.
 *
 *   text  --count-->  names ["<unk>", "e", " ", "t", ...]  --take-->  vocabulary
 *   "the" --encode--> 3 7 1
 *
 * Names are all there is to it: whoever has them (a checkpoint, as the names of its classes; a
 * file, one in each line) has the vocabulary.  What it does not have is "<unk>", and counted.
 * Single-threaded while it is made, safe from any thread afterwards. */
#ifndef TEXT_VOCABULARY_H
#define TEXT_VOCABULARY_H

#include "base/arena.h"
#include "data/text/tokens.h"

#define VOCABULARY_MAX     1000000      /* tokens                                   */
#define VOCABULARY_UNKNOWN "<unk>"      /* the name of what is none of them         */

struct token { const char *p; size_t n; uint64_t count; };

/* Tokens found by their bytes. */
struct token_table {
	struct token *v;
	size_t        n, room;
	uint32_t     *slot;             /* place in v, + 1; 0: free         */
	size_t        slots;            /* a power of two                   */
};

struct vocabulary {
	enum token_kind    kind;
	const char *const *name;        /* [n], in the arena                */
	int                n;
	int                unknown;     /* its number; -1: there is none    */
	struct token_table table;       /* [n], by number                   */
	struct arena       arena;
};

/* n bytes of a text that has `from` others in front of p; messages count from its start. */
struct text_piece { const char *p; size_t n, from; const char *name; };

/* The vocabulary of texts: the most frequent tokens first, at most `most` with the unknown; bytes
 * are always all 256.  TT_EFORMAT: no UTF-8, by its place. */
tt_status vocabulary_build(struct vocabulary *out, enum token_kind k, const struct text_piece *text,
                           size_t texts, size_t most);
/* From its names, which tell the kind.  TT_EFORMAT: two are the same, or one is empty. */
tt_status vocabulary_take(struct vocabulary *out, const char *const *names, int n);
/* From a file's text, a name in each line; unknown is added where it is missing. */
tt_status vocabulary_parse(struct vocabulary *out, const struct text_piece *file);
void      vocabulary_release(struct vocabulary *v);

/* Numbers of tokens, one text behind the other. */
struct encoding {
	int32_t *id;                    /* [n], owned                                    */
	size_t   n, room;
	size_t   unknown;               /* tokens that the vocabulary does not have      */
	struct str first;               /* of these, by name and place                   */
};

/* Append a text.  TT_EFORMAT names the place: no UTF-8, or a token that is not in a vocabulary
 * without an unknown. */
tt_status vocabulary_encode(const struct vocabulary *v, const struct text_piece *text,
                            struct encoding *e);
void      encoding_release(struct encoding *e);

#endif
