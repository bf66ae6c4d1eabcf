/* trainer.c -- a trainer is put together, and taken apart. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sized.h"
#include "distribute/sync/trace.h"
#include "learn/observe/run_dir.h"
#include "learn/observe/run_lock.h"
#include "learn/predict/target.h"
#include "learn/spec/scaling.h"
#include "learn/train/begin.h"
#include "learn/train/checkpoint.h"
#include "learn/train/rest.h"
#include "learn/train/run.h"
#include "learn/train/scaling.h"
#include "learn/train/sources.h"
#include "learn/train/trainer_own.h"
#include "learn/train/validation.h"

#define EARLY_BATCH 1024

/* ---- data ---- */

/* A net that has seen no data does not know how many columns there should be: what is wrong with
 * their number is said when it meets them. */
static struct opening opening_for(const struct tt_trainer *t, const char *key, const char *uri)
{
	const struct split_opts *split = &t->model->spec->data.split;
	struct opening o = { .key = key, .uri = uri, .known = nn_known_columns(t->model) };

	if (split_is_set(split))
		o.known.cut = (struct cut){ split, TT_PART_TRAIN };

	if (!t->model->signature->view.known)
		o.known.count = 0;
	return o;
}

/* Both sets at once; opening_cancel must follow, whatever comes back. */
static tt_status start_sources(const struct tt_trainer *t, struct opening *train,
                               struct opening *valid)
{
	const struct data_opts *d = &t->model->spec->data;
	const tt_trainer_opts *given = t->making;
	const int validates = t->opts->valid_every > 0;
	tt_status st;

	if (!given->train && (!d->train || !*d->train))
		return err_set(TT_ESPEC, "data.train is not set: say which data to train on, such as "
		               "data.train=mnist:DIR");
	if (split_is_set(&d->split) && (given->train || given->valid || (d->valid && *d->valid)))
		return err_set(TT_ESPEC, "data.split cuts data.train, and %s: leave one of them out",
		               given->train || given->valid ? "sources are given" : "data.valid is set");
	*train = opening_for(t, "data.train", given->train ? NULL : d->train);
	*valid = opening_for(t, "data.valid", validates && !given->valid ? d->valid : NULL);
	if (validates && (d->split.valid > 0 || d->split.folds)) {
		valid->uri = d->train;
		valid->known.cut.part = TT_PART_VALID;
	} else {
		valid->known.cut = (struct cut){0};
	}
	return (st = opening_start(train)) == TT_OK ? opening_start(valid) : st;
}

/* Sources never change once open: that they are passed on without const is the loader's way. */
static tt_source *borrow(const tt_source *s)
{
	return (tt_source *)(uintptr_t)s;
}

/* All nets of this rank know the names of these data, which may be those that t->model knows. */
static tt_status bind_models(struct tt_trainer *t, const tt_schema *data)
{
	tt_model *whole = trainer_whole(t);
	tt_status st = whole == t->model ? TT_OK : nn_bind(whole, data);

	return st == TT_OK ? nn_bind(t->model, data) : st;
}

/* A new net learns the names of its data; one that has seen data is shown these as it knows them,
 * and one of several inputs, whose names its document says, its columns in their order. */
static tt_status meet_data(struct tt_trainer *t)
{
	const tt_signature *known = tt_model_signature(t->model);
	tt_source *view = NULL;
	tt_status st = TT_OK;

	if (known->known || known->data->class_names || t->model->n_inputs > 1)
		st = signature_view(t->model->signature, t->train_source, &view);
	if (view) {
		t->train_base = t->train_source;
		t->train_source = view;
	}
	if (st == TT_OK)
		st = bind_models(t, known->known ? known->data : tt_source_schema(t->train_source));
	return st == TT_OK ? st : err_at(st, "data.train");
}

static int asked_to_stop(void *ctx);

static tt_status take_valid(struct tt_trainer *t, struct opening *valid)
{
	const struct known_columns known = nn_known_columns(t->model);
	const tt_source *given = t->making->valid;
	tt_status st;

	opening_correct(valid, &known);
	if ((st = opening_wait(valid, &t->valid_source)) == TT_OK && given && t->opts->valid_every > 0)
		t->valid_source = borrow(given);
	return st;
}

