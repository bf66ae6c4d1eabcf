#include "learn/train/ensemble/ensemble.h"

#include <math.h>
#include <string.h>

#include "distribute/coll/coll.h"
#include "base/mem.h"
#include "learn/spec/ensemble.h"
#include "learn/spec/spec.h"
#include "learn/train/ensemble/stacking.h"

/* ---- come and go ---- */

/* Each is the other now; who points to one of them sees another model. */
static void swap(struct tt_model *a, struct tt_model *b)
{
	struct tt_model keep = *a;

	*a = *b;
	*b = keep;
}

/* A model of this spec, and the spec's end. */
static tt_status model_of(tt_spec *s, tt_model **out)
{
	tt_status st = tt_model_new(out, s);

	tt_spec_free(&s);
	return st;
}

static tt_status make(struct ensemble **out, int n)
{
	struct ensemble *e = mem_calloc(1, sizeof *e);

	if (!e || !(e->accuracy = mem_calloc((size_t)n, sizeof *e->accuracy))) {
		mem_free(e);
		return TT_ENOMEM;
	}
	for (int i = 0; i < n; i++)
		e->accuracy[i] = NAN;
	e->n = n;
	*out = e;
	return TT_OK;
}

tt_status ensemble_open(struct ensemble **out, tt_model *whole, struct comm *c)
{
	struct ensemble *e;
	tt_model *other;
	tt_spec *spec;
	tt_status st;

	if (!sync_pick(&whole->spec->distribute, c->size)->apart)
		return TT_OK;
	if ((st = ensemble_spec(&spec, whole->spec, c->size, NULL)) != TT_OK ||
	    (st = model_of(spec, &other)) != TT_OK)
		return st;
	if ((st = make(&e, c->size)) != TT_OK) {
		tt_model_free(&other);
		return st;
	}
	swap(whole, other);
	e->comm = c;
	e->whole = whole;
	e->member = other;
	*out = e;
	return TT_OK;
}

void ensemble_undo(struct ensemble *e)
{
	if (e)
		swap(e->whole, e->member);
}

void ensemble_close(struct ensemble **out)
{
	struct ensemble *e = out ? *out : NULL;

	if (!e)
		return;
	for (int i = 0; i < LEARNER_SLOTS; i++)
		mem_free(e->slot[i]);
	tt_model_free(&e->before);
	tt_model_free(&e->member);
	mem_free(e->accuracy);
	mem_free(e);
	*out = NULL;
}

/* Optimizer state of all members, on rank 0.  Made when it is first asked for, all zeros as a new
 * optimizer's. */
static float *slot_of_all(void *ctx, int i)
{
	struct ensemble *e = ctx;
	const size_t bytes = (size_t)e->n * e->member->train_count * sizeof *e->slot[i];

	if (e->comm->rank != 0 || i >= LEARNER_SLOTS)
		return NULL;
	if (!e->slot[i] && (e->slot[i] = mem_alloc_aligned(bytes)))
		memset(e->slot[i], 0, bytes);
	return e->slot[i];
}

void ensemble_tell_learner(struct ensemble *e, struct learner *l)
{
	if (e)
		learner_set_whole(l, &(struct learner_whole){ e->whole, slot_of_all, e });
}

/* ---- the net behind the members ---- */

/* Its layers, or by default one dense layer, which is then made in the arena. */
static tt_status layers_of(const struct ensemble *e, struct arena *a, const struct node **out)
{
	struct node *made;
	tt_status st;

	*out = e->member->spec->train.combiner.layers;
	if (*out && ((*out)->kind != NODE_TEXT || *(*out)->text))
		return TT_OK;
	if ((st = ensemble_default_combiner(a, e->member, &made)) == TT_OK)
		*out = made;
	return st;
}

static void copy_members(const struct ensemble *e, struct tt_model *to)
{
	const struct tt_model *from = e->whole, *one = e->member;
	const size_t n = (size_t)e->n;

	memcpy(to->params, from->params, n * one->param_count * sizeof(float));
	memcpy(to->buffers, from->buffers, n * one->buffer_count * sizeof(float));
}

tt_status ensemble_add_combiner(struct ensemble *e, struct learner *l)
{
	const struct node *layers;
	struct arena a = {0};
	tt_model *other = NULL;
	tt_spec *spec;
	tt_status st;

	if ((st = layers_of(e, &a, &layers)) != TT_OK ||
	    (st = ensemble_spec(&spec, e->member->spec, e->n, layers)) != TT_OK ||
	    (st = model_of(spec, &other)) != TT_OK)
		goto out;
	if ((st = nn_copy_names(other, e->whole)) != TT_OK) {
		tt_model_free(&other);
		goto out;
	}
	copy_members(e, other);
	swap(e->whole, other);
	e->before = other;
	e->combined = 1;
	ensemble_tell_learner(e, l);
out:
	arena_release(&a);
	return st;
}

/* The one dense layer begins as the average of the members' scores, and learns from there. */
static void begin_as_average(const struct ensemble *e, tt_model *net)
{
	const int64_t out = e->member->outputs, in = e->n * out;

	memset(net->params, 0, net->param_count * sizeof *net->params);
	for (int64_t i = 0; i < out; i++)
		for (int64_t k = i; k < in; k += out)
			net->params[i * in + k] = 1.0f / (float)e->n;
}

tt_status ensemble_combine(struct ensemble *e, struct learner *l, struct engine *engine,
                           tt_source *source)
{
	const struct stacking_opts how = {
		.engine = engine, .comm = e->comm, .member = e->member, .whole = e->whole,
		.members = e->n, .source = source,
	};
	const struct node *layers;
	struct arena a = {0};
	tt_model *net = NULL;
	tt_spec *spec;
	size_t params, buffers;
	tt_status st;

	if ((st = layers_of(e, &a, &layers)) != TT_OK ||
	    (st = ensemble_combiner(&spec, e->member, e->n, layers)) != TT_OK ||
	    (st = model_of(spec, &net)) != TT_OK)
		goto out;
	if (layers != e->member->spec->train.combiner.layers)
		begin_as_average(e, net);
	if ((st = stacking_train(&how, net)) != TT_OK || (st = ensemble_add_combiner(e, l)) != TT_OK)
		goto out;
	params = (size_t)e->n * e->member->param_count;
	buffers = (size_t)e->n * e->member->buffer_count;
	memcpy(e->whole->params + params, net->params, net->param_count * sizeof(float));
	memcpy(e->whole->buffers + buffers, net->buffers, net->buffer_count * sizeof(float));
out:
	tt_model_free(&net);
	arena_release(&a);
	return st;
}

/* ---- the end ---- */

/* Each rank looks at its own member, over all of the validation data. */
tt_status ensemble_measure(struct ensemble *e, const struct evaluator_opts *o)
{
	struct evaluator *alone = NULL;
	tt_metrics m = { .accuracy = NAN };
	tt_status st;

	if (!o->source)
		return TT_OK;
	if ((st = evaluator_new(&alone, o)) == TT_OK)
		st = evaluator_run(alone, &m);
	evaluator_free(&alone);
	if (st != TT_OK)
		return st;
	e->comm->doing = "looking at each member";
	return comm_allgather(e->comm, &m.accuracy, sizeof m.accuracy, e->accuracy);
}
