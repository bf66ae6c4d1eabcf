#include "learn/train/data_parallel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "compute/exec/program.h"
#include "distribute/sync/trace.h"
#include "data/reader.h"
#include "learn/train/trainer.h"

/* What goes wrong between ranks is another rank's fault, not this one's. */
static tt_status blame_peer(tt_status st)
{
	char text[ERR_MAX];

	if (st != TT_EIO && st != TT_ETIMEDOUT)
		return st;
	snprintf(text, sizeof text, "%s", tt_last_error());
	return err_set(TT_EPEER, "%s", text);
}

static float *sums_of(const struct tt_trainer *t)
{
	return t->grads + t->model->param_count;
}

/* ---- are we the same? ---- */

static uint64_t hash(uint64_t h, const void *p, size_t n)       /* FNV-1a */
{
	for (const unsigned char *c = p, *end = c + n; c < end; c++)
		h = (h ^ *c) * 1099511628211u;
	return h;
}

/* A few samples stand for all: other data under the same name are found, at no cost. */
static tt_status hash_data(const tt_source *s, uint64_t *out)
{
	const struct reader *r = source_reader(s);
	const size_t bytes = source_bytes(&r->info), values = (size_t)r->info.values;
	unsigned char *x = mem_calloc(1, bytes + 1);
	float *v = mem_calloc(values + 1, sizeof *v);
	int32_t label = 0;
	tt_status st = x && v ? TT_OK : TT_ENOMEM;

	*out = 14695981039346656037u;
	for (int i = 0; st == TT_OK && i < 3; i++) {
		st = r->ops->read(r, i * (r->info.count - 1) / 2, x, values ? NULL : &label,
		                  values ? v : NULL);
		*out = hash(*out, x, bytes);
		*out = hash(*out, &label, sizeof label);
		*out = hash(*out, v, values * sizeof *v);
	}
	mem_free(x);
	mem_free(v);
	return st;
}

static void add_parameters(struct str *s, const struct tt_model *m)
{
	char shape[TENSOR_TEXT];

	for (int i = 0; i < m->n_params; i++)
		str_addf(s, "parameter %s %s\n", m->param[i].name, tensor_text(&m->param[i].desc, shape));
	for (int i = 0; i < m->n_buffers; i++)
		str_addf(s, "buffer %s %s\n", m->buffer[i].name, tensor_text(&m->buffer[i].desc, shape));
}

static tt_status agree(struct tt_trainer *t)
{
	const tt_source_info *info = tt_source_describe(t->train_source);
	struct str s = {0};
	uint64_t data;
	char *spec;
	tt_status st = hash_data(t->train_source, &data);

	if (st != TT_OK || (st = tt_spec_text(t->model->spec, &spec)) != TT_OK)
		return st;
	str_addf(&s, "tutti " TT_VERSION "\ncheckpoints are %s\n%s",
	         t->saves ? "written" : "not written", spec);
	add_parameters(&s, t->model);
	if (t->n_factored)
		str_addf(&s, "distribute.factors: products are rounded %s\n",
		         factors_fused() ? "once, as sums" : "before they are added");
	str_addf(&s, "data: %lld samples, hash %016llx\n", (long long)info->count,
	         (unsigned long long)data);
	if ((st = str_status(&s)) == TT_OK)
		st = comm_agree(t->comm, s.p);
	tt_free(spec);
	str_release(&s);
	return st;
}

/* ---- the start ---- */

static float *slot_of(void *ctx, int i)
{
	const char *name;

	return optim_slot(((struct tt_trainer *)ctx)->optim, i, &name);
}

static float *all_slot_of(void *ctx, int i)
{
	return ensemble_slot(ctx, i);
}

static void apply(void *ctx, size_t lo, size_t hi)
{
	struct tt_trainer *t = ctx;

	if (!optim_by_range(t->optim))
		t->progress.grad_norm = optim_clip(t->optim, t->grads);
	optim_apply(t->optim, t->model->params, t->grads, lo, hi);
}

/* Floats of a row of the weights. */
static size_t row_of(const struct factors *f) { return (size_t)(f->c * f->taps); }