static tt_status take_sources(struct tt_trainer *t, struct opening *train, struct opening *valid)
{
	const tt_trainer_opts *given = t->making;
	tt_status st;

	if ((st = opening_wait(train, &t->train_source)) != TT_OK)
		return st;
	opening_settle(valid);
	t->lent = (given->train ? LENT_TRAIN : 0) | (given->valid ? LENT_VALID : 0);
	if (given->train)
		t->train_source = borrow(given->train);
	if (tt_source_describe(t->train_source)->count < 1)
		return err_set(TT_EFORMAT, "data.train: %s holds no sample", t->model->spec->data.train);
	if ((st = meet_data(t)) != TT_OK ||
	    (st = scaling_find(t, &(struct statistics_stop){ asked_to_stop, t })) != TT_OK)
		return st;
	return take_valid(t, valid);
}

/* A run that goes on knows its data already: they are opened and shown as it knows them.  What is
 * wrong with the checkpoint is said when it is loaded. */
static tt_status learn_names(struct tt_trainer *t, const tt_trainer_opts *o)
{
	const int latest = o->resume && strcmp(o->resume, "auto") == 0;
	struct str path = {0};
	tt_status st = TT_OK;

	if (!o->resume || t->model->signature->view.known || (latest && !o->run_dir))
		return TT_OK;
	if (latest)
		st = run_dir_path(&path, o->run_dir, TT_RUN_LAST);
	if (st == TT_OK && file_exists(latest ? path.p : o->resume))
		st = checkpoint_learn_names(t, latest ? path.p : o->resume);
	str_release(&path);
	return st;
}

/* Workers who do not wait for one another lease batches from one pool. */
static struct lease_pool *pool_of(struct tt_trainer *t)
{
	const struct lease_plan plan = {
		.count = tt_source_describe(t->train_source)->count, .size = t->opts->batch,
		.epochs = EPOCHS_IN_TURN,
	};

	if (!t->shared)
		return NULL;
	if (!trainer_rank(t))
		lease_pool_init(&t->shared->pool, &plan);
	return &t->shared->pool;
}

/* PyTorch weighs the part that is spread out by each class, not by the sample's. */
static tt_status check_smoothing(const struct tt_trainer *t)
{
	const struct node *weights = t->opts->class_weights;

	if (node_absent(weights) || !(t->model->net.label_smoothing > 0))
		return TT_OK;
	return node_err(weights, TT_ESUPPORT, "train.class_weights does not go with "
	                "model.label_smoothing: leave one of them out");
}

static tt_status open_loader(struct tt_trainer *t)
{
	const struct loader_opts o = {
		.data = &t->model->spec->data, .training = 1, .batch = t->opts->batch,
		.rank = trainer_rank(t), .world = trainer_world(t), .seed = (uint64_t)t->opts->seed,
		.deal = t->ensemble ? DEAL_PARTS : DEAL_BATCHES, .pool = pool_of(t),
	};
	const tt_source_info *info = tt_source_describe(t->train_source);
	enum learner_weights weights;
	tt_status st;

	if ((st = learner_fit(t->learner, info)) != TT_OK)
		return err_at(st, "data.train");
	if ((st = check_smoothing(t)) != TT_OK ||
	    (st = class_weights_new(&t->class_weights, t->opts->class_weights, t->train_source,
	                            t->opts->batch)) != TT_OK)
		return st;
	weights = tt_source_schema(t->train_source)->weight || t->class_weights ? WEIGHTS_YES
	                                                                        : WEIGHTS_NO;
	if ((st = learner_set_weights(t->learner, weights)) != TT_OK)
		return st;
	t->epoch_sums.classes = learner_classes(t->learner);
	t->epoch_sums.k = t->opts->top_k;
	return loader_new(&t->loader, t->train_source, &o);
}

/* ---- compute ---- */

static struct learner_opts learner_opts_of(const struct tt_trainer *t)
{
	return (struct learner_opts){
		.model = t->model, .engine = t->engine, .comm = t->comm,
		.distribute = &t->model->spec->distribute, .optimizer = &t->opts->optimizer,
		.ema = t->opts->ema,
		.seed = (uint64_t)t->opts->seed, .batch = t->opts->batch,
		.micro_batch = t->opts->micro_batch, .threads = t->opts->threads,
		.carry = t->model->spec->data.carry,
		.top_k = t->opts->top_k, .trace = t->trace,
		.team = t->shared ? t->shared->team : NULL, .steps = t->shared ? &t->shared->steps : NULL,
	};
}

