/* From the list of layers to nodes of a graph. */
#include "learn/nn/build.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* What `from` can name.  Layers are found by their full name. */
struct known {
	const char        *name;
	uint64_t           hash;        /* of it */
	struct ir_value   *v;
	const struct node *node;
	struct known      *next;
};

#define LAYERS_MAX 10000        /* repeats of repeats end here, and not in the memory */
#define NAME_LEN_MAX 120        /* with ".running_mean" a key that checkpoints can hold */

/* ---- names ---- */

static struct known *find_known(const struct builder *b, const char *name)
{
	const uint64_t hash = hash_text(name);

	for (struct known *k = b->known; k; k = k->next)
		if (k->hash == hash && strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

static tt_status make_known(struct builder *b, const char *name, struct ir_value *v,
                            const struct node *node)
{
	struct known *k = arena_alloc(&b->arena, sizeof *k);

	if (!k)
		return TT_ENOMEM;
	*k = (struct known){ .name = name, .hash = hash_text(name), .v = v, .node = node,
	                     .next = b->known };
	b->known = k;
	return TT_OK;
}

/* "a" seen from "x.y." is x.y.a, else x.a, else a: the innermost wins. */
static struct known *find_from(struct builder *b, const char *path, const char *name)
{
	size_t len = strlen(path);

	for (;;) {
		char *full = arena_printf(&b->arena, "%.*s%s", (int)len, path, name);
		struct known *k = full ? find_known(b, full) : NULL;

		if (k || len == 0)
			return k;
		for (len--; len > 0 && path[len - 1] != '.'; len--)
			;
	}
}

#define NEAREST_MAX 256

const char *build_nearest(const struct builder *b, const char *name)
{
	const char *names[NEAREST_MAX + 1];
	int n = 0;

	for (struct known *k = b->known; k && n < NEAREST_MAX; k = k->next)
		names[n++] = k->name;
	names[n] = NULL;
	return str_nearest(name, names);
}

struct ir_value *build_find(const struct builder *b, const char *name)
{
	const struct known *k = find_known(b, name);

	return k ? k->v : NULL;
}

/* The line of a layer behind *after that is called so; 0: none is; -1: no line.  *after becomes
 * NULL where the search has come to it. */
static int line_of_name(const struct node *n, const struct node **after, const char *name)
{
	for (const struct node *c = n->child; c; c = c->next) {
		int line;

		if (c == *after)
			*after = NULL;
		if ((line = line_of_name(c, after, name)) != 0)
			return line;
		if (!*after && c->key && strcmp(c->key, "name") == 0 && c->kind == NODE_TEXT &&
		    strcmp(c->text, name) == 0)
			return c->line ? c->line : -1;
	}
	return 0;
}

/* Whoever reads what comes later closes a cycle, or stands in the wrong place. */
static tt_status made_later(const struct layer *l, const char *name, int line)
{
	char at[32] = "";

	if (line > 0)
		snprintf(at, sizeof at, ", in line %d", line);
	return layer_err(l, TT_ESPEC, "names '%.60s', which is made later%s: a layer reads what stands "
	                 "before it, and there are no cycles", name, at);
}

static tt_status no_such_layer(const struct builder *b, const struct layer *l, const char *name)
{
	const char *near = build_nearest(b, name), *mine = ((const struct layer_base *)l->opts)->name;
	const struct node *layers = b->m->net.layers, *me = l->node;
	const int later = node_absent(layers) ? 0 : line_of_name(layers, &me, name);

	if (mine && strcmp(mine, name) == 0)
		return layer_err(l, TT_ESPEC, "names itself: a layer reads what stands before it, and "
		                 "there are no cycles");
	if (later)
		return made_later(l, name, later);
	if (near)
		return layer_err(l, TT_ESPEC, "there is no earlier layer '%.60s'; did you mean '%s'?",
		                 name, near);
	return layer_err(l, TT_ESPEC, "there is no earlier layer '%.60s'", name);
}

static tt_status add_input(struct builder *b, struct layer *l, const char *path,
                           const struct node *n)
{
	struct known *k;
	const char *name;
	tt_status st;

	if ((st = node_text(n, &name)) != TT_OK)
		return st;
	if (!(k = find_from(b, path, name)))
		return no_such_layer(b, l, name);
	l->in[l->n_in++] = k->v;
	return TT_OK;
}

static tt_status find_inputs(struct builder *b, struct layer *l, const char *path)
{
	const struct node *from = ((const struct layer_base *)l->opts)->from;
	size_t n = node_absent(from) || from->kind == NODE_TEXT ? 1 : node_count(from);
	tt_status st = TT_OK;

	if (!(l->in = arena_alloc(&b->arena, (n + 1) * sizeof *l->in)))
		return TT_ENOMEM;
	if (node_absent(from)) {
		l->in[l->n_in++] = b->last;
		return TT_OK;
	}
	if (from->kind == NODE_TEXT)
		return add_input(b, l, path, from);
	if (from->kind == NODE_MAP || n == 0)
		return layer_err(l, TT_ESPEC, "from must be a name or a list of names");
	for (const struct node *c = from->child; c && st == TT_OK; c = c->next)
		st = add_input(b, l, path, c);
	return st;
}

tt_status build_check_name(const struct node *n, const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	if (*name && strspn(name, allowed) == strlen(name) && strlen(name) <= NAME_LEN_MAX)
		return TT_OK;
	return node_err(n, TT_ESPEC, "'%.40s' is no name for a layer: letters, digits and _ - . "
	                "are, up to %d in all", name, NAME_LEN_MAX);
}

/* A layer is `kind: {settings}`, or the bare word where there is nothing to set. */
const char *build_kind_word(const struct node *item)
{
	if (item->kind == NODE_TEXT && *item->text)
		return item->text;
	return item->kind == NODE_MAP && item->child && !item->child->next ? item->child->key : NULL;
}

const char *build_name_by_kind(struct arena *a, const struct node *item, const struct node *list)
{
	const char *word = build_kind_word(item);
	const struct layer_kind *kind = word ? layer_kind_find(word) : NULL;
	int n = 1;

	for (const struct node *c = list->child; kind && c && c != item; c = c->next) {
		const char *other = build_kind_word(c);
		const struct layer_kind *k = other ? layer_kind_find(other) : NULL;

		n += k && strcmp(k->prefix, kind->prefix) == 0;
	}
	return kind ? arena_printf(a, "%s%d", kind->prefix, n) : NULL;
}

/* Among the kinds whose names begin alike, the place of the first. */
static int place_of(const struct layer_kind *kind)
{
	int i = 0;

	while (strcmp(layer_kinds[i]->prefix, kind->prefix) != 0)
		i++;
	return i;
}

/* build_name_by_kind, of the item at hand, without a look at all others. */
static const char *name_by_kind(struct builder *b, const struct layer *l)
{
	return arena_printf(&b->arena, "%s%d", l->kind->prefix, b->alike[place_of(l->kind)]);
}

static const char *name_by_place(struct builder *b, const struct node *item,
                                 const struct node *list, int64_t start)
{
	for (const struct node *c = list->child; c && c != item; c = c->next)
		start++;
	return arena_printf(&b->arena, "%lld", (long long)start);
}

static tt_status name_layer(struct builder *b, struct layer *l, const struct node *item,
                            const struct node *list, const struct scope *s)
{
	const char *name = ((const struct layer_base *)l->opts)->name;
	const struct known *twin;
	tt_status st;

	if (!name)
		name = s->naming == NAMES_BY_KIND ? name_by_kind(b, l)
		                                  : name_by_place(b, item, list, s->start);
	if (!name || !(l->name = arena_printf(&b->arena, "%s%s", s->path, name)))
		return TT_ENOMEM;
	if ((st = build_check_name(item, name)) != TT_OK ||
	    (st = build_check_name(item, l->name)) != TT_OK)
		return st;
	if ((twin = find_known(b, l->name)) && twin->node)
		return node_err(item, TT_ESPEC, "a second layer is called '%s'; the first is in line %d",
		                l->name, twin->node->line);
	if (twin)
		return node_err(item, TT_ESPEC, "a layer cannot be called '%s'", l->name);
	return TT_OK;
}

/* ---- sequences ---- */

/* All that a layer reads has the same lengths, or none. */
static tt_status find_time(const struct builder *b, const struct layer *l, struct ir_value **out)
{
	char text[LAYER_VALUE_TEXT];

	*out = NULL;
	for (int i = 0; i < l->n_in; i++) {
		struct ir_value *t = build_lengths(b, l->in[i]);

		if (t && l->kind->time == TIME_REFUSED)
			return layer_err(l, TT_ESHAPE, "reads %s, sequences of different lengths, which a "
			                 "%s would mix with what fills them up: make one vector of each "
			                 "first (`seqpool`, or a recurrent layer that gives its last place)",
			                 layer_value_text(l->in[i], text), l->kind->name);
		if (t && *out && t != *out && l->kind->time < TIME_OWN)
			return layer_err(l, TT_ESHAPE, "joins sequences of two inputs, whose lengths may "
			                 "differ");
		if (t && l->kind->time == TIME_KEPT && l->in[i]->desc.ndim < 3)
			return layer_err(l, TT_ESHAPE, "reads %s, a number at each place of a sequence: give "
			                 "places features first (`embedding`, or a shape [-1, 1])",
			                 layer_value_text(l->in[i], text));
		*out = t ? t : *out;
	}
	return TT_OK;
}

/* ---- layers ---- */

static tt_status add_shared(struct builder *b, const struct layer *l, const char *path)
{
	const char *share = ((const struct layer_base *)l->opts)->share;
	struct shared *s;
	struct known *k;

	if (!share)
		return TT_OK;
	if (!(k = find_from(b, path, share)))
		return no_such_layer(b, l, share);
	if (!k->node)
		return layer_err(l, TT_ESPEC, "shares with '%.60s', which is an input", share);
	if (!(s = arena_alloc(&b->arena, sizeof *s)))
		return TT_ENOMEM;
	*s = (struct shared){ .name = arena_printf(&b->arena, "%s.", l->name),
	                      .of = arena_printf(&b->arena, "%s.", k->name), .next = b->shared };
	if (!s->name || !s->of)
		return TT_ENOMEM;
	b->shared = s;
	return TT_OK;
}

static tt_status check_shared(const struct builder *b, const struct layer *l)
{
	const char *share = ((const struct layer_base *)l->opts)->share;

	for (const struct shared *s = b->shared; share && s; s = s->next)
		if (strncmp(s->name, l->name, strlen(l->name)) == 0 && s->name[strlen(l->name)] == '.' &&
		    !s->name[strlen(l->name) + 1] && !s->used)
			return layer_err(l, TT_ESPEC, "shares nothing with '%.60s': the two have no parameter "
			                 "of the same name", share);
	return TT_OK;
}

static tt_status build_kind(struct builder *b, struct layer *l)
{
	struct ir_value *time;
	tt_status st;

	if (build_has_states(b) && l->kind->time == TIME_OWN)
		return layer_err(l, TT_ESHAPE, "looks at a sequence as a whole: it cannot go on where a "
		                 "sequence stopped");
	if (b->shape.carry && l->kind->time == TIME_PLACES)
		return layer_err(l, TT_ESHAPE, "knows all places before: data.carry keeps states of one "
		                 "size, those of rnn, lstm and gru");
	if ((st = find_time(b, l, &time)) != TT_OK || (st = l->kind->build(b, l)) != TT_OK)
		return st;
	return l->kind->time >= TIME_OWN ? TT_OK : build_set_lengths(b, l->out, time);
}

static tt_status read_kind(const struct node *item, struct layer *l)
{
	const char *word = build_kind_word(item), *near;

	if (!word && item->kind == NODE_MAP && item->child)
		return node_err(item, TT_ESPEC, "a layer is written as `kind: {settings}`, one to an item; "
		                "here are '%.40s' and '%.40s'", item->child->key, item->child->next->key);
	if (!word)
		return node_err(item, TT_ESPEC, "a layer is written as `kind: {settings}`, one to an item");
	l->node = item->kind == NODE_MAP ? item->child : item;
	if ((l->kind = layer_kind_find(word)))
		return TT_OK;
	near = layer_kind_nearest(word);
	if (near)
		return node_err(l->node, TT_ESPEC, "unknown layer '%.40s'; did you mean '%s'?", word, near);
	return node_err(l->node, TT_ESPEC, "unknown layer '%.40s'; `tutti help layers` lists them",
	                word);
}

static tt_status read_settings(struct builder *b, struct layer *l, const struct node *item)
{
	const struct node *settings = item->kind == NODE_MAP ? l->node : NULL;
	void *opts = arena_alloc(&b->arena, l->kind->size);
	tt_status st;

	if (!opts)
		return TT_ENOMEM;
	if ((st = options_default(l->kind->options, &b->arena, opts)) != TT_OK ||
	    (st = options_read(l->kind->options, &b->arena, settings, opts)) != TT_OK)
		return st;
	l->opts = opts;
	return TT_OK;
}

static tt_status build_item(struct builder *b, const struct node *item, const struct node *list,
                            const struct scope *s)
{
	struct layer l = {0};
	tt_status st;

	if (++b->n_layers > LAYERS_MAX)
		return node_err(item, TT_ESPEC, "the model has more than %d layers", LAYERS_MAX);
	if ((st = read_kind(item, &l)) != TT_OK)
		return st;
	b->alike[place_of(l.kind)]++;
	if ((st = read_settings(b, &l, item)) != TT_OK ||
	    (st = name_layer(b, &l, item, list, s)) != TT_OK ||
	    (st = find_inputs(b, &l, s->path)) != TT_OK ||
	    (st = add_shared(b, &l, s->path)) != TT_OK || (st = build_kind(b, &l)) != TT_OK ||
	    (st = check_shared(b, &l)) != TT_OK)
		return st;
	b->last = l.out;
	return make_known(b, l.name, l.out, l.node);
}

static int *nothing_yet(struct builder *b)
{
	size_t n = 0;

	while (layer_kinds[n])
		n++;
	return arena_alloc(&b->arena, n * sizeof *b->alike);
}

static tt_status build_list(struct builder *b, const struct node *list, const struct scope *s)
{
	int *const outer = b->alike;
	tt_status st = TT_OK;

	if (node_absent(list))
		return TT_OK;
	if (list->kind != NODE_LIST)
		return node_err(list, TT_ESPEC, "%s must be a list of layers",
		                list->key ? list->key : "this");
	if (!(b->alike = nothing_yet(b)))
		return TT_ENOMEM;
	for (const struct node *c = list->child; c && st == TT_OK; c = c->next)
		st = build_item(b, c, list, s);
	b->alike = outer;
	return st;
}

/* A sequence is followed by its lengths. */
static tt_status add_net_input(struct builder *b, int i)
{
	const struct net_input *in = &b->m->input[i];
	const struct tensor_desc d = net_input_desc(in, b->shape.batch, b->shape.length);
	const struct tensor_desc n = tensor_desc_make(DTYPE_S32, 1, d.dim);
	struct ir_value *lengths = NULL;
	char *name;
	tt_status st;

	if ((st = tensor_check(&d)) != TT_OK)
		return err_at(st, "model.inputs: %.60s", in->name);
	if (!(b->input[i] = ir_input(b->g, in->name, &d)))
		return err_status();
	if (net_input_ragged(in) &&
	    (!(name = arena_printf(&b->arena, "%s.lengths", in->name)) ||
	     !(lengths = ir_input(b->g, name, &n))))
		return err_status();
	if ((st = build_set_lengths(b, b->input[i], lengths)) != TT_OK)
		return st;
	return make_known(b, in->name, b->input[i], NULL);
}

static tt_status add_net_inputs(struct builder *b)
{
	tt_status st = TT_OK;

	if (!(b->input = arena_alloc(&b->arena, (size_t)b->m->n_inputs * sizeof *b->input)))
		return TT_ENOMEM;
	for (int i = 0; i < b->m->n_inputs && st == TT_OK; i++)
		st = add_net_input(b, i);
	return st == TT_OK && !find_known(b, "input") ? make_known(b, "input", b->input[0], NULL) : st;
}

static tt_status add_places(struct builder *b)
{
	const struct tensor_desc d = tensor_desc_make(DTYPE_S32, 2, (const int64_t[]){
		b->shape.batch, b->shape.length });

	b->places = ir_input(b->g, "places", &d);
	return b->places ? TT_OK : err_status();
}

tt_status build_net(struct builder *b)
{
	const struct scope top = { .path = "", .naming = NAMES_BY_KIND };
	tt_status st = add_net_inputs(b);

	if (st == TT_OK && b->shape.purpose == NN_STEP)
		st = add_places(b);
	if (st != TT_OK)
		return st;
	b->list = build_list;
	b->last = b->input[0];
	return build_list(b, b->m->net.layers, &top);
}

void build_release(struct builder *b)
{
	arena_release(&b->arena);
}
