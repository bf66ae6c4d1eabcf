/* ensemble.h -- under the strategy `ensemble`: one rank's net among others, and the model they
 * make.
 *
 *   given model  ==becomes==>  whole: members.0 | members.1 | ... and what combines them
 *   t->model                   this rank's member, on its own
 *
 * The model that the trainer was given is the whole from the start: it is what meetings fill in,
 * what is validated and saved.  A net that combines is trained when the members are done, and
 * stands behind them from then on; until then the whole is their average.  (nn/members.h) */
#ifndef TRAIN_ENSEMBLE_H
#define TRAIN_ENSEMBLE_H

#include <tutti/model.h>

#include "learn/learner/learner.h"

struct comm;
struct program;
struct tt_trainer;

#define ENSEMBLE_SLOTS LEARNER_SLOTS

struct ensemble {
	tt_model *whole;                    /* given to the trainer                               */
	int       n;                        /* members                                            */
	int       combined;                 /* the net behind them is there                       */
	tt_model *before;                   /* the average that it replaced: its names are in use */
	float    *slot[ENSEMBLE_SLOTS];     /* rank 0: optimizer state of all, as of last meeting */
	double   *accuracy;                 /* [n] of each in validation, at the end; NAN         */
};

/* Split t->model into whole and member, if the strategy says so.  NULL otherwise. */
tt_status ensemble_open(struct tt_trainer *t);
/* Give the model back as it was: the trainer could not be made. */
void      ensemble_undo(struct tt_trainer *t);
void      ensemble_close(struct tt_trainer *t);
/* Optimizer state of all members; NULL on other ranks than 0. */
float    *ensemble_slot(const struct tt_trainer *t, int i);
/* The learner knows where the others' numbers belong. */
void      ensemble_tell_learner(struct tt_trainer *t);
/* The whole with the net behind it, whose numbers are not good yet. */
tt_status ensemble_add_combiner(struct tt_trainer *t);
/* Collective, when all members are done: combine them, and see how good each is. */
tt_status ensemble_finish(struct tt_trainer *t);

/* combiner.c: collective; train the net behind the members, which stay as they are. */
tt_status stacking_train(struct tt_trainer *t, tt_model *combiner);

#endif
