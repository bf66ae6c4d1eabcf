#include "base/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *const option_no_yes[] = { "no", "yes", NULL };

static void *field(const struct option *o, void *base)
{
	return (char *)base + o->offset;
}

static const void *field_const(const struct option *o, const void *base)
{
	return (const char *)base + o->offset;
}

/* ---- one field from one node ---- */

/* A bound as int64: tables give bounds as doubles, which reach further. */
static int64_t to_int64(double v)
{
	return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}

static tt_status read_double(const struct option *o, const struct node *n, void *at)
{
	tt_status st;
	double v;

	if ((st = node_double(n, &v)) != TT_OK)
		return st;
	if (v < o->min || v > o->max)
		return node_err(n, TT_ESPEC, "%s is %g, but must lie in %g ... %g", o->name, v, o->min,
		                o->max);
	*(double *)at = v;
	return TT_OK;
}

/* Where in o->words, counting the other spellings of no and yes, and old words; -1 is nowhere. */
static int find_word(const struct option *o, const char *word)
{
	static const char *const no[] = { "false", "off", "0", NULL };
	static const char *const yes[] = { "true", "on", "1", NULL };

	for (int i = 0; o->words[i]; i++)
		if (strcasecmp(o->words[i], word) == 0)
			return i;
	for (int i = 0; o->words == option_no_yes && no[i]; i++)
		if (strcasecmp(no[i], word) == 0 || strcasecmp(yes[i], word) == 0)
			return strcasecmp(yes[i], word) == 0;
	for (int i = 0; o->old && o->old[i][0]; i++)
		if (strcasecmp(o->old[i][0], word) == 0)
			return find_word(o, o->old[i][1]);
	return -1;
}

static void add_words(const struct option *o, struct str *out)
{
	for (int i = 0; o->words[i]; i++)
		str_addf(out, "%s%s", i ? ", " : "", o->words[i]);
}

/* The words that may stand in the place of a number. */
static tt_status add_choice(const struct option *o, const struct node *n, tt_status st)
{
	struct str all = {0};

	add_words(o, &all);
	st = node_err(n, st, "%s is a number from %g to %g, or one of: %s", o->name, o->min, o->max,
	              all.p ? all.p : "");
	str_release(&all);
	return st;
}

/* A number, or a word that stands for one. */
static tt_status read_int(const struct option *o, const struct node *n, void *at)
{
	int64_t min = to_int64(o->min), max = to_int64(o->max), v;
	const int word = o->words && n->kind == NODE_TEXT ? find_word(o, n->text) : -1;
	tt_status st;

	if (o->type == OPTION_INT) {
		min = min < INT_MIN ? INT_MIN : min;
		max = max > INT_MAX ? INT_MAX : max;
	}
	if (word >= 0)
		v = -word;
	else if ((st = node_int(n, min, max, &v)) != TT_OK)
		return o->words ? add_choice(o, n, st) : st;
	if (o->type == OPTION_INT)
		*(int *)at = (int)v;
	else
		*(int64_t *)at = v;
	return TT_OK;
}

static tt_status read_word(const struct option *o, const struct node *n, void *at)
{
	const char *word, *nearest;
	struct str all = {0};
	tt_status st;
	int i;

	if ((st = node_text(n, &word)) != TT_OK)
		return st;
	if ((i = find_word(o, word)) >= 0) {
		*(int *)at = i;
		return TT_OK;
	}
	add_words(o, &all);
	nearest = str_nearest(word, o->words);
	st = node_err(n, TT_ESPEC, "%s cannot be '%.40s'; %s%s%sit is one of: %s", o->name, word,
	              nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "",
	              all.p ? all.p : "");
	str_release(&all);
	return st;
}

/* Null is what the option is without being named. */
static tt_status read_text(const struct option *o, struct arena *a, const struct node *n, void *at)
{
	const char *text;
	tt_status st;

	if ((st = node_text(n, &text)) != TT_OK)
		return st;
	if (!n->quoted && !*text) {
		*(const char **)at = o->def;    /* static: outlives the arena */
		return TT_OK;
	}
	if (!(text = arena_strdup(a, text)))
		return TT_ENOMEM;
	*(const char **)at = text;
	return TT_OK;
}

/* A list of numbers; a single number is a list of one. */
static tt_status read_doubles(const struct option *o, struct arena *a, const struct node *n,
                              void *at)
{
	struct option_list list = { .n = n->kind == NODE_TEXT ? 1 : node_count(n) };
	double *v = arena_alloc(a, (list.n ? list.n : 1) * sizeof *v);
	size_t i = 0;
	tt_status st;

	if (!v)
		return TT_ENOMEM;
	if (n->kind == NODE_MAP)
		return node_err(n, TT_ESPEC, "%s must be a list of numbers, not a map", o->name);
	for (const struct node *c = n->kind == NODE_LIST ? n->child : n; c && i < list.n; c = c->next)
		if ((st = node_double(c, &v[i++])) != TT_OK)
			return st;
	list.v = v;
	*(struct option_list *)at = list;
	return TT_OK;
}

