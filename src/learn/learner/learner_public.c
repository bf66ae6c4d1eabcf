/* learner_public.c -- tt_learner: a learner on the caller's batches. */
#include <tutti/learner.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "distribute/coll/coll.h"
#include "learn/learner/intake.h"
#include "learn/learner/learner_own.h"
#include "learn/nn/signature.h"
#include "learn/predict/feed.h"
#include "learn/spec/scaling.h"
#include "learn/spec/spec.h"
#include "sys/policy.h"

#define META_STEP "tutti.step"

struct tt_learner {
	tt_model             *model;
	struct comm          *self;          /* of a group of one: owned                 */
	struct engine        *engine;
	struct learner       *learner;
	struct intake         intake;
	struct program_cache *eval;          /* made when it is first asked for          */
	struct target         target;        /* of that                                  */
	struct program_inputs         inputs;        /* of that                                  */
	int64_t               eval_room;     /* samples that target has room for         */
	int64_t               seen_steps;    /* when eval was last told of new parameters */
	int                   stepped;       /* others may read what this one has         */
};

/* ---- life ---- */

static tt_status make_engine(struct tt_learner *l, const tt_learner_opts *o)
{
	const struct train_opts *t = &l->model->spec->train;
	const struct comm *c = o->group ? o->group : l->self;
	const struct engine_opts e = {
		.threads = learner_threads(c, o->threads ? o->threads : t->threads),
		.precision = (enum precision)t->precision, .tune = t->tune_kernels,
		.cache = o->kernel_cache,
	};

	return engine_open(&l->engine, &e);
}

static tt_status check_strategy(const struct tt_spec *s, int world)
{
	if (world == 1)
		return TT_OK;
	if (sync_pick(&s->distribute, world)->apart)
		return err_set(TT_ESUPPORT, "distribute.strategy %s makes one model of several at the end, "
		               "which only a trainer does", sync_words[s->distribute.strategy]);
	return learner_check(&s->distribute, &s->train.optimizer,
	                     &(struct learner_demands){ .processes = world });
}

static tt_status make_learner(struct tt_learner *l, const tt_learner_opts *o)
{
	const struct tt_spec *s = l->model->spec;
	const struct learner_opts opts = {
		.model = l->model, .engine = l->engine, .comm = o->group ? o->group : l->self,
		.distribute = &s->distribute, .optimizer = &s->train.optimizer,
		.ema = s->train.ema, .seed = (uint64_t)s->train.seed,
		.batch = o->batch ? o->batch : s->train.batch,
		.micro_batch = s->train.micro_batch,
		.threads = o->threads ? o->threads : s->train.threads, .top_k = s->train.top_k,
	};
	tt_status st;

	if ((st = check_strategy(s, opts.comm->size)) != TT_OK ||
	    (st = learner_new(&l->learner, &opts)) != TT_OK ||
	    (st = learner_agree(l->learner, "")) != TT_OK)
		return st;
	return learner_start(l->learner);
}

static tt_status check_opts(const tt_learner_opts *o)
{
	if (o->batch < 0 || o->batch > INT32_MAX || o->threads < 0 || o->threads > THREADS_MAX)
		return err_set(TT_EINVAL, "tt_learner_opts: batch %lld, threads %d", (long long)o->batch,
		               o->threads);
	if (o->classes < 0 || !o->classes != !o->class_names)
		return err_set(TT_EINVAL, "tt_learner_opts: classes is %d, and class_names is %s",
		               o->classes, o->class_names ? "there" : "NULL");
	return TT_OK;
}

tt_status tt_learner_new(tt_learner **out, tt_model *m, const tt_learner_opts *opts)
{
	struct tt_learner *l;
	tt_learner_opts o;
	tt_status st;

	if (!out || !m)
		return err_null(__func__);
	if ((st = sized_options(&o, sizeof o, opts, "tt_learner_opts")) != TT_OK ||
	    (st = check_opts(&o)) != TT_OK)
		return st;
	if (model_wants_scaling(m))
		return err_set(TT_ESPEC, "data.normalise: standard finds mean and std in data.train, which "
		               "a learner does not read: give data.mean and data.std");
	if (m->spec->data.carry)
		return err_set(TT_ESUPPORT, "data.carry: which batch goes on in which a trainer knows, a "
		               "learner does not: set it to no");
	if (!node_absent(m->spec->train.class_weights))
		return err_set(TT_ESUPPORT, "train.class_weights counts classes in data.train, which a "
		               "learner does not read: give the batches a column of weights");
	if (!(l = mem_calloc(1, sizeof *l)))
		return TT_ENOMEM;
	l->model = m;
	l->inputs.model = m;
	l->seen_steps = -1;
	if ((st = intake_init(&l->intake, m, &m->spec->data, &o)) == TT_OK &&
	    (o.group || (st = comm_self(&l->self)) == TT_OK) &&
	    (st = make_engine(l, &o)) == TT_OK && (st = make_learner(l, &o)) == TT_OK)
		*out = l;
	else
		tt_learner_free(&l);
	return st;
}

