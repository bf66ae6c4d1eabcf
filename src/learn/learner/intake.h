/* intake.h -- a caller's batch becomes what a net reads: input as normalised f32, target as class
 * indices or numbers.  Private to this folder.
 *
 *   columns of the caller --by name, converted where they must be--> struct batch
 *
 * Room for what is converted grows to that of the largest batch; it is not the learner's business
 * to keep the caller's columns. */
#ifndef LEARNER_INTAKE_H
#define LEARNER_INTAKE_H

#include <tutti/learner.h>

#include "data/augment.h"
#include "learn/nn/model.h"

struct intake {
	const struct tt_model *model;       /* borrowed                                          */
	const struct data_opts *data;       /* mean and std; borrowed                            */
	char            *input, *target;    /* that the caller has named; owned; NULL: by the model */
	tt_source_info   info;              /* of samples and targets; size 0: before the first  */
	enum tt_type     type;              /* of the input                                      */
	struct normaliser normaliser;
	float           *x, *values;
	int32_t         *label;
	int64_t          room;              /* samples */
	struct batch_room columns, shown;
	struct arena     names;             /* where class_names lie                             */
	const char *const *class_names;     /* that the model shall know (none)                  */
	int              classes;           /* how many                                          */
	int64_t         *pick;              /* of a net that knows its features: where they are  */
	int              moved;             /* they are elsewhere in this batch                  */
	void            *ordered;           /* then: the input in the net's order                */
	size_t           ordered_bytes;
};

tt_status intake_init(struct intake *k, const struct tt_model *m, const struct data_opts *d,
                      const tt_learner_opts *o);
void      intake_release(struct intake *k);
void      intake_forget(struct intake *k);          /* the first batch: it did not fit after all */
/* *out points into the caller's columns and k.  TT_ESHAPE, TT_EINVAL: it does not fit the net, or
 * is not like the first one.  *fresh: 1 if this is the first. */
tt_status intake_take(struct intake *k, const tt_batch *in, struct batch *out, int *fresh);
const char *intake_target(const struct intake *k);         /* the name of its column */
/* The batch's inputs [m->n_inputs] and target. */
tt_status intake_columns(const struct intake *k, const tt_batch *b, const tt_column **x,
                         const tt_column **y);

/* bind.c: the model, k's own, learns the names of the first batch's data, which fit it. */
tt_status intake_bind(const struct intake *k, struct tt_model *m, const tt_batch *b);
/* The features of an input by name: sets k->moved, and then where they are. */
tt_status intake_find_features(struct intake *k, const tt_column *x);
/* The input's numbers in the order in which the net knows them. */
tt_status intake_order(struct intake *k, const tt_column *x, int64_t n, const void **out);
void      intake_forget_features(struct intake *k);

#endif
