#include "learn/nn/signature.h"

#include <string.h>

#include "base/mem.h"
#include "data/readers/registry.h"
#include "data/table/recipe.h"
#include "learn/nn/loss.h"
#include "learn/nn/model.h"

void signature_free(struct signature **s)
{
	if (!s || !*s)
		return;
	schema_release(&(*s)->data);
	mem_free(*s);
	*s = NULL;
}

/* ---- parts ---- */

static tt_status copy_list(struct arena *a, const struct option_list *l, int *n, const double **out)
{
	double *copy = arena_alloc(a, (l->n + 1) * sizeof *copy);

	if (!copy)
		return TT_ENOMEM;
	if (l->n)
		memcpy(copy, l->v, l->n * sizeof *copy);
	*n = (int)l->n;
	*out = copy;
	return TT_OK;
}

/* The shape of a sample as the net reads it. */
static tt_column input_of(const struct net_input *in, const char *name)
{
	tt_column c = { .size = sizeof c, .name = name, .ndim = in->desc.ndim - 1,
	                .type = in->desc.dtype == DTYPE_S32 ? TT_I32 : TT_F32 };

	for (int i = 0; i < c.ndim; i++)
		c.shape[i] = in->desc.dim[i + 1];
	return c;
}

static void set_output(struct signature *s, const struct tt_model *m)
{
	s->output = (tt_column){ .size = sizeof s->output, .type = TT_F32, .ndim = 1,
	                         .shape = { m->outputs } };
	if (m->per_place) {
		s->output.ndim = 2;
		s->output.shape[0] = nn_has_sequences(m) ? -1 : m->out_desc.dim[1];
		s->output.shape[1] = m->outputs;
	}
	s->output.name = loss_row(m->net.loss)->answers == ANSWERS_VALUES ? "values" : "probabilities";
	s->view.blank = loss_row(m->net.loss)->takes == TAKES_LABELS ? m->net.ctc_blank : -1;
}

tt_status signature_new(struct signature **out, const struct tt_model *m,
                        const struct scaling *c)
{
	struct signature *s = mem_calloc(1, sizeof *s);
	tt_status st;

	if (!s)
		return TT_ENOMEM;
	s->view = (tt_signature){ .size = sizeof s->view, .data = &s->data.view, .output = &s->output };
	set_output(s, m);
	if ((st = copy_list(&s->data.arena, &c->mean, &s->view.means, &s->view.mean)) != TT_OK ||
	    (st = copy_list(&s->data.arena, &c->std, &s->view.stds, &s->view.std)) != TT_OK)
		signature_free(&s);
	else
		*out = s;
	return st;
}

/* ---- from the net alone ---- */

static tt_status add_own_target(struct signature *s, const struct tt_model *m,
                                const struct class_names *names)
{
	const enum loss_takes takes = loss_row(m->net.loss)->takes;
	const int takes_class = takes == TAKES_CLASS || takes == TAKES_LABELS;
	const int classes = takes_class || names->n, places = m->per_place && classes;
	const int known = names->n && (!takes_class || names->n == m->outputs);
	tt_column c = { .size = sizeof c, .name = SIGNATURE_TARGET, .type = classes ? TT_I32 : TT_F32,
	                .ndim = places || !classes,
	                .shape = { places ? -1 : classes ? 0 : m->outputs } };
	tt_status st = schema_add(&s->data, &c);

	return st != TT_OK ? st : schema_set_target(&s->data, &(struct schema_target){
		SIGNATURE_TARGET,
		places ? TT_TARGET_PLACES : classes ? TT_TARGET_CLASS : TT_TARGET_VALUES,
		known ? names->n : (int)m->outputs, known ? names->v : NULL });
}

tt_status signature_derive(struct signature **out, const struct tt_model *m,
                           const struct scaling *c, const struct class_names *names)
{
	struct signature *s;
	tt_status st = signature_new(&s, m, c);

	if (st != TT_OK)
		return st;
	for (int i = 0; st == TT_OK && i < m->n_inputs; i++) {
		const tt_column x = input_of(&m->input[i], m->input[i].name);

		st = schema_add(&s->data, &x);
	}
	if (st == TT_OK && (st = add_own_target(s, m, names)) == TT_OK)
		*out = s;
	else
		signature_free(&s);
	return st;
}

/* ---- with the names of data ---- */

/* The column of a net with one input. */
static tt_status one_input(const tt_schema *data, int *at)
{
	*at = schema_input(data, 0);
	if (*at < 0)
		return err_set(TT_ESHAPE, "the source has no input column, only a target");
	if (schema_input(data, 1) < 0)
		return TT_OK;
	if ((*at = schema_find(data, "x")) >= 0 && *at != schema_target(data))
		return TT_OK;
	return err_set(TT_ESHAPE, "the source has more than one input column, such as '%.60s' and "
	               "'%.60s', and the model has one input: call the column that it reads 'x'",
	               data->column[schema_input(data, 0)]->name,
	               data->column[schema_input(data, 1)]->name);
}

