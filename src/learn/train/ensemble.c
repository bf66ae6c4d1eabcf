#include "learn/train/ensemble.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "learn/spec/ensemble.h"
#include "learn/train/trainer.h"

/* ---- come and go ---- */

/* Each is the other now; who points to one of them sees another model. */
static void swap(struct tt_model *a, struct tt_model *b)
{
	struct tt_model keep = *a;

	*a = *b;
	*b = keep;
}

static int is_ensemble(const struct tt_trainer *t)
{
	const struct distribute_opts *d = &t->model->spec->distribute;

	return sync_pick(d, t->comm->size)->apart;
}

/* A model of this spec, and the spec's end. */
static tt_status model_of(tt_spec *s, tt_model **out)
{
	tt_status st = tt_model_new(out, s);

	tt_spec_free(&s);
	return st;
}

tt_status ensemble_open(struct tt_trainer *t)
{
	const int n = t->comm->size;
	struct ensemble *e;
	tt_model *other;
	tt_spec *spec;
	tt_status st;

	if (!is_ensemble(t))
		return TT_OK;
	if ((st = ensemble_spec(&spec, t->model->spec, n, NULL)) != TT_OK ||
	    (st = model_of(spec, &other)) != TT_OK)
		return st;
	e = mem_calloc(1, sizeof *e);
	if (!e || !(e->accuracy = mem_calloc((size_t)n, sizeof *e->accuracy))) {
		mem_free(e);
		tt_model_free(&other);
		return TT_ENOMEM;
	}
	for (int i = 0; i < n; i++)
		e->accuracy[i] = NAN;
	e->n = n;
	e->whole = t->model;
	swap(t->model, other);
	t->model = other;
	t->opts = &t->model->spec->train;
	t->ensemble = e;
	return TT_OK;
}

void ensemble_undo(struct tt_trainer *t)
{
	if (t->ensemble)
		swap(t->ensemble->whole, t->model);
}

void ensemble_close(struct tt_trainer *t)
{
	struct ensemble *e = t->ensemble;

	if (!e)
		return;
	for (int i = 0; i < ENSEMBLE_SLOTS; i++)
		mem_free(e->slot[i]);
	tt_model_free(&e->before);
	mem_free(e->accuracy);
	mem_free(e);
	t->ensemble = NULL;
	tt_model_free(&t->model);
}

/* Made when it is first asked for, all zeros as a new optimizer's. */
float *ensemble_slot(const struct tt_trainer *t, int i)
{
	struct ensemble *e = t->ensemble;
	const size_t bytes = (size_t)e->n * t->model->param_count * sizeof *e->slot[i];

	if (trainer_rank(t) != 0 || i >= ENSEMBLE_SLOTS)
		return NULL;
	if (!e->slot[i] && (e->slot[i] = mem_alloc_aligned(bytes)))
		memset(e->slot[i], 0, bytes);
	return e->slot[i];
}

static float *slot_of_all(void *ctx, int i)
{
	return ensemble_slot(ctx, i);
}

void ensemble_tell_learner(struct tt_trainer *t)
{
	if (t->ensemble)
		learner_set_whole(t->learner, &(struct learner_whole){ t->ensemble->whole, slot_of_all,
		                                                       t });
}

/* ---- the net behind the members ---- */

/* Its layers, or by default one dense layer, which is then made in the arena. */
static tt_status layers_of(const struct tt_trainer *t, struct arena *a, const struct node **out)
{
	struct node *made;
	tt_status st;

	*out = t->opts->combiner.layers;
	if (*out && ((*out)->kind != NODE_TEXT || *(*out)->text))
		return TT_OK;
	if ((st = ensemble_default_combiner(a, t->model, &made)) == TT_OK)
		*out = made;
	return st;
}

static void copy_members(const struct tt_trainer *t, struct tt_model *to)
{
	const struct tt_model *from = t->ensemble->whole, *one = t->model;
	const size_t n = (size_t)t->ensemble->n;

	memcpy(to->params, from->params, n * one->param_count * sizeof(float));
	memcpy(to->buffers, from->buffers, n * one->buffer_count * sizeof(float));
}

