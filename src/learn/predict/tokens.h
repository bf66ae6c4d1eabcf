/* tokens.h -- are the numbers that an embedding looks up in its table?
 *
 * A net whose input goes into an embedding reads tokens: whole numbers from 0 to rows - 1.  Any
 * other names no row, and the answer would be no number. */
#ifndef PREDICT_TOKENS_H
#define PREDICT_TOKENS_H

#include "learn/nn/model.h"

struct token_batch {
	const float   *x;               /* [n, m->inputs]                                        */
	int64_t        n;
	const int64_t *index;           /* [n] of the samples in their source; NULL: their place */
};

/* TT_EFORMAT of a source, TT_EINVAL of a call: names the sample, the column and the value.  TT_OK
 * of a net without tokens. */
tt_status tokens_check(const struct tt_model *m, const struct token_batch *b);

#endif
