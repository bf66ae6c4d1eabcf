/* trainer.c -- a trainer is put together, and taken apart. */
#include "learn/train/trainer.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* ---- data ---- */

static int same_classes(const tt_source_info *a, const tt_source_info *b)
{
	if (a->classes != b->classes)
		return 0;
	for (int i = 0; a->class_names && b->class_names && i < a->classes; i++)
		if (strcmp(a->class_names[i], b->class_names[i]) != 0)
			return 0;
	return 1;
}

/* Class 3 of validation must be class 3 of training. */
static tt_status check_classes(const struct tt_trainer *t)
{
	const tt_source_info *train = tt_source_describe(t->train_source);
	const tt_source_info *valid = tt_source_describe(t->valid_source);

	if (train->target != TT_TARGET_CLASS || valid->target != TT_TARGET_CLASS ||
	    same_classes(train, valid))
		return TT_OK;
	return err_set(TT_ESHAPE, "data.train has %d classes, data.valid has %d, or they have other names",
	               train->classes, valid->classes);
}

static tt_status open_sources(struct tt_trainer *t)
{
	const struct data_opts *d = &t->model->spec->data;
	const tt_source_info *info;
	tt_status st;

	if (!d->train || !*d->train)
		return err_set(TT_ESPEC, "data.train is not set: say which data to train on, such as "
		               "data.train=mnist:DIR");
	if ((st = tt_source_open(&t->train_source, d->train)) != TT_OK)
		return err_at(st, "data.train");
	info = tt_source_describe(t->train_source);
	if (info->count < 1)
		return err_set(TT_EFORMAT, "data.train: %s holds no sample", d->train);
	if (info->target == TT_TARGET_CLASS && info->class_names &&
	    (st = nn_set_classes(t->model, info->class_names, info->classes)) != TT_OK)
		return st;
	if (!d->valid || !*d->valid || t->opts->valid_every <= 0)
		return TT_OK;
	if ((st = tt_source_open(&t->valid_source, d->valid)) != TT_OK)
		return err_at(st, "data.valid");
	return check_classes(t);
}

static tt_status open_loader(struct tt_trainer *t)
{
	const struct loader_opts o = {
		.data = &t->model->spec->data, .training = 1, .batch = t->opts->batch, .world = 1,
		.seed = (uint64_t)t->opts->seed,
	};
	const tt_source_info *info = tt_source_describe(t->train_source);
	tt_status st;

	if ((st = target_init(&t->target, t->model, info, t->opts->batch)) != TT_OK)
		return err_at(st, "data.train");
	t->epoch_sums.classes = t->target.classes;
	t->epoch_sums.k = t->opts->top_k;
	return loader_new(&t->loader, t->train_source, &o);
}

/* ---- compute ---- */

static tt_status make_optim(struct tt_trainer *t)
{
	const struct tt_model *m = t->model;
	struct optim_tensor *tensor;
	tt_status st;

	if (!m->param_count)
		return err_set(TT_ESPEC, "%s: no layer has parameters: there is nothing to train",
		               m->spec->name);
	if (!(tensor = mem_calloc((size_t)m->n_params, sizeof *tensor)))
		return TT_ENOMEM;
	for (int i = 0; i < m->n_params; i++)
		tensor[i] = (struct optim_tensor){
			.offset = m->param[i].offset, .count = m->param[i].count,
			.decay = m->param[i].role == PARAM_WEIGHT || t->opts->optimizer.decay_norms,
		};
	st = optim_new(&t->optim, &t->opts->optimizer, tensor, m->n_params);
	mem_free(tensor);
	return st;
}

static tt_status make_programs(struct tt_trainer *t)
{
	size_t bytes = t->model->param_count * sizeof *t->grads;
	int64_t count = tt_source_describe(t->train_source)->count;
	struct program *first;
	tt_status st;

	if (!(t->grads = mem_alloc_aligned(bytes)))
		return TT_ENOMEM;
	memset(t->grads, 0, bytes);
	st = programs_new(&t->programs, &(struct programs_opts){
		.engine = t->engine, .model = t->model, .purpose = NN_TRAIN, .grads = t->grads });
	if (st != TT_OK)
		return st;
	/* The main batch size now, so that what cannot be compiled is said before the run. */
	return programs_get(t->programs, count < t->opts->batch ? count : t->opts->batch, &first);
}