/* The main batch size now, so that what cannot be compiled is said before the run; together the
 * last one's too, so that its kernels are measured while the other ranks are quiet. */
static tt_status compile_all(struct tt_trainer *t)
{
	int64_t count = tt_source_describe(t->train_source)->count, batch = t->opts->batch;
	tt_status st = learner_compile(t->learner, count < batch ? count : batch);

	if (st != TT_OK || trainer_world(t) == 1)
		return st;
	return learner_compile(t->learner, count % batch);
}

/* Has who waits for kernels to be measured lost patience?  Ranks that compute together measure to
 * the end: none may miss a step that the others take. */
static int asked_to_stop(void *ctx)
{
	const struct tt_trainer *t = ctx;

	if (t->unsure)
		return 1;
	if (t->making)
		return t->making->stop && t->making->stop(t->making->stop_ctx);
	return trainer_world(t) == 1 && atomic_load(&t->stop);
}

static tt_status make_compute(struct tt_trainer *t, const tt_trainer_opts *o)
{
	const struct engine_opts e = {
		.threads = learner_threads(t->comm, t->opts->threads),
		.precision = (enum precision)t->opts->precision,
		.tune = t->opts->tune_kernels, .cache = o->kernel_cache,
	};
	struct learner_opts l;
	tt_status st;

	if ((st = engine_open(&t->engine, &e)) != TT_OK)
		return st;
	t->engine->stop = asked_to_stop;
	t->engine->stop_ctx = t;
	l = learner_opts_of(t);
	if ((st = learner_new(&t->learner, &l)) == TT_OK)
		ensemble_tell_learner(t->ensemble, t->learner);
	return st;
}

/* The net is compiled while the data are being read, if that takes no measuring of kernels: minutes
 * are not spent on data that may not be there.  A batch may turn out to be larger than the whole
 * set: a large one waits until that is known. */
static tt_status compile_early(struct tt_trainer *t)
{
	tt_status st;

	if (t->opts->batch > EARLY_BATCH)
		return TT_OK;
	t->unsure = 1;
	st = learner_compile(t->learner, t->opts->batch);
	t->unsure = 0;
	return st == TT_ESTOPPED ? TT_OK : st;       /* compile_all does it, or hears the stop */
}

static tt_status make_parts(struct tt_trainer *t, const tt_trainer_opts *o)
{
	struct opening train = {0}, valid = {0};
	tt_status st;

	if ((st = learn_names(t, o)) != TT_OK ||
	    (st = start_sources(t, &train, &valid)) != TT_OK || (st = make_compute(t, o)) != TT_OK ||
	    (st = compile_early(t)) != TT_OK ||
	    (st = take_sources(t, &train, &valid)) != TT_OK || (st = open_loader(t)) != TT_OK)
		goto out;
	st = trainer_evaluator(t);
out:
	opening_cancel(&train);
	opening_cancel(&valid);
	return st;
}

/* ---- place ---- */

static tt_status init_progress(struct tt_trainer *t)
{
	int64_t batches = loader_batches(t->loader);
	tt_status st = trainer_init_monitor(t);

	t->progress = (tt_progress){
		.size = sizeof t->progress,
		.steps = batches * t->opts->epochs, .epochs = t->opts->epochs, .epoch_steps = batches,
		.loss = NAN, .accuracy = NAN, .valid_loss = NAN, .valid_accuracy = NAN, .best = NAN,
		.lr = t->opts->optimizer.lr, .grad_norm = NAN, .seconds_left = NAN,
		.perplexity = NAN, .valid_perplexity = NAN,
		.workers = trainer_world(t), .monitor = t->watch.name, .watched = NAN,
	};
	return st;
}

static tt_status resume(struct tt_trainer *t, const char *from)
{
	tt_status st;

	if (from && strcmp(from, "auto") == 0) {
		if (!t->dir.len)
			return err_set(TT_EINVAL, "resume 'auto' means the run folder's last checkpoint: "
			               "give a run_dir");
		from = file_exists(t->last.p) ? t->last.p : NULL;
	}
	if (!from)
		return TT_OK;
	if ((st = checkpoint_load(t, from)) != TT_OK || t->shared)
		return st;                      /* trainer_join says where the pool begins */
	return loader_seek(t->loader, t->at.epoch, t->at.consumed);
}

