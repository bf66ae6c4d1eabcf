/* observers.h -- who looks at a training: an open list, and the ones that write a run folder.
 *
 *   trainer --observers_tell--> metrics by name --> observer, observer, ...
 *
 * All are tt_observer: those below have no door of their own but `batch`.  Nothing is allocated at
 * TT_EVENT_STEP after the first times. */
#ifndef OBSERVE_OBSERVERS_H
#define OBSERVE_OBSERVERS_H

#include "data/loader.h"
#include "learn/nn/model.h"
#include "learn/observe/metric.h"
#include "learn/spec/spec.h"

/* What the trainer tells; `seen` is filled in by observers_tell. */
struct observation {
	tt_observation      seen;            /* first: what an observer is given                  */
	const struct batch *batch;           /* STEP: as the step saw it; else NULL               */
	int                 due;             /* STEP: time to write numbers down                  */
	double              loss, accuracy;  /* if due: means since the last time                 */
	struct metric_parts parts;           /* if due: likewise                                  */
	const struct scores *valid;          /* VALID: the whole result; else NULL                */
};

/* Zero is a list that nobody looks at. */
struct observers {
	tt_observer      *v;
	int               n, room;
	tt_progress       told;              /* as of START, then of the last numbers             */
	struct metric_set metrics;           /* of the event that is being told                   */
};

/* Copies o. */
tt_status observers_add(struct observers *list, const tt_observer *o);
/* Tell all; the first error comes back when all have been told. */
tt_status observers_tell(struct observers *list, enum tt_event e, const tt_progress *p,
                         struct observation *w);
void      observers_release(struct observers *list);      /* closes them */

/* One that is not the library's: where it fails, words are found for it. */
tt_status observers_add_stranger(struct observers *list, const tt_observer *o);
/* A function of the older kind, tt_observer_fn, as one more observer. */
tt_status observers_add_function(struct observers *list, tt_observer_fn *f, void *ctx);

/* ---- those of a run folder ---- */

/* What they are made from; borrowed until they are closed. */
struct observer_opts {
	const char            *dir;          /* run folder                                        */
	const struct tt_model *model;
	const tt_source_info  *info;         /* of the training source                            */
	int64_t                resumed;      /* steps that were done before; 0: a new run         */
};
/* All that the spec asks for, a row each. */
tt_status observers_add_files(struct observers *list, const struct observer_opts *o);

/* One line for each thing that happens, with the time: log.txt, appended to. */
tt_status observer_log(tt_observer *out, const struct observer_opts *o);
/* Numbers as rows, metrics.csv.  Rows after `resumed` are dropped. */
tt_status observer_metrics_csv(tt_observer *out, const struct observer_opts *o);
/* The same numbers as a picture, curves.svg. */
tt_status observer_curves(tt_observer *out, const struct observer_opts *o);
/* TensorBoard's event file. */
tt_status observer_tensorboard(tt_observer *out, const struct observer_opts *o);

#endif
