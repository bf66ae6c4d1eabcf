/* ensemble.h -- under the strategy `ensemble`: one rank's net among others, and the model they
 * make.
 *
 *   given model  ==becomes==>  whole: members.0 | members.1 | ... and what combines them
 *   member                     this rank's own net, on its own
 *
 * The model that the trainer was given is the whole from the start: it is what meetings fill in,
 * what is validated and saved.  A net that combines is trained when the members are done, and
 * stands behind them from then on; until then the whole is their average.  (spec/ensemble.h) */
#ifndef ENSEMBLE_ENSEMBLE_H
#define ENSEMBLE_ENSEMBLE_H

#include <tutti/data.h>
#include <tutti/model.h>

#include "learn/learner/learner.h"
#include "learn/predict/evaluator.h"

struct ensemble {
	tt_model    *whole;                 /* given to the trainer                               */
	tt_model    *member;                /* this rank's: owned                                 */
	struct comm *comm;
	int          n;                     /* members                                            */
	int          combined;              /* the net behind them is there                       */
	tt_model    *before;                /* the average that it replaced: its names are in use */
	float       *slot[LEARNER_SLOTS];   /* rank 0: optimizer state of all, as of last meeting */
	double      *accuracy;              /* [n] of each in validation, at the end; NAN         */
};

/* Split a model into whole and member, if its strategy keeps ranks apart; else *out stays. */
tt_status ensemble_open(struct ensemble **out, tt_model *whole, struct comm *c);
/* Give the model back as it was: the trainer could not be made.  All of these take NULL. */
void      ensemble_undo(struct ensemble *e);
void      ensemble_close(struct ensemble **e);
/* The learner knows where the others' numbers belong. */
void      ensemble_tell_learner(struct ensemble *e, struct learner *l);

/* The whole with the net behind it, whose numbers are not good yet.  Who has looked at the whole
 * until now (an evaluator) looks at what it was. */
tt_status ensemble_add_combiner(struct ensemble *e, struct learner *l);
/* The same with a trained one: collective, when all members are done. */
tt_status ensemble_combine(struct ensemble *e, struct learner *l, struct engine *engine,
                           tt_source *source);
/* Collective: how good is each member?  o: of this rank's; without a source nobody knows. */
tt_status ensemble_measure(struct ensemble *e, const struct evaluator_opts *o);

#endif
