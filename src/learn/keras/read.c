/* read.c -- a Keras model becomes a spec, and a model with its numbers.
 *
 *   config.json --items--> layers in an order in which all inputs come first --say--> YAML
 *   weights --turn--> parameters and buffers by name */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "learn/files/format.h"
#include "learn/keras/file.h"
#include "learn/keras/keras.h"
#include "learn/keras/kinds.h"
#include "learn/keras/turn.h"

#define INPUTS_MAX 64
#define LAYERS_MAX 10000

struct item {
	struct keras_layer       l;
	const struct keras_kind *kind;
	const struct node       *inbound;        /* NULL: the layer before        */
	const struct item      **in;             /* what it reads                 */
	int                      n_in;
	const char              *ours;           /* whose value is its; NULL: yet to come */
	const char              *name;           /* of our layer                  */
	int                      nth;            /* of its class                  */
	int                      positive;       /* its value is never below 0    */
};

struct keras_in {
	struct keras_file  f;
	const struct node *config;
	const char        *name;
	struct item       *item, **by_name;      /* in the file's order; sorted   */
	int                n;
	struct tensor_desc input;
	const char        *latest;               /* our layer that was written last */
	const char        *loss;
	struct str         yaml;
};

static tt_status damaged(const struct keras_in *r, const char *what)
{
	return err_set(TT_EFORMAT, "%s: no Keras model that can be read: %s", r->f.path, what);
}

/* ---- names of other layers ---- */

struct names { const char *v[INPUTS_MAX]; int n; };

/* ["name", 0, 0, ...] */
static int is_history(const struct node *n)
{
	const struct node *second = n->kind == NODE_LIST && n->child ? n->child->next : NULL;

	return second && n->child->kind == NODE_TEXT && n->child->quoted &&
	       second->kind == NODE_TEXT && !second->quoted;
}

/* All that are mentioned below n: of version 3 as tensors, of those before as histories. */
static int collect(const struct node *n, struct names *out)
{
	if (is_history(n)) {
		if (out->n == INPUTS_MAX)
			return 0;
		out->v[out->n++] = n->child->text;
		return 1;
	}
	for (const struct node *c = n->child; c; c = c->next)
		if (!collect(c, out))
			return 0;
	return 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct item *const *)a)->l.name, (*(struct item *const *)b)->l.name);
}

static struct item *find_item(const struct keras_in *r, const char *name)
{
	struct item key = { .l.name = name }, *at = &key, **found;

	found = bsearch(&at, r->by_name, (size_t)r->n, sizeof at, by_name);
	return found ? *found : NULL;
}

static tt_status sort_items(struct keras_in *r)
{
	if (!(r->by_name = arena_alloc(&r->f.arena, (size_t)r->n * sizeof(struct item *))))
		return TT_ENOMEM;
	for (int i = 0; i < r->n; i++)
		r->by_name[i] = &r->item[i];
	qsort(r->by_name, (size_t)r->n, sizeof *r->by_name, by_name);
	for (int i = 1; i < r->n; i++)
		if (by_name(&r->by_name[i - 1], &r->by_name[i]) == 0)
			return damaged(r, "two layers have one name");
	return TT_OK;
}

/* One name that the whole model's config has under this key. */
static tt_status one_of(const struct keras_in *r, const char *key, const char **out)
{
	const struct node *n = node_get(r->config, key);
	struct names names = { .n = 0 };

	if (!n || !collect(n, &names) || names.n != 1)
		return err_set(TT_ESUPPORT, "%s: it has %d %s, one is read", r->f.path, names.n, key);
	*out = names.v[0];
	return TT_OK;
}

/* ---- items ---- */

static int count_before(const struct keras_in *r, const struct keras_kind *kind)
{
	int n = 0;

	for (int i = 0; i < r->n; i++)
		n += r->item[i].kind == kind;
	return n;
}