static tt_status read_one(const struct option *o, struct arena *a, const struct node *n, void *base)
{
	void *at = field(o, base);

	switch (o->type) {
	case OPTION_INT:
	case OPTION_INT64:   return read_int(o, n, at);
	case OPTION_DOUBLE:  return read_double(o, n, at);
	case OPTION_TEXT:    return read_text(o, a, n, at);
	case OPTION_ENUM:    return read_word(o, n, at);
	case OPTION_DOUBLES: return read_doubles(o, a, n, at);
	case OPTION_GROUP:   return options_read(o->group, a, n, at);
	case OPTION_NODE:
		*(const struct node **)at = n;
		return TT_OK;
	case OPTION_END:
		break;
	}
	return err_set(TT_EINTERNAL, "option %s has no type", o->name);
}

/* ---- whole tables ---- */

static tt_status read_default(const struct option *o, struct arena *a, void *base)
{
	struct node *n;
	tt_status st;

	if (o->type == OPTION_TEXT) {
		*(const char **)field(o, base) = o->def;        /* static: outlives the arena */
		return TT_OK;
	}
	st = node_parse_yaml(a, "default", o->def, strlen(o->def), &n);
	if (st != TT_OK)
		return st;
	n->key = o->name;
	return read_one(o, a, n, base);
}

static size_t size_of(enum option_type type)
{
	switch (type) {
	case OPTION_INT:
	case OPTION_ENUM:    return sizeof(int);
	case OPTION_INT64:   return sizeof(int64_t);
	case OPTION_DOUBLE:  return sizeof(double);
	case OPTION_TEXT:    return sizeof(const char *);
	case OPTION_DOUBLES: return sizeof(struct option_list);
	case OPTION_NODE:    return sizeof(struct node *);
	case OPTION_GROUP:
	case OPTION_END:     break;
	}
	return 0;
}

tt_status options_default(const struct option *t, struct arena *a, void *base)
{
	tt_status st = TT_OK;

	for (const struct option *o = t; o->type != OPTION_END && st == TT_OK; o++) {
		if (o->type == OPTION_GROUP)
			st = options_default(o->group, a, field(o, base));
		else if (o->def)
			st = read_default(o, a, base);
		else
			memset(field(o, base), 0, size_of(o->type));
	}
	return st;
}

