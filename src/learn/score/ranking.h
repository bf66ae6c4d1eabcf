/* ranking.h -- how well scores put the samples that are positive before those that are not.
 *
 *   sorted by score, highest first; the samples of one score are one step
 *
 *   ROC               true positive rate over false positive rate; its area is by trapezoids
 *   precision-recall  its area is average precision, the sum of (R[n] - R[n-1]) P[n]
 *
 * These are scikit-learn's roc_curve, roc_auc_score, precision_recall_curve and
 * average_precision_score, with sample_weight.  Pure. */
#ifndef SCORE_RANKING_H
#define SCORE_RANKING_H

#include <stdint.h>

#include "base/series.h"

struct ranked { float score, weight; int positive; };

/* Sort v[n], which the functions below want so. */
void   ranking_sort(struct ranked *v, int64_t n);

/* NAN where there is no positive sample (for roc: or no other), or a score that is no number. */
struct ranking_areas { double roc, pr; };
struct ranking_areas ranking_areas(const struct ranked *sorted, int64_t n);

enum ranking_curve { RANKING_ROC, RANKING_PR, RANKING_CURVES };
/* Its points with x ascending, so many that nobody sees the gaps; empty where the area is NAN. */
void   ranking_draw(const struct ranked *sorted, int64_t n, enum ranking_curve c,
                    struct series *out);

#endif