/* Our names have letters, digits and _ - . */
static const char *our_name(struct keras_in *r, const char *theirs)
{
	char *name = arena_printf(&r->f.arena, "%s%s", theirs, strcmp(theirs, "input") ? "" : "_");

	for (char *p = name; p && *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", *p))
			*p = *p == '/' ? '.' : '_';
	return name;
}

static tt_status add_item(struct keras_in *r, const struct node *n)
{
	struct item *it = &r->item[r->n];
	const struct node *config = node_get(n, "config");
	tt_status st;

	if (n->kind != NODE_MAP || !config || config->kind != NODE_MAP)
		return damaged(r, "a layer has no config");
	it->l = (struct keras_layer){
		.path = r->f.path, .config = config, .class_name = keras_text(n, "class_name", "?"),
		.name = keras_text(config, "name", keras_text(n, "name", "?")), .old = r->f.old,
	};
	if ((st = keras_kind_find(&it->l, &it->kind)) != TT_OK)
		return st;
	it->inbound = node_get(n, "inbound_nodes");
	it->nth = count_before(r, it->kind);
	if (!(it->name = our_name(r, it->l.name)))
		return TT_ENOMEM;
	if (it->inbound && node_count(it->inbound) > 1)
		return keras_refuse(&it->l, "it is used more than once");
	r->n++;
	return TT_OK;
}

static tt_status find_inputs(struct keras_in *r, struct item *it)
{
	struct names names = { .n = 0 };

	if (strcmp(it->l.class_name, "InputLayer") == 0 || (!it->inbound && it == r->item))
		return TT_OK;
	if (it->inbound && (!collect(it->inbound, &names) || !names.n))
		return damaged(r, "a layer reads nothing, or too much");
	it->n_in = it->inbound ? names.n : 1;
	if (!(it->in = arena_alloc(&r->f.arena, (size_t)it->n_in * sizeof *it->in)))
		return TT_ENOMEM;
	if (!it->inbound)
		it->in[0] = it - 1;
	for (int k = 0; k < names.n; k++)
		if (!(it->in[k] = find_item(r, names.v[k])))
			return damaged(r, "a layer reads one that is not there");
	return TT_OK;
}

static tt_status list_items(struct keras_in *r)
{
	const struct node *whole = node_get(r->f.config, "config");
	const struct node *list = whole && whole->kind == NODE_LIST ? whole : node_get(whole, "layers");
	const size_t n = list && list->kind == NODE_LIST ? node_count(list) : 0;
	tt_status st = TT_OK;

	r->config = whole;
	if (!n || n > LAYERS_MAX)
		return damaged(r, "it has no list of layers");
	if (!(r->item = arena_alloc(&r->f.arena, n * sizeof *r->item)))
		return TT_ENOMEM;
	for (const struct node *c = list->child; c && st == TT_OK; c = c->next)
		st = add_item(r, c);
	if (st == TT_OK)
		st = sort_items(r);
	for (int i = 0; i < r->n && st == TT_OK; i++)
		st = find_inputs(r, &r->item[i]);
	return st;
}

/* Where the answer comes from. */
static tt_status mark_last(struct keras_in *r)
{
	const char *class_name = keras_text(r->f.config, "class_name", "?"), *name, *input;
	struct item *it;
	tt_status st;

	if (strcmp(class_name, "Sequential") == 0) {
		r->item[r->n - 1].l.is_last = 1;
		return TT_OK;
	}
	if (strcmp(class_name, "Functional") != 0 && strcmp(class_name, "Model") != 0)
		return err_set(TT_ESUPPORT, "%s: a model of class %.60s: Sequential and Functional are "
		               "read", r->f.path, class_name);
	if ((st = one_of(r, "output_layers", &name)) != TT_OK ||
	    (st = one_of(r, "input_layers", &input)) != TT_OK)
		return st;
	if (!(it = find_item(r, name)) || !find_item(r, input))
		return damaged(r, "its output is no layer of it");
	it->l.is_last = 1;
	return TT_OK;
}

/* ---- input ---- */

/* [null, h, w, c] or [null, features]. */
static tt_status read_input(struct keras_in *r)
{
	static const int channels_first[] = { 3, 1, 2 };
	const struct node *shape = NULL;
	int64_t v[5];
	int n = 0;

	for (int i = 0; i < r->n && !shape; i++)
		if (!(shape = node_get(r->item[i].l.config, "batch_shape")))
			shape = node_get(r->item[i].l.config, "batch_input_shape");
	for (const struct node *c = shape ? shape->child : NULL; c && n < 5; c = c->next, n++)
		if (c->kind != NODE_TEXT || (v[n] = atoll(c->text)) < (n ? 1 : 0) || v[n] > INT32_MAX)
			return err_set(TT_ESUPPORT, "%s: its input has no fixed size: say it in keras.Input",
			               r->f.path);
	if (n != 2 && n != 4)
		return err_set(TT_ESUPPORT, "%s: its input has %d dimensions: images and features are read",
		               r->f.path, n ? n - 1 : 0);
	r->input.ndim = n - 1;
	for (int i = 0; i < n - 1; i++)
		r->input.dim[i] = n == 4 ? v[channels_first[i]] : v[1];
	return TT_OK;
}

/* ---- YAML ---- */

static void add_from(struct keras_in *r, const struct item *const *in, int n)
{
	if (!n || (n == 1 && strcmp(in[0]->ours, r->latest ? r->latest : "input") == 0))
		return;
	str_add(&r->yaml, n == 1 ? ", from: " : ", from: [");
	for (int i = 0; i < n; i++) {
		str_add(&r->yaml, i ? ", " : "");
		str_add_json(&r->yaml, in[i]->ours);
	}
	str_add(&r->yaml, n == 1 ? "" : "]");
}

static void add_layer(struct keras_in *r, const char *text, const char *name,
                      const struct item *const *in, int n)
{
	const char last = text[strlen(text) - 1];

	str_addf(&r->yaml, "  - %s%sname: ", text, last == '{' ? "" : ", ");
	str_add_json(&r->yaml, name);
	add_from(r, in, n);
	str_add(&r->yaml, "}\n");
	r->latest = name;
}

static int is_relu(const struct item *it)
{
	return strcmp(it->l.class_name, "ReLU") == 0 ||
	       strcmp(keras_text(it->l.config, "activation", ""), "relu") == 0;
}

/* Is its answer features? */
static int gives_features(const struct item *it)
{
	const char *class_name = it->l.class_name;

	return it->l.flat || strcmp(class_name, "Flatten") == 0 ||
	       strcmp(class_name, "GlobalAveragePooling2D") == 0 ||
	       strcmp(class_name, "GlobalMaxPooling2D") == 0;
}

/* Our layers of one of theirs, whose inputs are known. */
static tt_status say_item(struct keras_in *r, struct item *it, const struct item *const *in, int n)
{
	struct str text = {0};
	tt_status st;

	it->l.flat = n ? gives_features(in[0]) : r->input.ndim == 1;
	if (n == 1) {
		it->l.padded = in[0]->l.padded &&
		               strcmp(in[0]->l.class_name, "ZeroPadding2D") == 0;
		memcpy(it->l.pad, in[0]->l.pad, sizeof it->l.pad);
		it->l.positive = in[0]->positive;
	}
	it->positive = is_relu(it);
	if ((st = it->kind->say(&it->l, &text)) != TT_OK || (st = str_status(&text)) != TT_OK)
		goto out;
	it->ours = n ? in[0]->ours : "input";
	if (strcmp(it->l.class_name, "ZeroPadding2D") == 0)
		it->positive = in[0]->positive;
	if (it->l.loss)
		r->loss = it->l.loss;
	if (text.len) {
		add_layer(r, text.p, it->name, in, n);
		it->ours = it->name;
	}
	if (it->l.behind) {
		const char *name = arena_printf(&r->f.arena, "%s.%s", it->name, it->l.behind);
		const char *plain = arena_printf(&r->f.arena, "%s: {", it->l.behind);

		if (!name || !plain) {
			st = TT_ENOMEM;
			goto out;
		}
		add_layer(r, plain, name, (const struct item *const[]){ it }, 1);
		it->ours = name;
	}
out:
	str_release(&text);
	return st;
}

/* Are the values that it reads known? */
static int is_ready(const struct item *it)
{
	for (int i = 0; i < it->n_in; i++)
		if (!it->in[i]->ours)
			return 0;
	return 1;
}

/* A padding must end in a window. */
static tt_status check_padding(const struct item *it, const struct item *const *in, int n)
{
	static const char *const windows[] = { "Conv2D", "DepthwiseConv2D", "MaxPooling2D",
	                                       "AveragePooling2D" };
	int is_window = 0;

	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
		is_window |= strcmp(it->l.class_name, windows[i]) == 0;
	for (int i = 0; i < n; i++)
		if (strcmp(in[i]->l.class_name, "ZeroPadding2D") == 0 && !is_window)
			return keras_refuse(&in[i]->l, "no convolution or pooling stands behind it");
	return TT_OK;
}

static tt_status say_all(struct keras_in *r)
{
	int done = 0, more = 1;
	tt_status st;

	while (more) {
		more = 0;
		for (int i = 0; i < r->n; i++) {
			struct item *it = &r->item[i];

			if (it->ours || !is_ready(it))
				continue;
			if ((st = check_padding(it, it->in, it->n_in)) != TT_OK ||
			    (st = say_item(r, it, it->in, it->n_in)) != TT_OK)
				return st;
			more = 1;
			done++;
		}
	}
	return done == r->n ? TT_OK : damaged(r, "its layers read one another in a circle");
}

/* The spec says layers one after the other: the answer is the last. */
static tt_status check_answer(const struct keras_in *r)
{
	const struct item *last = r->item;

	while (!last->l.is_last)
		last++;
	if (!r->latest || strcmp(last->ours, r->latest) == 0)
		return TT_OK;
	return err_set(TT_ESUPPORT, "%s: layer %.80s is no part of its answer: take it out", r->f.path,
	               r->latest);
}

/* An answer without an activation: what it was compiled with, or else numbers. */
static const char *compiled_loss(const struct keras_in *r)
{
	const struct node *n = node_get(node_get(r->f.config, "compile_config"), "loss");
	const char *word = !n ? "" : n->kind == NODE_TEXT ? n->text : keras_text(n, "class_name", "");

	return strstr(word, "ategorical") ? "cross_entropy" : strstr(word, "inary") ? "bce" : "mse";
}

static tt_status make_spec(struct keras_in *r, tt_spec **out)
{
	struct str all = {0};
	tt_status st;

	if ((st = list_items(r)) != TT_OK || (st = mark_last(r)) != TT_OK ||
	    (st = read_input(r)) != TT_OK || (st = say_all(r)) != TT_OK ||
	    (st = check_answer(r)) != TT_OK || (st = str_status(&r->yaml)) != TT_OK)
		return st;
	str_add(&all, "name: ");
	str_add_json(&all, keras_text(r->config, "name", "keras"));
	str_add(&all, "\nmodel:\n  input: [");
	for (int i = 0; i < r->input.ndim; i++)
		str_addf(&all, "%s%lld", i ? ", " : "", (long long)r->input.dim[i]);
	str_addf(&all, "]\n  loss: %s\n  layers:\n%s", r->loss ? r->loss : compiled_loss(r),
	         r->yaml.p ? r->yaml.p : "");
	if ((st = str_status(&all)) == TT_OK)
		st = tt_spec_parse(out, r->f.path, all.p);
	str_release(&all);
	return st;
}

/* ---- numbers ---- */

static const struct param *find_param(const struct tt_model *m, const char *name, int *is_param)
{
	for (int i = 0; i < tt_model_tensors(m); i++) {
		const struct param *p = i < m->n_params ? &m->param[i] : &m->buffer[i - m->n_params];

		*is_param = i < m->n_params;
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

static tt_status load_array(struct keras_in *r, struct tt_model *m, const struct turns *t,
                            const char *name, const char *path)
{
	int is_param;
	const struct param *p = find_param(m, name, &is_param);
	const struct turn *turn;
	struct tensor_desc want, is;
	char a[TENSOR_TEXT], b[TENSOR_TEXT];
	float *x;
	tt_status st;

	if (!p)
		return err_set(TT_EINTERNAL, "%s: no tensor '%s' was made for %s", r->f.path, name, path);
	turn = is_param ? &t->param[p - m->param] : &t->buffer[p - m->buffer];
	want = turn_shape(turn, p);
	if ((st = r->f.ops->shape(r->f.h5, path, &is)) != TT_OK)
		return st;
	if (turn->times && is.ndim == 4 && is.dim[2] == 1)     /* a Conv2D of as many groups */
		want.dim[2] = 1, want.dim[3] = p->desc.dim[0];
	if (!tensor_same(&is, &want))
		return err_set(TT_EFORMAT, "%s: %s is %s, its layer needs %s", r->f.path, path,
		               tensor_text(&is, a), tensor_text(&want, b));
	if (!(x = mem_alloc((p->count + 1) * sizeof *x)))
		return TT_ENOMEM;
	if ((st = r->f.ops->read(r->f.h5, path, x)) == TT_OK)
		turn_in(turn, p, x, (is_param ? m->params : m->buffers) + p->offset);
	mem_free(x);
	return st;
}

static tt_status load_item(struct keras_in *r, const struct item *it, struct tt_model *m,
                           const struct turns *t)
{
	const struct keras_place at = { it->l.name, it->kind->snake, it->nth };
	const char *path, *name;
	int i = 0;
	tt_status st;

	for (const struct keras_var *v = it->kind->var; v->ours; v++) {
		if (v->key && !keras_is(it->l.config, v->key, 1))
			continue;
		if (!(name = arena_printf(&r->f.arena, "%s.%s", it->name, v->ours)))
			return TT_ENOMEM;
		if ((st = keras_array(&r->f, &at, i++, &path)) != TT_OK ||
		    (st = load_array(r, m, t, name, path)) != TT_OK)
			return st;
	}
	return TT_OK;
}

static tt_status load_all(struct keras_in *r, struct tt_model *m)
{
	struct turns t;
	tt_status st = turns_find(&t, m);

	if (st != TT_OK)
		return err_at(st, "%s", r->f.path);
	for (int i = 0; i < r->n && st == TT_OK; i++)
		st = load_item(r, &r->item[i], m, &t);
	mem_free(t.param);
	return st;
}

tt_status keras_parse_config(const char *name, const char *text, size_t n, tt_spec **out)
{
	struct keras_in r = { .f.path = name };
	tt_status st = node_parse_json(&r.f.arena, name, text, n, &r.f.config);

	if (st == TT_OK)
		st = r.f.config->kind == NODE_MAP ? make_spec(&r, out) : damaged(&r, "it is no map");
	str_release(&r.yaml);
	arena_release(&r.f.arena);
	return st;
}

tt_status keras_read(tt_model **out, const char *path)
{
	struct keras_in r = { .n = 0 };
	tt_spec *s = NULL;
	tt_model *m = NULL;
	tt_status st;

	if ((st = keras_open(&r.f, path)) != TT_OK)
		return st;
	if ((st = make_spec(&r, &s)) == TT_OK && (st = tt_model_new(&m, s)) == TT_OK &&
	    (st = load_all(&r, m)) == TT_OK) {
		*out = m;
		m = NULL;
	}
	tt_model_free(&m);
	tt_spec_free(&s);
	str_release(&r.yaml);
	keras_close(&r.f);
	return st;
}
