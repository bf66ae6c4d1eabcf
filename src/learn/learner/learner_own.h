/* learner_own.h -- what the files of a learner share.  Private to this folder. */
#ifndef LEARNER_LEARNER_OWN_H
#define LEARNER_LEARNER_OWN_H

#include <math.h>

#include "learn/learner/learner.h"
#include "learn/predict/carry.h"
#include "learn/predict/program_inputs.h"
#include "learn/predict/target.h"
#include "optim/ema.h"
#include "sys/shm.h"

/* Behind the gradients lie numbers that a strategy sums over the ranks whenever it communicates.
 * So all ranks know the same losses, see the same stop and the same NaN in the same step, without
 * a message of its own for any of these. */
enum learner_sum {
	/* Each count in two parts that are exact as floats: count_set. */
	SUM_SAMPLES, SUM_SAMPLES_HIGH, SUM_CORRECT, SUM_CORRECT_HIGH, SUM_IN_TOP, SUM_IN_TOP_HIGH,
	SUM_WEIGHT, SUM_WEIGHT_HIGH,
	SUM_LOSS, SUM_LOSS_LOW,          /* and what of it a float cannot hold             */
	SUM_STOP,                        /* ranks that were asked to stop                  */
	SUM_BAD, SUM_BAD_RANK,           /* ranks whose loss is not finite, sum of these   */
	SUMS                             /* behind them, of nets with several outputs: each loss in
	                                  * two parts, as SUM_LOSS                         */
};

/* A count travels as low + COUNT_BASE * high.  The sums of both parts are exact over as many ranks,
 * for counts below 2^36 in all, where one float begins to lose samples at 2^24.  What weights add
 * up to loses no more than a float does. */
#define COUNT_BASE 4096
static inline void count_set(float part[2], double n)
{
	const double high = floor(n / COUNT_BASE);

	part[0] = (float)(n - COUNT_BASE * high);
	part[1] = (float)high;
}
static inline double count_get(const float part[2])
{
	return (double)part[0] + COUNT_BASE * (double)part[1];
}

/* So that a float's ends do not add up over the steps of an epoch. */
static inline void loss_set(float part[2], double loss)
{
	part[0] = (float)loss;
	part[1] = (float)(loss - (double)part[0]);
}
static inline double loss_get(const float part[2])
{
	return (double)part[0] + (double)part[1];
}

/* The step in progress. */
struct step {
	struct learner_at   at;
	int64_t             parts, part;      /* micro-batches, the one under way          */
	struct batch        batch;            /* of that one                               */
	struct target_values rows;            /* of that one                               */
	double              weight;           /* that gradients are divided by; 0: nothing  */
	struct program     *program;
	int                 holds;            /* gradients of those before                 */
	int                 turned;           /* backward of this part has begun           */
	tt_status           status;           /* of what `ready` did, which returns nothing */
};

struct learner {
	struct learner_opts      opts;
	struct distribute_opts   distribute;
	const struct strategy   *strategy;    /* what they ask for, in such a group          */
	struct program_cache    *programs;
	struct program_inputs            inputs;
	struct target            target;
	struct batch_room        part;        /* columns of the micro-batch under way         */
	struct optim            *optim;
	struct ema               ema;         /* of the parameters that are trained           */
	int                      shown;       /* they have changed places with it             */
	int                      over;        /* after EPOCH_LAST and before another step     */
	float                   *grads;       /* [train_count + SUMS]                        */
	struct shm               shared;      /* where grads lie, or {0}                     */
	float                   *weighed;     /* what all ranks say that their samples weigh  */
	float                   *held;        /* sums of parts; NULL: a share is one part    */
	struct nn_group          among;       /* other ranks                                 */
	struct nn_factored      *factored;    /* weights whose gradients travel as factors   */
	int                      n_factored;
	const struct product_ops *product;    /* of these                                    */
	struct sync             *sync;        /* from learner_start on                       */
	struct learner_whole     whole;
	struct own_all           own;         /* rank 0, of all: from a checkpoint until the start;
	                                       * collected for one, within a meeting         */
	struct carry             carry;       /* of this rank's streams; none: rows 0         */
	int                      goes_on;     /* enum no/yes: streams have begun, the epoch goes on */
	float                   *carried;     /* as own, of the streams of all: [batch][numbers] */
	int64_t                  steps;
	enum learner_weights     weights;
	double                   grad_norm;
	struct metrics           mine;        /* this rank's, since the last exchange        */
	struct step              step;
};

static inline size_t learner_sums(const struct learner *l)
{
	return SUMS + 2 * (size_t)l->opts.model->n_outputs;
}

/* Among those who share a batch. */
static inline int learner_rank(const struct learner *l)
{
	return l->opts.team ? 0 : l->opts.comm->rank;
}
static inline int learner_world(const struct learner *l)
{
	return l->opts.team ? 1 : l->opts.comm->size;
}

/* sums.c: the forward pass of a part is over; and ranks have exchanged. */
void      sums_want_stop(struct learner *l, int wants_stop);
void      sums_count(struct learner *l);
void      sums_go_on(struct learner *l);          /* what lies behind the gradients was set */
tt_status sums_take(struct learner *l, struct learner_result *out);
/* Gradients that stay here are applied here: was this rank's loss finite? */
tt_status sums_check(const struct learner *l);

/* weigh.c: what this rank's samples of b weigh, and into l->step.weight what those do whose
 * gradients are one: this rank's, or, collective, those of all ranks. */
#define WEIGH_SAYS 3             /* floats that a rank says of them */
double    weigh_mine(const struct learner *l, const struct batch *b);
tt_status weigh_step(struct learner *l, const struct batch *b);
/* sync_host.c: make the strategy, from what the learner knows. */
tt_status sync_host_open(struct learner *l);
/* own_rows.c: what was collected, as tensors. */
tt_status own_rows_add(const struct learner *l, struct learner_rows *r, struct model_rows *s);
/* carried.c: the states of this rank's streams; in a meeting those of all, as a tensor; and at the
 * start what rank 0 has taken from a checkpoint, to everybody. */
tt_status carried_init(struct learner *l);
tt_status carried_collect(struct learner *l);
tt_status carried_add(const struct learner *l, struct learner_rows *r, struct model_rows *s);
tt_status carried_deal(struct learner *l);
/* average.c.  At the start it is what the parameters are. */
void      average_start(struct learner *l);
void      average_show(struct learner *l);
void      average_hide(struct learner *l);
/* What was saved: the model is the average, and these are the parameters. */
void      average_take(struct learner *l, const float *trained);
/* group.c: this rank's part among others, before any program is compiled. */
tt_status group_join(struct learner *l);
/* blame.c: what goes wrong between ranks is another rank's fault, not this one's. */
tt_status blame_peer(tt_status st);

#endif
