#include "data/text/pieces.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#include "base/mem.h"

#define STEPS_MAX 1000000       /* of a search */
#define HEAP_MAX  20000         /* KiB of a search */

const char *const pieces_words[] = {
	[PIECES_ISOLATED] = "Isolated", [PIECES_REMOVED] = "Removed",
	[PIECES_PREVIOUS] = "MergedWithPrevious", [PIECES_NEXT] = "MergedWithNext",
	[PIECES_CONTIGUOUS] = "Contiguous", NULL
};

/* ---- rules ---- */

static void *give(PCRE2_SIZE n, void *ctx)
{
	(void)ctx;
	return mem_alloc(n);
}

static void take(void *p, void *ctx)
{
	(void)ctx;
	mem_free(p);
}

/* Tokenizers are written for Oniguruma, where \\h is a digit of base 16, classes may be nested, and
 * \\s is what Unicode calls white space: PCRE2's has U+180E besides. */
static tt_status translate(const char *pattern, struct str *out)
{
	int class = 0;          /* enum no/yes: between [ and ] */

	for (const char *p = pattern; *p; p++) {
		const char next = *p == '\\' ? p[1] : '\0';
		const char *named = class && *p == '[' && p[1] == ':' ? strstr(p, ":]") : NULL;

		if (named) {                            /* [:alpha:], whose end is none of the class */
			str_add_bytes(out, p, (size_t)(named + 2 - p));
			p = named + 1;
			continue;
		}
		if (next == 'h' || next == 'H' || (class && *p == '['))
			return err_set(TT_ESUPPORT, "the pattern '%.100s' has \\h or a class in a class, "
			               "which is not known here", pattern);
		if (next == 's')
			str_add(out, class ? PIECES_BLANKS : "[" PIECES_BLANKS "]");
		else if (next == 'S' && !class)
			str_add(out, "[^" PIECES_BLANKS "]");
		else
			str_add_bytes(out, p, next ? 2 : 1);
		if (*p == '[' || *p == ']')
			class = *p == '[';
		p += next != '\0';
	}
	return str_status(out);
}

static tt_status compile(struct pieces_rule *r, const char *pattern, pcre2_compile_context *c)
{
	PCRE2_UCHAR says[120];
	PCRE2_SIZE at;
	int error;

	r->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	                        PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
	                        &error, &at, c);
	if (!r->code && error == PCRE2_ERROR_NOMEMORY)
		return TT_ENOMEM;
	if (!r->code) {
		pcre2_get_error_message(error, says, sizeof says);
		return err_set(TT_EFORMAT, "the pattern '%.100s' is none: %s (at %zu)", r->pattern,
		               (const char *)says, (size_t)at);
	}
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);         /* else it is interpreted */
	return TT_OK;
}

tt_status pieces_add(struct pieces *p, const struct pieces_rule *rule)
{
	struct pieces_rule *r = &p->rule[p->n];
	pcre2_general_context *memory;
	pcre2_compile_context *c = NULL;
	struct str pattern = {0};
	tt_status st;

	if (p->n == PIECES_RULES)
		return err_set(TT_ESUPPORT, "more than %d pre-tokenizers", PIECES_RULES);
	*r = *rule;
	p->n++;
	if (!r->pattern)
		return TT_OK;
	memory = pcre2_general_context_create(give, take, NULL);
	if (memory)
		c = pcre2_compile_context_create(memory);
	st = c ? translate(r->pattern, &pattern) : TT_ENOMEM;
	if (st == TT_OK)
		st = compile(r, pattern.p ? pattern.p : "", c);
	str_release(&pattern);
	pcre2_compile_context_free(c);
	pcre2_general_context_free(memory);
	return st;
}

void pieces_release(struct pieces *p)
{
	for (int i = 0; i < p->n; i++)
		pcre2_code_free(p->rule[i].code);
	*p = (struct pieces){0};
}

/* ---- searching ---- */

static tt_status begin(struct pieces_work *w)
{
	pcre2_general_context *memory;

	if (w->match)
		return TT_OK;
	if ((memory = pcre2_general_context_create(give, take, NULL))) {
		w->match = pcre2_match_data_create(8, memory);
		w->limits = w->match ? pcre2_match_context_create(memory) : NULL;
	}
	pcre2_general_context_free(memory);
	if (!w->limits) {
		pieces_work_release(w);
		return TT_ENOMEM;
	}
	pcre2_set_match_limit(w->limits, STEPS_MAX);
	pcre2_set_heap_limit(w->limits, HEAP_MAX);
	return TT_OK;
}

void pieces_work_release(struct pieces_work *w)
{
	pcre2_match_data_free(w->match);
	pcre2_match_context_free(w->limits);
	for (int i = 0; i < PIECES_RULES; i++)
		str_release(&w->changed[i]);
	*w = (struct pieces_work){0};
}

/* Compiled code has a small stack: what is too deep for it is interpreted. */
static int search(const struct pieces_rule *r, const struct pieces_work *w,
                  const struct pieces_text *t, size_t at)
{
	const uint32_t how = PCRE2_NOTEMPTY | PCRE2_NO_UTF_CHECK;
	int n = pcre2_match(r->code, (PCRE2_SPTR)t->p, t->n, at, how, w->match, w->limits);

	if (n == PCRE2_ERROR_JIT_STACKLIMIT)
		n = pcre2_match(r->code, (PCRE2_SPTR)t->p, t->n, at, how | PCRE2_NO_JIT, w->match,
		                w->limits);
	return n;
}

