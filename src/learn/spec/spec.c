#include "learn/spec/spec.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/nn/build.h"
#include "learn/nn/layers/kinds.h"
#include "learn/nn/model.h"
#include "optim/groups.h"

#define SPEC_SIZE_MAX (16 << 20)        /* bytes; real ones have some thousand */

void tt_free(void *p)
{
	mem_free(p);
}

/* ---- come and go ---- */

/* What a search over the spec tries (`tune`) is no part of a training. */
static void leave_search(struct node *root)
{
	for (struct node **at = &root->child; *at; at = &(*at)->next)
		if (strcmp((*at)->key, "tune") == 0) {
			*at = (*at)->next;
			return;
		}
}

static tt_status spec_of_text(tt_spec **out, const char *name, const char *text, size_t size)
{
	tt_spec *s = mem_calloc(1, sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	if ((st = node_parse_yaml(&s->arena, name, text, size, &s->root)) != TT_OK)
		goto out;
	if (s->root->kind != NODE_MAP) {
		st = node_err(s->root, TT_ESPEC, "a spec is a map with the keys name, data, model, train");
		goto out;
	}
	leave_search(s->root);
	*out = s;
	s = NULL;
out:
	tt_spec_free(&s);
	return st;
}

tt_status tt_spec_parse(tt_spec **out, const char *name, const char *text)
{
	size_t size;

	if (!out || !name || !text)
		return err_null(__func__);
	size = strlen(text);
	if (size > SPEC_SIZE_MAX)
		return err_set(TT_ESPEC, "%s: longer than %d bytes", name, SPEC_SIZE_MAX);
	return spec_of_text(out, name, text, size);
}

tt_status tt_spec_load(tt_spec **out, const char *path)
{
	char *text;
	size_t size;
	tt_status st;

	if (!out || !path)
		return err_null(__func__);
	if ((st = file_read_all(path, SPEC_SIZE_MAX, &text, &size)) != TT_OK)
		return st;
	st = spec_of_text(out, path, text, size);
	mem_free(text);
	return st;
}

tt_status tt_spec_new(tt_spec **out, const char *name)
{
	struct str text = {0};
	tt_spec *s = NULL;
	tt_status st;

	if (!out || !name)
		return err_null(__func__);
	str_add(&text, "name: ");
	str_add_json(&text, name);
	if ((st = str_status(&text)) == TT_OK)
		st = spec_of_text(&s, "spec", text.p, text.len);
	str_release(&text);
	if (st != TT_OK)
		return st;
	for (struct node *n = s->root; n; n = n->child)
		n->line = 0;            /* there is no file to look into */
	*out = s;
	return TT_OK;
}

void tt_spec_free(tt_spec **s)
{
	if (!s || !*s)
		return;
	arena_release(&(*s)->arena);
	mem_free(*s);
	*s = NULL;
}

/* ---- copy ---- */

tt_status spec_copy_node(struct arena *a, const struct node *n, struct node **out)
{
	struct node *c = arena_alloc(a, sizeof *c), **at;
	tt_status st;

	if (!c)
		return TT_ENOMEM;
	*c = *n;
	c->child = c->next = NULL;
	if ((n->file && !(c->file = arena_strdup(a, n->file))) ||
	    (n->key && !(c->key = arena_strdup(a, n->key))) ||
	    (n->text && !(c->text = arena_strdup(a, n->text))))
		return TT_ENOMEM;
	at = &c->child;
	for (const struct node *child = n->child; child; child = child->next, at = &(*at)->next)
		if ((st = spec_copy_node(a, child, at)) != TT_OK)
			return st;
	*out = c;
	return TT_OK;
}

tt_status spec_copy(tt_spec **out, const tt_spec *s)
{
	tt_spec *c = mem_calloc(1, sizeof *c);
	tt_status st;

	if (!c)
		return TT_ENOMEM;
	if ((st = spec_copy_node(&c->arena, s->root, &c->root)) != TT_OK) {
		tt_spec_free(&c);
		return st;
	}
	c->members = s->members;
	*out = c;
	return TT_OK;
}

/* ---- change ---- */

/* A key below a layer that is no kind of layer is one of its only kind's settings: then that kind.
 * The bare word has room for settings from then on. */
static tt_status kind_between(tt_spec *s, const struct node *item, const char *word,
                              struct str *path, const char **out)
{
	const char *kind = build_kind_word(item), *map;

	*out = NULL;
	if (!kind || !layer_kind_find(kind) || layer_kind_find(word))
		return TT_OK;
	*out = kind;
	if (item->kind == NODE_MAP)
		return TT_OK;
	map = arena_printf(&s->arena, "%s: {}", kind);
	return map && path->p ? node_set(&s->arena, s->root, path->p, map) : TT_ENOMEM;
}

/* "model.layers.0.out" is short for "model.layers.0.conv2d.out". */
static tt_status whole_key(tt_spec *s, const char *key, struct str *out)
{
	char *rest = arena_strdup(&s->arena, key), *word;
	const struct node *n = s->root;
	int in_layers = 0, is_layer = 0;
	tt_status st;

	if (!rest)
		return TT_ENOMEM;
	while ((word = strsep(&rest, "."))) {
		const char *kind = NULL;

		if (n && is_layer && (st = kind_between(s, n, word, out, &kind)) != TT_OK)
			return st;
		if (kind) {
			str_addf(out, ".%s", kind);
			n = spec_child(n, kind);
		}
		str_addf(out, "%s%s", n == s->root ? "" : ".", word);
		n = n ? spec_child(n, word) : NULL;
		is_layer = in_layers;
		in_layers = n && n->kind == NODE_LIST && strcmp(word, "layers") == 0;
	}
	return str_status(out);
}

tt_status tt_spec_set(tt_spec *s, const char *key, const char *value)
{
	struct str whole = {0};
	tt_status st;

	if (!s || !key || !value)
		return err_null(__func__);
	s->resolved = 0;
	if ((st = whole_key(s, key, &whole)) == TT_OK)
		st = node_set(&s->arena, s->root, whole.p ? whole.p : key, value);
	str_release(&whole);
	return st;
}

/* model.layers, made if it is not there yet. */
static tt_status layer_list(tt_spec *s, struct node **out)
{
	struct node *list = node_get(node_get(s->root, "model"), "layers");
	tt_status st;

	if (node_absent(list)) {
		if ((st = tt_spec_set(s, "model.layers", "[]")) != TT_OK)
			return st;
		list = node_get(node_get(s->root, "model"), "layers");
	}
	if (!list || list->kind != NODE_LIST)
		return node_err(list, TT_ESPEC, "model.layers must be a list");
	*out = list;
	return TT_OK;
}

tt_status tt_spec_layer(tt_spec *s, const char *kind, const char *settings)
{
	struct node *list, *item, **end;
	const char *near;
	char *text;
	tt_status st;

	if (!s || !kind)
		return err_null(__func__);
	if (!layer_kind_find(kind)) {
		near = layer_kind_nearest(kind);
		return err_set(TT_ESPEC, "unknown layer '%.40s'%s%s%s", kind,
		               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	s->resolved = 0;
	if ((st = layer_list(s, &list)) != TT_OK)
		return st;
	text = arena_printf(&s->arena, "%s: %s", kind, settings ? settings : "{}");
	if (!text)
		return TT_ENOMEM;
	if ((st = node_parse_yaml(&s->arena, "tt_spec_layer", text, strlen(text), &item)) != TT_OK)
		return st;
	if (item->kind != NODE_MAP || item->child->next || strcmp(item->child->key, kind) != 0)
		return err_set(TT_ESPEC, "layer %s: settings must be a YAML flow map such as {out: 6}, "
		               "not '%.60s'", kind, settings);
	for (end = &list->child; *end; end = &(*end)->next)
		;
	*end = item;
	return TT_OK;
}

/* ---- check ---- */

static tt_status check_input(const tt_spec *s)
{
	const struct option_list *in = &s->model.input;
	const struct node *model = node_get(s->root, "model"), *n = node_get(model, "input");

	if (!model)
		return node_err(s->root, TT_ESPEC, "there is no `model`");
	if (!node_absent(s->model.inputs))
		return TT_OK;                   /* nn looks at these */
	if (in->n == 0)
		return node_err(n ? n : model, TT_ESPEC, "model.input is missing: the shape of a sample, "
		                "[1, 28, 28] for instance");
	if (in->n >= TENSOR_MAX_DIMS)
		return node_err(n, TT_ESPEC, "model.input has %zu dimensions; 1 to %d are possible", in->n,
		                TENSOR_MAX_DIMS - 1);
	for (size_t i = 0; i < in->n; i++)
		if (!(in->v[i] >= 1 && in->v[i] <= INT32_MAX) || in->v[i] != (int64_t)in->v[i])
			return node_err(n, TT_ESPEC, "model.input must hold whole numbers above 0, not %g",
			                in->v[i]);
	return TT_OK;
}

static tt_status check_name(const tt_spec *s)
{
	if (!*s->name)
		return node_err(node_get(s->root, "name"), TT_ESPEC, "name is empty; leave it out, or "
		                "say what runs and checkpoints are called");
	return TT_OK;
}

static tt_status check_layers(const tt_spec *s)
{
	const struct node *n = s->model.layers, *model = node_get(s->root, "model");

	if (node_absent(n) || n->kind != NODE_LIST || !n->child)
		return node_err(node_absent(n) ? model : n, TT_ESPEC,
		                "model.layers must be a list of one layer or more");
	return TT_OK;
}

/* Do patterns read, and fit where they are used?  What is in files is looked at later. */
static tt_status check_patterns(const tt_spec *s)
{
	struct pattern_list skip;
	struct optim_groups groups;
	tt_status st;

	if ((st = pattern_list_make(&skip, s->train.init.skip, "train.init.skip")) != TT_OK)
		return st;
	pattern_list_release(&skip);
	if ((st = optim_groups_make(&groups, &s->train.optimizer)) != TT_OK)
		return st;
	optim_groups_release(&groups);
	return TT_OK;
}

/* `model.init: {from: ...}` is what many would try first. */
static tt_status check_begin(const tt_spec *s)
{
	const struct node *init = node_get(node_get(s->root, "model"), "init");

	if (!init || init->kind != NODE_MAP)
		return TT_OK;
	return node_err(init, TT_ESPEC, "model.init says how numbers are drawn, in a word; whose "
	                "numbers to begin with says `train: {init: {from: FILE}}`");
}

tt_status tt_spec_resolve(tt_spec *s)
{
	tt_status st;

	if (!s)
		return err_null(__func__);
	if (s->resolved)
		return TT_OK;
	if ((st = check_begin(s)) != TT_OK ||
	    (st = options_default(spec_options, &s->arena, s)) != TT_OK ||
	    (st = options_read(spec_options, &s->arena, s->root, s)) != TT_OK ||
	    (st = check_name(s)) != TT_OK || (st = check_input(s)) != TT_OK ||
	    (st = check_layers(s)) != TT_OK || (st = check_patterns(s)) != TT_OK ||
	    (st = nn_count(&s->model, &s->n_parameters, &s->n_buffers)) != TT_OK)
		return st;
	s->resolved = 1;
	return TT_OK;
}

size_t tt_spec_parameters(const tt_spec *s)
{
	return s && s->resolved ? s->n_parameters : 0;
}

tt_status tt_spec_text(const tt_spec *s, char **out)
{
	const struct node *root;
	struct arena a = {0};
	struct node *whole;
	struct str text = {0};
	tt_status st = TT_OK;

	if (!s || !out)
		return err_null(__func__);
	root = s->root;
	if (s->resolved && (st = options_node(spec_options, &a, s, &whole)) == TT_OK)
		root = whole;
	if (st == TT_OK) {
		node_write_yaml(root, &text);
		st = str_status(&text);
	}
	if (st == TT_OK) {
		*out = text.p;          /* str's memory is mem's: tt_free gives it back */
		text = (struct str){0};
	}
	str_release(&text);
	arena_release(&a);
	return st;
}
