#include "data/text/tokens.h"

#include <string.h>

const char *const token_kind_words[] = {
	[TOKENS_CHARS] = "chars", [TOKENS_BYTES] = "bytes", [TOKENS_WORDS] = "words",
	[TOKENS_BPE] = "bpe", [TOKENS_WORDPIECE] = "wordpiece", [TOKENS_UNIGRAM] = "unigram", NULL
};

/* ---- characters ---- */

/* Bytes of the UTF-8 character at p, overlong forms and surrogates excluded; 0: none. */
static size_t char_length(const char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)p;
	const size_t k = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
	                 (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t c = k == 1 ? s[0] : s[0] & (0x7fu >> k);

	if (k == 0 || k > n)
		return 0;
	for (size_t i = 1; i < k; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[k] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : k;
}

size_t token_utf8(const char *p, size_t n)
{
	size_t at = 0, k = 1;

	while (at < n && k) {
		uint64_t eight = UINT64_C(1) << 63;

		if (n - at >= sizeof eight)
			memcpy(&eight, p + at, sizeof eight);
		k = eight & UINT64_C(0x8080808080808080) ? char_length(p + at, n - at) : sizeof eight;
		at += k;
	}
	return at;
}

static size_t byte_length(const char *p, size_t n)
{
	(void)p;
	(void)n;
	return 1;
}

/* ---- words ---- */

enum letter { LETTER, DIGIT, BLANK, SIGN };

/* The same in every locale; what is no ASCII is of a word. */
static enum letter letter_of(char c)
{
	const unsigned char u = (unsigned char)c;

	if (u >= 0x80 || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z'))
		return LETTER;
	if (u >= '0' && u <= '9')
		return DIGIT;
	return u <= ' ' ? BLANK : SIGN;
}

static size_t word_length(const char *p, size_t n)
{
	size_t at = n > 1 && p[0] == ' ' && letter_of(p[1]) != BLANK, first = at, k;
	const enum letter kind = letter_of(p[at]);

	while (at < n && letter_of(p[at]) == kind) {
		if (!(k = char_length(p + at, n - at)))
			return at > first ? at : 0;
		if (at + k > TOKEN_MAX)
			break;
		at += k;
		if (kind == BLANK || kind == SIGN)
			break;
	}
	return at;
}

static size_t (*const lengths[])(const char *p, size_t n) = {
	[TOKENS_CHARS] = char_length, [TOKENS_BYTES] = byte_length, [TOKENS_WORDS] = word_length,
};

size_t token_length(enum token_kind k, const char *p, size_t n)
{
	return lengths[k](p, n);
}

size_t token_cut(enum token_kind k, const char *p, size_t n, size_t at)
{
	while (k == TOKENS_CHARS && at < n && ((unsigned char)p[at] & 0xc0) == 0x80)
		at++;
	while (k >= TOKENS_WORDS && at < n && letter_of(p[at]) != BLANK)
		at++;
	return at;
}

/* ---- names ---- */

static const char plain[] = "\n\t\r\\", escaped[] = "ntr\\";

void token_name(const char *p, size_t n, enum name_letters letters, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char u = (unsigned char)p[i];
		const char *at = u ? strchr(plain, u) : NULL;

		if (at)
			str_addf(out, "\\%c", escaped[at - plain]);
		else if (u < 0x20 || u == 0x7f || (letters == NAME_ASCII && u >= 0x80))
			str_addf(out, "\\x%02x", u);
		else
			str_add_bytes(out, &p[i], 1);
	}
}

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t token_unname(const char *name, char *out)
{
	char *to = out;

	while (*name) {
		const char *at = name[0] == '\\' && name[1] ? strchr(escaped, name[1]) : NULL;

		if (at) {
			*to++ = plain[at - escaped];
			name += 2;
		} else if (name[0] == '\\' && name[1] == 'x' && digit_of(name[2]) >= 0 &&
		           digit_of(name[3]) >= 0) {
			*to++ = (char)(digit_of(name[2]) << 4 | digit_of(name[3]));
			name += 4;
		} else {
			*to++ = *name++;
		}
	}
	return (size_t)(to - out);
}
