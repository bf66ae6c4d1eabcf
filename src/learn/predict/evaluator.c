#include "learn/predict/evaluator.h"

#include "distribute/coll/coll.h"
#include "base/mem.h"
#include "learn/spec/spec.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "data/loader.h"
#include "learn/predict/feed.h"
#include "learn/score/metrics.h"
#include "learn/predict/target.h"

struct evaluator {
	struct evaluator_opts opts;
	struct program_inputs         inputs;
	struct target         target;
	struct program_cache *programs;
	tt_source            *view;          /* the source as the net wants it; NULL: as it is */
	struct loader        *loader;
	struct metrics        sums;
	double                making;        /* seconds in which programs were made */
};

static tt_status init_metrics(struct evaluator *e)
{
	size_t n = (size_t)e->target.classes;

	e->sums.classes = e->target.classes;
	e->sums.k = e->opts.top_k;
	if (e->opts.what != EVALUATE_CONFUSION || !n || n > METRICS_MAX_CONFUSION)
		return TT_OK;
	e->sums.confusion = mem_calloc(n, n * sizeof *e->sums.confusion);
	return e->sums.confusion ? TT_OK : TT_ENOMEM;
}

static tt_status make_programs(struct evaluator *e)
{
	const struct program_cache_opts net = {
		.engine = e->opts.engine, .model = e->opts.model, .purpose = NN_EVAL,
	};

	return e->opts.programs ? program_cache_share(&e->programs, e->opts.programs)
	                        : program_cache_new(&e->programs, &net);
}

tt_status evaluator_new(struct evaluator **out, const struct evaluator_opts *o)
{
	struct evaluator *e = mem_calloc(1, sizeof *e);
	const struct loader_opts order = {
		.data = &o->model->spec->data, .batch = o->batch, .world = o->comm ? o->comm->size : 1,
		.rank = o->comm ? o->comm->rank : 0,
	};
	tt_source *source;
	tt_status st;

	if (!e)
		return TT_ENOMEM;
	e->opts = *o;
	e->inputs.model = o->model;
	if ((st = signature_view(o->model->signature, o->source, &e->view)) != TT_OK)
		goto fail;
	source = e->view ? e->view : o->source;
	st = target_init(&e->target, o->model, tt_source_describe(source), o->batch);
	if (st != TT_OK ||
	    (st = init_metrics(e)) != TT_OK ||
	    (st = make_programs(e)) != TT_OK ||
	    (st = loader_new(&e->loader, source, &order)) != TT_OK)
		goto fail;
	*out = e;
	return TT_OK;
fail:
	evaluator_free(&e);
	return st;
}

void evaluator_free(struct evaluator **e)
{
	if (!e || !*e)
		return;
	loader_free(&(*e)->loader);
	tt_source_close(&(*e)->view);
	program_cache_free(&(*e)->programs);
	program_inputs_release(&(*e)->inputs);
	target_release(&(*e)->target);
	mem_free((*e)->sums.confusion);
	mem_free(*e);
	*e = NULL;
}

/* Making a program, which may measure kernels, is no part of its speed. */
static tt_status make_program(struct evaluator *e, const struct feed *f)
{
	const double start = thread_seconds();
	struct program *p;
	tt_status st = feed_program(e->programs, f, &p);

	e->making += thread_seconds() - start;
	return st;
}

static tt_status run_batch(struct evaluator *e, const struct batch *b)
{
	static const struct program_run run = { .sample_stride = 1 };
	struct feed f = {0};
	struct program *p;
	tt_status st;

	if ((st = feed_take(&f, &e->inputs, &e->target, b)) != TT_OK ||
	    (st = make_program(e, &f)) != TT_OK || (st = feed_run(e->programs, &f, &run, &p)) != TT_OK)
		return st;
	metrics_add(&e->sums, &(struct metrics_batch){
		.loss = *(const float *)program_output(p, OUTPUT_LOSS),
		.logits = program_output(p, OUTPUT_LOGITS),
		.width = e->target.width, .label = f.target.label, .n = f.target.rows,
		.weight = f.target.weight, .samples = f.target.samples });
	return TT_OK;
}

/* Exact, and in the order of ranks: all have the same numbers. */
static tt_status add_others(struct evaluator *e)
{
	struct sums { double loss, weight, correct, in_top; int64_t samples; } mine, *all;
	struct comm *c = e->opts.comm;
	tt_status st;

	if (!c || c->size == 1)
		return TT_OK;
	mine = (struct sums){ e->sums.loss, e->sums.weight, e->sums.correct, e->sums.in_top,
	                      e->sums.samples };
	if (!(all = mem_calloc((size_t)c->size, sizeof *all)))
		return TT_ENOMEM;
	c->doing = "the end of validation";
	st = comm_allgather(c, &mine, sizeof mine, all);
	metrics_clear(&e->sums);
	for (int i = 0; st == TT_OK && i < c->size; i++) {
		e->sums.loss += all[i].loss;
		e->sums.samples += all[i].samples;
		e->sums.weight += all[i].weight;
		e->sums.correct += all[i].correct;
		e->sums.in_top += all[i].in_top;
	}
	mem_free(all);
	return st;
}

static void answer(const struct evaluator *e, double seconds, tt_metrics *out)
{
	const struct metrics *m = &e->sums;

	*out = (tt_metrics){
		.size = sizeof *out,
		.samples = m->samples, .loss = metrics_loss(m), .accuracy = metrics_accuracy(m),
		.top_k = metrics_top_k(m), .k = m->k, .classes = m->classes, .confusion = m->confusion,
		.samples_per_second = seconds > 0 ? (double)m->samples / seconds : 0,
		.weight = m->weight,
	};
}

tt_status evaluator_run(struct evaluator *e, tt_metrics *out)
{
	double start = thread_seconds();
	struct batch *b;
	tt_status st;

	metrics_clear(&e->sums);
	e->making = 0;
	if (!e->opts.programs)
		program_cache_refresh(e->programs);
	if ((st = loader_seek(e->loader, 0, 0)) != TT_OK)
		return st;
	while ((st = loader_next(e->loader, &b)) == TT_OK && b) {
		if ((st = policy_check("an evaluation")) != TT_OK)
			return st;
		if (e->opts.stop && atomic_load(e->opts.stop))
			return err_set(TT_ESTOPPED, "stopped on request during an evaluation");
		if (b->n && (st = run_batch(e, b)) != TT_OK)
			return st;
	}
	if (st == TT_OK)
		st = add_others(e);
	if (st == TT_OK)
		st = metrics_check(&e->sums);
	if (st == TT_OK)
		answer(e, thread_seconds() - start - e->making, out);
	return st;
}
