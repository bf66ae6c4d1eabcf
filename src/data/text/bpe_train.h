/* bpe_train.h -- the merges of a byte-level BPE, from texts.
 *
 * Texts are cut by GPT-2's pattern (pieces.h), what is no UTF-8 into its bytes.  The 256 bytes are
 * the first tokens, in the order of their letters.  Then, until there are enough tokens, the most
 * frequent pair of neighbours becomes one; of pairs as frequent, that of the smaller numbers.
 * These are the rules of Hugging Face's trainer, and the numbers are the same.
 *
 * Different pieces are counted once; a merge costs what the pieces with that pair are long. */
#ifndef TEXT_BPE_TRAIN_H
#define TEXT_BPE_TRAIN_H

#include "data/text/encoding.h"

#define BPE_BYTES 256           /* tokens, at least        */
#define BPE_PIECE 256           /* bytes of a piece, at most: longer ones are counted in parts */

/* The tokenizer with at most `most` tokens as the text of a tokenizer.json, into *out.  Fewer where
 * no pair is left that is there `least` times. */
struct bpe_wish { size_t most, least; };
tt_status bpe_train(const struct text_piece *text, size_t texts, const struct bpe_wish *wish,
                    struct str *out);

#endif
