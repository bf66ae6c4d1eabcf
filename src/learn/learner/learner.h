/* learner.h -- one optimizer step on a batch that somebody hands over.
 *
 *   batch --micro-batches--> loss, gradients --sync strategy, optimizer--> parameters
 *
 * A learner is one rank's part of a training: a group of one takes the same path as a group of
 * many.  It knows the model, its compiled programs, the optimizer and the strategy that keeps ranks
 * in step.  It does not know where batches come from, what an epoch is, or that there are files.
 *
 * The step that counts is global: the number of optimizer steps of the whole group.  Random numbers
 * (dropout) and the optimizer's bias correction depend on it.
 *
 *   life        made, started, freed       microbatch  this rank's samples, a part at a time
 *   weigh       what a batch of all weighs
 *   step        one step, between steps    sums        loss, metrics, is it finite?
 *   group       threads, factors           sync_host   what a strategy asks of a learner
 *   agree       are all ranks the same?    state       to a checkpoint and back
 *   own_rows    of each rank, likewise     blame       errors between ranks
 *   average     of the parameters over the steps: who sees it when
 *   carried     states of streams that go on, likewise
 *   intake, names, learner_public   tt_learner
 *
 * One thread at a time, the one that calls engine_enter.  Functions that say "collective" are
 * called by all ranks of the group in the same order. */
#ifndef LEARNER_LEARNER_H
#define LEARNER_LEARNER_H

#include <stdatomic.h>

#include "data/loader.h"
#include "distribute/comm/comm.h"
#include "distribute/sync/sync.h"
#include "learn/spec/save.h"
#include "learn/nn/model.h"
#include "learn/score/metrics.h"
#include "learn/predict/program_cache.h"
#include "optim/optim.h"

struct trace;

/* Borrowed until learner_free, as all that they point to. */
struct learner_opts {
	tt_model                     *model;
	struct engine                *engine;
	struct comm                  *comm;          /* this rank's end; comm_self: alone         */
	const struct distribute_opts *distribute;
	const struct optim_opts      *optimizer;
	double                        ema;           /* decay of an average over steps (0: none)  */
	uint64_t                      seed;
	int64_t                       batch;         /* samples of all ranks in a step, at most   */
	int64_t                       micro_batch;   /* of this rank at once (0: its share)       */
	int                           carry;         /* enum no/yes: samples of a batch go on in the
	                                              * next, and states with them (data.carry)   */
	int                           threads;       /* asked for on this machine (0: all cores)  */
	int                           top_k;         /* of the metrics                            */
	struct trace                 *trace;         /* (none)                                    */
	struct team                  *team;          /* of a strategy whose workers share memory
	                                              * (sync's in_process): each takes whole batches;
	                                              * comm is for what lies between epochs (none) */
	_Atomic int64_t              *steps;         /* counted together with other learners of
	                                              * this process that do not wait for one
	                                              * another (each counts its own)             */
};

/* What a checkpoint may say of steps and samples: far beyond any training, and far from overflow.
 */
#define STEPS_MAX ((int64_t)1 << 53)

struct learner;
/* Compiles nothing yet.  TT_ESPEC: the model has no parameters. */
tt_status learner_new(struct learner **out, const struct learner_opts *o);
void      learner_free(struct learner **l);                      /* NULL is fine */
/* The model learns from samples and targets such as these.  TT_ESHAPE: they do not fit. */
tt_status learner_fit(struct learner *l, const tt_source_info *info);
/* Do samples have weights?  Where gradients are those of a whole batch, ranks ask one another what
 * they weigh: all must know whether to.  Said once, alike on all ranks, before anything is compiled
 * for weights; else the ranks ask at the first step, and it holds for all that follow.  A rank
 * alone takes each batch as it is. */
enum learner_weights { WEIGHTS_ASK, WEIGHTS_NO, WEIGHTS_YES };
tt_status learner_set_weights(struct learner *l, enum learner_weights w);
/* Compile this rank's programs for a batch of so many samples of all ranks. */
tt_status learner_compile(struct learner *l, int64_t samples);

/* This rank's programs, so far: one more after a step is one whose time was spent on making it. */
int       learner_programs(const struct learner *l);

/* Threads of this rank, of `asked` on its machine (0: all cores): ranks of one machine share its
 * cores; processes whose launcher has given each its own do not. */
int       learner_threads(const struct comm *c, int asked);
/* Is there a strategy for what is asked of several ranks?  processes: that a launcher has started;
 * every_steps: between checkpoints. */
struct learner_demands { int processes, every_steps; };
tt_status learner_check(const struct distribute_opts *d, const struct optim_opts *o,
                        const struct learner_demands *more);
/* Parts in which this rank computes its share of a full batch: as many on all. */
int64_t   learner_parts(const struct learner *l);
/* Does each rank make a part of the products of factors, in the thread that communicates? */
int       learner_shares_products(const struct learner *l);

/* Do the samples of the newest step weigh so much that their sums overflow? */
int       learner_overweight(const struct learner *l);

/* ---- steps ---- */