static tt_status add_input(struct signature *s, const struct net_input *in, const tt_column *from)
{
	tt_column x = input_of(in, from->name);

	if (x.type != TT_I32)
		x.type = from->type;
	if (x.ndim == 1 && from->ndim == 1 && x.shape[0] == from->shape[0])
		x.features = from->features;
	return schema_add(&s->data, &x);
}

/* The columns of a net with several are those of the names that the net gives them. */
static tt_status add_inputs(struct signature *s, const struct tt_model *m, const tt_schema *data)
{
	int at;
	tt_status st = TT_OK;

	if (m->n_inputs == 1) {
		if ((at = schema_find(data, m->input[0].name)) < 0 || at == schema_target(data))
			st = one_input(data, &at);
		return st == TT_OK ? add_input(s, &m->input[0], data->column[at]) : st;
	}
	for (int i = 0; st == TT_OK && i < m->n_inputs; i++) {
		const struct net_input *in = &m->input[i];

		if ((at = schema_find(data, in->name)) < 0)
			st = err_set(TT_ESHAPE, "the model reads '%.60s', and the source has no column of that "
			             "name, but '%.60s'", in->name, data->column[0]->name);
		else
			st = add_input(s, in, data->column[at]);
	}
	return st;
}

/* Does an input read the features that columns become? */
static int reads_features(const tt_schema *net)
{
	for (int i = 0; i < net->columns; i++)
		if (net->column[i]->features)
			return 1;
	return 0;
}

/* Of a table's recipe what the net reads: who predicts needs no other column. */
static tt_status add_recipe(struct signature *s, const tt_schema *data)
{
	const tt_schema *net = &s->data.view;
	const int features = reads_features(net);
	struct arena a = { 0 };
	struct recipe r = { 0 };
	struct str text = { 0 };
	int64_t kept = 0;
	tt_status st;

	if (!data->recipe)
		return TT_OK;
	if ((st = recipe_read(&r, &a, data->recipe, "data")) != TT_OK)
		goto out;
	if (!r.columns) {                               /* of a text */
		st = schema_set_recipe(&s->data, data->recipe);
		goto out;
	}
	for (int64_t i = 0; i < r.columns; i++) {
		const struct recipe_column *c = &r.column[i];

		if (c->apart ? schema_find(net, c->name) >= 0 : features || c->kind == TT_CELLS_ID)
			r.column[kept++] = *c;
	}
	r.columns = kept;
	recipe_write(&r, &text);
	if ((st = str_status(&text)) == TT_OK)
		st = schema_set_recipe(&s->data, text.p);
out:
	str_release(&text);
	arena_release(&a);
	return st;
}

static tt_status add_target(struct signature *s, const tt_schema *data)
{
	const int at = schema_target(data);
	tt_status st;

	s->data.view.kind = TT_TARGET_NONE;
	if (at < 0)
		return TT_OK;
	if ((st = schema_add(&s->data, data->column[at])) != TT_OK)
		return st;
	return schema_set_target(&s->data, &(struct schema_target){
		data->target, data->kind, data->classes, data->class_names });
}

static tt_status add_weight(struct signature *s, const tt_schema *data)
{
	const int at = schema_weight(data);
	tt_status st;

	if (at < 0 || schema_find(&s->data.view, data->weight) >= 0)
		return TT_OK;
	st = schema_add(&s->data, data->column[at]);
	return st == TT_OK ? schema_set_weight(&s->data, data->weight) : st;
}

tt_status signature_bind(struct signature **out, const struct tt_model *m, const tt_schema *data,
                         const struct scaling *c)
{
	struct view_plan plan = {0};
	struct signature *s = NULL;
	tt_status st = signature_new(&s, m, c);

	if (st != TT_OK)
		return st;
	if ((st = add_inputs(s, m, data)) != TT_OK ||
	    (st = add_recipe(s, data)) != TT_OK ||
	    (st = add_target(s, data)) != TT_OK || (st = add_weight(s, data)) != TT_OK)
		goto out;
	s->view.known = 1;
	if ((st = signature_match(s, data, &plan)) != TT_OK)
		goto out;
	*out = s;
	s = NULL;
out:
	schema_release(&plan.schema);
	signature_free(&s);
	return st;
}

tt_status signature_view(const struct signature *s, const tt_source *source, tt_source **out)
{
	struct view_plan plan = {0};
	tt_status st = signature_match(s, tt_source_schema(source), &plan);

	if (st != TT_OK)
		return st;
	if (plan.changes)
		return source_view(out, source, &plan);
	schema_release(&plan.schema);
	*out = NULL;
	return TT_OK;
}