static tt_status make_evaluator(struct tt_trainer *t)
{
	const struct evaluator_opts o = {
		.engine = t->engine, .model = t->model, .source = t->valid_source,
		.batch = t->opts->eval_batch ? t->opts->eval_batch : t->opts->batch,
		.top_k = t->opts->top_k, .stop = &t->stop,
	};
	tt_status st;

	if (!t->valid_source)
		return TT_OK;
	st = evaluator_new(&t->evaluator, &o);
	return st == TT_OK ? TT_OK : err_at(st, "data.valid");
}

static tt_status make_compute(struct tt_trainer *t, const tt_trainer_opts *o)
{
	const struct engine_opts e = {
		.threads = t->opts->threads, .precision = (enum precision)t->opts->precision,
		.tune = t->opts->tune_kernels, .cache = o->kernel_cache,
	};
	tt_status st;

	if ((st = engine_open(&t->engine, &e)) != TT_OK || (st = make_optim(t)) != TT_OK ||
	    (st = make_programs(t)) != TT_OK)
		return st;
	return make_evaluator(t);
}

/* ---- place ---- */

static tt_status init_progress(struct tt_trainer *t)
{
	const struct early_stop_opts *e = &t->opts->early_stop;
	int64_t batches = loader_batches(t->loader);
	int has = (t->evaluator ? WATCH_HAS_VALID : 0) | (t->target.classes ? WATCH_HAS_CLASSES : 0);
	tt_status st = watch_init(&t->watch, e->monitor, has);

	t->watch.patience = e->patience;
	t->watch.min_delta = e->min_delta;
	t->progress = (tt_progress){
		.steps = batches * t->opts->epochs, .epochs = t->opts->epochs, .epoch_steps = batches,
		.loss = NAN, .accuracy = NAN, .valid_loss = NAN, .valid_accuracy = NAN, .best = NAN,
		.lr = t->opts->optimizer.lr, .grad_norm = NAN, .seconds_left = NAN,
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
	if ((st = trainer_load(t, from)) != TT_OK)
		return st;
	return loader_seek(t->loader, t->at.epoch, t->at.consumed);
}

/* ---- life ---- */

static tt_status read_opts(const tt_trainer_opts *o, tt_trainer_opts *out)
{
	*out = (tt_trainer_opts){ .size = sizeof *out };
	if (o && !o->size)
		return err_set(TT_EINVAL, "tt_trainer_opts: size is 0; make it with TT_TRAINER_OPTS(...)");
	if (o)
		memcpy(out, o, o->size < sizeof *out ? o->size : sizeof *out);
	return TT_OK;
}

/* What cannot be done is found out before anything is written. */
static tt_status build(struct tt_trainer *t, const tt_trainer_opts *o)
{
	tt_status st;

	t->observe = o->observe;
	t->observe_ctx = o->observe_ctx;
	if ((st = open_sources(t)) != TT_OK || (st = open_loader(t)) != TT_OK ||
	    (st = make_compute(t, o)) != TT_OK || (st = init_progress(t)) != TT_OK ||
	    (o->run_dir && (st = trainer_folder_paths(t, o->run_dir)) != TT_OK) ||
	    (st = resume(t, o->resume)) != TT_OK)
		return st;
	if (!o->run_dir)
		return TT_OK;
	if ((st = trainer_folder_make(t, o->environment)) != TT_OK)
		return st;
	return trainer_observers(t);
}

tt_status tt_trainer_new(tt_trainer **out, tt_model *m, const tt_trainer_opts *opts)
{
	struct tt_trainer *t;
	tt_trainer_opts o;
	tt_status st;

	if ((st = read_opts(opts, &o)) != TT_OK)
		return st;
	if (!(t = mem_calloc(1, sizeof *t)))
		return TT_ENOMEM;
	t->model = m;
	t->opts = &m->spec->train;
	if ((st = build(t, &o)) == TT_OK)
		*out = t;
	else
		tt_trainer_free(&t);
	return st;
}

void tt_trainer_free(tt_trainer **out)
{
	struct tt_trainer *t = out ? *out : NULL;

	if (!t)
		return;
	for (int i = 0; i < t->n_observers; i++)
		t->observer[i]->ops->close(t->observer[i]);
	evaluator_free(&t->evaluator);
	programs_free(&t->programs);
	loader_free(&t->loader);
	optim_free(&t->optim);
	target_release(&t->target);
	mem_free(t->grads);
	engine_close(&t->engine);
	tt_source_close(&t->valid_source);
	tt_source_close(&t->train_source);
	str_release(&t->dir);
	str_release(&t->last);
	str_release(&t->best);
	str_release(&t->last_good);
	str_release(&t->note);
	mem_free(t);
	*out = NULL;
}