/* ---- ranks ---- */

static tt_status init_rank(struct tt_trainer *t, const tt_trainer_opts *o)
{
	t->saves = o->run_dir != NULL;
	return o->trace ? trace_new(&t->trace, trainer_rank(t)) : TT_OK;
}

/* Of an ensemble this trainer trains its member. */
static tt_status split_ensemble(struct tt_trainer *t)
{
	tt_status st = ensemble_open(&t->ensemble, t->model, t->comm);

	if (t->ensemble) {
		t->model = t->ensemble->member;
		t->opts = &t->model->spec->train;
	}
	return st;
}

static struct affinity_stay *enter_peer(void *worker)
{
	struct tt_trainer *t = worker;

	engine_enter(t->engine);                /* its loops' threads stay with it */
	return &t->stay;
}

static void leave_peer(void *worker)
{
	learner_leave(((struct tt_trainer *)worker)->learner);
}

static void free_peer(void *worker)
{
	struct tt_trainer *t = worker;
	tt_model *given = t->given;

	tt_trainer_free(&t);
	tt_model_free(&given);
}

static const struct worker_ops peer_ops = { enter_peer, run_obey, leave_peer, free_peer };

/* A peer in the same process reads what rank 0 has opened: readers do not mind. */
static tt_status make_peer(struct tt_trainer *first, const tt_trainer_opts *o, int rank)
{
	struct tt_trainer *t = mem_calloc(1, sizeof *t);
	tt_status st;

	if (!t)
		return TT_ENOMEM;
	if ((st = tt_model_new(&t->given, first->model->spec)) != TT_OK) {
		mem_free(t);
		return st;
	}
	t->process = first->process;
	t->model = t->given;
	t->opts = &t->model->spec->train;
	t->making = o;
	t->comm = local_workers_end(first->group, rank);
	t->train_source = first->train_source;
	t->valid_source = first->valid_source;
	t->shared = first->shared;
	t->borrows = 1;
	t->lent = LENT_TRAIN | LENT_VALID;
	local_workers_add(first->group, rank, t);
	if ((st = split_ensemble(t)) != TT_OK || (st = init_rank(t, o)) != TT_OK ||
	    (st = bind_models(t, tt_model_signature(first->model)->data)) != TT_OK ||
	    (st = make_compute(t, o)) != TT_OK || (st = open_loader(t)) != TT_OK ||
	    (st = compile_all(t)) != TT_OK ||
	    (st = trainer_evaluator(t)) != TT_OK)
		return st;
	t->making = NULL;
	return init_progress(t);
}

/* All are made by this thread, one after the other: kernels are measured in quiet, and what the
 * first has measured the others read from the cache. */
static tt_status make_peers(struct tt_trainer *t, const tt_trainer_opts *o)
{
	tt_status st = TT_OK;

	for (int i = 1; st == TT_OK && t->group && i < local_workers_size(t->group); i++)
		st = make_peer(t, o, i);
	return st;
}

static tt_status find_comm(struct tt_trainer *t, const tt_trainer_opts *o)
{
	const struct distribute_opts *d = &t->model->spec->distribute;
	int workers = o->workers ? o->workers : o->group ? 1 : d->workers;
	tt_status st;

	if (workers < 1 || (o->group && workers > 1))
		return err_set(TT_EINVAL, "%d workers%s", workers,
		               o->group ? ": a launcher has started one process for each: leave workers out"
		                       : "");
	t->comm = o->group;
	if (o->group && o->group->size > 1)
		return TT_OK;
	if (workers == 1) {
		st = comm_self(&t->self);
		t->comm = t->self;
		return st;
	}
	if ((st = local_workers_new(&t->group, workers, d->timeout, &peer_ops)) != TT_OK)
		return st;
	t->comm = local_workers_end(t->group, 0);
	if (!sync_pick(d, workers)->in_process)
		return TT_OK;
	return local_shared_new(&t->shared, workers, d->timeout);
}

