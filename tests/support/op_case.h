/* op_case.h -- one operation to be tried: tests/op/cases.txt as structs, graphs and numbers.
 *
 *   line --> op_case --> graph of one op (and its gradients) --> op_results
 *
 * The head of cases.txt explains a line.  Numbers are hashed.h's of (case, input), the same as in
 * tools/golden/ops.py.  All functions fail the running test when something is wrong. */
#ifndef SUPPORT_OP_CASE_H
#define SUPPORT_OP_CASE_H

#include "base/arena.h"
#include "compute/exec/run.h"
#include "compute/ir/graph.h"

#define OP_CASE_INPUTS 8
#define OP_CASE_SEED 0.75F              /* the gradient's seed in every case with gradients */

struct op_input {
	const char        *name;
	const char        *kind;        /* "", "pos", "int7", ...                             */
	int                again;       /* index of the input that is used again, or -1       */
	struct tensor_desc desc;
};

struct op_case {
	const char     *name;
	enum ir_op      op;
	struct op_input in[OP_CASE_INPUTS];
	int             n_in;
	struct ir_attr  attr;
	enum ir_act     then;           /* an activation behind the op, or ACT_NONE           */
	int             grad;
	const char     *poisoned;       /* the input with a NaN here and there, or NULL       */
};

struct op_cases { struct arena arena; struct op_case *item; int n; };

void op_cases_read(struct op_cases *out, const char *path);
void op_cases_release(struct op_cases *c);

/* The run context of every case: four numbers that are all different. */
extern const struct run_context op_case_run;

/* The op, its activation, the loss and the gradients; outputs y0, y1 are marked.  Owned by the
 * caller. */
struct ir_graph *op_case_graph(const struct op_case *c);

/* The numbers of an input, parameter or buffer of that graph. */
void op_case_fill(const struct op_case *c, const struct ir_value *v, void *data);

/* What came out: y0, y1, d_NAME per parameter, NAME per buffer, in this order. */
#define OP_CASE_RESULTS 20
struct op_result { char name[32]; float *v; int64_t n; };
struct op_results { struct op_result item[OP_CASE_RESULTS]; int n; };

void op_results_add(struct op_results *r, const char *name, const float *v, int64_t n); /* copies */
void op_results_release(struct op_results *r);

/* Run a graph of op_case_graph with the reference kernels. */
void op_case_reference(const struct op_case *c, const struct ir_graph *g, struct op_results *out);

/* Does the value with this place among the outputs or gradients count as a result?  A visitor for
 * whoever runs the graph by other means: calls f for every result in order. */
enum op_result_kind { OP_RESULT_OUTPUT, OP_RESULT_GRAD, OP_RESULT_BUFFER };
typedef void (*op_result_fn)(void *ctx, enum op_result_kind kind, const char *name,
                             const struct ir_value *v);
void op_case_visit(const struct ir_graph *g, op_result_fn f, void *ctx);

#endif