/* Those of all the rows that a rank's part of them touches. */
static size_t part_of(const struct factors *f, int ranks)
{
	return (size_t)(f->k / ranks + 2 * FACTORS_ROWS + 2) * row_of(f);
}

/* A part of the product lies behind the room for making it. */
static struct sync_factored factored(void *ctx, int i)
{
	const struct tt_trainer *t = ctx;
	const struct nn_factored *nf = &t->factored[i];
	const struct factors *f = &nf->factors;
	const size_t part = trainer_shares_products(t) ? part_of(f, t->comm->size) : 0;

	return (struct sync_factored){ nf->at, nf->at + (size_t)ir_factors_weights(f),
	                               (size_t)ir_factors_floats(f), factors_work(f) + part };
}

static tt_status multiply(void *ctx, int i, const float *const *all, float *work)
{
	const struct tt_trainer *t = ctx;
	const struct nn_factored *f = &t->factored[i];

	return factors_multiply(&f->factors, all, t->comm->size,
	                        (struct factors_part){ 0, f->factors.k }, work, t->grads + f->at);
}

static tt_status apply_product(void *ctx, int i, const float *const *all, size_t lo, size_t hi,
                               float *work)
{
	const struct tt_trainer *t = ctx;
	const struct nn_factored *nf = &t->factored[i];
	const struct factors *f = &nf->factors;
	const size_t block = row_of(f) * FACTORS_ROWS, first = (lo - nf->at) / block;
	const int64_t end = (int64_t)((hi - nf->at + block - 1) / block) * FACTORS_ROWS;
	const struct factors_part rows = { (int64_t)first * FACTORS_ROWS, end < f->k ? end : f->k };
	float *made = work + factors_work(f);
	tt_status st = factors_multiply(f, all, t->comm->size, rows, work, made);

	if (st == TT_OK)
		optim_apply_part(t->optim, t->model->params, made + (lo - nf->at - first * block), lo, hi);
	return st;
}

static const char *name_at(void *ctx, size_t at)
{
	const struct tt_model *m = ((struct tt_trainer *)ctx)->model;
	int i = m->n_params - 1;

	if (at >= m->param_count)
		return "loss and samples";
	while (i && at < m->param[i].offset)
		i--;
	return m->param[i].name;
}

/* What of an ensemble's optimizers comes together on rank 0 gets its room now. */
static tt_status make_slots(struct tt_trainer *t)
{
	for (int i = 0; t->ensemble && !trainer_rank(t) && i < optim_slots(t->optim); i++)
		if (!ensemble_slot(t, i))
			return TT_ENOMEM;
	return TT_OK;
}

tt_status data_parallel_check(const struct tt_trainer *t)
{
	const struct tt_spec *s = t->model->spec;
	const char *rule = sync_words[s->distribute.strategy];

	if (strcmp(rule, "eamsgd") == 0 && s->train.optimizer.momentum > 0)
		return err_set(TT_ESPEC, "distribute.strategy eamsgd has a momentum of its own, "
		               "distribute.delta: set train.optimizer.momentum: 0");
	if (s->distribute.period == 0 && (strcmp(rule, "easgd") == 0 || strcmp(rule, "eamsgd") == 0))
		return err_set(TT_ESPEC, "distribute.period: 0 is one average at the end, by strategy "
		               "average; under %s the result would stay what it was at the start: workers "
		               "bring it forward every `period` steps, such as 10", rule);
	if (s->distribute.sync_batchnorm && strcmp(rule, "allreduce") != 0)
		return err_set(TT_ESPEC, "distribute.sync_batchnorm makes one batch of all workers' shares "
		               "at every step, as only distribute.strategy: allreduce does");
	return TT_OK;
}

