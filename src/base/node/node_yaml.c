#include "base/node/node.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"
#include "base/node/node_parts.h"
#include "base/node/node_yaml_error.h"

#define YAML_TEXT_MAX ((size_t)16 << 20)
#define ANCHORS_MAX   500               /* each alias looks through all of them */

/* A value that an alias may ask for.  A later anchor of the same name hides it. */
struct anchor {
	struct anchor     *next;
	const char        *name;
	const struct node *node;
};

struct builder {
	struct node_maker make;
	yaml_parser_t     yaml;
	yaml_event_t      event;        /* one of them at a time, deleted by next() */
	struct yaml_text  text;
	struct anchor    *anchors;
	int               n_anchors;
};

static tt_status build(struct builder *b, int depth, struct node **out);

static int line_of(const struct builder *b)
{
	return (int)b->event.start_mark.line + 1;
}

static tt_status fail(const struct builder *b, const char *text)
{
	return err_set(TT_ESPEC, "%s:%d: %s", b->make.name, line_of(b), text);
}

static tt_status next(struct builder *b)
{
	yaml_event_delete(&b->event);
	return yaml_parser_parse(&b->yaml, &b->event) ? TT_OK : node_yaml_error(&b->text, &b->yaml);
}

static int is_null(const char *s)
{
	return !*s || !strcmp(s, "~") || !strcmp(s, "null") || !strcmp(s, "Null") || !strcmp(s, "NULL");
}

static tt_status build_text(struct builder *b, struct node *n)
{
	const char *p = (const char *)b->event.data.scalar.value;
	size_t size = b->event.data.scalar.length;

	if (memchr(p, 0, size))
		return fail(b, "a text contains a zero byte");
	n->quoted = b->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (!n->quoted && is_null(p))
		return TT_OK;
	n->text = node_copy_text(b->make.arena, p, size);
	return n->text ? TT_OK : TT_ENOMEM;
}

/* A full copy: each place may then be set without the others changing. */
static tt_status copy_tree(struct builder *b, const struct node *from, int depth, struct node **out)
{
	struct node *n, **at;
	tt_status st;

	if (depth > NODE_DEPTH_MAX)
		return fail(b, "nested too deep");
	if ((st = node_new(&b->make, from->kind, from->line, out)) != TT_OK)
		return st;
	n = *out;
	n->quoted = from->quoted;
	n->text = from->text;
	n->key = from->key;
	at = &n->child;
	for (const struct node *c = from->child; c; c = c->next, at = &(*at)->next)
		if ((st = copy_tree(b, c, depth + 1, at)) != TT_OK)
			return st;
	return TT_OK;
}

/* An anchor is known only after its value: no value can contain itself. */
static tt_status build_alias(struct builder *b, int depth, struct node **out)
{
	const char *name = (const char *)b->event.data.alias.anchor;
	const struct anchor *a = b->anchors;
	tt_status st;

	while (a && strcmp(a->name, name) != 0)
		a = a->next;
	if (!a)
		return err_set(TT_ESPEC, "%s:%d: *%.60s has no anchor before it", b->make.name, line_of(b),
		               name);
	if ((st = copy_tree(b, a->node, depth, out)) == TT_OK)
		(*out)->key = NULL;             /* of the place that was copied, not of this one */
	return st;
}

static tt_status build_list(struct builder *b, int depth, struct node *n)
{
	struct node **at = &n->child;
	tt_status st;

	while ((st = next(b)) == TT_OK && b->event.type != YAML_SEQUENCE_END_EVENT) {
		if ((st = build(b, depth + 1, at)) != TT_OK)
			return st;
		at = &(*at)->next;
	}
	return st;
}

/* ---- keys ---- */

/* A child of a map, and its place among all that are looked at. */
struct key_place { const struct node *n; size_t at; int twin; };

static int by_key(const void *a, const void *b)
{
	const struct key_place *x = a, *y = b;
	int c = strcmp(x->n->key, y->n->key);

	return c ? c : x->at < y->at ? -1 : x->at > y->at;
}

