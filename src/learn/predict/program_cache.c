#include "learn/predict/program_cache.h"

#include "base/mem.h"
#include "compute/exec/tuning_cache.h"

struct program_cache {
	struct program_cache_opts opts;
	struct program_set       *set;
	struct program_context   *context;
	int                       shares;    /* the set is another's */
};

static tt_status build(void *ctx, struct sizes z, struct ir_graph **out)
{
	const struct program_cache_opts *o = ctx;

	return nn_graph_of(o->model, &(struct nn_shape){
		.batch = z.batch, .length = z.length, .purpose = o->purpose, .weighted = z.weighted,
		.group = o->group, .kept = z.kept, .carry = o->carry }, out);
}

/* Choices that cannot be kept cost time at the next start, never a result: closing the engine tries
 * again, and nobody needs to stop for it. */
static void compiled(void *ctx, struct program *made)
{
	const struct program_cache_opts *o = ctx;

	program_bind(made, o->model->params, o->grads, o->model->buffers);
	if (o->engine->cache)
		(void)kernel_cache_save(o->engine->cache);
}

static int asked_to_stop(void *ctx)
{
	const struct engine *e = ((const struct program_cache_opts *)ctx)->engine;

	return e->stop && e->stop(e->stop_ctx);
}

static tt_status make_set(struct program_cache *p)
{
	struct engine *e = p->opts.engine;
	const struct program_set_opts set = {
		.program = {
			.devices = e->devices.dev, .precision = e->precision, .cache = e->cache,
			.purpose = p->opts.purpose == NN_TRAIN ? PROGRAM_TRAIN : PROGRAM_INFER,
			.constants = p->opts.constants, .stop = asked_to_stop, .stop_ctx = &p->opts,
		},
		.build = build, .compiled = compiled, .ctx = &p->opts, .lock = &e->lock,
	};

	return program_set_new(&p->set, &set);
}

tt_status program_cache_new(struct program_cache **out, const struct program_cache_opts *o)
{
	struct program_cache *p = mem_calloc(1, sizeof *p);
	tt_status st;

	if (!p)
		return TT_ENOMEM;
	p->opts = *o;
	if ((st = make_set(p)) == TT_OK && (st = program_context_new(&p->context, p->set)) == TT_OK)
		*out = p;
	else
		program_cache_free(&p);
	return st;
}

tt_status program_cache_share(struct program_cache **out, const struct program_cache *of)
{
	struct program_cache *p = mem_calloc(1, sizeof *p);
	tt_status st;

	if (!p)
		return TT_ENOMEM;
	p->opts.model = of->opts.model;
	p->set = of->set;
	p->shares = 1;
	if ((st = program_context_new(&p->context, p->set)) == TT_OK)
		*out = p;
	else
		program_cache_free(&p);
	return st;
}

void program_cache_free(struct program_cache **p)
{
	if (!p || !*p)
		return;
	program_context_free(&(*p)->context);
	if (!(*p)->shares)
		program_set_free(&(*p)->set);
	mem_free(*p);
	*p = NULL;
}

tt_status program_cache_get(struct program_cache *p, struct sizes z, struct program **out)
{
	if (nn_counts_places(p->opts.model))
		z.weighted = 0;                 /* it always is */
	return program_context_get(p->context, z, out);
}

int program_cache_count(const struct program_cache *p)
{
	return program_set_count(p->set);
}

void program_cache_refresh(struct program_cache *p)
{
	program_set_refresh(p->set);
}

const struct tt_model *program_cache_model(const struct program_cache *p)
{
	return p->opts.model;
}