/* Streams are a worker's own. */
static tt_status check_carry(const struct tt_trainer *t)
{
	const struct tt_spec *s = t->model->spec;

	if (!s->data.carry)
		return TT_OK;
	if (t->shared)
		return err_set(TT_ESUPPORT, "data.carry: under distribute.strategy: %s whoever is free "
		               "takes the next batch, and streams are a worker's own: take another one",
		               sync_words[s->distribute.strategy]);
	if (s->distribute.combine == COMBINE_NET)
		return err_set(TT_ESUPPORT, "data.carry: distribute.combine: net asks the members about "
		               "samples that are apart: set it to average");
	return TT_OK;
}

static tt_status check_strategy(const struct tt_trainer *t)
{
	const struct tt_spec *s = t->model->spec;
	const struct learner_demands more = {
		.processes = t->group ? 1 : trainer_world(t),
		.every_steps = s->train.checkpoint.every_steps,
	};

	tt_status st = check_carry(t);

	if (st != TT_OK || trainer_world(t) == 1)
		return st;
	return learner_check(&s->distribute, &s->train.optimizer, &more);
}

/* ---- the run folder: rank 0's ---- */

static tt_status trace_file(struct tt_trainer *t, const char *path)
{
	if (!path)
		return TT_OK;
	str_add(&t->trace_path, path);
	return str_status(&t->trace_path);
}

static tt_status set_paths(struct tt_trainer *t, const char *dir)
{
	size_t n = strlen(dir);
	tt_status st;

	if (!n)
		return err_set(TT_EINVAL, "run_dir is empty: name a folder, or none (NULL)");
	while (n > 1 && dir[n - 1] == '/')
		n--;
	str_add_bytes(&t->dir, dir, n);
	if ((st = str_status(&t->dir)) != TT_OK ||
	    (st = run_dir_path(&t->last, t->dir.p, TT_RUN_LAST)) != TT_OK)
		return st;
	return run_dir_path(&t->best, t->dir.p, TT_RUN_BEST);
}

static tt_status lock_folder(struct tt_trainer *t)
{
	struct run_lock_how how = run_lock_usual;

	how.stop = asked_to_stop;
	how.ctx = t;
	return run_lock_take(&t->lock, t->dir.p, &how);
}

/* Whose folder it is, is found out before anything else, if it is there. */
static tt_status find_folder(struct tt_trainer *t, const tt_trainer_opts *o)
{
	tt_status st;

	if (trainer_rank(t) || !o->run_dir)
		return TT_OK;
	if ((st = set_paths(t, o->run_dir)) != TT_OK)
		return st;
	t->dir_was_new = !file_exists(t->last.p);
	return file_is_dir(t->dir.p) ? lock_folder(t) : TT_OK;
}

/* It was not there when we came, and somebody may have been faster. */
static tt_status make_folder(struct tt_trainer *t)
{
	tt_status st = t->lock ? TT_OK : file_mkdirs(t->dir.p);

	if (st != TT_OK || (!t->lock && (st = lock_folder(t)) != TT_OK))
		return st;
	if (t->dir_was_new && file_exists(t->last.p))
		return err_set(TT_EBUSY, "%s: another process has trained in this run folder meanwhile",
		               t->dir.p);
	return TT_OK;
}

static tt_status write_spec(const struct tt_trainer *t)
{
	char *text;
	tt_status st = tt_spec_text(t->model->spec, &text);

	if (st != TT_OK)
		return st;
	st = run_dir_write(t->dir.p, TT_RUN_SPEC, text);
	tt_free(text);
	return st;
}

static tt_status fill_folder(struct tt_trainer *t, const char *environment)
{
	tt_status st;

	if ((st = run_dir_make(t->dir.p)) != TT_OK || (st = write_spec(t)) != TT_OK)
		return st;
	if (environment &&
	    (st = run_dir_write(t->dir.p, TT_RUN_ENVIRONMENT, environment)) != TT_OK)
		return st;
	return observers_add_files(&t->observers, &(struct observer_opts){
		.dir = t->dir.p, .model = trainer_whole(t), .resumed = t->resumed,
		.info = tt_source_describe(t->train_source) });
}

/* A run that goes on has its numbers. */
static tt_status find_place(struct tt_trainer *t, const tt_trainer_opts *o)
{
	tt_status st;

	if (trainer_rank(t))
		return TT_OK;
	if ((st = resume(t, o->resume)) != TT_OK || t->last_good.len)
		return st;
	return model_begin(trainer_whole(t));
}

