/* reach.c -- a file's answer, and the nodes and numbers that it needs.
 *
 * Tools of classifiers write the label beside the probabilities, which is no layer's affair: what
 * stands on the way to it alone is left out, but for the names of its classes. */
#include "learn/onnx/in/net.h"

#include <string.h>

#include "base/hash.h"

/* ---- names that are needed ---- */

struct want { const char *name; struct want *next; };
struct wants { struct want **slot; size_t slots; };

static int is_wanted(const struct wants *w, const char *name)
{
	const struct want *k = w->slot[hash_text(name) % w->slots];

	while (k && strcmp(k->name, name) != 0)
		k = k->next;
	return k != NULL;
}

static void want(struct net *r, struct wants *w, const char *name)
{
	struct want **at = &w->slot[hash_text(name) % w->slots], *k;

	if (!*name || is_wanted(w, name) || !(k = onnx_room(r, 1, sizeof *k)))
		return;
	*k = (struct want){ name, *at };
	*at = k;
}

/* ---- the answer ---- */

#define DRESSES 64              /* that are looked behind */

static const Onnx__Node *maker(const Onnx__Graph *g, const char *name)
{
	for (size_t i = g->n_node; i-- > 0; )
		for (size_t k = 0; k < g->node[i]->n_output; k++)
			if (strcmp(g->node[i]->output[k], name) == 0)
				return g->node[i];
	return NULL;
}

/* Does a sum of 1 come out of it, which needs no norm? */
static int sums_to_one(const Onnx__Node *n)
{
	return onnx_is(n, "Softmax") || (onnx_is(n, "LinearClassifier") &&
	                                 onnx_word_is(n, "post_transform", "SOFTMAX", "NONE"));
}

/* A node whose output is its first input, under another name or in another dress. */
static int is_dress(const Onnx__Graph *g, const Onnx__Node *n)
{
	if (!n || n->n_input == 0)
		return 0;
	if (onnx_is(n, "Normalizer"))
		return onnx_word_is(n, "norm", "L1", "MAX") && sums_to_one(maker(g, n->input[0]));
	return onnx_is(n, "Identity") || onnx_is(n, "ZipMap") ||
	       (onnx_is(n, "Cast") && onnx_int(n, "to", 0) == ONNX_FLOAT);
}

static int is_number(const Onnx__Graph *g, const Onnx__ValueInfo *v)
{
	const Onnx__TensorType *t = v->type ? v->type->tensor_type : NULL;

	if (!t)
		return onnx_is(maker(g, v->name), "ZipMap");
	return t->elem_type == ONNX_FLOAT || t->elem_type == ONNX_DOUBLE ||
	       t->elem_type == ONNX_FLOAT16;
}

static tt_status choose(struct net *r, const char **out)
{
	const Onnx__Graph *g = r->model->graph;
	const Onnx__ValueInfo *found = NULL;
	int n = 0;

	for (size_t i = 0; i < g->n_output; i++) {
		if (!g->output[i]->name)
			return onnx_damaged(r, "an output has no name");
		if (g->n_output > 1 && !is_number(g, g->output[i]))
			continue;
		found = g->output[i];
		n++;
	}
	if (n != 1)
		return err_set(TT_ESUPPORT, "%s: it has %zu outputs, %d of them numbers: one is read",
		               r->path, g->n_output, n);
	*out = found->name;
	for (int i = 0; i < DRESSES; i++) {
		const Onnx__Node *n_ = maker(g, *out);

		if (!is_dress(g, n_))
			break;
		*out = n_->input[0];
	}
	return TT_OK;
}

/* ---- classes ---- */

static const char *text_of(struct net *r, const ProtobufCBinaryData *s)
{
	char *own = onnx_room(r, s->len + 1, 1);

	if (own) {
		memcpy(own, s->data, s->len);
		own[s->len] = 0;
	}
	return own ? own : "";
}

/* Texts, or whole numbers: those that count the classes say nothing. */
static void take(struct net *r, const ProtobufCBinaryData *s, const int64_t *v, size_t n)
{
	const char **name = onnx_room(r, n + 1, sizeof *name);
	int counted = v != NULL;

	for (size_t i = 0; name && i < n; i++) {
		counted &= v && v[i] == (int64_t)i;
		name[i] = s ? text_of(r, &s[i]) : arena_printf(&r->arena, "%lld", (long long)v[i]);
		if (!name[i])
			return;
	}
	if (!name || counted || n < 2)
		return;
	r->classes = name;
	r->n_classes = n;
}

static void take_attribute(struct net *r, const Onnx__Node *n, const char *texts,
                           const char *wholes)
{
	const Onnx__Attribute *s = onnx_attribute(n, texts), *v = onnx_attribute(n, wholes);

	if (s && s->n_strings)
		take(r, s->strings, NULL, s->n_strings);
	else if (v && v->n_ints)
		take(r, NULL, v->ints, v->n_ints);
}

