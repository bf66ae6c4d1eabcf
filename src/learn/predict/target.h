/* target.h -- fit a source to a net: samples of the right shape, targets as the loss wants them.
 *
 *   loss            source gives    the program's target
 *   cross_entropy   class           label[n]                    as it is
 *   other           values          values[n, outputs]          as they are
 *   other           class           [n, 1]: the number that is its name  (one output)
 *   bce             class           [n, 1]: 0 or 1, of two classes with other names
 *   other           class           [n, classes]: one-hot       (as many outputs as classes)
 *   cross_entropy   places          label[n * length], weight[n * length]: 0 where none is
 *   ctc             places          label[n, length + 1], -1 behind a sample's last */
#ifndef PREDICT_TARGET_H
#define PREDICT_TARGET_H

#include "data/loader.h"
#include "learn/nn/model.h"
#include "learn/score/spelling.h"

enum target_form {
	TARGET_LABEL, TARGET_VALUES, TARGET_NUMBER, TARGET_ONE_HOT, TARGET_PLACES, TARGET_LABELS
};

struct target {
	enum target_form form;
	int              width;            /* outputs of the net per sample              */
	int              classes;          /* for metrics: 0 if accuracy has no meaning  */
	int              shares;           /* enum no/yes: numbers from 0 to 1 alone     */
	float           *room;             /* NUMBER, ONE_HOT: [batch, width]            */
	float           *number;           /* NUMBER: [classes], by class                 */
	int              column;           /* PLACES, LABELS: which of a batch it is      */
	int32_t         *label;            /* PLACES, LABELS: room of [rows]              */
	float           *weight;           /* PLACES: the same                            */
	int32_t         *lengths;          /* LABELS: room of [batch]                     */
	const struct tt_model *model;      /* LABELS: whose places they are spelt along   */
	int64_t          rows;             /* that there is room for                      */
};

/* What a program takes, and metrics: a row is a sample, or a place of one. */
struct target_values {
	const void    *target;
	const int32_t *label;              /* [rows]; NULL: the rows have no class        */
	const float   *weight;             /* [rows]; NULL: 1 each                        */
	int64_t        rows, samples;
	struct spelling spelling;          /* LABELS; else most is 0                      */
};

/* Check that the source fits the net, then make room for targets of `batch` samples.  TT_ESHAPE
 * names both sides: a class is a number for one output only where its name is one. */
tt_status target_init(struct target *t, const struct tt_model *m, const tt_source_info *info,
                      int batch);
void      target_release(struct target *t);
/* The program's inputs "target" and "weight" for this batch, whose sequences are filled up to
 * `length`; borrowed until the next call.  TT_EFORMAT: a number that the loss cannot take. */
tt_status target_take(struct target *t, const struct batch *b, int64_t length,
                      struct target_values *out);
/* What the rows of a batch weigh together. */
double    target_weigh(const struct target *t, const struct batch *b);

#endif
