#include "base/node/node_yaml_error.h"

#include <string.h>

/* ---- lines ---- */

struct line { const char *p; size_t n; };       /* without its end */

/* Lines are counted from 0, as the parser does. */
static struct line line_at(const struct yaml_text *t, size_t number)
{
	const char *p = t->text, *end = t->text + t->size, *stop;

	for (; number && (stop = memchr(p, '\n', (size_t)(end - p))); number--)
		p = stop + 1;
	if (number)
		p = end;
	stop = memchr(p, '\n', (size_t)(end - p));
	return (struct line){ p, (size_t)((stop ? stop : end) - p) };
}

static size_t indent_of(struct line l)
{
	size_t n = 0;

	while (n < l.n && l.p[n] == ' ')
		n++;
	return n;
}

static int is_blank(struct line l)
{
	const size_t n = indent_of(l);

	return n == l.n || l.p[n] == '#' || l.p[n] == '\r';
}

/* Is there a ':' that ends a key?  Where: behind `from`. */
static int has_colon(struct line l, size_t from)
{
	for (size_t i = from; i < l.n; i++)
		if (l.p[i] == ':' && (i + 1 == l.n || l.p[i + 1] == ' ' || l.p[i + 1] == '\r'))
			return 1;
	return 0;
}

/* The text of a line, cut for a message. */
static struct line trimmed(struct line l)
{
	const size_t indent = indent_of(l);

	l.p += indent;
	l.n -= indent;
	while (l.n && (l.p[l.n - 1] == ' ' || l.p[l.n - 1] == '\r'))
		l.n--;
	if (l.n > 40)
		l.n = 40;
	return l;
}

/* ---- what may be wrong ---- */

/* A ':' where no key may stand.  A key without one runs on into the next line, which the parser
 * then complains of. */
static tt_status stray_colon(const struct yaml_text *t, const yaml_parser_t *y)
{
	const size_t at = y->problem_mark.line;
	struct line here = line_at(t, at), above = { 0 };
	size_t number = at;

	while (number > 0 && is_blank(above = line_at(t, --number)))
		;
	if (at > 0 && !is_blank(above) && !has_colon(above, 0)) {
		above = trimmed(above);
		return err_set(TT_ESPEC, "%s:%zu: there is no ':' behind '%.*s' (write `key: value`)",
		               t->name, number + 1, (int)above.n, above.p);
	}
	if (has_colon(here, 0) && y->problem_mark.column > 0 && y->problem_mark.column <= here.n &&
	    has_colon((struct line){ here.p, y->problem_mark.column }, 0))
		return err_set(TT_ESPEC, "%s:%zu: a second ':' in one line: put the text that holds it "
		               "into quotes, or the second key on a line of its own", t->name, at + 1);
	return err_set(TT_ESPEC, "%s:%zu: this line is indented further than the one above, which "
	               "has a "
	               "value already", t->name, at + 1);
}

static tt_status no_colon(const struct yaml_text *t, const yaml_parser_t *y)
{
	const struct line l = trimmed(line_at(t, y->context_mark.line));

	return err_set(TT_ESPEC, "%s:%zu: there is no ':' behind '%.*s' (write `key: value`)", t->name,
	               y->context_mark.line + 1, (int)l.n, l.p);
}

static tt_status open_quote(const struct yaml_text *t, const yaml_parser_t *y)
{
	const struct line l = line_at(t, y->context_mark.line);
	const size_t at = y->context_mark.column;

	return err_set(TT_ESPEC, "%s:%zu: the quote %c that is opened here is never closed", t->name,
	               y->context_mark.line + 1, at < l.n ? l.p[at] : '"');
}

static tt_status odd_character(const struct yaml_text *t, const yaml_parser_t *y)
{
	const struct line l = line_at(t, y->problem_mark.line);
	const size_t at = y->problem_mark.column, number = y->problem_mark.line + 1;

	if (at < l.n && l.p[at] == '\t')
		return err_set(TT_ESPEC, "%s:%zu: a tab: YAML is indented by spaces "
		               "alone", t->name, number);
	return err_set(TT_ESPEC, "%s:%zu: a value cannot begin with '%c'; put it into quotes", t->name,
	               number, at < l.n ? l.p[at] : ' ');
}