static int by_at(const void *a, const void *b)
{
	const struct key_place *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static size_t add_keys(struct key_place *v, size_t n, const struct node *map)
{
	for (const struct node *c = map->child; c; c = c->next, n++)
		v[n] = (struct key_place){ .n = c, .at = n };
	return n;
}

/* Sort, and mark all but the first of each key. */
static void find_twins(struct key_place *v, size_t n)
{
	qsort(v, n, sizeof *v, by_key);
	for (size_t i = 1; i < n; i++)
		v[i].twin = strcmp(v[i - 1].n->key, v[i].n->key) == 0;
}

/* Of a duplicate key the one that stands first in the file is told. */
static tt_status check_twins(struct builder *b, const struct node *map)
{
	const size_t n = node_count(map);
	struct key_place *v = n > 1 ? mem_alloc(n * sizeof *v) : NULL;
	tt_status st = n > 1 && !v ? TT_ENOMEM : TT_OK;
	size_t worst = n;

	if (!v)
		return st;
	find_twins(v, add_keys(v, 0, map));
	for (size_t i = 1; i < n; i++)
		if (v[i].twin && (worst == n || v[i].at < v[worst].at))
			worst = i;
	if (worst < n)
		st = err_set(TT_ESPEC, "%s:%d: '%s' stands here twice, first in line %d", b->make.name,
		             v[worst].n->line, v[worst].n->key, v[worst - 1].n->line);
	mem_free(v);
	return st;
}

static tt_status check_merged(struct builder *b, const struct node *from)
{
	if (from->kind == NODE_MAP)
		return TT_OK;
	return err_set(TT_ESPEC, "%s:%d: << takes a map or a list of maps", b->make.name, from->line);
}

static size_t count_merged(const struct node *from)
{
	size_t n = 0;

	if (from->kind == NODE_MAP)
		return node_count(from);
	for (const struct node *c = from->child; c; c = c->next)
		n += node_count(c);
	return n;
}

/* Copies of the keys that n lacks to its end. */
static tt_status take_new(struct builder *b, const struct key_place *v, size_t count, int depth,
                          struct node **at)
{
	tt_status st;

	for (size_t i = 0; i < count; i++) {
		if (v[i].twin)
			continue;
		if ((st = copy_tree(b, v[i].n, depth, at)) != TT_OK)
			return st;
		at = &(*at)->next;
	}
	return TT_OK;
}

/* The keys of `from`, a map or a list of them, that n lacks (YAML's merge: what n says itself comes
 * first, and then what stands first in the list). */
static tt_status merge(struct builder *b, const struct node *from, int depth, struct node *n)
{
	const size_t own = node_count(n);
	const struct node *first = from->kind == NODE_LIST ? from->child : from;
	struct node **end = &n->child;
	struct key_place *v;
	size_t count = 0;
	tt_status st = TT_OK;

	for (const struct node *c = first; c && st == TT_OK; c = first == from ? NULL : c->next)
		st = check_merged(b, c);
	if (st != TT_OK)
		return st;
	if (!(v = mem_alloc((own + count_merged(from) + 1) * sizeof *v)))
		return TT_ENOMEM;
	count = add_keys(v, 0, n);
	for (const struct node *c = first; c; c = first == from ? NULL : c->next)
		count = add_keys(v, count, c);
	find_twins(v, count);
	qsort(v, count, sizeof *v, by_at);
	while (*end)
		end = &(*end)->next;
	st = take_new(b, v + own, count - own, depth, end);
	mem_free(v);
	return st;
}

/* The key of the event at hand, into the arena. */
static tt_status read_key(struct builder *b, const char **out)
{
	const char *p = (const char *)b->event.data.scalar.value;
	size_t size = b->event.data.scalar.length;

	if (b->event.type != YAML_SCALAR_EVENT)
		return fail(b, "a key must be a plain word");
	if (memchr(p, 0, size))
		return fail(b, "a key contains a zero byte");
	if (size == 0 || size > NODE_KEY_MAX)
		return err_set(TT_ESPEC, "%s:%d: a key has %zu bytes, not 1 ... %d", b->make.name,
		               line_of(b), size, NODE_KEY_MAX);
	*out = node_copy_text(b->make.arena, p, size);
	return *out ? TT_OK : TT_ENOMEM;
}

static int is_merge_key(const struct builder *b)
{
	return b->event.type == YAML_SCALAR_EVENT &&
	       b->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       strcmp((const char *)b->event.data.scalar.value, "<<") == 0;
}

static tt_status build_map(struct builder *b, int depth, struct node *n)
{
	struct node **at = &n->child, *merged = NULL;
	const char *key = NULL;
	tt_status st;

	while ((st = next(b)) == TT_OK && b->event.type != YAML_MAPPING_END_EVENT) {
		int is_merge = is_merge_key(b), line = line_of(b);

		if (is_merge && merged)
			return fail(b, "a second << in one map: give it a list of maps");
		if (!is_merge && (st = read_key(b, &key)) != TT_OK)
			return st;
		if ((st = next(b)) != TT_OK ||
		    (st = build(b, depth + 1, is_merge ? &merged : at)) != TT_OK)
			return st;
		if (is_merge)
			continue;
		(*at)->key = key;
		(*at)->line = line;             /* where the key stands, whatever the value */
		at = &(*at)->next;
	}
	if (st == TT_OK)
		st = check_twins(b, n);
	if (st == TT_OK && merged)
		st = merge(b, merged, depth + 1, n);
	return st;
}

static tt_status remember(struct builder *b, const char *name, const struct node *n)
{
	struct anchor *a;

	if (++b->n_anchors > ANCHORS_MAX)
		return err_set(TT_ESPEC, "%s:%d: more than %d anchors", b->make.name, n->line, ANCHORS_MAX);
	if (!(a = arena_alloc(b->make.arena, sizeof *a)))
		return TT_ENOMEM;
	*a = (struct anchor){ .next = b->anchors, .name = name, .node = n };
	b->anchors = a;
	return TT_OK;
}

/* Build the value whose first event is at hand; its last event is at hand then. */
static tt_status build(struct builder *b, int depth, struct node **out)
{
	const yaml_char_t *tag = NULL;
	char *anchor = NULL;
	enum node_kind kind;
	struct node *n;
	tt_status st;

	if (depth > NODE_DEPTH_MAX)
		return fail(b, "nested too deep");
	switch (b->event.type) {
	case YAML_SCALAR_EVENT:
		kind = NODE_TEXT;
		tag = b->event.data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		kind = NODE_LIST;
		tag = b->event.data.sequence_start.anchor;
		break;
	case YAML_MAPPING_START_EVENT:
		kind = NODE_MAP;
		tag = b->event.data.mapping_start.anchor;
		break;
	case YAML_ALIAS_EVENT:
		return build_alias(b, depth, out);
	default:
		return fail(b, "a value was expected");
	}
	if (tag && !(anchor = arena_strdup(b->make.arena, (const char *)tag)))
		return TT_ENOMEM;
	if ((st = node_new(&b->make, kind, line_of(b), &n)) != TT_OK)
		return st;
	st = kind == NODE_TEXT ? build_text(b, n) :
	     kind == NODE_LIST ? build_list(b, depth, n) : build_map(b, depth, n);
	if (st == TT_OK && anchor)
		st = remember(b, anchor, n);
	if (st == TT_OK)
		*out = n;
	return st;
}

/* The one document of the stream; an empty stream is null. */
static tt_status build_document(struct builder *b, struct node **root)
{
	tt_status st;

	if ((st = next(b)) != TT_OK || (st = next(b)) != TT_OK)         /* stream, document */
		return st;
	if (b->event.type == YAML_STREAM_END_EVENT)
		return node_new(&b->make, NODE_TEXT, 1, root);
	if ((st = next(b)) != TT_OK || (st = build(b, 1, root)) != TT_OK)
		return st;
	if ((st = next(b)) != TT_OK || (st = next(b)) != TT_OK)         /* document end, next */
		return st;
	if (b->event.type != YAML_STREAM_END_EVENT)
		return fail(b, "a second document: only one is read");
	return TT_OK;
}

tt_status node_parse_yaml(struct arena *a, const char *name, const char *text, size_t size,
                          struct node **root)
{
	struct builder b = { .make = { .arena = a, .name = arena_strdup(a, name) } };
	struct node *made = NULL;
	tt_status st;

	if (!b.make.name)
		return TT_ENOMEM;
	if (size > YAML_TEXT_MAX)
		return err_set(TT_ESPEC, "%s: more than %zu bytes of YAML", name, YAML_TEXT_MAX);
	if (!yaml_parser_initialize(&b.yaml))
		return err_set(TT_ENOMEM, "out of memory while reading %s", name);
	yaml_parser_set_encoding(&b.yaml, YAML_UTF8_ENCODING);
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;                      /* the mark that editors of another system leave */
		size -= 3;
	}
	b.text = (struct yaml_text){ b.make.name, text, size };
	yaml_parser_set_input_string(&b.yaml, (const unsigned char *)text, size);
	st = build_document(&b, &made);
	yaml_event_delete(&b.event);
	yaml_parser_delete(&b.yaml);
	if (st == TT_OK)
		*root = made;
	return st;
}
