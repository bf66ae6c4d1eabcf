#include "learn/predict/evaluator.h"

#include "base/mem.h"
#include "learn/spec/spec.h"
#include "sys/policy.h"
#include "sys/thread.h"
#include "data/loader.h"
#include "learn/predict/feed.h"
#include "learn/predict/target.h"

struct evaluator {
	struct evaluator_opts opts;
	struct program_inputs         inputs;
	struct target         target;
	struct program_cache *programs;
	tt_source            *view;          /* the source as the net wants it; NULL: as it is */
	struct loader        *loader;
	struct scores         scores;
	struct carry          carry;         /* of streams; rows 0: samples are apart         */
	double                making;        /* seconds in which programs were made */
};

static enum scores_kind kind_of(const struct target *t)
{
	if (t->form == TARGET_LABELS)
		return SCORES_SPELT;
	if (t->classes)
		return t->form == TARGET_NUMBER ? SCORES_YES_NO : SCORES_CLASSES;
	return t->shares ? SCORES_LABELS : SCORES_VALUES;
}

static tt_status init_scores(struct evaluator *e, const tt_source_info *info)
{
	const int all = e->opts.what == EVALUATE_ALL;
	struct scores_what w = {
		.kind = kind_of(&e->target),
		.answers = loss_row(e->opts.model->net.loss)->answers, .width = e->target.width,
		.classes = e->target.classes, .k = e->opts.top_k,
		.confusion = e->opts.what != EVALUATE_CHEAP,
		.text = nn_is_language(e->opts.model),
		.loss_is_log = e->target.form == TARGET_PLACES && nn_loss_is_log(e->opts.model),
		/* How many places there are nobody knows before: their scores are not kept. */
		.samples = e->target.form == TARGET_PLACES ? INT64_MAX : info->count,
	};

	w.rows = all ? scores_all(&w) : (scores_cheap(&w) | e->opts.rows) & scores_all(&w);
	return scores_init(&e->scores, &w);
}

static tt_status make_programs(struct evaluator *e)
{
	const struct program_cache_opts net = {
		.engine = e->opts.engine, .model = e->opts.model, .purpose = NN_EVAL,
		.carry = e->opts.model->spec->data.carry,
	};

	return e->opts.programs ? program_cache_share(&e->programs, e->opts.programs)
	                        : program_cache_new(&e->programs, &net);
}

/* How many streams a text is cut into is the spec's affair, not that of who asks: else it would
 * give another number to each. */
static int batch_of(const struct evaluator_opts *o)
{
	const struct tt_spec *s = o->model->spec;
	const int streams = s->train.eval_batch ? s->train.eval_batch : s->train.batch;

	return s->data.carry ? streams : o->batch;
}

static tt_status make_carry(struct evaluator *e, const struct loader_opts *order)
{
	if (!e->opts.model->spec->data.carry)
		return TT_OK;
	return carry_init(&e->carry, &(struct carry_want){ e->opts.model, NN_EVAL,
		(order->batch + order->world - 1) / order->world });
}

tt_status evaluator_new(struct evaluator **out, const struct evaluator_opts *o)
{
	struct evaluator *e = mem_calloc(1, sizeof *e);
	const struct loader_opts order = {
		.data = &o->model->spec->data, .batch = batch_of(o), .world = o->comm ? o->comm->size : 1,
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
	st = target_init(&e->target, o->model, tt_source_describe(source), order.batch);
	if (st != TT_OK ||
	    (st = init_scores(e, tt_source_describe(source))) != TT_OK ||
	    (st = make_programs(e)) != TT_OK || (st = make_carry(e, &order)) != TT_OK ||
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
	scores_release(&(*e)->scores);
	carry_release(&(*e)->carry);
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

static int takes_label(const struct target *t)
{
	return t->form == TARGET_LABEL || t->form == TARGET_PLACES || t->form == TARGET_LABELS;
}

static tt_status run_batch(struct evaluator *e, const struct batch *b)
{
	static const struct program_run run = { .sample_stride = 1 };
	struct feed f = { .carry = e->carry.rows ? &e->carry : NULL };
	struct program *p;
	tt_status st;

	if (b->begins)
		carry_clear(&e->carry);
	if ((st = feed_take(&f, &e->inputs, &e->target, b)) != TT_OK ||
	    (st = make_program(e, &f)) != TT_OK || (st = feed_run(e->programs, &f, &run, &p)) != TT_OK)
		return st;
	return scores_add(&e->scores, &(struct metrics_batch){
		.loss = *(const float *)program_output(p, OUTPUT_LOSS),
		.logits = program_output(p, OUTPUT_LOGITS),
		.width = e->target.width, .label = f.target.label, .n = f.target.rows,
		.weight = f.target.weight, .samples = f.target.samples,
		.spelling = e->target.form == TARGET_LABELS ? &f.target.spelling : NULL,
		.values = takes_label(&e->target) ? NULL : f.target.target });
}

static void answer(const struct evaluator *e, double seconds, tt_metrics *out)
{
	const struct metrics *m = &e->scores.sums;

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

	scores_clear(&e->scores);
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
		st = scores_finish(&e->scores, e->opts.comm);
	if (st == TT_OK)
		st = metrics_check(&e->scores.sums);
	if (st == TT_OK)
		answer(e, thread_seconds() - start - e->making, out);
	return st;
}

const struct scores *evaluator_scores(const struct evaluator *e)
{
	return &e->scores;
}

void evaluator_hand_over(struct evaluator *e, struct scores *out)
{
	*out = e->scores;
	e->scores = (struct scores){ 0 };
}
