/* metrics.h -- how good answers are: loss, accuracy, top-k, confusion.
 *
 * Running sums over batches of logits [n, width] and labels [n].  One column is a yes/no question
 * (label 1 if the logit is positive); more columns are one class each.  Among equal logits the
 * first counts as larger; a logit that is not a number is never right.
 *
 * With weights all sums but `samples` and the confusion matrix are weighted, as scikit-learn's are
 * with sample_weight; means are divided by the weights.  Without any, a sample weighs 1. */
#ifndef SCORE_METRICS_H
#define SCORE_METRICS_H

#include <stdint.h>

#include "base/err.h"
#include "learn/score/spelling.h"

/* More classes than this and no confusion matrix is kept: it grows with the square. */
#define METRICS_MAX_CONFUSION 2048

#define METRICS_PARTS 16

/* What samples weigh together: those of a class, those answered so, those that are both. */
struct metrics_class { double truth, answered, right; };

struct metrics {
	int64_t  samples;
	double   weight, correct, in_top, loss;      /* sums over the samples              */
	double   labels, wrong;            /* of spelt labels: how many, how many edits away */
	int      spells;                   /* enum no/yes: `correct` counts whole lists  */
	double   part[METRICS_PARTS];      /* of nets with several losses: the same of each */
	int      classes;                  /* 0: there are only losses                   */
	int      k;
	int64_t *confusion;                /* [classes][classes], row = truth; or NULL   */
	struct metrics_class *class;       /* [classes], or NULL                         */
};

struct metrics_batch {
	double         loss;               /* sum over the samples, by their weights     */
	const float   *logits;
	int            width;
	const int32_t *label;              /* NULL without classes                       */
	int64_t        n;                  /* rows: samples, or places of sequences      */
	const float   *weight;             /* [n]; NULL: 1 each                          */
	int64_t        samples;            /* 0: as many as rows                         */
	const float   *values;             /* [n][width] targets that are numbers; or NULL */
	const struct spelling *spelling;   /* of nets that spell: logits are [n][places][width] */
};

void metrics_clear(struct metrics *m);                    /* the sums, not the settings */
void metrics_add(struct metrics *m, const struct metrics_batch *b);
/* What n samples of these weights (NULL: 1 each) weigh together, added in their order. */
double metrics_weigh(const float *weight, int64_t n);
/* Is it so much that sums of losses overflow? */
int metrics_overweight(double weight);
/* TT_ENAN: a sum has overflown for the weights' sake. */
tt_status metrics_check(const struct metrics *m);
void metrics_join(struct metrics *m, const struct metrics *other);      /* sums alone */

/* Means; NAN where nothing weighs anything. */
double metrics_loss(const struct metrics *m);
double metrics_accuracy(const struct metrics *m);         /* NAN without classes        */
double metrics_top_k(const struct metrics *m);

#endif
