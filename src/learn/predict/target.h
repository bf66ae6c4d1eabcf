/* target.h -- fit a source to a net: samples of the right shape, targets as the loss wants them.
 *
 *   loss            source gives    the program's target
 *   cross_entropy   class           label[n]                    as it is
 *   other           values          values[n, outputs]          as they are
 *   other           class           [n, 1]: the class number    (one output)
 *   other           class           [n, classes]: one-hot       (as many outputs as classes) */
#ifndef PREDICT_TARGET_H
#define PREDICT_TARGET_H

#include "data/loader.h"
#include "learn/nn/model.h"

enum target_form { TARGET_LABEL, TARGET_VALUES, TARGET_NUMBER, TARGET_ONE_HOT };

struct target {
	enum target_form form;
	int              width;            /* outputs of the net per sample              */
	int              classes;          /* for metrics: 0 if accuracy has no meaning  */
	float           *room;             /* NUMBER, ONE_HOT: [batch, width]            */
};

/* Check that the source fits the net, then make room for targets of `batch` samples.  TT_ESHAPE
 * names the source and both sides. */
tt_status target_init(struct target *t, const struct tt_model *m, const tt_source_info *info,
                      int batch);
void      target_release(struct target *t);
/* Losses count every sample once: a source that weighs its samples is TT_ESUPPORT, not ignored. */
tt_status target_refuse_weights(const tt_schema *s);
/* The program's input "target" for this batch; borrowed until the next call. */
const void *target_of(struct target *t, const struct batch *b);

#endif
