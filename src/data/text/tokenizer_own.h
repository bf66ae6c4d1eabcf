/* tokenizer_own.h -- what the files that look for tokens share. */
#ifndef TEXT_TOKENIZER_OWN_H
#define TEXT_TOKENIZER_OWN_H

#include "data/text/tokenizer.h"

struct unigram_place { double score; uint32_t from; int32_t id; };

struct tokenizer_work {
	struct normal_work    normal;
	struct pieces_work    pieces;
	struct bpe_work       bpe;
	struct str            word;         /* WordPiece: what is looked for      */
	struct unigram_place *place;        /* [places] Unigram                   */
	size_t                places;
	struct token_table    seen;         /* pieces; count: place << 8 | number */
	struct arena          bytes;        /* of these                           */
	int32_t              *ids;          /* what they became                   */
	size_t                n, room;
};

/* A text under way. */
struct tokenizing {
	const struct tokenizer  *t;
	struct encoding         *e;
	const struct text_piece *text;
	struct text_range        range;     /* of it, under way: for messages */
};

/* What a model makes of a piece. */
tt_status bpe_encode(const struct tokenizing *g, const char *p, size_t n);
tt_status wordpiece_encode(const struct tokenizing *g, const char *p, size_t n);
tt_status unigram_encode(const struct tokenizing *g, const char *p, size_t n);

#endif
