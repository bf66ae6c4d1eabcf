#include "data/readers/csv_row.h"

#include <string.h>

#include "base/mem.h"

#define CELLS_MAX 1000000          /* of one row */

/* The candidate seen most often in the first line, outside quotes. */
static char find_separator(const struct bytes *in, int comma)
{
	static const char candidates[] = { ',', ';', '\t', '|' };
	size_t count[sizeof candidates] = {0}, best = comma ? 1 : 0;
	int quoted = 0;

	for (size_t i = 0; i < in->n && (quoted || (in->p[i] != '\n' && in->p[i] != '\r')); i++) {
		quoted ^= in->p[i] == '"';
		for (size_t k = 0; k < sizeof candidates; k++)
			count[k] += !quoted && in->p[i] == (uint8_t)candidates[k];
	}
	for (size_t k = best + 1; k < sizeof candidates; k++)
		if (count[k] > count[best])
			best = k;
	return candidates[best];
}

void csv_row_init(struct csv_row *r, const struct bytes *in, struct csv_form form)
{
	static const uint8_t byte_order_mark[] = { 0xef, 0xbb, 0xbf };

	*r = (struct csv_row){ .in = in, .next_line = 1, .separator = form.separator,
	                       .comma = form.comma };
	if (!r->separator)
		r->separator = find_separator(in, form.comma);
	if (in->n >= 3 && memcmp(in->p, byte_order_mark, 3) == 0)
		r->at = 3;
}

void csv_row_release(struct csv_row *r)
{
	str_release(&r->text);
	mem_free(r->start);
	*r = (struct csv_row){0};
}

static tt_status bad(const struct csv_row *r, const char *what)
{
	return err_set(TT_EFORMAT, "%s:%zu: column %zu: %s", r->in->name, r->line,
	               r->cells ? r->cells - 1 : 0, what);
}

static tt_status start_cell(struct csv_row *r)
{
	size_t cap = r->cap ? 2 * r->cap : 64;
	size_t *start;

	if (r->cells == CELLS_MAX)
		return bad(r, "too many cells in one row");
	if (r->cells == r->cap) {
		if (!(start = mem_realloc(r->start, cap * sizeof *start)))
			return TT_ENOMEM;
		r->start = start;
		r->cap = cap;
	}
	r->start[r->cells++] = r->text.len;
	return TT_OK;
}

static int ends_cell(const struct csv_row *r, uint8_t byte)
{
	return byte == (uint8_t)r->separator || byte == '\n' || byte == '\r';
}

static int is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct csv_row *r)
{
	while (r->at < r->in->n && is_blank(r->in->p[r->at]) && !ends_cell(r, r->in->p[r->at]))
		r->at++;
}

/* After the opening quote, up to and over the closing one; "" is a quote. */
static tt_status quoted_cell(struct csv_row *r)
{
	const uint8_t *p = r->in->p;
	size_t n = r->in->n, from = ++r->at;

	for (; r->at < n; r->at++) {
		r->next_line += p[r->at] == '\n';
		if (p[r->at] != '"')
			continue;
		str_add_bytes(&r->text, p + from, r->at - from);
		from = r->at + 1;
		if (from < n && p[from] == '"') {
			r->at = from;                   /* the second one is text */
			continue;
		}
		r->at = from;
		skip_blanks(r);
		if (r->at < n && !ends_cell(r, p[r->at]))
			return bad(r, "text after the closing quote");
		return TT_OK;
	}
	return bad(r, "a quote is opened and never closed");
}

static void plain_cell(struct csv_row *r)
{
	const uint8_t *p = r->in->p;
	size_t from = r->at, to;

	while (r->at < r->in->n && !ends_cell(r, p[r->at]))
		r->at++;
	for (to = r->at; to > from && is_blank(p[to - 1]);)
		to--;
	str_add_bytes(&r->text, p + from, to - from);
}

/* "1.234,5" --> "1234.5"; what is no such number stays. */
static void point_for_comma(struct csv_row *r)
{
	char *cell = r->text.p + r->start[r->cells - 1], *to = cell;
	const char *p = cell + (*cell == '-' || *cell == '+');
	size_t group = strspn(p, "0123456789");
	int dots = 0;

	for (p += group; group && *p == '.' && group <= 3 && strspn(p + 1, "0123456789") == 3; dots++)
		p += 4;
	if (!group || (*p != ',' && (!dots || *p)) || (*p == ',' && !strchr("0123456789", p[1])))
		return;
	for (p = cell; *p; p++)
		if (*p != '.')
			*to++ = *p == ',' ? '.' : *p;
	*to = '\0';
	r->text.len = (size_t)(to - r->text.p) + 1;
}

static tt_status read_cell(struct csv_row *r)
{
	tt_status st = start_cell(r);

	if (st != TT_OK)
		return st;
	skip_blanks(r);
	r->quoted = r->at < r->in->n && r->in->p[r->at] == '"';
	if (r->quoted)
		st = quoted_cell(r);
	else
		plain_cell(r);
	if (st != TT_OK)
		return st;
	if (r->text.len > r->start[r->cells - 1] &&
	    memchr(csv_row_cell(r, r->cells - 1), 0, r->text.len - r->start[r->cells - 1]))
		return bad(r, "a zero byte: this is no text");
	str_add_bytes(&r->text, "", 1);
	if ((st = str_status(&r->text)) == TT_OK && r->comma)
		point_for_comma(r);
	return st;
}

/* Over the end of a line: LF, CR or CR LF. */
static void end_line(struct csv_row *r)
{
	const uint8_t *p = r->in->p;

	if (r->at < r->in->n && p[r->at] == '\r')
		r->at++;
	if (r->at < r->in->n && p[r->at] == '\n')
		r->at++;
	r->next_line++;
}

static int is_blank_line(const struct csv_row *r)
{
	return r->cells == 1 && !r->quoted && csv_row_cell(r, 0)[0] == '\0';
}

tt_status csv_row_next(struct csv_row *r)
{
	tt_status st;

	do {
		r->line = r->next_line;
		r->cells = r->text.len = 0;
		while (r->at < r->in->n) {
			if ((st = read_cell(r)) != TT_OK)
				return st;
			if (r->at == r->in->n || r->in->p[r->at] != (uint8_t)r->separator)
				break;
			r->at++;
			if (r->at == r->in->n && (st = read_cell(r)) != TT_OK)
				return st;                  /* a separator ends the text: an empty cell */
		}
		end_line(r);
	} while (is_blank_line(r) && r->at < r->in->n);
	if (is_blank_line(r))
		r->cells = 0;                           /* blank lines at the end */
	return TT_OK;
}