static tt_status open_run(struct tt_trainer *t, const tt_trainer_opts *o)
{
	const int folder = trainer_rank(t) == 0 && o->run_dir;
	tt_status st;

	if ((folder && ((st = make_folder(t)) != TT_OK ||
	                (st = fill_folder(t, o->environment)) != TT_OK)) ||
	    (st = observers_add_function(&t->observers, o->observe, o->observe_ctx)) != TT_OK)
		return st;
	/* A rank may be lost in the first epoch: there is something to resume from the start. */
	return folder && trainer_world(t) > 1 && !t->resumed ? checkpoint_save(t, t->last.p) : TT_OK;
}

/* What cannot be done is found out before kernels are measured, and before anything is written. */
static tt_status build(struct tt_trainer *t, const tt_trainer_opts *o)
{
	tt_status st;

	t->making = o;
	if ((st = find_comm(t, o)) != TT_OK || (st = check_strategy(t)) != TT_OK ||
	    (st = find_folder(t, o)) != TT_OK ||
	    (st = split_ensemble(t)) != TT_OK ||
	    (st = init_rank(t, o)) != TT_OK ||
	    (st = make_parts(t, o)) != TT_OK || (st = init_progress(t)) != TT_OK ||
	    (st = find_place(t, o)) != TT_OK || (st = compile_all(t)) != TT_OK ||
	    (st = make_peers(t, o)) != TT_OK || (st = trace_file(t, o->trace)) != TT_OK)
		return st;
	if (asked_to_stop(t))
		return err_set(TT_ESTOPPED, "stopped on request before the first step");
	t->making = NULL;
	if ((st = open_run(t, o)) != TT_OK)
		return st;
	return t->group ? local_workers_start(t->group) : TT_OK;
}

tt_status tt_trainer_new(tt_trainer **out, tt_model *m, const tt_trainer_opts *opts)
{
	struct tt_trainer *t;
	tt_trainer_opts o;
	int known, wants;
	tt_status st;

	if (!out || !m)
		return err_null(__func__);
	known = m->signature->view.known;
	wants = model_wants_scaling(m);
	if ((st = sized_options(&o, sizeof o, opts, "tt_trainer_opts")) != TT_OK)
		return st;
	if (!(t = mem_calloc(1, sizeof *t)))
		return TT_ENOMEM;
	t->process = getpid();
	t->model = m;
	t->opts = &m->spec->train;
	if ((st = build(t, &o)) == TT_OK) {
		*out = t;
	} else {
		ensemble_undo(t->ensemble);
		tt_trainer_free(&t);
		if (!known && m->signature->view.known)
			(void)tt_model_unbind(m);       /* what it learnt was wrong, or for nothing */
		if (wants && !model_wants_scaling(m))
			(void)model_set_scaling(m, &(struct scaling){ { 0 }, { 0 } });
	}
	return st;
}

static void close_sources(struct tt_trainer *t)
{
	if (t->train_base) {
		tt_source_close(&t->train_source);
		t->train_source = t->train_base;
	}
	if (!(t->lent & LENT_VALID))
		tt_source_close(&t->valid_source);
	if (!(t->lent & LENT_TRAIN))
		tt_source_close(&t->train_source);
}

void tt_trainer_free(tt_trainer **out)
{
	struct tt_trainer *t = out ? *out : NULL;

	if (!t)
		return;
	if (t->process != getpid()) {           /* threads and files are its own, over there */
		*out = NULL;
		return;
	}
	if (t->group)
		local_workers_quit(t->group);
	learner_leave(t->learner);
	local_workers_free(&t->group);
	observers_release(&t->observers);
	run_lock_give(&t->lock);
	rest_release(t);
	evaluator_free(&t->evaluator);
	class_weights_free(&t->class_weights);
	learner_free(&t->learner);
	loader_free(&t->loader);
	if (!t->borrows)
		local_shared_free(&t->shared);
	engine_close(&t->engine);
	ensemble_close(&t->ensemble);
	close_sources(t);
	trace_free(&t->trace);
	comm_close(&t->self);
	str_release(&t->trace_path);
	str_release(&t->dir);
	str_release(&t->last);
	str_release(&t->best);
	str_release(&t->last_good);
	str_release(&t->note);
	mem_free(t);
	*out = NULL;
}