/* What one worker's last step has made the others may still be reading out of its memory. */
static void part(struct tt_learner *l)
{
	struct comm *c = l->learner ? l->learner->opts.comm : NULL;
	char why[ERR_MAX];

	if (!l->stepped || c->size == 1 || c->fault.status != TT_OK)
		return;
	snprintf(why, sizeof why, "%s", tt_last_error());
	c->doing = "the end of a learner";
	if (learner_flush(l->learner) == TT_OK)
		(void)comm_barrier(c);
	err_text("%s", why);                    /* it may be read after this one is gone */
}

void tt_learner_free(tt_learner **lp)
{
	struct tt_learner *l = lp ? *lp : NULL;

	if (!l)
		return;
	part(l);
	program_cache_free(&l->eval);
	target_release(&l->target);
	program_inputs_release(&l->inputs);
	learner_free(&l->learner);
	engine_close(&l->engine);
	intake_release(&l->intake);
	comm_close(&l->self);
	mem_free(l);
	*lp = NULL;
}

tt_status tt_learner_warm(tt_learner *l, int64_t samples)
{
	if (!l)
		return err_null(__func__);
	if (samples < 1 || samples > l->learner->opts.batch)
		return err_set(TT_EINVAL, "%lld samples: 1 to %lld", (long long)samples,
		               (long long)l->learner->opts.batch);
	engine_enter(l->engine);
	return learner_compile(l->learner, samples);
}

/* ---- steps ---- */

/* Alone: in a group the others would wait for this worker. */
static tt_status heed_policy(const struct tt_learner *l)
{
	return learner_world(l->learner) == 1 ? policy_check("a run of steps") : TT_OK;
}

/* A worker whose share of a step is empty. */
static int is_empty(const struct tt_learner *l, const tt_batch *b, const tt_step_opts *o)
{
	return learner_world(l->learner) > 1 && o->samples > 0 && b->size && b->n == 0;
}

/* The first batch must fit the net; if it does not, another one may. */
static tt_status take(struct tt_learner *l, const tt_batch *in, struct batch *b)
{
	int fresh = 0;
	tt_status st = intake_take(&l->intake, in, b, &fresh);

	if (!fresh)
		return st;
	if (st != TT_OK || (st = learner_fit(l->learner, &l->intake.info)) != TT_OK ||
	    (st = intake_bind(&l->intake, l->model, &b->data)) != TT_OK)
		intake_forget(&l->intake);
	return st;
}

static tt_status take_batch(struct tt_learner *l, const tt_batch *in, const tt_step_opts *o,
                            struct batch *b)
{
	const int64_t most = l->learner->opts.batch;
	int64_t all;
	tt_status st;

	*b = (struct batch){ 0 };
	if (!is_empty(l, in, o) && (st = take(l, in, b)) != TT_OK)
		return st;
	all = o->samples ? o->samples : (int64_t)b->n * learner_world(l->learner);
	if (all > most)
		return err_set(TT_EINVAL, "%lld samples are more than the largest batch, %lld: raise "
		               "tt_learner_opts.batch (train.batch)", (long long)all, (long long)most);
	if (all < b->n)
		return err_set(TT_EINVAL, "tt_step_opts.samples is %lld, and this batch alone has %d",
		               (long long)all, b->n);
	b->n_global = (int)all;
	return TT_OK;
}

static void tell(const struct tt_learner *l, const struct learner_at *at,
                 const struct learner_result *from, tt_step_result *to)
{
	const struct metrics *m = &from->sums;

	*to = (tt_step_result){
		.size = sizeof *to, .step = learner_steps(l->learner),
		.samples = from->exchanged ? m->samples : 0, .loss = NAN, .accuracy = NAN, .lr = at->lr,
		.grad_norm = learner_grad_norm(l->learner), .weight = from->exchanged ? m->weight : 0,
	};
	if (to->samples) {
		to->loss = metrics_loss(m);
		to->accuracy = metrics_accuracy(m);
	}
}

static tt_status check_rate(double lr)
{
	if (isfinite(lr) && lr >= 0)
		return TT_OK;
	return err_set(TT_EINVAL, "tt_step_opts: lr is %g; it must be a finite number from 0 on", lr);
}