static void take_list(struct net *r, const char *name)
{
	const Onnx__Graph *g = r->model->graph;

	for (size_t i = 0; i < g->n_initializer; i++) {
		const Onnx__Tensor *t = g->initializer[i];

		if (!t->name || strcmp(t->name, name) != 0)
			continue;
		if (t->n_string_data)
			take(r, t->string_data, NULL, t->n_string_data);
		else if (t->n_int64_data)
			take(r, NULL, t->int64_data, t->n_int64_data);
	}
}

static void find_classes(struct net *r)
{
	const Onnx__Graph *g = r->model->graph;

	for (size_t i = 0; i < g->n_node && !r->classes; i++) {
		const Onnx__Node *n = g->node[i];

		if (onnx_is(n, "ZipMap"))
			take_attribute(r, n, "classlabels_strings", "classlabels_int64s");
		if (onnx_is(n, "LinearClassifier"))
			take_attribute(r, n, "classlabels_strings", "classlabels_ints");
		if (onnx_is(n, "ArrayFeatureExtractor") && n->n_input)
			take_list(r, n->input[0]);
	}
}

/* ---- what it needs ---- */

static int makes_wanted(const struct wants *w, const Onnx__Node *n)
{
	for (size_t k = 0; k < n->n_output; k++)
		if (is_wanted(w, n->output[k]))
			return 1;
	return 0;
}

/* Nodes stand in the order in which they run: from the end on, whose output is wanted. */
static void sweep_nodes(struct net *r, struct wants *w, char *keep)
{
	const Onnx__Graph *g = r->model->graph;
	size_t n = 0;

	for (size_t i = g->n_node; i-- > 0; ) {
		if (!(keep[i] = (char)makes_wanted(w, g->node[i])))
			continue;
		for (size_t k = 0; k < g->node[i]->n_input; k++)
			want(r, w, g->node[i]->input[k]);
	}
	for (size_t i = 0; i < g->n_node; i++)
		if (keep[i])
			r->needed.node[n++] = g->node[i];
	r->needed.n_node = n;
}

/* Inputs that are none, as old files list all numbers, go with the numbers. */
static void sweep_numbers(struct net *r, const struct wants *w, const struct wants *numbers)
{
	const Onnx__Graph *g = r->model->graph;
	size_t n = 0;

	for (size_t i = 0; i < g->n_initializer; i++)
		if (is_wanted(w, g->initializer[i]->name))
			r->needed.initializer[n++] = g->initializer[i];
	r->needed.n_initializer = n;
	n = 0;
	for (size_t i = 0; i < g->n_input; i++)
		if (!is_wanted(numbers, g->input[i]->name))
			r->needed.input[n++] = g->input[i];
	r->needed.n_input = n;
}

static tt_status check_names(const struct net *r)
{
	const Onnx__Graph *g = r->model->graph;

	for (size_t i = 0; i < g->n_input; i++)
		if (!g->input[i]->name)
			return onnx_damaged(r, "an input has no name");
	for (size_t i = 0; i < g->n_initializer; i++)
		if (!g->initializer[i]->name)
			return onnx_damaged(r, "an initializer has no name");
	return TT_OK;
}

static struct wants no_wants(struct net *r, size_t n)
{
	return (struct wants){ onnx_room(r, n + 64, sizeof(struct want *)), n + 64 };
}

tt_status onnx_reach(struct net *r)
{
	const Onnx__Graph *g = r->model->graph;
	struct wants w = no_wants(r, g->n_node + g->n_initializer);
	struct wants numbers = no_wants(r, g->n_initializer);
	char *keep = onnx_room(r, g->n_node, 1);
	Onnx__ValueInfo *y = onnx_room(r, 1, sizeof *y);
	const char *answer = NULL;
	tt_status st = check_names(r);

	if (st != TT_OK || (st = choose(r, &answer)) != TT_OK)
		return st;
	r->needed = *g;
	r->needed.node = onnx_room(r, g->n_node, sizeof *g->node);
	r->needed.initializer = onnx_room(r, g->n_initializer, sizeof *g->initializer);
	r->needed.input = onnx_room(r, g->n_input, sizeof *g->input);
	r->needed.output = onnx_room(r, 1, sizeof *g->output);
	r->needed.n_output = 1;
	if (r->failed)
		return TT_ENOMEM;
	onnx__value_info__init(y);
	y->name = (char *)answer;
	r->needed.output[0] = y;
	want(r, &w, answer);
	for (size_t i = 0; i < g->n_initializer; i++)
		want(r, &numbers, g->initializer[i]->name);
	sweep_nodes(r, &w, keep);
	sweep_numbers(r, &w, &numbers);
	find_classes(r);
	r->g = &r->needed;
	return r->failed ? TT_ENOMEM : TT_OK;
}
