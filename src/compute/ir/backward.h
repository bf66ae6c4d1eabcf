/* backward.h -- the state of ir_backward, for its two files. */
#ifndef IR_BACKWARD_H
#define IR_BACKWARD_H

#include "compute/ir/graph.h"

struct ir_part {
	struct ir_value *grad;
	struct ir_part     *next;
};

struct ir_backward {
	struct ir_graph *g;
	struct arena     scratch;
	struct ir_part    **first, **last;      /* by value id: what its readers add, in order    */
	struct ir_node **first_reader;       /* by value id                                    */
	struct ir_value *seed;
};

#endif
