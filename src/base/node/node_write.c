#include "base/node/node.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- JSON ---- */

static int digits(const char **s)
{
	const char *from = *s;

	while (isdigit((unsigned char)**s))
		++*s;
	return *s > from;
}

/* The grammar of RFC 8259: 1e5 is a number there, 01, .5 and +1 are not. */
static int is_json_number(const char *s)
{
	if (*s == '-')
		s++;
	if (*s == '0')
		s++;
	else if (!digits(&s))
		return 0;
	if (*s == '.' && (s++, !digits(&s)))
		return 0;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		if (!digits(&s))
			return 0;
	}
	return *s == '\0';
}

static void json_text(const struct node *n, struct str *out)
{
	if (n->quoted)
		str_add_json(out, n->text);
	else if (!*n->text)
		str_add(out, "null");
	else if (is_json_number(n->text) || !strcmp(n->text, "true") || !strcmp(n->text, "false"))
		str_add(out, n->text);
	else
		str_add_json(out, n->text);
}

void node_write_json(const struct node *n, struct str *out)
{
	if (n->kind == NODE_TEXT) {
		json_text(n, out);
		return;
	}
	str_add(out, n->kind == NODE_MAP ? "{" : "[");
	for (const struct node *c = n->child; c; c = c->next) {
		if (n->kind == NODE_MAP) {
			str_add_json(out, c->key);
			str_add(out, ": ");
		}
		node_write_json(c, out);
		if (c->next)
			str_add(out, ", ");
	}
	str_add(out, n->kind == NODE_MAP ? "}" : "]");
}

/* ---- YAML ---- */

/* Whether s may stand without quotes in any place: stricter than YAML is. */
static int is_plain(const char *s)
{
	size_t n = strlen(s);

	if (n == 0)
		return 0;
	if (strchr("-+.", s[0]) && !isdigit((unsigned char)s[1]) && s[1] != '/' && s[1] != '.')
		return 0;
	if (!isalnum((unsigned char)s[0]) && !strchr("-+._/", s[0]))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-+._/:=%@", s[i]) && s[i] != ' ')
			return 0;
	return s[n - 1] != ':' && s[n - 1] != ' ' && !strstr(s, ": ") && !strstr(s, "...") &&
	       !strstr(s, "---") && !strstr(s, "  ");
}

static int is_null_word(const char *s)
{
	return !strcasecmp(s, "null");
}

static void yaml_text(const struct node *n, struct str *out)
{
	if (!n->quoted && !*n->text)
		str_add(out, "null");
	else if (n->quoted || !is_plain(n->text) || is_null_word(n->text))
		str_add_json(out, n->text);     /* JSON's quoting is YAML's too */
	else
		str_add(out, n->text);
}

static void yaml_key(const char *key, struct str *out)
{
	if (is_plain(key) && !is_null_word(key))
		str_add(out, key);
	else
		str_add_json(out, key);
	str_add(out, ":");
}

/* Values that stand on the line of their key: texts, empty things, lists of texts. */
static int fits_line(const struct node *n)
{
	for (const struct node *c = n->child; c; c = c->next)
		if (n->kind == NODE_MAP || c->kind != NODE_TEXT)
			return 0;
	return 1;
}

static void write_line(const struct node *n, struct str *out)
{
	if (n->kind == NODE_TEXT) {
		yaml_text(n, out);
		return;
	}
	str_add(out, n->kind == NODE_MAP ? "{" : "[");
	for (const struct node *c = n->child; c; c = c->next) {
		yaml_text(c, out);
		if (c->next)
			str_add(out, ", ");
	}
	str_add(out, n->kind == NODE_MAP ? "}" : "]");
}

static void indent(int depth, struct str *out)
{
	for (int i = 0; i < depth; i++)
		str_add(out, "  ");
}

/* The children of n, one per line or block.  The first one begins where the text
 * stands ("- " was written already), the others at their indent. */
static void write_block(const struct node *n, int depth, struct str *out)
{
	for (const struct node *c = n->child; c; c = c->next) {
		if (c != n->child)
			indent(depth, out);
		if (n->kind == NODE_MAP)
			yaml_key(c->key, out);
		else
			str_add(out, "-");
		if (fits_line(c)) {
			str_add(out, " ");
			write_line(c, out);
			str_add(out, "\n");
			continue;
		}
		if (n->kind == NODE_MAP) {
			str_add(out, "\n");
			indent(depth + 1, out);
		} else {
			str_add(out, " ");
		}
		write_block(c, depth + 1, out);
	}
}

void node_write_yaml(const struct node *n, struct str *out)
{
	if (!fits_line(n)) {
		write_block(n, 0, out);
		return;
	}
	write_line(n, out);
	str_add(out, "\n");
}
