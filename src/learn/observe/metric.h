/* metric.h -- the numbers that a training tells, one row each.
 *
 * A row has a name, a unit, a line of help, the event it belongs to and a function that gives it.
 * metrics.csv, TensorBoard, the picture and any observer of the caller get them by name: a new
 * metric is one row. */
#ifndef OBSERVE_METRIC_H
#define OBSERVE_METRIC_H

#include <tutti/train.h>

#include "learn/nn/model.h"
#include "learn/score/scores.h"

/* Losses of their own, and their means since the last numbers that were told. */
struct metric_parts {
	const struct net_output *output;   /* [n] */
	int                      n;
	double                   mean[NET_OUTPUTS_MAX];
};

/* What rows are computed from. */
struct metric_source {
	const tt_progress *now, *then;     /* then: as of the last numbers that were told         */
	double             loss, accuracy; /* STEP: means since then; accuracy may be NAN         */
	const struct scores *valid;        /* VALID: the whole result                             */
	const struct metric_parts *parts;  /* STEP: of nets with several losses; else NULL         */
};

#define METRICS_MAX 32
struct metric_set {
	const char *name[METRICS_MAX];
	double      value[METRICS_MAX];
	int         n;
	char        numbered[24];          /* the name of the row with a K */
};

/* The numbers of this event that are known.  Allocates nothing. */
void metric_collect(enum tt_event e, const struct metric_source *s, struct metric_set *out);

/* "train.loss" is name "loss" of split "train"; *split_len counts the letters of the split. */
const char *metric_name(const char *full, size_t *split_len);

#endif
