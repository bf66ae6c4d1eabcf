#include "base/node/node.h"

#include <jansson.h>
#include <string.h>

#include "base/node/node_parts.h"

static tt_status convert(struct node_maker *m, json_t *j, int depth, struct node **out);

static tt_status text_of(struct node_maker *m, json_t *j, struct node *n)
{
	struct str s = {0};
	tt_status st = TT_OK;

	switch (json_typeof(j)) {
	case JSON_STRING:  str_add_bytes(&s, json_string_value(j), json_string_length(j)); break;
	case JSON_INTEGER: str_addf(&s, "%" JSON_INTEGER_FORMAT, json_integer_value(j)); break;
	case JSON_REAL:    str_add_number(&s, json_real_value(j)); break;
	case JSON_TRUE:    str_add(&s, "true"); break;
	case JSON_FALSE:   str_add(&s, "false"); break;
	default:           break;               /* null is "" */
	}
	n->quoted = json_is_string(j);
	if ((st = str_status(&s)) == TT_OK && !(n->text = node_copy_text(m->arena, s.p, s.len)))
		st = TT_ENOMEM;
	str_release(&s);
	return st;
}

static tt_status convert_list(struct node_maker *m, json_t *j, int depth, struct node *n)
{
	struct node **at = &n->child;

	for (size_t i = 0; i < json_array_size(j); i++, at = &(*at)->next) {
		tt_status st = convert(m, json_array_get(j, i), depth + 1, at);

		if (st != TT_OK)
			return st;
	}
	return TT_OK;
}

/* jansson keeps the order in which members were written. */
static tt_status convert_map(struct node_maker *m, json_t *j, int depth, struct node *n)
{
	struct node **at = &n->child;
	const char *key;
	json_t *value;

	json_object_foreach(j, key, value) {
		tt_status st;

		if (strlen(key) > NODE_NAME_MAX)
			return err_set(TT_EFORMAT, "%s: the name '%.20s...' is longer than %d bytes",
			               m->name, key, NODE_NAME_MAX);
		if ((st = convert(m, value, depth + 1, at)) != TT_OK)
			return st;
		if (!((*at)->key = arena_strdup(m->arena, key)))
			return TT_ENOMEM;
		at = &(*at)->next;
	}
	return TT_OK;
}

static tt_status convert(struct node_maker *m, json_t *j, int depth, struct node **out)
{
	enum node_kind kind = json_is_object(j) ? NODE_MAP : json_is_array(j) ? NODE_LIST : NODE_TEXT;
	tt_status st;

	if (depth > NODE_DEPTH_MAX)
		return err_set(TT_EFORMAT, "%s: nested deeper than %d", m->name, NODE_DEPTH_MAX);
	if ((st = node_new(m, kind, 0, out)) != TT_OK)
		return st == TT_ESPEC ? TT_EFORMAT : st;
	if (kind == NODE_MAP)
		return convert_map(m, j, depth, *out);
	if (kind == NODE_LIST)
		return convert_list(m, j, depth, *out);
	return text_of(m, j, *out);
}

/* jansson goes a level down its stack for every bracket: how deep is known before it begins. */
static int is_deep(const char *text, size_t size)
{
	int depth = 0, quoted = 0;

	for (size_t i = 0; i < size && depth <= NODE_DEPTH_MAX; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '[' || text[i] == '{'))
			depth++;
		else if (!quoted && (text[i] == ']' || text[i] == '}'))
			depth--;
	}
	return depth > NODE_DEPTH_MAX;
}

/* jansson forgets lines, so nodes from JSON have line 0; syntax errors name theirs. */
tt_status node_parse_json(struct arena *a, const char *name, const char *text, size_t size,
                          struct node **root)
{
	struct node_maker m = { .arena = a, .name = arena_strdup(a, name) };
	struct node *made = NULL;
	json_error_t error;
	tt_status st;
	json_t *j;

	if (!m.name)
		return TT_ENOMEM;
	if (size > NODE_TEXT_MAX)
		return err_set(TT_EFORMAT, "%s: more than %zu bytes of JSON", name, NODE_TEXT_MAX);
	if (is_deep(text, size))
		return err_set(TT_EFORMAT, "%s: nested deeper than %d", name, NODE_DEPTH_MAX);
	j = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!j)
		return err_set(TT_EFORMAT, "%s:%d: %s", name, error.line, error.text);
	st = convert(&m, j, 1, &made);
	json_decref(j);
	if (st == TT_OK)
		*root = made;
	return st;
}
