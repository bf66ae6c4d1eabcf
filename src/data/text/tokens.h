/* tokens.h -- where one token of a text ends, and what it is called.
 *
 *   chars    t|h|e| |é|\n            a character of UTF-8
 *   bytes    t|h|e| |\xc3|\xa9       whatever the bytes are
 *   words    the| cat|'|s|\n         a word with the blank before it, a run of digits, a sign
 *
 * Tokens stand side by side without a gap, so that text is made of them by writing one behind the
 * other.  The kinds behind TOKEN_KINDS are not found by where they end, but by a tokenizer.  A name
 * is what people and files see of a token: \n, \t, \r, \\ and \x00 are escapes. */
#ifndef TEXT_TOKENS_H
#define TEXT_TOKENS_H

#include "base/str.h"

#define TOKEN_MAX 64            /* bytes of a token, at most */

#define TOKEN_UNKNOWN "<unk>"   /* the name of what is no token */

enum token_kind {
	TOKENS_CHARS, TOKENS_BYTES, TOKENS_WORDS, TOKEN_KINDS,
	TOKENS_BPE = TOKEN_KINDS, TOKENS_WORDPIECE, TOKENS_UNIGRAM
};
extern const char *const token_kind_words[];

/* Bytes of the token that n > 0 bytes of text begin with; 0: no UTF-8. */
size_t token_length(enum token_kind k, const char *p, size_t n);
/* Bytes of valid UTF-8 that n bytes begin with. */
size_t token_utf8(const char *p, size_t n);
static inline int token_all_utf8(const char *p, size_t n) { return token_utf8(p, n) == n; }
/* The first place from `at` on where a text may be cut: between characters, or behind a word. */
size_t token_cut(enum token_kind k, const char *p, size_t n, size_t at);

/* Bytes as a name; ascii: what is no ASCII is escaped, too. */
enum name_letters { NAME_UTF8, NAME_ASCII };
void   token_name(const char *p, size_t n, enum name_letters letters, struct str *out);
/* And back, into out, which has room for strlen(name) bytes: how many they are. */
size_t token_unname(const char *name, char *out);

#endif