static const struct option *find(const struct option *t, const char *name)
{
	for (; t->type != OPTION_END; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

#define NAMES_MAX 128

static const char *nearest_name(const struct option *t, const char *name)
{
	const char *names[NAMES_MAX + 1];
	size_t n = 0;

	for (; t->type != OPTION_END && n < NAMES_MAX; t++)
		names[n++] = t->name;
	names[n] = NULL;
	return str_nearest(name, names);
}

/* `where` gives file and line; its key need not be the name. */
static tt_status unknown(const struct option *t, const struct node *where, const char *name)
{
	const char *near = nearest_name(t, name);
	struct str all = {0};
	tt_status st;

	if (near)
		return node_err(where, TT_ESPEC, "unknown key '%.60s'; did you mean '%s'?", name, near);
	for (const struct option *o = t; o->type != OPTION_END; o++)
		str_addf(&all, "%s%s", o == t ? "" : ", ", o->name);
	st = node_err(where, TT_ESPEC, "unknown key '%.60s'; known are: %s", name,
	              all.p ? all.p : "none");
	str_release(&all);
	return st;
}

tt_status options_read(const struct option *t, struct arena *a, const struct node *n, void *base)
{
	tt_status st;

	if (!n || (n->kind == NODE_TEXT && !n->quoted && !*n->text))
		return TT_OK;                   /* absent, or "train:" with nothing under it */
	if (n->kind != NODE_MAP)
		return node_err(n, TT_ESPEC, "%s must be a map of options, not a %s",
		                n->key ? n->key : "this", n->kind == NODE_LIST ? "list" : "text");
	for (const struct node *c = n->child; c; c = c->next) {
		const struct option *o = find(t, c->key);

		if (!o)
			return unknown(t, c, c->key);
		if ((st = read_one(o, a, c, base)) != TT_OK)
			return st;
	}
	return TT_OK;
}

tt_status options_set(const struct option *t, struct arena *a, void *base,
                      const char *name, const char *value)
{
	const char *part = name;
	const struct option *o;
	struct node *n;
	tt_status st;

	for (;;) {
		size_t len = strcspn(part, ".");
		char *word = arena_printf(a, "%.*s", (int)len, part);

		if (!word)
			return TT_ENOMEM;
		if (!(o = find(t, word)))
			return unknown(t, NULL, word);
		if (!part[len])
			break;
		if (o->type != OPTION_GROUP)
			return err_set(TT_ESPEC, "%s: %s is no group of options", name, o->name);
		t = o->group;
		base = field(o, base);
		part += len + 1;
	}
	if ((st = node_parse_yaml(a, name, value, strlen(value), &n)) != TT_OK)
		return st;
	n->key = o->name;
	n->line = 0;
	return read_one(o, a, n, base);
}

/* ---- fields as nodes ---- */

static struct node *new_node(struct arena *a, enum node_kind kind, const char *key)
{
	struct node *n = arena_alloc(a, sizeof *n);

	if (!n)
		return NULL;
	n->kind = kind;
	n->key = key;
	n->file = "options";
	n->text = kind == NODE_TEXT ? "" : NULL;
	return n;
}

static tt_status number_node(struct arena *a, double v, const char *key, struct node **out)
{
	struct node *n = new_node(a, NODE_TEXT, key);
	struct str s = {0};
	tt_status st;

	str_add_number(&s, v);
	st = str_status(&s);
	if (!n || (st == TT_OK && !(n->text = arena_strdup(a, s.p))))
		st = TT_ENOMEM;
	str_release(&s);
	if (st == TT_OK)
		*out = n;
	return st;
}

static tt_status doubles_node(struct arena *a, const struct option_list *list, const char *key,
                              struct node **out)
{
	struct node *n = new_node(a, NODE_LIST, key), **at;
	tt_status st = n ? TT_OK : TT_ENOMEM;

	if (!n)
		return st;
	at = &n->child;
	for (size_t i = 0; i < list->n && st == TT_OK; i++)
		if ((st = number_node(a, list->v[i], NULL, at)) == TT_OK)
			at = &(*at)->next;
	*out = n;
	return st;
}

/* A text that YAML would read as something else is one that must be quoted. */
static int reads_as_other(const char *s)
{
	double v;

	return !*s || !strcmp(s, "~") || !strcasecmp(s, "null") || str_to_double(s, &v);
}

static tt_status node_of(const struct option *o, struct arena *a, const void *base,
                         struct node **out)
{
	const void *at = field_const(o, base);
	const struct node *as_is = NULL;
	const char *text = NULL;
	struct node *n;

	switch (o->type) {
	case OPTION_INT:
		text = o->words && *(const int *)at <= 0 ? o->words[-*(const int *)at]
		                                         : arena_printf(a, "%d", *(const int *)at);
		break;
	case OPTION_INT64:   text = arena_printf(a, "%lld", (long long)*(const int64_t *)at); break;
	case OPTION_ENUM:    text = o->words[*(const int *)at]; break;
	case OPTION_DOUBLE:  return number_node(a, *(const double *)at, o->name, out);
	case OPTION_DOUBLES: return doubles_node(a, at, o->name, out);
	case OPTION_TEXT:
		text = *(const char *const *)at;
		break;
	case OPTION_NODE:
		as_is = *(const struct node *const *)at;
		break;
	default:
		return err_set(TT_EINTERNAL, "option %s has no type", o->name);
	}
	if (!(n = new_node(a, NODE_TEXT, o->name)))
		return TT_ENOMEM;
	if (o->type == OPTION_NODE && as_is) {
		*n = *as_is;                    /* shares the children, which stay read-only */
		n->key = o->name;
		n->next = NULL;
	} else if (text) {
		n->text = text;
		n->quoted = o->type == OPTION_TEXT && reads_as_other(text);
	} else if (o->type == OPTION_INT || o->type == OPTION_INT64) {
		return TT_ENOMEM;
	}
	*out = n;
	return TT_OK;
}

tt_status options_node(const struct option *t, struct arena *a, const void *base, struct node **out)
{
	struct node *map = new_node(a, NODE_MAP, NULL), **at;
	tt_status st = map ? TT_OK : TT_ENOMEM;

	if (!map)
		return st;
	at = &map->child;
	for (const struct option *o = t; o->type != OPTION_END; o++, at = &(*at)->next) {
		st = o->type == OPTION_GROUP ? options_node(o->group, a, field_const(o, base), at)
		                             : node_of(o, a, base, at);
		if (st != TT_OK)
			return st;
		(*at)->key = o->name;
	}
	*out = map;
	return TT_OK;
}