tt_status data_parallel_join(struct tt_trainer *t)
{
	const struct sync_host h = {
		.comm = t->comm, .opts = &t->model->spec->distribute, .params = t->model->params,
		.grads = t->grads, .buffers = t->model->buffers, .param_count = t->model->param_count,
		.buffer_count = t->model->buffer_count, .sums = SUMS,
		.by_range = optim_by_range(t->optim), .apply = apply, .ctx = t,
		.n_factored = t->n_factored, .factored = factored, .multiply = multiply,
		.share_products = trainer_shares_products(t), .apply_product = apply_product,
		.slots = optim_slots(t->optim), .slot = slot_of, .trace = t->trace, .name = name_at,
		.all_params = trainer_whole(t)->params, .all_buffers = trainer_whole(t)->buffers,
		.all_slot = all_slot_of,
	};
	tt_status st;

	t->comm->doing = "the start";
	if ((st = make_slots(t)) != TT_OK || (st = agree(t)) != TT_OK ||
	    (st = checkpoint_share_place(t)) != TT_OK || (st = sync_open(&t->sync, &h)) != TT_OK)
		return blame_peer(st);
	return loader_seek(t->loader, t->at.epoch, t->at.consumed);
}

/* ---- a step ---- */

/* The forward pass is over: what it says travels with the first gradients. */
static void count_share(struct tt_trainer *t)
{
	float *s = sums_of(t);
	struct metrics m = { .classes = t->epoch_sums.classes, .k = t->epoch_sums.k };

	s[SUM_STOP] = (float)(atomic_load(&t->stop) != 0);
	if (!t->share.batch.n)
		return;
	trainer_add_metrics(t, &m);
	s[SUM_SAMPLES] += (float)m.samples;
	s[SUM_LOSS] += (float)m.loss;
	s[SUM_CORRECT] += (float)m.correct;
	s[SUM_IN_TOP] += (float)m.in_top;
	if (!isfinite(m.loss)) {
		s[SUM_BAD] = 1;
		s[SUM_BAD_RANK] = (float)t->comm->rank;
	}
}

static tt_status need(void *ctx, size_t lo, size_t hi)
{
	struct tt_trainer *t = ctx;

	return blame_peer(sync_wait_params(t->sync, lo, hi));
}

/* Backward begins: the step before is over, and the optimizer turns to this one. */
static tt_status turn(struct tt_trainer *t)
{
	tt_status st = sync_flush(t->sync);

	t->share.turned = 1;
	if (st != TT_OK)
		return st;
	optim_begin(t->optim, t->progress.lr, t->at.step + 1);
	count_share(t);
	return TT_OK;
}

static void ready(void *ctx, size_t lo, size_t hi)
{
	struct tt_trainer *t = ctx;

	if (!t->share.turned && t->share.status == TT_OK)
		t->share.status = turn(t);
	if (t->share.status == TT_OK && microbatch_ready(t, lo, hi))
		t->share.status = sync_grad_ready(t->sync, lo, hi);
}

static tt_status gather(void *ctx, const float *mine, size_t n, float *all)
{
	return sync_all_gather(((struct tt_trainer *)ctx)->sync, mine, n, all);
}

static tt_status piece_done(struct tt_trainer *t) { return blame_peer(t->share.status); }

/* Where no sample is left for this rank in this batch the others wait for its zeros. */
static tt_status run_share(struct tt_trainer *t, const struct batch *b)
{
	const struct microbatch_run run = {
		.samples = t->sync->summed ? b->n_global : b->n, .need = need, .ready = ready,
		.gather = gather, .done = piece_done,
	};
	tt_status st;

	if (b->n)
		return microbatch_run(t, b, &run);
	if ((st = sync_flush(t->sync)) != TT_OK)
		return blame_peer(st);
	memset(t->grads, 0, t->model->param_count * sizeof *t->grads);
	t->share.piece = t->share.pieces - 1;
	ready(t, 0, t->model->param_count);
	return t->share.status == TT_OK ? microbatch_run(t, b, &run) : piece_done(t);
}

static tt_status not_finite(struct tt_trainer *t, int ranks, int rank)
{
	char what[80];

	if (ranks == 1)
		snprintf(what, sizeof what, "the loss is not finite on rank %d", rank);
	else
		snprintf(what, sizeof what, "the loss is not finite on %d ranks", ranks);
	return trainer_not_finite(t, what, t->at.step + 1);
}

