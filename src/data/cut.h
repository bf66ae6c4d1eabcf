/* cut.h -- which samples of one source are trained on, validated with, tested with.
 *
 *   valid 0.2, test 0.1      | train .......... | valid .. | test . |    in a random order
 *   folds 5, fold 2          | 0 | 1 | [2] | 3 | 4 |                     2 is valid, others train
 *
 * A pure function of the options: who opens the source again finds the same parts.  With groups
 * (all rows of a patient, say) a group is in one part alone; with strata each part has its share
 * of every class. */
#ifndef DATA_CUT_H
#define DATA_CUT_H

#include <tutti/model.h>

#include "base/options.h"

/* Spec: the keys under `data.split`. */
struct split_opts {
	double      valid, test;        /* shares of the samples (0, 0)                    */
	int         stratify;           /* enum no/yes: of each class the same share (no)  */
	const char *group;              /* a table's column; NULL: none                    */
	int         seed;               /* of the order (1)                                */
	int         folds, fold;        /* so many parts, of which this one is valid (0, 0) */
};
extern const struct option split_options[];

/* One part of a source. */
struct cut { const struct split_opts *split; enum tt_part part; };

static inline int split_is_set(const struct split_opts *s)
{
	return s->valid > 0 || s->test > 0 || s->folds > 0;
}

/* What is known of n samples. */
struct cut_samples {
	int64_t        n;
	const int32_t *class;           /* [n] -1: none; NULL: there are no classes */
	int            classes;
	const uint32_t *group;          /* [n] below groups; NULL: there are none   */
	uint32_t       groups;
};
/* The part of each in part[n].  TT_ESPEC: the options do not go together, or a part is empty. */
tt_status cut_samples(const struct split_opts *o, const struct cut_samples *s, uint8_t *part);

#endif