/* What the loss of a net takes.  Several outputs may be numbers, or one for each class. */
static enum target_wish wish_of(const struct tt_model *m)
{
	static const enum target_wish of_one[] = {
		[TAKES_CLASS] = WISH_CLASSES, [TAKES_SHARES] = WISH_YES_NO,
		[TAKES_NUMBERS] = WISH_NUMBERS,
	};
	const enum loss_takes takes = loss_row(m->net.loss)->takes;

	if (m->per_place)
		return WISH_ANY;
	return takes == TAKES_CLASS || m->outputs == 1 ? of_one[takes] : WISH_ANY;
}

struct known_columns nn_known_columns(const struct tt_model *m)
{
	static const enum target_wish of_kind[] = {
		[TT_TARGET_CLASS] = WISH_CLASSES, [TT_TARGET_VALUES] = WISH_NUMBERS,
		[TT_TARGET_LABELS] = WISH_ANY, [TT_TARGET_NONE] = WISH_ANY, [TT_TARGET_PLACES] = WISH_ANY,
	};
	const struct signature *s = m->signature;
	const tt_schema *d = &s->data.view;
	const tt_column *x = d->column[schema_input(d, 0)];
	const int spells = loss_row(m->net.loss)->takes == TAKES_LABELS;

	return (struct known_columns){
		.target = s->view.known ? d->target : NULL, .weight = d->weight, .features = x->features,
		.count = column_row(x), .wish = spells ? WISH_SPELL
		                              : s->view.known ? of_kind[d->kind] : wish_of(m),
		.class_names = d->class_names, .classes = d->class_names ? d->classes : 0,
		.recipe = d->recipe, .inputs = m->column, .n_inputs = m->n_inputs,
	};
}

tt_status tt_source_open_for(tt_source **out, const char *uri, const tt_model *m)
{
	struct known_columns known;

	if (!out || !uri)
		return err_null(__func__);
	if (!m || !m->signature)
		return source_open_for(out, uri, NULL);
	known = nn_known_columns(m);
	return source_open_for(out, uri, &known);
}

tt_status tt_source_match(tt_source **out, const tt_source *s, const tt_model *m,
                          enum tt_match what)
{
	struct view_plan plan = {0};
	tt_status st;

	if (!out || !s || !m || !m->signature)
		return err_null(__func__);
	st = what == TT_MATCH_INPUTS
		? signature_match_inputs(m->signature, tt_source_schema(s), &plan)
		: signature_match(m->signature, tt_source_schema(s), &plan);
	return st == TT_OK ? source_view(out, s, &plan) : st;
}

/* ---- a model's ---- */

const tt_signature *tt_model_signature(const tt_model *m)
{
	return m && m->signature ? &m->signature->view : NULL;
}

/* The old one's scaling, which lives on in the new one. */
static struct scaling scaling_of(const struct signature *s)
{
	return (struct scaling){ .mean = { s->view.mean, (size_t)s->view.means },
	                         .std = { s->view.std, (size_t)s->view.stds } };
}

tt_status nn_set_scaling(struct tt_model *m, const struct scaling *c)
{
	struct signature *s = m->signature;
	tt_status st = copy_list(&s->data.arena, &c->mean, &s->view.means, &s->view.mean);

	return st == TT_OK ? copy_list(&s->data.arena, &c->std, &s->view.stds, &s->view.std) : st;
}

static void replace(tt_model *m, struct signature *s)
{
	signature_free(&m->signature);
	m->signature = s;
}

tt_status nn_set_classes(struct tt_model *m, const struct class_names *names)
{
	const struct scaling c = scaling_of(m->signature);
	struct signature *s;
	tt_status st = signature_derive(&s, m, &c, names);

	if (st == TT_OK)
		replace(m, s);
	return st;
}

tt_status nn_bind(struct tt_model *m, const tt_schema *data)
{
	const struct scaling c = scaling_of(m->signature);
	struct signature *s;
	tt_status st = signature_bind(&s, m, data, &c);

	if (st != TT_OK)
		return st;
	if ((st = signature_check_rows(s, m)) == TT_OK)
		replace(m, s);
	else
		signature_free(&s);
	return st;
}

tt_status nn_copy_names(struct tt_model *m, const struct tt_model *from)
{
	const tt_schema *data = &from->signature->data.view;

	if (from->signature->view.known)
		return nn_bind(m, data);
	return nn_set_classes(m, &(struct class_names){
		data->class_names, data->class_names ? data->classes : 0 });
}

tt_status tt_model_unbind(tt_model *m)
{
	return m ? nn_set_classes(m, &(struct class_names){0}) : err_null(__func__);
}
