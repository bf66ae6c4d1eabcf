/* observer.h -- the port through which a trainer tells what happens.
 *
 *   trainer --event--> log.txt, metrics.csv + curves.svg, TensorBoard, the caller's function
 *
 * An observer looks and never touches.  Its error ends the training: a full disk is the user's
 * business, not a detail.  Called in the trainer's thread; nothing is allocated at TT_EVENT_STEP
 * after the first times. */
#ifndef OBSERVE_OBSERVER_H
#define OBSERVE_OBSERVER_H

#include <tutti/train.h>

#include "data/loader.h"
#include "learn/nn/model.h"

/* What there is to see besides the progress.  Borrowed for the call. */
struct observation {
	const tt_progress *progress;
	const char        *text;         /* CHECKPOINT: path; NOTE: it; END: how it ended; else NULL */
	const struct batch *batch;       /* STEP: as the step saw it; else NULL                  */
	int                due;          /* STEP: time to write numbers down                     */
	double             loss, accuracy; /* if due: means since the last time; accuracy may be NAN */
	const tt_metrics  *valid;        /* VALID: the whole result; else NULL                   */
	tt_status          status;       /* END: TT_OK, TT_ESTOPPED or the error                 */
};

struct observer;
struct observer_ops {
	const char *name;
	tt_status (*event)(struct observer *o, enum tt_event e, const struct observation *w);
	void      (*close)(struct observer *o);
};
struct observer { const struct observer_ops *ops; };   /* implementations embed it first */

/* What observers are made from; borrowed until they are closed. */
struct observer_opts {
	const char            *dir;          /* run folder                                        */
	const struct tt_model *model;
	const tt_source_info  *info;         /* of the training source                            */
	int64_t                resumed;      /* steps that were done before; 0: a new run         */
};

/* One line for each thing that happens, with the time: log.txt, appended to. */
tt_status observer_log(struct observer **out, const struct observer_opts *o);
/* Numbers as rows, metrics.csv, and as a picture, curves.svg.  Rows after `resumed` are dropped. */
tt_status observer_metrics_csv(struct observer **out, const struct observer_opts *o);
/* TensorBoard's event file. */
tt_status observer_tensorboard(struct observer **out, const struct observer_opts *o);

#endif
