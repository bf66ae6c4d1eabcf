/* tokenizer_rules.h -- normalizers, pre-tokenizers and decoders, as a tokenizer.json names them. */
#ifndef TEXT_TOKENIZER_RULES_H
#define TEXT_TOKENIZER_RULES_H

#include "base/node/node.h"
#include "data/text/tokenizer.h"

/* Of a MAP, with what counts where the key is absent.  A text is borrowed. */
int         rules_flag(const struct node *map, const char *key, int otherwise);
const char *rules_text(const struct node *map, const char *key, const char *otherwise);
/* What a part is that is not known here, by its name: TT_ESUPPORT. */
tt_status   rules_refuse(const struct node *map, const char *what, const char *name);

/* "normalizer" and "pre_tokenizer" into t, whose arena has what they borrow; absent is fine. */
tt_status rules_read_normal(struct tokenizer *t, const struct node *n);
tt_status rules_read_pieces(struct tokenizer *t, const struct node *n);
/* "decoder": the texts of all tokens as it writes them; where it changes any, none is exact. */
tt_status tokenizer_write(struct tokenizer *t, const struct node *decoder);

#endif
