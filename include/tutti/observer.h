/* observer.h -- see what a training does while it does it.
 *
 *   trainer --event--> log.txt, metrics.csv, curves.svg, TensorBoard, a progress line, yours
 *
 * Any number of observers may look; none may touch.  Numbers have names, so that an observer need
 * not know what will be measured one day.  An observer's error ends the training: a full disk is
 * the user's business.  All calls come from the trainer's thread. */
#ifndef TUTTI_OBSERVER_H
#define TUTTI_OBSERVER_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tt_trainer;

/* Where a run stands; sent to observers and read with tt_trainer_progress. */
typedef struct tt_progress {
	uint32_t size;                     /* of this struct                                       */
	int64_t step, steps;               /* optimizer steps done, planned in all                 */
	int     epoch, epochs;             /* current (from 0), planned                            */
	int64_t epoch_step, epoch_steps;   /* within the epoch                                     */
	double  loss, accuracy;            /* running mean of this epoch; accuracy NAN if no classes */
	double  valid_loss, valid_accuracy;/* last validation; NAN before the first                */
	double  best;                      /* best monitored value so far; NAN before               */
	double  lr, grad_norm;             /* of the last step; grad_norm NAN unless measured       */
	double  samples_per_second;        /* training only, smoothed                              */
	double  seconds, seconds_left;     /* wall clock since start, estimate                     */
	int     workers;                   /* that train together                                  */
	double  wire_seconds;              /* this process' first worker was talking to others     */
	double  exposed_seconds;           /* and so long it waited for them                       */
	int64_t bytes_sent;                /* by it                                                */
	double  train_seconds;             /* in steps: without validation and checkpoints         */
	int     members;                   /* of an ensemble whose training is over; else 0        */
	const double *member_accuracy;     /* [members] each alone in validation, NAN: unknown;
	                                    * borrowed from the trainer                            */
	double  mean_samples_per_second;   /* by the clock in steps, of this process; without the
	                                    * first of each size, which choose kernels             */
	int     done;                      /* 1: nothing is left to train, perhaps by an early stop */
	const char *monitor;               /* name of the number by which the best epoch is found:
	                                    * "loss", "valid.f1"; borrowed from the trainer         */
	double  watched;                   /* it, as of the last validation; NAN before the first, and
	                                    * where it is a loss or accuracy, told above            */
	int     losses;                    /* of model.outputs, the last layer's first; 0: one   */
	const char *const *loss_name;      /* [losses] their names; borrowed from the trainer   */
	const double *loss_part;           /* [losses] their running means, of which loss is the
	                                    * weighted sum; likewise                                */
	double  perplexity, valid_perplexity; /* of language models: exp of their loss; else NAN    */
} tt_progress;

/* An epoch tells VALID (if there is validation), then EPOCH, then its CHECKPOINTs; after a stop
 * (END with TT_ESTOPPED) a run may go on.  At STEP workers may still be adding up parameters; at
 * the others the model is whole. */
enum tt_event { TT_EVENT_START, TT_EVENT_STEP, TT_EVENT_EPOCH, TT_EVENT_VALID, TT_EVENT_CHECKPOINT,
                TT_EVENT_NOTE, TT_EVENT_END };

/* What there is to see at an event; all of it borrowed for the call. */
typedef struct tt_observation {
	uint32_t           size;       /* of this struct                                          */
	enum tt_event      event;
	const tt_progress *progress;
	const char        *text;       /* CHECKPOINT: path; NOTE: it; END: how it ended; else NULL */
	tt_status          status;     /* END: TT_OK, TT_ESTOPPED or the error                    */
	int                metrics;    /* numbers to write down now; of most STEPs none           */
	const char *const *name;       /* [metrics] "train.loss", "valid.top_5": see tt_metric    */
	const double      *value;      /* [metrics] never NAN: what is not known is not told      */
} tt_observation;

typedef struct tt_observer {
	uint32_t  size;                /* of this struct                                          */
	void     *ctx;
	tt_status (*event)(void *ctx, const tt_observation *o);    /* not TT_OK: the run ends with it
	                                * after this step; called again, it goes on              */
	void      (*close)(void *ctx); /* when the trainer is freed (nothing to close)            */
} tt_observer;
#define TT_OBSERVER(...) (&(tt_observer){ .size = sizeof(tt_observer), __VA_ARGS__ })

/* Let one more observer look, from now on; the struct is copied, ctx is borrowed until close.  They
 * are told in the order in which they came.  TT_EINVAL: it has no function `event`. */
TT_API tt_status tt_trainer_observe(struct tt_trainer *t, const tt_observer *o);

/* A number that trainings tell.  Names are SPLIT.NAME; K in a name stands for a number. */
typedef struct tt_metric {
	uint32_t      size;            /* of this struct: TT_SIZED(tt_metric)                     */
	const char   *name;            /* "valid.top_K"                                           */
	const char   *unit;            /* "", "samples/s", "ms"                                   */
	const char   *help;            /* one line                                                */
	enum tt_event event;           /* at which it is told                                     */
	int           better;          /* 1: more is; -1: less; 0: neither                        */
} tt_metric;
TT_API int       tt_metric_count(void);
TT_API tt_status tt_metric_get(int i, tt_metric *out);         /* texts are static             */
/* The number of that name in an observation; NAN if it is not among them. */
TT_API double    tt_observation_value(const tt_observation *o, const char *name);

#ifdef __cplusplus
}
#endif
#endif
