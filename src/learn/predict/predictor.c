#include <tutti/train.h>

#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "learn/predict/evaluator.h"
#include "learn/predict/feed.h"
#include "learn/predict/program_cache.h"
#include "learn/spec/spec.h"

#define DEFAULT_BATCH 64
#define DEFAULT_TOP_K 5

struct tt_predictor {
	tt_model        *model;       /* a copy */
	struct engine   *engine;
	struct program_cache *programs;
	int              batch, top_k;
};

/* ---- life ---- */

static tt_status copy_model(tt_model **out, const tt_model *m)
{
	tt_status st = tt_model_new(out, m->spec);

	if (st != TT_OK)
		return st;
	memcpy((*out)->params, m->params, m->param_count * sizeof *m->params);
	if (m->buffer_count)
		memcpy((*out)->buffers, m->buffers, m->buffer_count * sizeof *m->buffers);
	return TT_OK;
}

static tt_status precision_of(const tt_predictor_opts *o, const struct tt_spec *s,
                              enum precision *out)
{
	static const char *const words[] = { [PRECISION_F32] = "f32", [PRECISION_BF16] = "bf16" };

	if (!o->precision) {
		*out = (enum precision)s->train.precision;
		return TT_OK;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(o->precision, words[i]) == 0) {
			*out = (enum precision)i;
			return TT_OK;
		}
	return err_set(TT_EINVAL, "precision '%s' is none of f32, bf16", o->precision);
}

static tt_status read_opts(const tt_predictor_opts *o, tt_predictor_opts *out)
{
	tt_status st = sized_options(out, sizeof *out, o, "tt_predictor_opts");

	if (st != TT_OK)
		return st;
	if (out->batch < 0 || out->threads < 0 || out->top_k < 0)
		return err_set(TT_EINVAL, "predictor options must not be negative: batch %d, threads %d, "
		               "top_k %d", out->batch, out->threads, out->top_k);
	return TT_OK;
}

tt_status tt_predictor_new(tt_predictor **out, const tt_model *m, const tt_predictor_opts *opts)
{
	struct engine_opts engine = { 0 };
	tt_predictor_opts o;
	struct tt_predictor *p;
	tt_status st;

	if (!out || !m)
		return err_null(__func__);
	engine.tune = m->spec->train.tune_kernels;
	if ((st = read_opts(opts, &o)) != TT_OK ||
	    (st = precision_of(&o, m->spec, &engine.precision)) != TT_OK)
		return st;
	engine.threads = o.threads;
	engine.cache = o.kernel_cache;
	if (!(p = mem_calloc(1, sizeof *p)))
		return TT_ENOMEM;
	p->batch = o.batch ? o.batch : DEFAULT_BATCH;
	p->top_k = o.top_k ? o.top_k : DEFAULT_TOP_K;
	if ((st = copy_model(&p->model, m)) != TT_OK ||
	    (st = engine_open(&p->engine, &engine)) != TT_OK)
		goto fail;
	st = program_cache_new(&p->programs, &(struct program_cache_opts){
		.engine = p->engine, .model = p->model, .purpose = NN_PREDICT });
	if (st != TT_OK)
		goto fail;
	*out = p;
	return TT_OK;
fail:
	tt_predictor_free(&p);
	return st;
}

void tt_predictor_free(tt_predictor **p)
{
	if (!p || !*p)
		return;
	program_cache_free(&(*p)->programs);
	engine_close(&(*p)->engine);
	tt_model_free(&(*p)->model);
	mem_free(*p);
	*p = NULL;
}

int64_t tt_predictor_inputs(const tt_predictor *p)
{
	return p ? p->model->inputs : 0;
}

int64_t tt_predictor_outputs(const tt_predictor *p)
{
	return p ? p->model->outputs : 0;
}

/* ---- answers ---- */

/* Batches of the full size, then powers of two: whatever n comes, few programs are ever compiled
 * and no work is spent on padding. */
static int64_t next_chunk(int64_t left, int64_t batch)
{
	int64_t n = 1;

	if (left >= batch)
		return batch;
	while (2 * n <= left)
		n *= 2;
	return n;
}

tt_status tt_predictor_run(tt_predictor *p, const float *x, int64_t n, float *out)
{
	static const struct program_run run = { .sample_stride = 1 };
	struct program *program;
	size_t in, answers;
	tt_status st;

	if (!p || !x || !out)
		return err_null(__func__);
	in = (size_t)p->model->inputs;
	answers = (size_t)p->model->outputs;
	if (n <= 0)
		return err_set(TT_EINVAL, "a prediction for %lld samples: there must be at least one",
		               (long long)n);
	engine_enter(p->engine);
	for (int64_t at = 0, k; at < n; at += k) {
		k = next_chunk(n - at, p->batch);
		st = feed_run(p->programs, &(struct feed){ .x = x + (size_t)at * in, .n = k }, &run,
		              &program);
		if (st != TT_OK)
			return st;
		memcpy(out + (size_t)at * answers, program_output(program, 0),
		       (size_t)k * answers * sizeof *out);
	}
	return TT_OK;
}

tt_status tt_predictor_normalise(const tt_predictor *p, const tt_source_info *given,
                                 const void *raw, float *x)
{
	int64_t numbers = 1;
	tt_source_info info;
	tt_status st;

	if (!p || !given || !raw || !x)
		return err_null(__func__);
	if ((st = sized_options(&info, sizeof info, given, "tt_source_info")) != TT_OK)
		return st;
	for (int i = 0; i < info.ndim; i++)
		numbers *= info.shape[i];
	if (numbers != p->model->inputs)
		return err_set(TT_ESHAPE, "a sample has %lld numbers, the net wants %lld",
		               (long long)numbers, (long long)p->model->inputs);
	loader_normalise(&info, &p->model->spec->data, raw, x);
	return TT_OK;
}

/* The caller owns its confusion matrix, the evaluator keeps the one it counts in. */
static tt_status hand_over(const tt_metrics *m, tt_metrics *out)
{
	size_t bytes = (size_t)m->classes * (size_t)m->classes * sizeof *m->confusion;
	tt_metrics whole = *m;
	int64_t *copy = NULL;
	tt_status st;

	if (m->confusion && !(copy = mem_alloc(bytes)))
		return TT_ENOMEM;
	if (copy)
		memcpy(copy, m->confusion, bytes);
	whole.confusion = copy;
	if ((st = sized_give(out, &whole, sizeof whole, "tt_metrics")) != TT_OK)
		mem_free(copy);
	return st;
}

tt_status tt_predictor_eval(tt_predictor *p, const tt_source *s, tt_metrics *out)
{
	struct evaluator_opts opts = { .what = EVALUATE_CONFUSION };
	struct evaluator *e = NULL;
	tt_metrics m;
	tt_status st;

	if (!p || !s || !out)
		return err_null(__func__);
	opts.engine = p->engine;
	opts.model = p->model;
	opts.batch = p->batch;
	opts.top_k = p->top_k;
	/* Sources never change once open: that they are passed on without const is the loader's way. */
	opts.source = (tt_source *)(uintptr_t)s;
	engine_enter(p->engine);
	if ((st = evaluator_new(&e, &opts)) != TT_OK)
		return st;
	if ((st = evaluator_run(e, &m)) == TT_OK)
		st = hand_over(&m, out);
	evaluator_free(&e);
	return st;
}