/* What is behind the gradients now is the sum of all ranks. */
static tt_status take_sums(struct tt_trainer *t)
{
	float *s = sums_of(t);
	const int bad = (int)s[SUM_BAD], rank = (int)s[SUM_BAD_RANK];

	t->epoch_sums.samples += (int64_t)s[SUM_SAMPLES];
	t->epoch_sums.correct += (int64_t)s[SUM_CORRECT];
	t->epoch_sums.in_top += (int64_t)s[SUM_IN_TOP];
	t->epoch_sums.loss += (double)s[SUM_LOSS];
	t->interval.samples += (int64_t)s[SUM_SAMPLES];
	t->interval.correct += (int64_t)s[SUM_CORRECT];
	t->interval.loss += (double)s[SUM_LOSS];
	t->stopping = t->stopping || s[SUM_STOP] > 0;
	memset(s, 0, SUMS * sizeof *s);
	if (!bad)
		return TT_OK;
	(void)sync_flush(t->sync);             /* no sum is under way when ranks part */
	return not_finite(t, bad, rank);
}

tt_status data_parallel_step(struct tt_trainer *t, const struct batch *b)
{
	const struct sync_step at = { t->at.step + 1, t->at.epoch, b->n, atomic_load(&t->stop) };
	tt_status st;

	if ((st = sync_begin(t->sync, &at)) != TT_OK)
		return blame_peer(st);
	st = data_parallel_blame(t, run_share(t, b));
	/* Gradients that stay here are applied here: there is nobody to tell first. */
	if (st == TT_OK && !t->sync->summed && sums_of(t)[SUM_BAD] > 0)
		st = not_finite(t, 1, t->comm->rank);
	if (st == TT_OK)
		st = blame_peer(sync_finish(t->sync));
	t->stopping = t->stopping || t->sync->stop;
	return st == TT_OK && t->sync->exchanged ? take_sums(t) : st;
}

/* ---- between steps ---- */

tt_status data_parallel_epoch_end(struct tt_trainer *t, enum data_parallel_epoch e)
{
	tt_status st;

	if (!t->sync)
		return TT_OK;
	sums_of(t)[SUM_STOP] = (float)(atomic_load(&t->stop) != 0);
	st = e == EPOCH_LAST ? sync_end(t->sync) : sync_epoch_end(t->sync);
	return st == TT_OK ? take_sums(t) : blame_peer(st);
}

tt_status data_parallel_settle(struct tt_trainer *t)
{
	return t->sync ? blame_peer(sync_flush(t->sync)) : TT_OK;
}

tt_status data_parallel_meet(struct tt_trainer *t)
{
	const int met = t->sync && t->sync->met;
	tt_status st;

	if (!t->sync)
		return TT_OK;
	if ((st = sync_consolidate(t->sync)) != TT_OK)
		return blame_peer(st);
	/* Who never talks in between says his numbers now. */
	return t->ensemble && !met ? take_sums(t) : TT_OK;
}

void data_parallel_part(struct tt_trainer *t)
{
	if (t->sync)
		sync_resume(t->sync);
}

void data_parallel_measure(struct tt_trainer *t)
{
	if (!t->sync)
		return;
	t->progress.wire_seconds = t->sync->stats.wire_seconds;
	t->progress.exposed_seconds = t->sync->stats.exposed_seconds;
	t->progress.bytes_sent = (int64_t)t->sync->stats.bytes_sent;
}

tt_status data_parallel_blame(const struct tt_trainer *t, tt_status st)
{
	return t->comm && t->comm->fault.status != TT_OK ? blame_peer(st) : st;
}

/* ---- the end ---- */

void data_parallel_give_up(struct tt_trainer *t)
{
	char why[ERR_MAX];

	if (!t->comm)
		return;
	snprintf(why, sizeof why, "%s", tt_last_error());
	comm_abandon(t->comm, why);
	err_text("%s", why);
}

tt_status data_parallel_write_trace(struct tt_trainer *t)
{
	const int n = t->group ? local_workers_size(t->group) : 1;
	struct trace **all = mem_calloc((size_t)n, sizeof *all);
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	if (t->group)
		local_workers_settle(t->group);
	all[0] = t->trace;
	for (int i = 1; i < n; i++)
		all[i] = local_workers_peer(t->group, i)->trace;
	st = trace_write(all, n, t->trace_path.p);
	mem_free(all);
	return st;
}

void data_parallel_leave(struct tt_trainer *t)
{
	sync_close(&t->sync);
}
