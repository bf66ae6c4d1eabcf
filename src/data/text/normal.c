#include "data/text/normal.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

tt_status normal_add(struct normal *n, const struct normal_step *s)
{
	if (n->n == NORMAL_STEPS)
		return err_set(TT_ESUPPORT, "more than %d normalizers", NORMAL_STEPS);
	n->step[n->n++] = *s;
	return TT_OK;
}

/* A rule's pattern is released as rules are. */
void normal_release(struct normal *n)
{
	for (int i = 0; i < n->n; i++) {
		struct pieces p = { .n = 1 };

		p.rule[0] = n->step[i].what;
		pieces_release(&p);
	}
	*n = (struct normal){0};
}

void normal_work_release(struct normal_work *w)
{
	str_release(&w->text[0]);
	str_release(&w->text[1]);
	pieces_work_release(&w->search);
}

/* ---- characters ---- */

static int is_blank(int32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
	       c == 0x205f || c == 0x3000;
}

static int is_chinese(int32_t c)
{
	static const int32_t ranges[][2] = {
		{ 0x4e00, 0x9fff }, { 0x3400, 0x4dbf }, { 0x20000, 0x2a6df }, { 0x2a700, 0x2b73f },
		{ 0x2b740, 0x2b81f }, { 0x2b920, 0x2ceaf }, { 0xf900, 0xfaff }, { 0x2f800, 0x2fa1f },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i][0] && c <= ranges[i][1])
			return 1;
	return 0;
}

static void put(struct str *out, int32_t c)
{
	utf8proc_uint8_t bytes[4];
	const utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);

	str_add_bytes(out, bytes, n > 0 ? (size_t)n : 0);
}

/* The only letter that becomes two. */
static void put_lower(struct str *out, int32_t c)
{
	if (c == 0x130)
		str_add(out, "i\xcc\x87");
	else
		put(out, utf8proc_tolower(c));
}

static void put_clean(struct str *out, int32_t c)
{
	const utf8proc_category_t k = utf8proc_category(c);

	if (c == '\t' || c == '\n' || c == '\r')
		str_add(out, " ");
	else if (c && c != 0xfffd && k != UTF8PROC_CATEGORY_CC && k != UTF8PROC_CATEGORY_CF &&
	         k != UTF8PROC_CATEGORY_CO && k != UTF8PROC_CATEGORY_CN)
		put(out, is_blank(c) ? ' ' : c);
}

static void put_char(enum normal_kind kind, struct str *out, int32_t c)
{
	const utf8proc_category_t k = utf8proc_category(c);

	if (kind == NORMAL_LOWER)
		put_lower(out, c);
	else if (kind == NORMAL_CLEAN)
		put_clean(out, c);
	else if (k == UTF8PROC_CATEGORY_MN && (kind == NORMAL_ACCENTS || kind == NORMAL_MARKS))
		return;
	else if (k >= UTF8PROC_CATEGORY_MC && k <= UTF8PROC_CATEGORY_ME && kind == NORMAL_MARKS)
		return;
	else if (kind == NORMAL_CHINESE && is_chinese(c)) {
		str_add(out, " ");
		put(out, c);
		str_add(out, " ");
	} else {
		put(out, c);
	}
}

/* ---- steps ---- */

static tt_status each_char(const struct normal_step *s, const struct pieces_text *t,
                           struct str *out)
{
	utf8proc_int32_t c;

	for (size_t at = 0; at < t->n; ) {
		const utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)t->p + at,
		                                            (utf8proc_ssize_t)(t->n - at), &c);

		if (k <= 0)
			return err_set(TT_EINTERNAL, "a text that is no UTF-8 came to be normalised");
		put_char(s->kind, out, c);
		at += (size_t)k;
	}
	return TT_OK;
}

static tt_status compose(const struct normal_step *s, const struct pieces_text *t, struct str *out)
{
	static const utf8proc_option_t how[] = {
		[NORMAL_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
		[NORMAL_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
		[NORMAL_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
		[NORMAL_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
	};
	utf8proc_uint8_t *made = NULL;
	const utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)t->p,
	                                        (utf8proc_ssize_t)t->n, &made, how[s->kind]);

	if (n >= 0)
		str_add_bytes(out, made, (size_t)n);
	free(made);
	return n >= 0 ? TT_OK : n == UTF8PROC_ERROR_NOMEM ? TT_ENOMEM
		: err_set(TT_EFORMAT, "a text cannot be normalised: %s", utf8proc_errmsg(n));
}

static tt_status strip(const struct normal_step *s, const struct pieces_text *t, struct str *out)
{
	size_t first = t->n, last = 0;
	utf8proc_int32_t c;

	for (size_t at = 0, k; at < t->n; at += k) {
		k = (size_t)utf8proc_iterate((const utf8proc_uint8_t *)t->p + at,
		                             (utf8proc_ssize_t)(t->n - at), &c);
		if (is_blank(c))
			continue;
		first = first == t->n ? at : first;
		last = at + k;
	}
	if (s->kind == NORMAL_STRIP_LEFT)
		last = t->n;
	else
		first = 0;
	str_add_bytes(out, t->p + first, last > first ? last - first : 0);
	return TT_OK;
}

static tt_status prepend(const struct normal_step *s, const struct pieces_text *t, struct str *out)
{
	str_add(out, s->text);
	str_add_bytes(out, t->p, t->n);
	return TT_OK;
}

static tt_status replace(const struct normal_step *s, const struct pieces_text *t,
                         struct normal_work *w, struct str *out)
{
	struct pieces_match m;
	tt_status st = TT_OK;

	for (size_t at = 0; st == TT_OK && at < t->n; at = m.to) {
		if ((st = pieces_find(&s->what, &w->search, t, at, &m)) != TT_OK)
			return st;
		if (m.from == PIECES_NONE)
			m.from = m.to = t->n;
		str_add_bytes(out, t->p + at, m.from - at);
		str_add(out, m.to > m.from ? s->text : "");
	}
	return st;
}

static tt_status apply(const struct normal_step *s, struct normal_work *w,
                       const struct pieces_text *t, struct str *out)
{
	switch (s->kind) {
	case NORMAL_NFC: case NORMAL_NFD: case NORMAL_NFKC: case NORMAL_NFKD:
		return compose(s, t, out);
	case NORMAL_STRIP_LEFT: case NORMAL_STRIP_RIGHT:
		return strip(s, t, out);
	case NORMAL_PREPEND:
		return prepend(s, t, out);
	case NORMAL_REPLACE:
		return replace(s, t, w, out);
	default:
		return each_char(s, t, out);
	}
}

tt_status normal_apply(const struct normal *n, struct normal_work *w, const struct pieces_text *t,
                       struct pieces_text *out)
{
	tt_status st = TT_OK;

	*out = *t;
	for (int i = 0; st == TT_OK && i < n->n && out->n; i++) {
		struct str *to = &w->text[i & 1];

		to->len = 0;
		if ((st = apply(&n->step[i], w, out, to)) == TT_OK && (st = str_status(to)) == TT_OK)
			*out = (struct pieces_text){ to->p ? to->p : "", to->len, t->first };
	}
	return st;
}
