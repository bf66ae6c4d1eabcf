/* meet.c -- what a spec leaves to its data: `out: classes` is as many as the targets have.
 *
 *   copy of the spec, PROVISIONAL out --shape--> what such a net reads --open--> data.train
 *
 * A table is opened as for the net, whose inputs and loss say what its columns are. */
#include <string.h>

#include "learn/nn/model.h"
#include "learn/spec/spec.h"

#define PROVISIONAL "1000"

static int is_left(const struct node *n)
{
	return n->kind == NODE_TEXT && n->key && strcmp(n->key, "out") == 0 &&
	       strcmp(n->text, "classes") == 0;
}

/* Of all such settings the text becomes `to`; NULL: they are left alone.  The first one. */
static const struct node *replace(struct node *n, const char *to)
{
	const struct node *first = NULL, *found;

	if (is_left(n)) {
		n->text = to ? to : n->text;
		return n;
	}
	for (struct node *c = n->child; c; c = c->next)
		if ((found = replace(c, to)) && !first)
			first = found;
	return first;
}

static struct node *layers_of(const tt_spec *s)
{
	const struct node *model = node_get(s->root, "model");

	return model && model->kind == NODE_MAP ? node_get(model, "layers") : NULL;
}

/* As much of the net as says how its data are to be read. */
static tt_status shape(const tt_spec *s, tt_model **out)
{
	tt_spec *copy;
	tt_status st = spec_copy(&copy, s);

	if (st != TT_OK)
		return st;
	replace(layers_of(copy), PROVISIONAL);
	st = model_shape(out, copy);
	tt_spec_free(&copy);
	return st;
}

static tt_status count(const tt_model *m, const struct node *at, int *classes)
{
	const char *uri = m->spec->data.train;
	tt_source *source;
	tt_status st;

	if (!uri || !*uri)
		return node_err(at, TT_ESPEC, "`out: classes` asks data.train, which is not set: give "
		                "their number");
	if ((st = tt_source_open_for(&source, uri, m)) != TT_OK)
		return err_at(st, "data.train");
	*classes = tt_source_schema(source)->classes;
	tt_source_close(&source);
	if (*classes)
		return TT_OK;
	return node_err(at, TT_ESPEC, "`out: classes`, and the targets of data.train are no classes: "
	                "give the number of values");
}

tt_status tt_spec_meet(tt_spec *s)
{
	const struct node *at;
	struct node *layers;
	tt_model *m;
	const char *text;
	int classes;
	tt_status st;

	if (!s)
		return err_null(__func__);
	if (!(layers = layers_of(s)) || !(at = replace(layers, NULL)))
		return TT_OK;
	if ((st = shape(s, &m)) != TT_OK)
		return st;
	st = count(m, at, &classes);
	tt_model_free(&m);
	if (st != TT_OK)
		return st;
	if (!(text = arena_printf(&s->arena, "%d", classes)))
		return TT_ENOMEM;
	replace(layers, text);
	s->resolved = 0;
	return TT_OK;
}
