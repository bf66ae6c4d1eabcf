/* carry.h -- what recurrent layers hand from batch to batch, where those are pieces of streams that
 * go on (data.carry): truncated back-propagation through time.
 *
 *             batch k                      batch k + 1
 *   stream 0  | piece k |--h, c--> row 0 --| piece k + 1 |        no gradient goes through rows
 *   stream 1  | piece k |--h, c--> row 1 --| piece k + 1 |
 *
 * The rows of a rank are those of its streams, in their order; a program computes some of them.
 * Nothing is allocated after carry_init. */
#ifndef PREDICT_CARRY_H
#define PREDICT_CARRY_H

#include "compute/exec/program.h"
#include "learn/nn/model.h"

struct carry {
	struct nn_states states;
	float          **v;                 /* [states.n]: [rows, numbers of a row]               */
	int64_t          rows, numbers;     /* numbers: of a row, all its states                  */
};

/* For programs of this purpose.  TT_ESHAPE: what a layer of the net looks at cannot be carried, or
 * none has a state.  Release after an error as well. */
struct carry_want { const struct tt_model *model; enum nn_purpose purpose; int64_t rows; };
tt_status carry_init(struct carry *c, const struct carry_want *w);
void      carry_release(struct carry *c);
void      carry_clear(struct carry *c);             /* streams begin: all is zero */

/* What a program that computes the rows from `row` on begins with; and n rows of what it ended
 * with. */
void      carry_give(const struct carry *c, struct program *p, int64_t row);
void      carry_take(struct carry *c, const struct program *p, int64_t row, int64_t n);

/* A row to c->numbers floats, and back. */
void      carry_pack(const struct carry *c, int64_t row, float *to);
void      carry_unpack(struct carry *c, int64_t row, const float *from);

#endif
