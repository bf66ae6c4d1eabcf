/* stacking.h -- a small net learns what to make of the answers of an ensemble's members. */
#ifndef ENSEMBLE_STACKING_H
#define ENSEMBLE_STACKING_H

#include <tutti/data.h>
#include <tutti/model.h>

struct comm;
struct engine;

/* All borrowed for the call. */
struct stacking_opts {
	struct engine  *engine;
	struct comm    *comm;
	const tt_model *member;           /* one of them: its spec says how to train    */
	const tt_model *whole;            /* its numbers begin with those of all        */
	int             members;
	tt_source      *source;           /* that the members were trained on           */
};
/* Collective; the members stay as they are.  TT_ENAN: net's numbers are not finite. */
tt_status stacking_train(const struct stacking_opts *o, tt_model *net);

#endif
