/* encoding.h -- texts as numbers of tokens, one behind the other. */
#ifndef TEXT_ENCODING_H
#define TEXT_ENCODING_H

#include "data/text/tokens.h"

/* n bytes of a text that has `from` others in front of p; messages count from its start. */
struct text_piece { const char *p; size_t n, from; const char *name; };

struct encoding {
	int32_t *id;                    /* [n], owned                                    */
	size_t   n, room;
	size_t   unknown;               /* tokens that the vocabulary does not have      */
	struct str first;               /* of these, by name and place                   */
	struct tokenizer_work *work;    /* of a tokenizer: kept from text to text        */
};

tt_status encoding_grow(struct encoding *e, size_t more);
static inline tt_status encoding_put(struct encoding *e, int32_t id)
{
	const tt_status st = e->n < e->room ? TT_OK : encoding_grow(e, 1);

	if (st == TT_OK)
		e->id[e->n++] = id;
	return st;
}

/* The n bytes of a text from `at` on are no token: counted.  TT_EFORMAT: unknown is -1, for there
 * is no number for it. */
struct text_range { size_t at, n; };
tt_status encoding_unknown(struct encoding *e, const struct text_piece *t, struct text_range r,
                           int unknown);
/* TT_EFORMAT: byte `at` of a text is none of UTF-8. */
tt_status encoding_no_utf8(const struct text_piece *t, size_t at);

#endif
