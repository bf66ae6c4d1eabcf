/* microbatch.c -- a rank's share of a batch, computed in parts (gradient accumulation): the step of
 * the whole in the memory of a part.
 *
 *   share   | part 0  | part 1  | part 2  |
 *   held    = g           += g      |
 *   grads                           += held, and ready
 *
 * Parts are equal but for one sample.  All ranks have as many, though some may be empty where a
 * batch is smaller than it might be: norms that ranks share need everybody at every part.  Norms
 * see a part, not the share. */
#include "learn/learner/microbatch.h"

#include <float.h>
#include <string.h>

#include "distribute/coll/coll.h"
#include "distribute/coll/wire.h"
#include "distribute/sync/trace.h"
#include "learn/learner/learner_own.h"
#include "learn/predict/feed.h"
#include "sys/thread.h"

#define GRAIN 32768             /* floats worth another thread */

int64_t microbatch_count(const struct learner_opts *o, int64_t samples)
{
	const int64_t world = o->team ? 1 : o->comm->size, share = (samples + world - 1) / world;
	const int64_t most = o->micro_batch ? o->micro_batch : share;

	return share > most ? (share + most - 1) / most : 1;
}

/* The later ones are the larger ones: a share that is not empty has a last part. */
static int64_t cut(int64_t n, int64_t k, int64_t parts) { return n * k / parts; }

static tt_status compile(struct learner *l, int64_t n, const struct microbatch_want *w)
{
	struct program *p;

	return program_cache_get(l->programs, (struct sizes){
		.batch = n, .length = w->length, .weighted = w->weighted }, &p);
}

tt_status microbatch_compile(struct learner *l, const struct microbatch_want *w)
{
	const int64_t parts = microbatch_count(&l->opts, w->samples), small = cut(w->share, 1, parts);
	const int64_t large = w->share - cut(w->share, parts - 1, parts);
	tt_status st = small ? compile(l, small, w) : TT_OK;

	return st == TT_OK && large > small ? compile(l, large, w) : st;
}

/* ---- gradients ---- */

struct range { const float *from; float *to; };

static void add(void *ctx, int64_t lo, int64_t hi)
{
	const struct range *r = ctx;

	wire_add(WIRE_F32, r->to + lo, r->from + lo, (size_t)(hi - lo));
}

int microbatch_ready(struct learner *l, size_t lo, size_t hi)
{
	const int last = l->step.part + 1 == l->step.parts;
	float *held, *grads = l->grads + lo;

	if (last && !l->step.holds)
		return 1;
	held = l->held + lo;
	if (l->step.holds)
		thread_for((int64_t)(hi - lo), GRAIN, add,
		           &(struct range){ last ? held : grads, last ? grads : held });
	else
		memcpy(held, grads, (hi - lo) * sizeof *held);
	return last;
}

/* ---- running ---- */

static void take_part(struct learner *l, const struct batch *b, int64_t first, int64_t end)
{
	struct batch *part = &l->step.batch;

	*part = *b;
	part->n = (int)(end - first);
	part->label = b->label ? b->label + first : NULL;
	part->values = b->values ? b->values + first * l->target.width : NULL;
	part->index = b->index ? b->index + first : NULL;
	batch_slice(&b->data, first, end, &l->part, &part->data);
}

static tt_status run_part(struct learner *l, const struct program_run *run, const struct feed *with)
{
	struct step *s = &l->step;
	struct feed f = *with;
	double at[2] = { thread_seconds() };
	tt_status st;

	s->turned = 0;
	if ((st = feed_take(&f, &l->inputs, &l->target, &s->batch)) != TT_OK)
		return st;
	s->rows = f.target;
	st = feed_run(l->programs, &f, run, &s->program);
	at[1] = thread_seconds();
	trace_span(l->opts.trace, TRACE_COMPUTE, "step", l->steps + 1, at);
	if (s->part + 1 < s->parts)
		s->holds = 1;
	return st;
}

/* Any program knows at which norms the others wait. */
static tt_status attend(struct learner *l, const struct program_run *run)
{
	struct program *p;
	tt_status st;

	if (!l->among.norm_ranks)
		return TT_OK;
	st = program_cache_get(l->programs, (struct sizes){ .batch = 1, .length = l->inputs.at_least },
	                       &p);
	return st == TT_OK ? program_attend(p, run) : st;
}

/* Where nothing weighs anything the gradient is zero; nor is there a float for less than that. */
static float seed_of(double weight)
{
	return weight >= FLT_MIN ? 1 / (float)weight : 0;
}

tt_status microbatch_run(struct learner *l, const struct batch *b, const struct microbatch_run *o)
{
	const float seed = seed_of(l->step.weight);
	struct feed with = { .seed = &seed, .carry = l->opts.carry ? &l->carry : NULL };
	struct program_run run = {
		.seed = l->opts.seed, .step = (uint64_t)l->steps, .sample_stride = learner_world(l),
		.need = o->need, .ready = o->ready, .gather = o->gather, .ctx = l,
	};
	tt_status st = TT_OK;

	for (int64_t k = 0; k < l->step.parts && st == TT_OK; k++) {
		const int64_t first = cut(b->n, k, l->step.parts);

		l->step.part = k;
		with.stream = first;
		take_part(l, b, first, cut(b->n, k + 1, l->step.parts));
		run.sample = learner_rank(l) + first * run.sample_stride;
		if (l->step.batch.n == 0)
			st = attend(l, &run);
		else if ((st = run_part(l, &run, &with)) == TT_OK)
			st = blame_peer(l->step.status);
	}
	return st;
}
