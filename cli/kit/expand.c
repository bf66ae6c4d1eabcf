#include "kit/expand.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 128

/* Where in a YAML text we are: that decides what is a comment and how values are quoted. */
struct scan {
	const char *file, *p;
	int         line;
	char        quote;           /* ' or " while inside such a text; else 0 */
	char        before;          /* the character before p                  */
	expand_lookup *get;
	void          *ctx;
};

static const char *from_environment(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

static int opens_quote(const struct scan *s)
{
	return (*s->p == '"' || *s->p == '\'') && strchr(" \t\n[{,:-", s->before);
}

static int opens_comment(const struct scan *s)
{
	return !s->quote && *s->p == '#' && strchr(" \t\n", s->before);
}

/* One character as it stands. */
static void copy_one(struct scan *s, struct str *out)
{
	if (s->quote == '"' && *s->p == '\\' && s->p[1]) {
		str_add_bytes(out, s->p++, 1);
	} else if (s->quote) {
		if (*s->p == s->quote)
			s->quote = 0;
	} else if (opens_quote(s)) {
		s->quote = *s->p;
	}
	if (*s->p == '\n')
		s->line++;
	s->before = *s->p;
	str_add_bytes(out, s->p++, 1);
}

static void copy_comment(struct scan *s, struct str *out)
{
	size_t n = strcspn(s->p, "\n");

	str_add_bytes(out, s->p, n);
	s->p += n;
	s->before = '#';
}

/* A value in the words of the text around it. */
static void add_value(const struct scan *s, const char *value, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		if (s->quote == '"' && (value[i] == '"' || value[i] == '\\'))
			str_add(out, "\\");
		else if (s->quote == '\'' && value[i] == '\'')
			str_add(out, "'");
		str_add_bytes(out, value + i, 1);
	}
}

/* ${NAME} or ${NAME:-default} at s->p. */
static tt_status expand_one(struct scan *s, struct expansion *out)
{
	const char *name = s->p + 2, *end = strpbrk(name, "}\n"), *sep, *value;
	char        copy[NAME_MAX_LEN];
	size_t      n;

	if (!end || *end != '}')
		return err_set(TT_ESPEC, "%s:%d: ${ has no closing }", s->file, s->line);
	for (n = 0; isalnum((unsigned char)name[n]) || name[n] == '_'; n++)
		;
	sep = name + n;
	if (n == 0 || n >= sizeof copy || (sep != end && strncmp(sep, ":-", 2) != 0))
		return err_set(TT_ESPEC, "%s:%d: '%.*s' should read ${NAME} or ${NAME:-default}",
		               s->file, s->line, (int)(end + 1 - s->p), s->p);
	memcpy(copy, name, n);
	copy[n] = '\0';
	if (memmem(sep, (size_t)(end - sep), "${", 2))
		return err_set(TT_ESPEC, "%s:%d: the default of %s cannot hold another ${...}", s->file,
		               s->line, copy);
	value = s->get(s->ctx, copy);
	if (value && *value) {
		if (strpbrk(value, "\r\n"))
			return err_set(TT_ESPEC, "%s:%d: the value of %s has a line break", s->file,
			               s->line, copy);
		add_value(s, value, strlen(value), &out->text);
	} else if (sep == end) {
		return err_set(TT_ESPEC, "%s:%d: %s is not set; set it in the environment or write "
		               "${%s:-default}", s->file, s->line, copy, copy);
	} else {
		add_value(s, sep + 2, (size_t)(end - sep - 2), &out->text);
		if (strcmp(copy, "TUTTI_DATA") == 0)
			out->data_defaulted = 1;
	}
	s->p = end + 1;
	s->before = '}';
	return TT_OK;
}

tt_status expand_text(const char *file, const char *text, expand_lookup *get, void *ctx,
                      struct expansion *out)
{
	struct scan      s = { file, text, 1, 0, '\n', get ? get : from_environment, ctx };
	struct expansion e = { 0 };
	tt_status        st = TT_OK;

	str_add(&e.text, "");
	while (st == TT_OK && *s.p) {
		if (strncmp(s.p, "$${", 3) == 0) {
			str_add(&e.text, "${");
			s.p += 3;
			s.before = '{';
		} else if (strncmp(s.p, "${", 2) == 0) {
			st = expand_one(&s, &e);
		} else if (opens_comment(&s)) {
			copy_comment(&s, &e.text);
		} else {
			copy_one(&s, &e.text);
		}
	}
	if (st == TT_OK)
		st = str_status(&e.text);
	if (st == TT_OK)
		*out = e;
	else
		expansion_release(&e);
	return st;
}

void expansion_release(struct expansion *e)
{
	str_release(&e->text);
	e->data_defaulted = 0;
}