static tt_status tab(const struct yaml_text *t, const yaml_parser_t *y)
{
	return err_set(TT_ESPEC, "%s:%zu: a tab: YAML is indented by spaces alone", t->name,
	               y->problem_mark.line + 1);
}

/* In a block: the line stands at no indentation that is open. */
static tt_status wrong_indent(const struct yaml_text *t, const yaml_parser_t *y)
{
	const struct line l = line_at(t, y->problem_mark.line);
	const size_t first = y->context_mark.line + 1, number = y->problem_mark.line + 1;

	if (memchr(l.p, '\t', l.n))
		return tab(t, y);
	if (y->problem_mark.column > indent_of(l))
		return err_set(TT_ESPEC, "%s:%zu: something stands behind a value: is there a ',' too "
		               "few, or "
		               "a quote or bracket too many?", t->name, number);
	return err_set(TT_ESPEC, "%s:%zu: this line is indented by %zu spaces, which fits nothing "
	               "above: "
	               "the block that begins in line %zu is indented by %zu", t->name, number,
	               indent_of(l), first, y->context_mark.column);
}

static tt_status open_bracket(const struct yaml_text *t, const yaml_parser_t *y)
{
	const struct line l = line_at(t, y->context_mark.line);
	const size_t at = y->context_mark.column;
	const char c = at < l.n && l.p[at] == '{' ? '{' : '[';

	return err_set(TT_ESPEC, "%s:%zu: the %c that is opened here is not closed, or a ',' is "
	               "missing "
	               "before line %zu, column %zu", t->name, y->context_mark.line + 1, c,
	               y->problem_mark.line + 1, y->problem_mark.column + 1);
}

static tt_status closed_twice(const struct yaml_text *t, const yaml_parser_t *y)
{
	return err_set(TT_ESPEC, "%s:%zu: something stands here that belongs to nothing: a bracket "
	               "that "
	               "was never opened, a wrong indentation, or text behind the end", t->name,
	               y->problem_mark.line + 1);
}

/* How the parser says it, and what to make of it; the first row that fits. */
static const struct {
	const char *problem, *context;              /* parts of its texts; NULL: any */
	tt_status (*say)(const struct yaml_text *t, const yaml_parser_t *y);
} rows[] = {
	{ "mapping values are not allowed", NULL, stray_colon },
	{ "could not find expected ':'", NULL, no_colon },
	{ "end of stream", "quoted scalar", open_quote },
	{ "document indicator", "quoted scalar", open_quote },
	{ "cannot start any token", NULL, odd_character },
	{ "tab character", NULL, tab },
	{ "expected ',' or", NULL, open_bracket },
	{ NULL, "flow", open_bracket },
	{ "did not find expected node content", NULL, closed_twice },
	{ "did not find expected", "block", wrong_indent },
	{ "block sequence entries are not allowed", NULL, wrong_indent },
	{ "mapping keys are not allowed", NULL, wrong_indent },
	{ "did not find expected <document start>", NULL, closed_twice },
};

static int holds(const char *text, const char *part)
{
	return !part || (text && strstr(text, part));
}

tt_status node_yaml_error(const struct yaml_text *t, const yaml_parser_t *y)
{
	if (y->error == YAML_MEMORY_ERROR)
		return err_set(TT_ENOMEM, "out of memory while reading %s", t->name);
	if (y->error == YAML_READER_ERROR)
		return err_set(TT_ESPEC, "%s: byte %zu: %s", t->name, y->problem_offset, y->problem);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (holds(y->problem, rows[i].problem) && holds(y->context, rows[i].context))
			return rows[i].say(t, y);
	return err_set(TT_ESPEC, "%s:%zu: %s%s%s", t->name, y->problem_mark.line + 1,
	               y->context ? y->context : "", y->context ? ", " : "",
	               y->problem ? y->problem : "syntax error");
}
