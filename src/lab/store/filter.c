#include "lab/store/filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MOST 64
#define TEXT_MOST  65536

/* ---- names ---- */

/* What every run has of its own; the others are facts. */
static const struct { const char *name, *sql; int is_text; } own[] = {
	{ "id", "r.uid", 1 }, { "name", "r.name", 1 }, { "kind", "r.kind", 1 },
	{ "parent", "r.parent", 1 }, { "folder", "r.folder", 1 }, { "status", "r.status", 1 },
	{ "note", "r.note", 1 }, { "host", "r.host", 1 }, { "begun", "r.begun", 0 },
	{ "ended", "r.ended", 0 }, { "seconds", "(r.ended - r.begun)", 0 },
};
#define OWN (sizeof own / sizeof *own)

static const struct { const char *prefix; int kind; } kinds[] = {
	{ "metrics.", TT_RECORD_METRIC }, { "params.", TT_RECORD_PARAM }, { "tags.", TT_RECORD_TAG },
};

static int find_own(const char *name)
{
	for (size_t i = 0; i < OWN; i++)
		if (strcmp(own[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The name of a fact without its prefix; *kind -1: any. */
static const char *fact_name(const char *name, int *kind)
{
	*kind = -1;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const size_t n = strlen(kinds[i].prefix);

		if (strncmp(name, kinds[i].prefix, n) == 0 && name[n]) {
			*kind = kinds[i].kind;
			return name + n;
		}
	}
	return name;
}

static tt_status add_value(struct filter *f, struct db_value v, int *place)
{
	if (f->values == FILTER_VALUES)
		return err_set(TT_EINVAL, "a filter has at most %d names and values", FILTER_VALUES);
	f->value[f->values++] = v;
	*place = f->values;
	return TT_OK;
}

static void add_kind(struct str *sql, int kind)
{
	if (kind >= 0)
		str_addf(sql, " AND kind = %d", kind);
}

tt_status filter_name(struct filter *f, const char *name, struct str *number, struct str *text)
{
	static const char from[] = "FROM facts WHERE run = r.id AND name = ";
	const int mine = find_own(name);
	int kind, place = 0;
	tt_status st;

	if (mine >= 0) {
		str_add(number, own[mine].is_text ? "CAST(NULL AS DOUBLE PRECISION)" : own[mine].sql);
		str_add(text, own[mine].is_text ? own[mine].sql : "CAST(NULL AS TEXT)");
		return TT_OK;
	}
	name = fact_name(name, &kind);
	if ((st = add_value(f, db_text(name), &place)) != TT_OK)
		return st;
	f->name[f->names++] = name;
	str_addf(number, "(SELECT number %s?%d", from, place);
	add_kind(number, kind);
	str_add(number, " ORDER BY kind LIMIT 1)");
	str_addf(text, "(SELECT text %s?%d", from, place);
	add_kind(text, kind);
	str_add(text, " ORDER BY kind LIMIT 1)");
	return TT_OK;
}

/* ---- words ---- */

enum token { END, NAME, QUOTED, BACKQUOTED, NUMBER, OPERATOR, OPEN, CLOSE };

struct parser {
	struct filter *f;
	const char    *text, *at;              /* what follows the token */
	const char    *begin;                  /* of the token           */
	enum token     token;
	char          *word;                   /* its letters            */
	double         number;
	int            depth;
};

static tt_status wrong(const struct parser *p, const char *wanted)
{
	return err_set(TT_EINVAL, "filter: %s is wanted at '%.40s', the %dth character of '%.200s'",
	               wanted,
	               p->token == END ? "its end" : p->begin, (int)(p->begin - p->text) + 1, p->text);
}

static char *keep(struct parser *p, const char *from, size_t n)
{
	char *out = arena_alloc(&p->f->arena, n + 1);

	if (out)
		memcpy(out, from, n);
	return out;
}

static int is_letter(char c)
{
	return c && (strchr("_./[]:@%+-", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	             (c >= 'A' && c <= 'Z') || (c & 0x80));
}

static size_t operator_length(const char *c)
{
	static const char *const all[] = { "<=", ">=", "!=", "<>", "==", "=", "<", ">" };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strncmp(c, all[i], strlen(all[i])) == 0)
			return strlen(all[i]);
	return 0;
}

static tt_status take(struct parser *p, enum token token, size_t skip, size_t n)
{
	p->token = token;
	if (!(p->word = keep(p, p->at + skip, n)))
		return TT_ENOMEM;
	p->at += n + 2 * skip;
	if (token == NAME && str_to_double(p->word, &p->number))
		p->token = NUMBER;
	return TT_OK;
}

static tt_status next(struct parser *p)
{
	size_t n = 0;

	p->at += strspn(p->at, " \t\r\n");
	p->begin = p->at;
	if (!*p->at)
		return take(p, END, 0, 0);
	if (*p->at == '(' || *p->at == ')')
		return take(p, *p->at == '(' ? OPEN : CLOSE, 0, 1);
	if (strchr("'\"`", *p->at)) {
		const char *end = strchr(p->at + 1, *p->at);

		if (!end)
			return wrong(p, "the other quote");
		return take(p, *p->at == '`' ? BACKQUOTED : QUOTED, 1, (size_t)(end - p->at) - 1);
	}
	if ((n = operator_length(p->at)))
		return take(p, OPERATOR, 0, n);
	while (is_letter(p->at[n]))
		n++;
	return n ? take(p, NAME, 0, n) : wrong(p, "a name, a number or a text in quotes");
}

static int is_word(const struct parser *p, const char *word)
{
	return p->token == NAME && strcasecmp(p->word, word) == 0;
}

/* ---- comparisons ---- */

struct comparison { const char *name, *op; enum token token; char *word; double number; };

static tt_status add_own(struct parser *p, const struct comparison *c, int i)
{
	int place = 0;
	const int text = own[i].is_text;
	tt_status st;

	if (!text && c->token != NUMBER)
		return err_set(TT_EINVAL, "filter: %s is compared with a number, not with '%.40s'",
		               own[i].name,
		               c->word);
	if ((st = add_value(p->f, text ? db_text(c->word) : db_real(c->number), &place)) == TT_OK)
		str_addf(&p->f->sql, "coalesce(%s %s ?%d, 1 = 0)", own[i].sql, c->op, place);
	return st;
}

static tt_status add_fact(struct parser *p, const struct comparison *c)
{
	const int number = c->token == NUMBER && strcmp(c->op, "LIKE") != 0;
	const char *name;
	int kind, first = 0, second = 0;
	tt_status st;

	name = fact_name(c->name, &kind);
	if ((st = add_value(p->f, db_text(name), &first)) != TT_OK ||
	    (st = add_value(p->f, number ? db_real(c->number) : db_text(c->word), &second)) != TT_OK)
		return st;
	p->f->name[p->f->names++] = name;
	str_addf(&p->f->sql, "r.id IN (SELECT run FROM facts WHERE name = ?%d", first);
	add_kind(&p->f->sql, kind);
	str_addf(&p->f->sql, " AND %s %s ?%d)", number ? "number" : "text", c->op, second);
	return TT_OK;
}

static tt_status comparison(struct parser *p)
{
	struct comparison c = { .name = p->word };
	tt_status st;

	if (p->token != NAME && p->token != BACKQUOTED)
		return wrong(p, "a name");
	if ((st = next(p)) != TT_OK)
		return st;
	if (p->token != OPERATOR && !is_word(p, "like"))
		return wrong(p, "one of = != < <= > >= like");
	c.op = p->token != OPERATOR ? "LIKE" : strcmp(p->word, "==") == 0 ? "=" :
	       strcmp(p->word, "!=") == 0 ? "<>" : p->word;
	if ((st = next(p)) != TT_OK)
		return st;
	if (p->token != NUMBER && p->token != QUOTED && p->token != NAME)
		return wrong(p, "a number or a text in quotes");
	c.token = p->token;
	c.word = p->word;
	c.number = p->number;
	st = find_own(c.name) >= 0 ? add_own(p, &c, find_own(c.name)) : add_fact(p, &c);
	return st == TT_OK ? next(p) : st;
}

/* ---- and, or, not ---- */

static tt_status any(struct parser *p);

static tt_status enclosed(struct parser *p)
{
	tt_status st;

	if (++p->depth > DEPTH_MOST)
		return err_set(TT_EINVAL, "filter: more than %d parentheses within each other", DEPTH_MOST);
	str_add(&p->f->sql, "(");
	if ((st = next(p)) != TT_OK || (st = any(p)) != TT_OK)
		return st;
	if (p->token != CLOSE)
		return wrong(p, "and, or or ')'");
	str_add(&p->f->sql, ")");
	p->depth--;
	return next(p);
}

static tt_status one(struct parser *p)
{
	tt_status st;

	while (is_word(p, "not")) {
		str_add(&p->f->sql, "NOT ");
		if ((st = next(p)) != TT_OK)
			return st;
	}
	return p->token == OPEN ? enclosed(p) : comparison(p);
}

static tt_status all(struct parser *p)
{
	tt_status st = one(p);

	while (st == TT_OK && is_word(p, "and")) {
		str_add(&p->f->sql, " AND ");
		if ((st = next(p)) == TT_OK)
			st = one(p);
	}
	return st;
}

static tt_status any(struct parser *p)
{
	tt_status st = all(p);

	while (st == TT_OK && is_word(p, "or")) {
		str_add(&p->f->sql, " OR ");
		if ((st = next(p)) == TT_OK)
			st = all(p);
	}
	return st;
}

tt_status filter_parse(struct filter *f, const char *text)
{
	struct parser p = { .f = f, .text = text, .at = text };
	tt_status st;

	if (strlen(text) > TEXT_MOST)
		return err_set(TT_EINVAL, "filter: longer than %d bytes", TEXT_MOST);
	if ((st = next(&p)) != TT_OK)
		return st;
	if (p.token == END)
		str_add(&f->sql, "1 = 1");
	else if ((st = any(&p)) == TT_OK && p.token != END)
		st = wrong(&p, "and or or");
	return st == TT_OK ? str_status(&f->sql) : st;
}

void filter_release(struct filter *f)
{
	arena_release(&f->arena);
	str_release(&f->sql);
}
