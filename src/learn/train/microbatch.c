/* microbatch.c -- a rank's share of a batch, computed a piece at a time: the step of the whole in
 * the memory of a piece (gradient accumulation).
 *
 *   share   | piece 0 | piece 1 | piece 2 |
 *   held    = g           += g      |
 *   grads                           += held, and ready
 *
 * Pieces are equal but for one sample.  All ranks have as many, though some may be empty where a
 * batch is smaller than it might be: norms that ranks share need everybody at every piece.  Norms
 * see a piece, not the share. */
#include "learn/train/microbatch.h"

#include <string.h>

#include "sys/thread.h"
#include "distribute/comm/wire.h"
#include "distribute/sync/trace.h"
#include "learn/train/trainer.h"

#define GRAIN 32768             /* floats worth another thread */

int64_t microbatch_of(const struct tt_trainer *t, int64_t samples)
{
	const int64_t world = trainer_world(t), share = (samples + world - 1) / world;
	const int64_t most = t->opts->micro_batch ? t->opts->micro_batch : share;

	return share > most ? (share + most - 1) / most : 1;
}

/* The later ones are the larger ones: a share that is not empty has a last piece. */
static int64_t cut(int64_t n, int64_t k, int64_t pieces) { return n * k / pieces; }

tt_status microbatch_compile(struct tt_trainer *t, int64_t samples, int64_t share)
{
	const int64_t pieces = microbatch_of(t, samples), small = cut(share, 1, pieces);
	const int64_t large = share - cut(share, pieces - 1, pieces);
	struct program *p;
	tt_status st = small ? program_cache_get(t->programs, small, &p) : TT_OK;

	return st == TT_OK && large > small ? program_cache_get(t->programs, large, &p) : st;
}

/* ---- gradients ---- */

struct range { const float *from; float *to; };

static void add(void *ctx, int64_t lo, int64_t hi)
{
	const struct range *r = ctx;

	wire_add(WIRE_F32, r->to + lo, r->from + lo, (size_t)(hi - lo));
}

int microbatch_ready(struct tt_trainer *t, size_t lo, size_t hi)
{
	const int last = t->share.piece + 1 == t->share.pieces;
	float *held, *grads = t->grads + lo;

	if (last && !t->share.holds)
		return 1;
	held = t->held + lo;
	if (t->share.holds)
		thread_for((int64_t)(hi - lo), GRAIN, add,
		           &(struct range){ last ? held : grads, last ? grads : held });
	else
		memcpy(held, grads, (hi - lo) * sizeof *held);
	return last;
}

/* ---- running ---- */

static void take_piece(struct tt_trainer *t, const struct batch *b, int64_t first, int64_t end)
{
	struct batch *piece = &t->share.batch;

	*piece = *b;
	piece->n = (int)(end - first);
	piece->x = b->x + first * t->model->inputs;
	piece->label = b->label ? b->label + first : NULL;
	piece->values = b->values ? b->values + first * t->target.width : NULL;
	piece->index = b->index + first;
}

static tt_status run_piece(struct tt_trainer *t, const struct program_run *run, const float *seed)
{
	struct program *p;
	double at[2];
	tt_status st = program_cache_get(t->programs, t->share.batch.n, &p);

	if (st != TT_OK)
		return st;
	t->share.program = p;
	t->share.turned = 0;
	program_set_input(p, INPUT_X, t->share.batch.x);
	program_set_input(p, INPUT_TARGET, target_of(&t->target, &t->share.batch));
	program_set_input(p, INPUT_SEED, seed);
	at[0] = thread_seconds();
	st = program_run(p, run);
	at[1] = thread_seconds();
	trace_span(t->trace, TRACE_COMPUTE, "step", t->at.step + 1, at);
	if (t->share.piece + 1 < t->share.pieces)
		t->share.holds = 1;
	return st;
}

/* Any program knows at which norms the others wait. */
static tt_status attend(struct tt_trainer *t, const struct program_run *run)
{
	struct program *p;
	tt_status st;

	if (!t->model->spec->distribute.sync_batchnorm)
		return TT_OK;
	st = program_cache_get(t->programs, 1, &p);
	return st == TT_OK ? program_attend(p, run) : st;
}

tt_status microbatch_run(struct tt_trainer *t, const struct batch *b,
						 const struct microbatch_run *o)
{
	const float seed = 1 / (float)o->samples;
	struct program_run run = {
		.seed = (uint64_t)t->opts->seed, .step = (uint64_t)t->at.step,
		.sample_stride = trainer_world(t), .need = o->need, .ready = o->ready,
		.gather = o->gather, .ctx = t,
	};
	tt_status st = TT_OK;

	for (int64_t k = 0; k < t->share.pieces && st == TT_OK; k++) {
		const int64_t first = cut(b->n, k, t->share.pieces);

		t->share.piece = k;
		take_piece(t, b, first, cut(b->n, k + 1, t->share.pieces));
		run.sample = trainer_rank(t) + first * run.sample_stride;
		if (t->share.batch.n == 0)
			st = attend(t, &run);
		else if ((st = run_piece(t, &run, &seed)) == TT_OK && o->done)
			st = o->done(t);
	}
	return st;
}
