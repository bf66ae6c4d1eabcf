/* pieces.h -- texts cut into pieces before tokens are looked for (pre-tokenisation).
 *
 *   "Don't go"  --'t| ?\p{L}+|...-->  "Don" "'t" " go"
 *
 * Rules are applied one behind the other, each to the pieces of the one before.  What a rule's
 * pattern finds and what lies between are pieces of their own, or as its word says.  Patterns are
 * those of PCRE2 with Unicode's properties, which take what tokenizers are written with; how long
 * one may look for a match is bounded.  Safe from any thread: what changes is in the work. */
#ifndef TEXT_PIECES_H
#define TEXT_PIECES_H

#include "base/str.h"

#define PIECES_RULES 16

enum pieces_how {
	PIECES_ISOLATED, PIECES_REMOVED, PIECES_PREVIOUS, PIECES_NEXT, PIECES_CONTIGUOUS
};
extern const char *const pieces_words[];        /* as tokenizer.json has them */

/* What becomes of a piece before a rule looks at it: a space in front of it, if it has none; spaces
 * become the mark "\u2581", and one stands in front, of each or of a text's first. */
enum pieces_change { PIECES_AS_IS, PIECES_SPACE, PIECES_MARK, PIECES_MARK_ALL, PIECES_MARK_FIRST };

struct pieces_rule {
	enum pieces_how    how;
	int                invert;      /* enum no/yes: what the pattern finds is what is left      */
	enum pieces_change change;
	void              *code;        /* of the pattern; NULL: all is one piece                   */
	const char        *pattern;     /* for messages; borrowed                                   */
};

struct pieces { struct pieces_rule rule[PIECES_RULES]; int n; };

/* Append a rule; its code is that of the pattern.  TT_EFORMAT: it is no pattern.  TT_ESUPPORT: too
 * many rules. */
tt_status pieces_add(struct pieces *p, const struct pieces_rule *rule);
void      pieces_release(struct pieces *p);

/* White space, in a class; and the patterns of fixed rules. */
#define PIECES_BLANKS "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}" \
                      "\\x{202f}\\x{205f}\\x{3000}"
#define PIECES_SIGN  "[!-\\/:-@\\[-`{-~\\p{P}]"
/* GPT-2's, which stands for byte level. */
#define PIECES_GPT2  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|" \
                     "\\s+(?!\\S)|\\s+"
#define PIECES_MARK_TEXT "\xe2\x96\x81"

/* What cutting needs; zero-initialise, release. */
struct pieces_work { void *match, *limits; struct str changed[PIECES_RULES]; };
void pieces_work_release(struct pieces_work *w);

/* Who gets the pieces. */
struct pieces_taker { tt_status (*take)(void *ctx, const char *p, size_t n); void *ctx; };
/* A text that is valid UTF-8. */
struct pieces_text { const char *p; size_t n; int first; };   /* first: nothing is before it */
tt_status pieces_cut(const struct pieces *p, struct pieces_work *w, const struct pieces_text *t,
                     const struct pieces_taker *to);

#define PIECES_NONE ((size_t)-1)
/* The next match of a rule's pattern from `at` on, which is not empty; *from is PIECES_NONE where
 * there is none. */
struct pieces_match { size_t from, to; };
tt_status pieces_find(const struct pieces_rule *r, struct pieces_work *w,
                      const struct pieces_text *t, size_t at, struct pieces_match *out);

#endif
