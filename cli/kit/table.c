#include "kit/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain.h"

struct table_row {
	const char       *cell[TABLE_COLUMNS];
	int               rule;
	struct table_row *next;
};

void table_init(struct table *t, const char *align)
{
	*t = (struct table){ .align = align, .columns = (int)strlen(align) };
}

static struct table_row *new_row(struct table *t)
{
	struct table_row *r = arena_alloc(&t->arena, sizeof *r);

	if (!r) {
		t->failed = 1;
		return NULL;
	}
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
	return r;
}

void table_add(struct table *t, const char *fmt, ...)
{
	struct table_row *r = new_row(t);
	char              line[1024], *copy, *tab;
	va_list           ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	plain_make(line);
	copy = arena_strdup(&t->arena, line);
	if (!r || !copy)
		return;
	for (int i = 0; i < t->columns && copy; i++, copy = tab) {
		r->cell[i] = copy;
		if ((tab = strchr(copy, '\t')) != NULL)
			*tab++ = '\0';
	}
}

void table_rule(struct table *t)
{
	struct table_row *r = new_row(t);

	if (r)
		r->rule = 1;
}

/* Columns a UTF-8 text takes: continuation bytes take none. */
static int width(const char *s)
{
	int n = 0;

	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void print_cells(const struct table *t, const struct table_row *r, const int *w, FILE *f)
{
	int last = t->columns - 1;

	while (last > 0 && !width(r->cell[last]))
		last--;
	for (int i = 0; i <= last; i++) {
		const char *c = r->cell[i] ? r->cell[i] : "";
		int         pad = w[i] - width(c), left = t->align[i] == 'l';

		fprintf(f, "%s%*s%s%*s", i ? "  " : "", left ? 0 : pad, "", c,
		        left && i < last ? pad : 0, "");
	}
	fputc('\n', f);
}

void table_print(const struct table *t, FILE *f)
{
	int w[TABLE_COLUMNS] = { 0 }, total = 0;

	for (const struct table_row *r = t->first; r; r = r->next)
		for (int i = 0; i < t->columns; i++)
			w[i] = width(r->cell[i]) > w[i] ? width(r->cell[i]) : w[i];
	for (int i = 0; i < t->columns; i++)
		total += w[i] + (i ? 2 : 0);
	for (const struct table_row *r = t->first; r; r = r->next) {
		if (!r->rule) {
			print_cells(t, r, w, f);
			continue;
		}
		for (int i = 0; i < total; i++)
			fputc('-', f);
		fputc('\n', f);
	}
}

void table_release(struct table *t)
{
	arena_release(&t->arena);
	*t = (struct table){ 0 };
}

void text_printf(FILE *f, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0) {
		plain_make(text);
		fputs(text, f);
		free(text);
	}
	va_end(ap);
}

/* ---- names ---- */

/* Characters that leave no ink, beside the blank: ends of lines, tabs, other blanks, joiners, marks
 * of direction.  The first and the last of each range. */
static const unsigned unseen[][2] = {
	{ 0x09, 0x0a }, { 0xa0, 0xa0 }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f },
	{ 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x2800, 0x2800 }, { 0x3000, 0x3000 },
	{ 0x3164, 0x3164 }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
};

static int is_unseen(unsigned c)
{
	for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
		if (c >= unseen[i][0] && c <= unseen[i][1])
			return 1;
	return 0;
}

/* The character at s of a text, and its bytes; a byte that is no UTF-8 is U+FFFD. */
static unsigned character(const char *s, int *bytes)
{
	const unsigned char *u = (const unsigned char *)s;
	const int n = *u < 0x80 ? 1 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : 4;
	unsigned c = n == 1 ? *u : *u & (0xffu >> (n + 1));

	*bytes = 1;
	for (int i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80 || *u < 0xc2)
			return 0xfffd;
		c = c << 6 | (u[i] & 0x3f);
	}
	*bytes = n;
	return c;
}

/* Nothing, no ink at its edge, or what would break a line or a table. */
static int needs_quotes(const char *name)
{
	unsigned c = ' ';
	int n;

	for (const char *s = name; *s; s += n) {
		c = character(s, &n);
		if (c == '\t' || c == '\n' || (s == name && (c == ' ' || is_unseen(c))))
			return 1;
	}
	return c == ' ' || is_unseen(c);
}

const char *text_name(const char *name, char buf[NAME_TEXT])
{
	char one[8];
	size_t used = 1;
	int n;

	if (!needs_quotes(name))
		return name;
	buf[0] = '"';
	for (const char *s = name; *s; s += n) {
		const unsigned c = character(s, &n);
		int room;

		if (c == '\t' || c == '\n')
			room = snprintf(one, sizeof one, "\\%c", c == '\t' ? 't' : 'n');
		else if (is_unseen(c))
			room = snprintf(one, sizeof one, "\\u%04x", c);
		else
			room = snprintf(one, sizeof one, "%.*s", n, s);
		if (used + (size_t)room > NAME_TEXT - 2)
			break;
		memcpy(buf + used, one, (size_t)room);
		used += (size_t)room;
	}
	buf[used] = '"';
	buf[used + 1] = '\0';
	return buf;
}

/* ---- numbers ---- */

const char *text_count(long long n, char buf[NUMBER_TEXT])
{
	char digits[NUMBER_TEXT];
	int  len = snprintf(digits, sizeof digits, "%lld", n), out = 0;

	for (int i = 0; i < len && out < NUMBER_TEXT - 2; i++) {
		buf[out++] = digits[i];
		if (digits[i] != '-' && i < len - 1 && (len - 1 - i) % 3 == 0)
			buf[out++] = ',';
	}
	buf[out] = '\0';
	return buf;
}

/* Three digits that count, and the unit that keeps them before the point. */
static const char *with_unit(double v, double step, const char *const *unit, char *buf)
{
	int i = 0;

	while (fabs(v) >= step * 0.9995 && unit[i + 1]) {
		v /= step;
		i++;
	}
	snprintf(buf, NUMBER_TEXT, "%.*f%s%s", i == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v,
	         *unit[i] ? " " : "", unit[i]);
	return buf;
}

const char *text_si(double v, char buf[NUMBER_TEXT])
{
	static const char *const unit[] = { "", "k", "M", "G", "T", "P", NULL };

	return with_unit(v, 1000, unit, buf);
}

const char *text_bytes(double v, char buf[NUMBER_TEXT])
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", NULL };

	return with_unit(v, 1024, unit, buf);
}

const char *text_time(double seconds, char buf[NUMBER_TEXT])
{
	long s;

	if (!(seconds >= 0 && seconds < 1e9)) {
		snprintf(buf, NUMBER_TEXT, "-:--");
		return buf;
	}
	s = lround(seconds);
	if (s < 3600)
		snprintf(buf, NUMBER_TEXT, "%ld:%02ld", s / 60, s % 60);
	else
		snprintf(buf, NUMBER_TEXT, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	return buf;
}

const char *text_loss(double v, char buf[NUMBER_TEXT])
{
	const double size = fabs(v);

	snprintf(buf, NUMBER_TEXT,
	         size >= 1e4 ? "%.6g" : size >= 1e-3 || size == 0 ? "%.4f" : "%.4g", v);
	return buf;
}