tt_status pieces_find(const struct pieces_rule *r, struct pieces_work *w,
                      const struct pieces_text *t, size_t at, struct pieces_match *out)
{
	const PCRE2_SIZE *found;
	tt_status st = begin(w);
	int n;

	*out = (struct pieces_match){ PIECES_NONE, PIECES_NONE };
	if (st != TT_OK || at >= t->n)
		return st;
	n = search(r, w, t, at);
	if (n == PCRE2_ERROR_NOMATCH)
		return TT_OK;
	if (n < 0)
		return n == PCRE2_ERROR_NOMEMORY ? TT_ENOMEM
			: err_set(TT_EFORMAT, "the pattern '%.100s' of the tokenizer finds no end in this text "
			          "(PCRE2's error %d)", r->pattern, n);
	found = pcre2_get_ovector_pointer(w->match);
	if (found[0] >= at && found[1] > found[0])       /* \K may do worse */
		*out = (struct pieces_match){ found[0], found[1] };
	return TT_OK;
}

/* ---- changing ---- */

static void mark_spaces(const char *p, size_t n, struct str *out)
{
	for (size_t i = 0, k; i < n; i += k + 1) {
		const char *space = memchr(p + i, ' ', n - i);

		k = space ? (size_t)(space - p) - i : n - i;
		str_add_bytes(out, p + i, k);
		if (space)
			str_add(out, PIECES_MARK_TEXT);
	}
}

static int begins_with(const struct pieces_text *t, const char *with)
{
	return t->n >= strlen(with) && memcmp(t->p, with, strlen(with)) == 0;
}

static tt_status change(enum pieces_change how, const struct pieces_text *t, struct str *out)
{
	const int marks = how == PIECES_MARK_ALL || (how == PIECES_MARK_FIRST && t->first);

	out->len = 0;
	if (how == PIECES_SPACE) {
		str_add(out, begins_with(t, " ") ? "" : " ");
		str_add_bytes(out, t->p, t->n);
	} else {
		str_add(out, marks && !begins_with(t, " ") && !begins_with(t, PIECES_MARK_TEXT)
		        ? PIECES_MARK_TEXT : "");
		mark_spaces(t->p, t->n, out);
	}
	return str_status(out);
}

/* ---- cutting ---- */

struct walk {
	const struct pieces       *pieces;
	struct pieces_work        *work;
	const struct pieces_taker *to;
	int                        rule;
};

static tt_status cut(const struct walk *w, const struct pieces_text *t);

/* The parts that a rule makes of a text, in order; one is held back, for it may grow. */
struct parts {
	const struct walk        *walk;
	const struct pieces_text *text;
	size_t                    from, to;     /* of what is held back; equal: nothing is */
	int                       held_match;   /* enum no/yes: it is a match              */
	int                       before_match; /* the same of the part before this        */
};

static tt_status let_go(struct parts *s)
{
	const struct pieces_text t = {
		s->text->p + s->from, s->to - s->from, s->text->first && s->from == 0
	};
	const struct walk next = { s->walk->pieces, s->walk->work, s->walk->to, s->walk->rule + 1 };

	s->from = s->to;
	return t.n ? cut(&next, &t) : TT_OK;
}

static int joins(const struct parts *s, enum pieces_how how, int match)
{
	switch (how) {
	case PIECES_PREVIOUS:   return match && !s->before_match;
	case PIECES_NEXT:       return !match && s->held_match;
	case PIECES_CONTIGUOUS: return match == s->held_match;
	default:                return 0;
	}
}

static tt_status add_part(struct parts *s, size_t to, int match)
{
	const struct pieces_rule *r = &s->walk->pieces->rule[s->walk->rule];
	tt_status st = TT_OK;

	if (to == s->to)
		return TT_OK;
	match ^= r->invert;
	if (s->from == s->to || !joins(s, r->how, match)) {
		st = let_go(s);
		s->held_match = match;
	} else if (r->how == PIECES_NEXT) {
		s->held_match = 0;
	}
	s->to = to;
	s->before_match = match;
	if (r->how == PIECES_REMOVED && match)
		s->from = to;
	return st;
}

static tt_status cut_by(const struct walk *w, const struct pieces_rule *r,
                        const struct pieces_text *t)
{
	struct parts s = { .walk = w, .text = t };
	struct pieces_match m;
	tt_status st = TT_OK;

	for (size_t at = 0; st == TT_OK && at < t->n; at = m.to) {
		if ((st = pieces_find(r, w->work, t, at, &m)) != TT_OK)
			return st;
		if (m.from == PIECES_NONE)
			m.from = m.to = t->n;
		if ((st = add_part(&s, m.from, 0)) == TT_OK && m.to > m.from)
			st = add_part(&s, m.to, 1);
	}
	return st == TT_OK ? let_go(&s) : st;
}

static tt_status cut(const struct walk *w, const struct pieces_text *t)
{
	const struct pieces_rule *r = &w->pieces->rule[w->rule];
	struct pieces_text changed = *t;
	tt_status st;

	if (w->rule == w->pieces->n)
		return w->to->take(w->to->ctx, t->p, t->n);
	if (r->change != PIECES_AS_IS) {
		struct str *s = &w->work->changed[w->rule];

		if ((st = change(r->change, t, s)) != TT_OK)
			return st;
		changed.p = s->p;
		changed.n = s->len;
	}
	if (r->code)
		return cut_by(w, r, &changed);
	return cut(&(struct walk){ w->pieces, w->work, w->to, w->rule + 1 }, &changed);
}

tt_status pieces_cut(const struct pieces *p, struct pieces_work *w, const struct pieces_text *t,
                     const struct pieces_taker *to)
{
	return t->n ? cut(&(struct walk){ p, w, to, 0 }, t) : TT_OK;
}
