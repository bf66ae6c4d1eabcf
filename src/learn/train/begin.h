/* begin.h -- numbers of another model for one that is new (train.init).
 *
 *   file's tensors --map--> names of ours --same shape--> the model; what `skip` names is drawn
 *
 * Everything is looked at before anything is changed, and every tensor on both sides has a row that
 * says what became of it. */
#ifndef TRAIN_BEGIN_H
#define TRAIN_BEGIN_H

#include <tutti/model.h>

#include "base/arena.h"

struct tt_origins {
	struct arena arena;         /* of all below                                   */
	const char  *from;          /* the file that was read                         */
	tt_origin   *row;           /* of the model's tensors, then of what is left over */
	int          n, of[TT_ORIGIN_KINDS];
};

/* The model's numbers as its document says.  TT_ESHAPE: tensors that are not there, or are of
 * another shape, and not to be skipped; nothing is changed.  Without train.init.from nothing is
 * done.  m->members: of each member. */
tt_status model_begin(struct tt_model *m);

#endif
