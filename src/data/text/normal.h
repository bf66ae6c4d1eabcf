/* normal.h -- texts made alike before they are cut (normalisation).
 *
 *   "Ｃafé "  --NFKC, Lowercase, StripAccents, Strip-->  "cafe"
 *
 * Steps are applied one behind the other; Unicode's tables are those of utf8proc. */
#ifndef TEXT_NORMAL_H
#define TEXT_NORMAL_H

#include "data/text/pieces.h"

#define NORMAL_STEPS 16

enum normal_kind {
	NORMAL_NFC, NORMAL_NFD, NORMAL_NFKC, NORMAL_NFKD, NORMAL_LOWER, NORMAL_ACCENTS, NORMAL_MARKS,
	NORMAL_CLEAN, NORMAL_CHINESE, NORMAL_STRIP_LEFT, NORMAL_STRIP_RIGHT, NORMAL_PREPEND,
	NORMAL_REPLACE
};

struct normal_step {
	enum normal_kind   kind;
	const char        *text;        /* prepend, replace: this, borrowed       */
	struct pieces_rule what;        /* replace: what its pattern finds; owned */
};

struct normal { struct normal_step step[NORMAL_STEPS]; int n; };

/* Append a step.  TT_ESUPPORT: too many. */
tt_status normal_add(struct normal *n, const struct normal_step *s);
void      normal_release(struct normal *n);

/* A text of valid UTF-8 into *out, which is borrowed from the work or the text itself. */
struct normal_work { struct str text[2]; struct pieces_work search; };
tt_status normal_apply(const struct normal *n, struct normal_work *w, const struct pieces_text *t,
                       struct pieces_text *out);
void      normal_work_release(struct normal_work *w);

#endif
