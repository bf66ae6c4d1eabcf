/* write_config.c -- the layers in the order that Keras will have, and the architecture as JSON. */
#include <stdlib.h>
#include <string.h>

#include "learn/keras/writer.h"

/* ---- the order of Keras ---- */

static void find_depths(struct writer *w)
{
	for (int i = w->n - 1; i >= 0; i--)     /* the graph runs forward: who reads stands behind */
		for (int j = 0; j < w->made[i].n_in; j++) {
			struct made *in = w->made[i].in[j];

			if (in->depth < w->made[i].depth + 1)
				in->depth = w->made[i].depth + 1;
		}
}

/* Which is met when, from the answer backwards; a stack, since nets are deep. */
static tt_status find_steps(struct writer *w, struct made *answer)
{
	struct visit { struct made *k; int next; } *stack;
	int n = 0;

	if (!(stack = arena_alloc(&w->arena, ((size_t)w->n + 1) * sizeof *stack)))
		return TT_ENOMEM;
	answer->seen = ++w->steps;
	stack[n++] = (struct visit){ answer, 0 };
	while (n) {
		struct visit *top = &stack[n - 1];
		struct made *in;

		if (top->next == top->k->n_in) {
			n--;
			continue;
		}
		in = top->k->in[top->next++];
		if (in->seen)
			continue;
		in->seen = ++w->steps;
		stack[n++] = (struct visit){ in, 0 };
	}
	return TT_OK;
}

static int keras_order(const void *a, const void *b)
{
	const struct made *x = *(struct made *const *)a, *y = *(struct made *const *)b;

	return x->depth != y->depth ? y->depth - x->depth : x->seen - y->seen;
}

tt_status writer_order(struct writer *w)
{
	tt_status st;

	if (!(w->order = arena_alloc(&w->arena, ((size_t)w->n + 1) * sizeof(*w->order))))
		return TT_ENOMEM;
	find_depths(w);
	if ((st = find_steps(w, &w->made[w->n - 1])) != TT_OK)
		return st;
	for (int i = 0; i < w->n; i++)
		w->order[i] = &w->made[i];
	qsort((void *)w->order, (size_t)w->n, sizeof(*w->order), keras_order);
	for (int i = 0; i < w->n; i++)
		for (int j = 0; j < i; j++)
			w->order[i]->nth += strcmp(w->order[i]->class_name, w->order[j]->class_name) == 0;
	return TT_OK;
}

static void add_shape(struct str *s, const struct made *k)
{
	const struct tensor_desc *d = &k->out->desc;

	str_add(s, "[null");
	for (int i = 2; i < d->ndim; i++)
		str_addf(s, ", %lld", (long long)d->dim[i]);
	str_addf(s, ", %lld]", (long long)d->dim[1]);
}

/* ---- JSON ---- */

static void add_tensor(struct str *s, const struct made *k)
{
	str_add(s, "{\"class_name\": \"__keras_tensor__\", \"config\": {\"shape\": ");
	add_shape(s, k);
	str_add(s, ", \"dtype\": \"float32\", \"keras_history\": [");
	str_add_json(s, k->name);
	str_add(s, ", 0, 0]}}");
}

static void add_inputs(struct str *s, const struct made *k)
{
	const int several = strcmp(k->class_name, "Add") == 0 ||
	                    strcmp(k->class_name, "Concatenate") == 0;

	str_add(s, "\"inbound_nodes\": [");
	if (k->n_in) {
		str_add(s, several ? "{\"args\": [[" : "{\"args\": [");
		for (int i = 0; i < k->n_in; i++) {
			str_add(s, i ? ", " : "");
			add_tensor(s, k->in[i]);
		}
		str_add(s, several ? "]], \"kwargs\": {}}" : "], \"kwargs\": {}}");
	}
	str_add(s, "]");
}

static void add_made(struct str *s, const struct made *k)
{
	str_addf(s, "{\"module\": \"keras.layers\", \"class_name\": \"%s\", \"config\": {\"name\": ",
	         k->class_name);
	str_add_json(s, k->name);
	str_add(s, ", ");
	if (k->config)
		str_add(s, k->config);
	else {
		str_add(s, "\"dtype\": \"float32\", \"batch_shape\": ");
		add_shape(s, k);
	}
	str_add(s, "}, \"registered_name\": null, \"name\": ");
	str_add_json(s, k->name);
	str_add(s, ", ");
	add_inputs(s, k);
	str_add(s, "}");
}

tt_status writer_config(struct writer *w, const char *name)
{
	struct str *s = &w->json;

	str_add(s, "{\"module\": \"keras.src.models.functional\", \"class_name\": \"Functional\", "
	        "\"config\": {\"name\": ");
	str_add_json(s, name);
	str_add(s, ", \"trainable\": true, \"layers\": [");
	for (int i = 0; i < w->n; i++) {
		str_add(s, i ? ", " : "");
		add_made(s, w->order[i]);
	}
	str_add(s, "], \"input_layers\": [[");
	str_add_json(s, w->made[0].name);
	str_add(s, ", 0, 0]], \"output_layers\": [[");
	str_add_json(s, w->made[w->n - 1].name);
	str_add(s, ", 0, 0]]}, \"registered_name\": \"Functional\"}");
	return str_status(s);
}