static tt_status keep_classes(const struct tt_model *from, struct tt_model *to)
{
	if (from->classes && !(to->classes = arena_strdup(&to->arena, from->classes)))
		return TT_ENOMEM;
	return TT_OK;
}

tt_status ensemble_add_combiner(struct tt_trainer *t)
{
	struct ensemble *e = t->ensemble;
	const struct node *layers;
	struct arena a = {0};
	tt_model *other = NULL;
	tt_spec *spec;
	tt_status st;

	if ((st = layers_of(t, &a, &layers)) != TT_OK ||
	    (st = ensemble_spec(&spec, t->model->spec, e->n, layers)) != TT_OK ||
	    (st = model_of(spec, &other)) != TT_OK)
		goto out;
	if ((st = keep_classes(e->whole, other)) != TT_OK) {
		tt_model_free(&other);
		goto out;
	}
	copy_members(t, other);
	swap(e->whole, other);
	e->before = other;
	e->combined = 1;
	ensemble_tell_learner(t);
	st = trainer_evaluator(t);           /* the old one was made for the average */
out:
	arena_release(&a);
	return st;
}

/* The one dense layer begins as the average of the members' scores, and learns from there. */
static void begin_as_average(const struct tt_trainer *t, tt_model *net)
{
	const int64_t out = t->model->outputs, in = t->ensemble->n * out;

	memset(net->params, 0, net->param_count * sizeof *net->params);
	for (int64_t i = 0; i < out; i++)
		for (int64_t k = i; k < in; k += out)
			net->params[i * in + k] = 1.0f / (float)t->ensemble->n;
}

static tt_status add_trained_combiner(struct tt_trainer *t)
{
	const struct node *layers;
	struct arena a = {0};
	tt_model *net = NULL;
	tt_spec *spec;
	size_t params, buffers;
	tt_status st;

	if ((st = layers_of(t, &a, &layers)) != TT_OK ||
	    (st = ensemble_combiner(&spec, t->model, t->ensemble->n, layers)) != TT_OK ||
	    (st = model_of(spec, &net)) != TT_OK)
		goto out;
	if (layers != t->opts->combiner.layers)
		begin_as_average(t, net);
	if ((st = stacking_train(t, net)) != TT_OK || (st = ensemble_add_combiner(t)) != TT_OK)
		goto out;
	params = (size_t)t->ensemble->n * t->model->param_count;
	buffers = (size_t)t->ensemble->n * t->model->buffer_count;
	memcpy(t->ensemble->whole->params + params, net->params, net->param_count * sizeof(float));
	memcpy(t->ensemble->whole->buffers + buffers, net->buffers, net->buffer_count * sizeof(float));
out:
	tt_model_free(&net);
	arena_release(&a);
	return st;
}

/* ---- the end ---- */

/* Each rank looks at its own member, over all of the validation data. */
static tt_status measure_members(struct tt_trainer *t)
{
	const struct evaluator_opts o = {
		.engine = t->engine, .model = t->model, .source = t->valid_source,
		.batch = trainer_eval_batch(t),
		.top_k = t->opts->top_k,
	};
	struct evaluator *alone = NULL;
	tt_metrics m = { .accuracy = NAN };
	tt_status st;

	if (!t->valid_source)
		return TT_OK;
	if ((st = evaluator_new(&alone, &o)) == TT_OK)
		st = evaluator_run(alone, &m);
	evaluator_free(&alone);
	if (st != TT_OK)
		return st;
	t->comm->doing = "looking at each member";
	return comm_allgather(t->comm, &m.accuracy, sizeof m.accuracy, t->ensemble->accuracy);
}

tt_status ensemble_finish(struct tt_trainer *t)
{
	struct ensemble *e = t->ensemble;
	tt_status st;

	if (!e)
		return TT_OK;
	if (t->model->spec->distribute.combine == COMBINE_NET &&
	    (st = add_trained_combiner(t)) != TT_OK)
		return learner_blame(t->learner, st);
	if ((st = measure_members(t)) != TT_OK)
		return learner_blame(t->learner, st);
	trainer_measure_wire(t);
	t->progress.members = e->n;
	t->progress.member_accuracy = e->accuracy;
	return TT_OK;
}
