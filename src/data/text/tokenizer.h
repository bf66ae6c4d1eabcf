/* tokenizer.h -- tokens that are looked for: what a tokenizer.json of Hugging Face says.
 *
 *   text --added tokens--> --normal--> --pieces--> --model--> numbers
 *   "the cats"                        "the" " cats"    BPE: 1169, 8619
 *
 * The numbers are those of encode(text, add_special_tokens=False).  A tokenizer never changes once
 * it is read; what does is in the encoding, which one thread at a time may fill. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "base/arena.h"
#include "base/node/node.h"
#include "data/text/bpe.h"
#include "data/text/encoding.h"
#include "data/text/normal.h"
#include "data/text/token_table.h"

/* A token that is found before all else, whatever stands around it. */
struct added_token {
	const char *p;
	size_t      n;
	int32_t     id;
	int         strips_left, strips_right;      /* enum no/yes: blanks beside it are part of it */
};

struct tokenizer {
	enum token_kind     kind;
	int                 byte_level;     /* enum no/yes: the model's letters are bytes            */
	int                 exact;          /* enum no/yes: tokens are the text, bytes and all       */
	int                 n;
	struct token       *text;           /* [n] what each writes; count: 1 if it is there         */
	struct token_table  known;          /* what the model sees; count: its number                */
	int32_t             byte[256];      /* tokens of single bytes, or -1                         */
	struct bpe          bpe;
	int                 unknown;        /* number of the unknown; -1: there is none              */
	int                 fuses;          /* enum no/yes: several unknowns are one                 */
	int                 falls_back;     /* enum no/yes: what is unknown is bytes                 */
	int                 whole_first;    /* enum no/yes: a piece that is a token is not merged    */
	const char         *inner;          /* WordPiece: in front of what begins no word            */
	int                 longest;        /* WordPiece: characters of a word; bytes of any token   */
	double             *score;          /* [n] Unigram                                           */
	double              worst;          /* its score of an unknown                               */
	struct normal       normal;
	struct pieces       pieces;
	struct added_token *added;          /* [n_added] by their bytes                              */
	size_t              n_added;
	unsigned char       begins[256];    /* enum no/yes: an added token begins with this byte     */
	struct arena        arena;
};

/* From a tokenizer.json, of which nothing is borrowed; what cannot be done here is refused by its
 * name: TT_ESUPPORT.  TT_EFORMAT: it is none, or lies.  *out is owned. */
tt_status tokenizer_read(struct tokenizer **out, const struct node *root);
void      tokenizer_free(struct tokenizer *t);         /* NULL is fine */

/* Append a text's numbers.  TT_EFORMAT: no UTF-8 where that is needed, or a token that is none. */
tt_status tokenizer_encode(const struct tokenizer *t, const struct text_piece *text,
                           struct encoding *e);
void      tokenizer_work_free(struct tokenizer_work *w);        /* NULL is fine */

#endif