/* Where strategies keep the ranks' nets apart: room for the numbers of all, by rank. */
struct learner_whole {
	tt_model *model;                     /* NULL: all ranks have one model               */
	float  *(*slot)(void *ctx, int i);   /* of the optimizer; NULL on other ranks than 0 */
	void     *ctx;
};
/* Collective: all ranks compare `facts` and what else must be equal, the learner's own.  TT_ESPEC
 * names the first difference. */
tt_status learner_agree(struct learner *l, const char *facts);
/* Copied; the model may be another one later. */
void      learner_set_whole(struct learner *l, const struct learner_whole *whole);
/* Collective, before the first step: parameters and optimizer are rank 0's on all ranks. */
tt_status learner_start(struct learner *l);

/* rates: of the optimizer's groups; NULL: in proportion to lr. */
struct learner_at { int64_t epoch; double lr; int wants_stop; const struct optim_rates *rates; };
/* Numbers of all ranks since they were last exchanged: with most strategies of one step. */
struct learner_result {
	struct metrics sums;         /* without a confusion matrix                                */
	int            exchanged;    /* sums and stop are those of all ranks; else nothing is set */
	int            stop;         /* a rank wants to stop                                      */
};
/* Collective.  One optimizer step; b->n may be 0 where other ranks have samples.  Allocates
 * nothing once there is a program for b.  TT_ENAN: the loss is not finite; TT_EPEER: another rank
 * failed. */
tt_status learner_step(struct learner *l, const struct batch *b, const struct learner_at *at,
                       struct learner_result *out);
int64_t   learner_steps(const struct learner *l);                /* done by the group */
void      learner_set_steps(struct learner *l, int64_t steps);
/* After a step: do all ranks stand at the same one, so that they may consolidate now? */
int       learner_together(const struct learner *l);
double    learner_grad_norm(const struct learner *l);            /* NAN unless measured */

/* ---- between steps ---- */

/* Parameters are those after the last step: strategies may leave sums under way. */
tt_status learner_flush(struct learner *l);
enum learner_epoch { EPOCH_GOES_ON, EPOCH_LAST };
/* Collective, at the end of an epoch.  *out is of all ranks, unless one wanted to stop before it
 * came here: then only `stop` is set, and the epoch has not ended. */
tt_status learner_epoch_end(struct learner *l, enum learner_epoch e, int wants_stop,
                            struct learner_result *out);
/* Collective, around validation and checkpoints: the model becomes what all ranks have in common,
 * and then each rank's own again.  With an average over the steps (opts.ema) it becomes that, and
 * stays it after a meeting behind EPOCH_LAST, until another step is taken. */
tt_status learner_consolidate(struct learner *l, struct learner_result *out);
void      learner_resume(struct learner *l);

const struct sync_stats *learner_stats(const struct learner *l); /* NULL before the start   */
int learner_classes(const struct learner *l);                    /* of accuracy; 0: it has none */

/* ---- to a checkpoint and back ---- */

#define LEARNER_SLOTS 4
#define LEARNER_ROWS (LEARNER_SLOTS + 2 + OWN_PARTS)
struct learner_rows { int n; struct str name[LEARNER_ROWS]; };
/* Collective, between consolidate and resume: rank 0 has what each rank has of its own, until
 * then. */
tt_status learner_collect(struct learner *l);
/* The optimizer's state, and the parameters where the model is an average, into s, which has room
 * for LEARNER_ROWS tensors more and borrows it and the names in *r; of nets that are apart that of
 * all; and what was collected.
 * learner_rows_release in any case. */
tt_status learner_add_rows(const struct learner *l, struct learner_rows *r, struct model_rows *s);
void      learner_rows_release(struct learner_rows *r);
/* Where the optimizer's state lies in a checkpoint; nothing is changed.  TT_ESPEC, TT_ESHAPE: it
 * is another optimizer's or net's.  Then take it. */
struct learner_slots { const float *data[LEARNER_SLOTS], *trained; };
tt_status learner_find_slots(const struct learner *l, const struct ckpt *c, const char *path,
                             struct learner_slots *out);
/* The model has been taken before. */
tt_status learner_take_slots(struct learner *l, const struct learner_slots *s);
/* What each rank had of its own, on rank 0 before learner_start, which deals it out.  It is left
 * where it lies, with a word in *note, if it is that of another strategy or number of ranks: all go
 * on from what they had in common then. */
tt_status learner_take_own(struct learner *l, const struct ckpt *c, const char *path,
                           struct str *note);

/* The states of all streams, `consumed` samples into an epoch, likewise.  TT_ESPEC, TT_ESHAPE:
 * there are none, though they go on, or they are of other streams. */
struct learner_place { const char *path; int64_t consumed; };
tt_status learner_take_carried(struct learner *l, const struct ckpt *c,
                               const struct learner_place *at);

/* ---- errors between ranks ---- */

/* What went wrong outside of the functions above may be another rank's fault: TT_EPEER. */
tt_status learner_blame(const struct learner *l, tt_status st);
/* This rank cannot go on: the others hear why. */
void      learner_give_up(struct learner *l, const char *why);
/* No rank of this process communicates any more: before the first of several is freed. */
void      learner_leave(struct learner *l);

#endif