tt_status tt_learner_step(tt_learner *l, const tt_batch *in, const tt_step_opts *opts,
                          tt_step_result *r)
{
	struct learner_result got;
	struct learner_at at;
	tt_step_result told;
	tt_step_opts o;
	struct batch b;
	tt_status st;

	if (!l || !in)
		return err_null(__func__);
	if ((st = sized_options(&o, sizeof o, opts, "tt_step_opts")) != TT_OK ||
	    (st = check_rate(o.lr)) != TT_OK || (st = take_batch(l, in, &o, &b)) != TT_OK ||
	    (st = heed_policy(l)) != TT_OK)
		return st;
	at = (struct learner_at){ .epoch = o.epoch,
	                          .lr = o.lr ? o.lr : l->model->spec->train.optimizer.lr };
	engine_enter(l->engine);
	l->stepped = 1;
	if ((st = learner_step(l->learner, &b, &at, &got)) != TT_OK || !r)
		return st;
	tell(l, &at, &got, &told);
	return sized_give(r, &told, sizeof told, "tt_step_result");
}

tt_status tt_learner_wait(tt_learner *l)
{
	return l ? learner_flush(l->learner) : err_null(__func__);
}

tt_status tt_learner_finish(tt_learner *l)
{
	struct learner_result r;
	tt_status st;

	if (!l)
		return err_null(__func__);
	if ((st = learner_epoch_end(l->learner, EPOCH_LAST, 0, &r)) != TT_OK || !l->learner->ema.v)
		return st;
	if ((st = learner_consolidate(l->learner, &r)) == TT_OK)
		l->seen_steps = -1;                 /* the model is the average now */
	learner_resume(l->learner);
	return st;
}

int64_t tt_learner_steps(const tt_learner *l)
{
	return l ? learner_steps(l->learner) : 0;
}

tt_status tt_learner_gradient(tt_learner *l, int i, tt_tensor *out)
{
	const struct tt_model *m;
	const struct param *p;
	tt_tensor t = { .size = sizeof t, .trainable = 1 };

	if (!l || !out)
		return err_null(__func__);
	m = l->model;
	if (i < 0 || i >= m->n_params)
		return err_set(TT_ENOENT, "there is no parameter %d; the model has %d", i, m->n_params);
	if (learner_world(l->learner) > 1)
		return err_set(TT_ESUPPORT, "no worker of a group has the whole gradient");
	if (!learner_steps(l->learner))
		return err_set(TT_ENOENT, "there is no gradient before the first step");
	p = &m->param[i];
	if (p->frozen)
		return err_set(TT_ENOENT, "parameter %d, %s, is frozen: it has no gradient", i, p->name);
	t.name = p->name;
	t.ndim = p->desc.ndim;
	memcpy(t.shape, p->desc.dim, (size_t)t.ndim * sizeof *t.shape);
	t.data = l->learner->grads + p->offset;
	return sized_give(out, &t, sizeof t, "tt_tensor");
}

/* ---- how good? ---- */

static tt_status make_eval(struct tt_learner *l, int64_t n)
{
	tt_status st = TT_OK;

	if (n > l->eval_room) {
		target_release(&l->target);
		l->eval_room = 0;
		if ((st = target_init(&l->target, l->model, &l->intake.info, (int)n)) != TT_OK)
			return st;
		l->eval_room = n;
	}
	if (!l->eval)
		st = program_cache_new(&l->eval, &(struct program_cache_opts){
			.engine = l->engine, .model = l->model, .purpose = NN_EVAL });
	if (st == TT_OK && l->seen_steps != learner_steps(l->learner)) {
		program_cache_refresh(l->eval);
		l->seen_steps = learner_steps(l->learner);
	}
	return st;
}

static tt_status evaluate(struct tt_learner *l, const struct batch *b, tt_metrics *out)
{
	static const struct program_run run = { .sample_stride = 1 };
	struct metrics m = { .classes = l->target.classes, .k = l->learner->opts.top_k };
	struct feed f = {0};
	struct program *p;
	tt_status st;

	if ((st = feed_take(&f, &l->inputs, &l->target, b)) != TT_OK ||
	    (st = feed_run(l->eval, &f, &run, &p)) != TT_OK)
		return st;
	metrics_add(&m, &(struct metrics_batch){
		.loss = *(const float *)program_output(p, OUTPUT_LOSS),
		.logits = program_output(p, OUTPUT_LOGITS), .width = l->target.width,
		.label = f.target.label, .n = f.target.rows, .weight = f.target.weight,
		.samples = f.target.samples });
	if ((st = metrics_check(&m)) != TT_OK)
		return st;
	*out = (tt_metrics){
		.size = sizeof *out, .samples = m.samples, .loss = metrics_loss(&m),
		.accuracy = metrics_accuracy(&m), .top_k = metrics_top_k(&m), .k = m.k,
		.classes = m.classes, .weight = m.weight,
	};
	return TT_OK;
}

