#include "base/str.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Room for n more bytes and the NUL. */
static int grow(struct str *s, size_t n)
{
	size_t need, cap;
	char *p;

	if (s->failed)
		return 0;
	if (__builtin_add_overflow(s->len, n, &need) || need >= SIZE_MAX / 2)
		goto fail;
	if (need < s->cap)
		return 1;
	for (cap = s->cap ? s->cap : 64; cap <= need; cap *= 2)
		;
	if (!(p = mem_realloc(s->p, cap)))
		goto fail;
	s->p = p;
	s->cap = cap;
	return 1;
fail:
	s->failed = 1;
	return 0;
}

void str_add_bytes(struct str *s, const void *p, size_t n)
{
	if (!grow(s, n))
		return;
	if (n)
		memcpy(s->p + s->len, p, n);
	s->len += n;
	s->p[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_bytes(s, text, strlen(text));
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		s->failed = 1;
	else if (grow(s, (size_t)n)) {
		vsnprintf(s->p + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

/* Decode the UTF-8 character at s into *out; how many bytes, 0 if it is none
 * (overlong forms and surrogates included).  The NUL stops every sequence. */
static size_t utf8(const unsigned char *s, uint32_t *out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
	           (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (n == 0 || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*out = c;
	return n;
}

int str_is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t c;

	for (size_t n; *p; p += n)
		if ((n = utf8(p, &c)) == 0)
			return 0;
	return 1;
}

/* What may not stand as itself between quotes: controls and quotes for JSON, and
 * further line breaks and non-characters, so that the text is good YAML as well. */
static int must_escape(uint32_t c)
{
	return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) ||
	       c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe || c == 0xffff;
}

static void add_escape(struct str *s, uint32_t c)
{
	static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";
	const char *at = c && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (at)
		str_addf(s, "\\%c", to[at - from]);
	else
		str_addf(s, "\\u%04x", (unsigned)c);
}

void str_add_json(struct str *s, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (!text) {
		str_add(s, "null");
		return;
	}
	str_add(s, "\"");
	while (*p) {
		uint32_t c = 0xfffd;            /* the replacement for what is no UTF-8 */
		size_t n = utf8(p, &c);

		if (n == 0 || must_escape(c))
			add_escape(s, c);
		else
			str_add_bytes(s, p, n);
		p += n ? n : 1;
	}
	str_add(s, "\"");
}

static void print_number(char *text, size_t size, double v)
{
	if (v == floor(v) && fabs(v) < 1e15) {
		snprintf(text, size, v == 0 && signbit(v) ? "-0.0" : "%.0f", v);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, size, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			return;
	}
}

/* newlocale of the whole "C" locale gives the C library's constant, so neither
 * switching to it nor back allocates. */
void str_add_number(struct str *s, double v)
{
	char text[40] = "null";
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), old;

	if (!c) {
		s->failed = 1;
		return;
	}
	old = uselocale(c);                     /* elsewhere 0.5 may be written 0,5 */
	if (isfinite(v))
		print_number(text, sizeof text, v);
	uselocale(old);
	freelocale(c);
	str_add(s, text);
}

int str_to_double(const char *s, double *out)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	char *end = NULL;
	double v;

	if (!c)
		return 0;
	v = strtod_l(s, &end, c);
	freelocale(c);
	if (end == s || *end || strspn(s, "0123456789+-.eE") != strlen(s) || !isfinite(v))
		return 0;
	*out = v;
	return 1;
}

tt_status str_status(const struct str *s)
{
	return s->failed ? err_set(TT_ENOMEM, "out of memory: a text of %zu bytes cannot grow",
	                           s->len) : TT_OK;
}

void str_release(struct str *s)
{
	mem_free(s->p);
	*s = (struct str){0};
}

#define WORD_MAX 64

static int min_of(int a, int b)
{
	return a < b ? a : b;
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c == '-' ? '_' : c;
}

/* Edits (insert, drop, change, swap of neighbours) that turn a into b: "optimal
 * string alignment".  Case and the two kinds of dash cost nothing. */
static int distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	int d[WORD_MAX + 1][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX)
		return 2 * WORD_MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = (int)i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = (int)j;
	for (size_t i = 1; i <= la; i++)
		for (size_t j = 1; j <= lb; j++) {
			int change = lower(a[i - 1]) != lower(b[j - 1]);

			d[i][j] = min_of(min_of(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]))
				d[i][j] = min_of(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[la][lb];
}

const char *str_nearest(const char *wrong, const char *const *words)
{
	int limit = 1 + (int)(strlen(wrong) / 4), best = limit + 1;
	const char *found = NULL;

	for (; *words; words++) {
		int d = distance(wrong, *words);

		if (d < best && d < (int)strlen(*words)) {
			best = d;
			found = *words;
		}
	}
	return found;
}

int str_ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && memcmp(s + n - m, tail, m) == 0;
}
