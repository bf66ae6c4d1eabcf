/* session.c -- weights once, contexts for as many threads as come. */
#include <tutti/session.h>

#include <string.h>

#include "sys/policy.h"
#include "base/mem.h"
#include "base/sized.h"
#include "compute/exec/constants.h"
#include "learn/predict/evaluation.h"
#include "learn/predict/evaluator.h"
#include "learn/predict/session_own.h"
#include "learn/spec/spec.h"

#define DEFAULT_BATCH 64
#define DEFAULT_TOP_K 5
/* ---- life ---- */

static tt_status copy_model(tt_model **out, const tt_model *m)
{
	tt_status st = tt_model_new(out, m->spec);

	if (st != TT_OK)
		return st;
	memcpy((*out)->params, m->params, m->param_count * sizeof *m->params);
	if (m->buffer_count)
		memcpy((*out)->buffers, m->buffers, m->buffer_count * sizeof *m->buffers);
	return nn_copy_names(*out, m);
}

static tt_status precision_of(const tt_session_opts *o, const struct tt_spec *s,
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

static tt_status read_opts(const tt_session_opts *o, tt_session_opts *out)
{
	tt_status st = sized_options(out, sizeof *out, o, "tt_session_opts");

	if (st != TT_OK)
		return st;
	if (out->batch < 0 || out->threads < 0 || out->threads > THREADS_MAX || out->top_k < 0)
		return err_set(TT_EINVAL, "session options: batch %d, threads %d, top_k %d; none may be "
		               "negative, and threads are at most %d", out->batch, out->threads, out->top_k,
		               THREADS_MAX);
	return TT_OK;
}

static tt_status make_programs(tt_session *s)
{
	struct program_cache_opts o = { .engine = s->engine, .model = s->model,
	                                .purpose = NN_PREDICT };
	tt_status st = constants_new(&s->constants);

	o.constants = s->constants;
	if (st != TT_OK || (st = program_cache_new(&s->answers, &o)) != TT_OK)
		return st;
	o.purpose = NN_EVAL;
	o.carry = s->model->spec->data.carry;
	if ((st = program_cache_new(&s->losses, &o)) != TT_OK)
		return st;
	o.carry = 0;
	o.purpose = NN_STEP;
	return program_cache_new(&s->steps, &o);
}

tt_status tt_session_new(tt_session **out, const tt_model *m, const tt_session_opts *opts)
{
	struct engine_opts engine = { 0 };
	tt_session_opts o;
	tt_session *s;
	tt_status st;

	if (!out || !m)
		return err_null(__func__);
	if ((st = nn_check_finite(m, "")) != TT_OK || (st = read_opts(opts, &o)) != TT_OK ||
	    (st = precision_of(&o, m->spec, &engine.precision)) != TT_OK)
		return st;
	engine.tune = m->spec->train.tune_kernels;
	engine.threads = o.threads;
	engine.cache = o.kernel_cache;
	if (!(s = mem_calloc(1, sizeof *s)))
		return TT_ENOMEM;
	s->batch = o.batch ? o.batch : DEFAULT_BATCH;
	s->top_k = o.top_k ? o.top_k : DEFAULT_TOP_K;
	if ((st = copy_model(&s->model, m)) == TT_OK &&
	    (st = engine_open(&s->engine, &engine)) == TT_OK && (st = make_programs(s)) == TT_OK)
		*out = s;
	else
		tt_session_free(&s);
	return st;
}

void tt_session_free(tt_session **sp)
{
	tt_session *s = sp ? *sp : NULL;
	tt_context *next;

	if (!s)
		return;
	for (tt_context *c = s->idle; c; c = next) {
		next = c->next;
		tt_context_free(&c);
	}
	program_cache_free(&s->answers);
	program_cache_free(&s->losses);
	program_cache_free(&s->steps);
	constants_unref(&s->constants);
	engine_close(&s->engine);
	tt_model_free(&s->model);
	mem_free(s);
	*sp = NULL;
}

int64_t tt_session_inputs(const tt_session *s) { return s ? s->model->inputs : 0; }
int64_t tt_session_outputs(const tt_session *s) { return s ? s->model->outputs : 0; }

/* ---- contexts ---- */

tt_status session_make_room(tt_context *c, int64_t rows)
{
	if (rows <= c->rows)
		return TT_OK;
	mem_free(c->room);
	c->rows = 0;
	if (!(c->room = mem_alloc_aligned((size_t)(rows * c->session->model->inputs) *
	                                  sizeof *c->room)))
		return TT_ENOMEM;
	c->rows = rows;
	return TT_OK;
}

/* Where it is known what will come, all of it is there at once. */
static tt_status prepare(tt_context *c)
{
	const tt_session *s = c->session;
	struct program *p;
	tt_status st = TT_OK;

	if (s->n_sizes)
		st = session_make_room(c, s->size[s->n_sizes - 1]);
	for (int i = 0; i < s->n_sizes && st == TT_OK; i++)
		st = program_cache_get(c->programs, (struct sizes){ .batch = s->size[i] }, &p);
	return st;
}

tt_status tt_context_new(tt_context **out, tt_session *s)
{
	tt_context *c;
	tt_status st;

	if (!out || !s)
		return err_null(__func__);
	if (!(c = mem_calloc(1, sizeof *c)))
		return TT_ENOMEM;
	c->session = s;
	c->inputs.model = s->model;
	engine_enter(s->engine);
	if ((st = program_cache_share(&c->programs, s->answers)) == TT_OK &&
	    (st = prepare(c)) == TT_OK)
		*out = c;
	else
		tt_context_free(&c);
	return st;
}

void tt_context_free(tt_context **c)
{
	if (!c || !*c)
		return;
	program_cache_free(&(*c)->programs);
	program_inputs_release(&(*c)->inputs);
	mem_free((*c)->room);
	mem_free(*c);
	*c = NULL;
}

/* One that nobody uses. */
tt_status session_take(tt_session *s, tt_context **out)
{
	lock_take(&s->lock);
	if ((*out = s->idle))
		s->idle = s->idle->next;
	lock_give(&s->lock);
	return *out ? TT_OK : tt_context_new(out, s);
}

void session_give(tt_context *c)
{
	tt_session *s = c->session;

	lock_take(&s->lock);
	c->next = s->idle;
	s->idle = c;
	lock_give(&s->lock);
}

/* ---- answers ---- */


/* Batches of the full size, then powers of two: whatever n comes, few programs are ever compiled
 * and no work is spent on filling. */
struct chunk session_chunk(int64_t left, int64_t batch)
{
	int64_t n = 1;

	if (left >= batch)
		return (struct chunk){ batch, batch };
	while (2 * n <= left)
		n *= 2;
	return (struct chunk){ n, n };
}

/* Of the warmed sizes: up to the next one if that fills up fewer rows than would be left over. */
static struct chunk warmed_chunk(const tt_session *s, int64_t left)
{
	int64_t down = 0, up = 0;

	for (int i = 0; i < s->n_sizes; i++) {
		if (s->size[i] <= left)
			down = s->size[i];
		else if (!up)
			up = s->size[i];
	}
	if (down && (!up || left - down <= up - left))
		return (struct chunk){ down, down };
	return (struct chunk){ left, up };
}

/* In c->room: x, followed by zeros. */
static tt_status fill_up(tt_context *c, const float *x, struct chunk k)
{
	const size_t in = (size_t)c->session->model->inputs;
	tt_status st = session_make_room(c, k.size);

	if (st != TT_OK)
		return st;
	memcpy(c->room, x, (size_t)k.rows * in * sizeof *x);
	memset(c->room + (size_t)k.rows * in, 0, (size_t)(k.size - k.rows) * in * sizeof *x);
	return TT_OK;
}

tt_status session_run_batch(tt_context *c, const tt_batch *b, struct program **p)
{
	static const struct program_run run = { .sample_stride = 1 };
	struct feed f = {0};
	tt_status st = program_inputs_take(&c->inputs, b, NULL, &f.in);

	return st == TT_OK ? feed_run(c->programs, &f, &run, p) : st;
}

/* n samples of the net's one input that lie at x. */
static tt_status run_plain(tt_context *c, const float *x, int64_t n, struct program **p)
{
	const tt_column column = { .size = sizeof column, .name = "x", .type = TT_F32, .ndim = 1,
	                           .shape = { c->session->model->inputs }, .data = x };
	const tt_column *at = &column;

	return session_run_batch(c, &(tt_batch){ .size = sizeof(tt_batch), .columns = 1, .column = &at,
	                                 .n = n }, p);
}

static tt_status run_chunk(tt_context *c, const float *x, struct chunk k, float *out)
{
	const int filled = k.rows < k.size;
	struct program *p;
	tt_status st = filled ? fill_up(c, x, k) : TT_OK;

	if (st == TT_OK)
		st = run_plain(c, filled ? c->room : x, k.size, &p);
	if (st == TT_OK)
		memcpy(out, program_output(p, 0),
		       (size_t)(k.rows * c->session->model->outputs) * sizeof *out);
	return st;
}

/* Is a sample plain numbers of one shape, and its answer? */
static tt_status check_plain(const struct tt_model *m)
{
	if (m->n_inputs == 1 && !nn_has_sequences(m) && !m->per_place)
		return TT_OK;
	return err_set(TT_ESUPPORT, "the model has %s: give it batches, by tt_session_predict",
	               m->n_inputs > 1 ? "several inputs" : "sequences");
}

tt_status tt_context_run(tt_context *c, const float *x, int64_t n, float *out)
{
	const tt_session *s;
	struct chunk k;
	tt_status st = TT_OK;

	if (!c || !x || !out)
		return err_null(__func__);
	s = c->session;
	if (n <= 0)
		return err_set(TT_EINVAL, "a prediction for %lld samples: there must be at least one",
		               (long long)n);
	st = check_plain(s->model);
	engine_enter(s->engine);
	for (int64_t at = 0; at < n && st == TT_OK; at += k.rows) {
		k = s->n_sizes ? warmed_chunk(s, n - at) : session_chunk(n - at, s->batch);
		st = run_chunk(c, x + at * s->model->inputs, k, out + at * s->model->outputs);
	}
	return st;
}

tt_status tt_session_run(tt_session *s, const float *x, int64_t n, float *out)
{
	tt_context *c;
	tt_status st;

	if (!s || !x || !out)
		return err_null(__func__);
	if ((st = session_take(s, &c)) != TT_OK)
		return st;
	st = tt_context_run(c, x, n, out);
	session_give(c);
	return st;
}

/* Of a sample, as a caller describes it. */
static tt_status count_numbers(const tt_source_info *info, int64_t *out)
{
	const int most = (int)(sizeof info->shape / sizeof *info->shape);
	int64_t n = 1;

	if (info->type != TT_SAMPLE_U8 && info->type != TT_SAMPLE_F32)
		return err_set(TT_EINVAL, "tt_source_info: there is no type %d of samples",
		               (int)info->type);
	if (info->ndim < 0 || info->ndim > most)
		return err_set(TT_EINVAL, "tt_source_info: a sample of %d dimensions: 0 to %d are possible",
		               info->ndim, most);
	for (int i = 0; i < info->ndim; i++)
		if (info->shape[i] < 1 || __builtin_mul_overflow(n, (int64_t)info->shape[i], &n))
			return err_set(TT_EINVAL, "tt_source_info: dimension %d of a sample is %lld", i,
			               (long long)info->shape[i]);
	*out = n;
	return TT_OK;
}

tt_status tt_session_normalise(const tt_session *s, const tt_source_info *given, const void *raw,
                               float *x)
{
	tt_source_info info;
	int64_t numbers;
	tt_status st;

	if (!s || !given || !raw || !x)
		return err_null(__func__);
	if ((st = sized_options(&info, sizeof info, given, "tt_source_info")) != TT_OK)
		return st;
	if ((st = count_numbers(&info, &numbers)) != TT_OK)
		return st;
	if (numbers != s->model->inputs)
		return err_set(TT_ESHAPE, "a sample has %lld numbers, the model wants %lld",
		               (long long)numbers, (long long)s->model->inputs);
	loader_normalise(&info, &s->model->spec->data, raw, x);
	return TT_OK;
}

/* ---- getting ready ---- */

static tt_status add_size(tt_session *s, int64_t size)
{
	int at = s->n_sizes;

	if (size < 1 || size > s->batch)
		return err_set(TT_EINVAL, "a size to warm is 1 to %d samples, the session's batch, not "
		               "%lld", s->batch, (long long)size);
	while (at > 0 && s->size[at - 1] >= size)
		at--;
	if (at < s->n_sizes && s->size[at] == size)
		return TT_OK;
	if (s->n_sizes == SIZES_MAX)
		return err_set(TT_EINVAL, "no more than %d sizes are warmed", SIZES_MAX);
	memmove(s->size + at + 1, s->size + at, (size_t)(s->n_sizes - at) * sizeof *s->size);
	s->size[at] = size;
	s->n_sizes++;
	return TT_OK;
}

static tt_status add_sizes(tt_session *s, const int64_t *sizes, int n)
{
	tt_status st = TT_OK;

	for (int i = 0; sizes && i < n && st == TT_OK; i++)
		st = add_size(s, sizes[i]);
	for (int64_t k = 1; !sizes && k < s->batch && st == TT_OK; k *= 2)
		st = add_size(s, k);
	return sizes || st != TT_OK ? st : add_size(s, s->batch);
}

/* A context is made and left idle, with each size run on zeros. */
static tt_status warm_up(tt_session *s)
{
	struct program *p;
	tt_context *c;
	tt_status st = session_take(s, &c);

	if (st != TT_OK)
		return st;
	if ((st = prepare(c)) == TT_OK)
		memset(c->room, 0, (size_t)(c->rows * s->model->inputs) * sizeof *c->room);
	for (int i = 0; i < s->n_sizes && st == TT_OK; i++)
		st = run_plain(c, c->room, s->size[i], &p);
	session_give(c);
	return st;
}

tt_status tt_session_warm(tt_session *s, const int64_t *sizes, int n)
{
	int64_t before[SIZES_MAX];
	int n_before;
	tt_status st;

	if (!s)
		return err_null(__func__);
	if (sizes && n < 1)
		return err_set(TT_EINVAL, "%d sizes to warm: there is at least one", n);
	n_before = s->n_sizes;
	memcpy(before, s->size, sizeof before);
	if ((st = check_plain(s->model)) != TT_OK)
		return st;
	engine_enter(s->engine);
	if ((st = add_sizes(s, sizes, n)) == TT_OK)
		st = warm_up(s);
	if (st != TT_OK) {
		memcpy(s->size, before, sizeof before);
		s->n_sizes = n_before;
	}
	return st;
}

/* ---- how good it is ---- */

/* The caller owns its confusion matrix, the evaluator keeps the one it counts in.  Who has no field
 * for it could not free it. */
static tt_status hand_over(const tt_metrics *m, tt_metrics *out)
{
	size_t bytes = (size_t)m->classes * (size_t)m->classes * sizeof *m->confusion;
	const int room = out->size >= offsetof(tt_metrics, confusion) + sizeof out->confusion;
	tt_metrics whole = *m;
	int64_t *copy = NULL;
	tt_status st;

	if (room && m->confusion && !(copy = mem_alloc(bytes)))
		return TT_ENOMEM;
	if (copy)
		memcpy(copy, m->confusion, bytes);
	whole.confusion = copy;
	if ((st = sized_give(out, &whole, sizeof whole, "tt_metrics")) != TT_OK)
		mem_free(copy);
	return st;
}

static struct evaluator_opts evaluator_opts_of(tt_session *s, const tt_source *source)
{
	return (struct evaluator_opts){
		.engine = s->engine, .model = s->model, .programs = s->losses, .batch = s->batch,
		.top_k = s->top_k, .what = EVALUATE_CONFUSION,
		/* Sources never change once open: that they are passed on without const is the loader's
		 * way. */
		.source = (tt_source *)(uintptr_t)source,
	};
}

tt_status tt_session_evaluate(tt_session *s, const tt_source *source, tt_metrics *out)
{
	struct evaluator *e = NULL;
	struct evaluator_opts opts;
	tt_metrics m;
	tt_status st;

	if (!s || !source || !out)
		return err_null(__func__);
	opts = evaluator_opts_of(s, source);
	engine_enter(s->engine);
	if ((st = evaluator_new(&e, &opts)) != TT_OK)
		return st;
	if ((st = evaluator_run(e, &m)) == TT_OK)
		st = hand_over(&m, out);
	evaluator_free(&e);
	return st;
}

tt_status tt_session_evaluation(tt_evaluation **out, tt_session *s, const tt_source *source)
{
	struct evaluator_opts opts;

	if (!out || !s || !source)
		return err_null(__func__);
	opts = evaluator_opts_of(s, source);
	opts.what = EVALUATE_ALL;
	engine_enter(s->engine);
	return evaluation_run(out, &opts);
}