tt_status tt_learner_evaluate(tt_learner *l, const tt_batch *in, tt_metrics *m)
{
	tt_metrics told;
	struct batch b;
	tt_status st;

	if (!l || !in || !m)
		return err_null(__func__);
	if ((st = take(l, in, &b)) != TT_OK || (st = learner_flush(l->learner)) != TT_OK)
		return st;
	engine_enter(l->engine);
	if ((st = make_eval(l, b.n)) != TT_OK || (st = evaluate(l, &b, &told)) != TT_OK)
		return st;
	return sized_give(m, &told, sizeof told, "tt_metrics");
}

/* ---- checkpoints ---- */

static tt_status write_rows(const struct tt_learner *l, const char *path)
{
	struct learner_rows rows = {0};
	struct model_rows s;
	char steps[24];
	tt_status st;

	if ((st = model_rows_init(&s, l->model, LEARNER_ROWS + 1)) != TT_OK)
		return st;
	snprintf(steps, sizeof steps, "%lld", (long long)learner_steps(l->learner));
	s.meta[s.n_meta++] = (struct ckpt_meta){ META_STEP, steps };
	if ((st = learner_add_rows(l->learner, &rows, &s)) == TT_OK)
		st = ckpt_write(path, s.tensor, s.n_tensors, s.meta, s.n_meta);
	learner_rows_release(&rows);
	model_rows_release(&s);
	return st;
}

tt_status tt_learner_save(tt_learner *l, const char *path)
{
	struct learner_result r;
	tt_status st;

	if (!l || !path)
		return err_null(__func__);
	if ((st = learner_consolidate(l->learner, &r)) == TT_OK &&
	    (st = learner_collect(l->learner)) == TT_OK && !learner_rank(l->learner))
		st = write_rows(l, path);
	learner_resume(l->learner);
	return st;
}

static tt_status read_steps(const struct ckpt *c, const char *path, int64_t *out)
{
	const char *text = ckpt_meta(c, META_STEP);
	char *end;
	long long v;

	if (!text)
		return err_set(TT_EFORMAT, "%s: has no '" META_STEP "': it holds a model, but not the "
		               "state of a training", path);
	v = strtoll(text, &end, 10);
	if (end == text || *end || v < 0 || v > STEPS_MAX)
		return err_set(TT_EFORMAT, "%s: '" META_STEP "' is '%.40s', not a number of steps", path,
		               text);
	*out = v;
	return TT_OK;
}

/* The names of its data: a model that knows none takes them, one that does must have the same. */
static tt_status read_names(const struct tt_learner *l, const struct ckpt *c, const char *path,
                            struct signature **out)
{
	const char *json = ckpt_meta(c, MODEL_META_SIGNATURE);
	struct signature *s;
	tt_status st;

	if (!json)
		return TT_OK;                   /* version 0.1 did not say */
	if ((st = signature_read(&s, l->model, json, path)) != TT_OK)
		return st;
	if ((st = signature_same_names(l->model->signature, &s->data.view)) != TT_OK)
		st = err_at(st, "%s", path);
	else if (s->view.known && !l->model->signature->view.known) {
		*out = s;
		return TT_OK;
	}
	signature_free(&s);
	return st;
}

static void take_names(struct tt_model *m, struct signature **s)
{
	if (!*s)
		return;
	signature_free(&m->signature);
	m->signature = *s;
	*s = NULL;
}

tt_status tt_learner_load(tt_learner *l, const char *path)
{
	struct signature *names = NULL;
	struct learner_slots slots;
	struct ckpt *c = NULL;
	int64_t steps;
	tt_status st;

	if (!l || !path)
		return err_null(__func__);
	if ((st = learner_flush(l->learner)) != TT_OK || (st = ckpt_open(&c, path)) != TT_OK)
		return st;
	/* All is checked before anything is changed. */
	if ((st = model_check_format(c, path)) == TT_OK &&
	    (st = read_steps(c, path, &steps)) == TT_OK &&
	    (st = learner_find_slots(l->learner, c, path, &slots)) == TT_OK &&
	    (st = read_names(l, c, path, &names)) == TT_OK &&
	    (st = model_load_tensors(l->model, c, path)) == TT_OK &&
	    (st = learner_take_slots(l->learner, &slots)) == TT_OK) {
		learner_set_steps(l->learner, steps);
		l->seen_steps = -1;
		take_names(l->model, &names);
	}
	signature_free(&names);
	ckpt_close(&c);
	return st;
}
