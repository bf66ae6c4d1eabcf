/* all.c -- the passes in order.
 *
 * fold before fuse: a batch norm hides the activation behind it from the convolution.  dead last:
 * it sweeps up what the others leave. */
#include "compute/pass/pass.h"

static const struct {
	const char *name;
	tt_status (*run)(struct ir_graph *g);
	int         infer_only;
} passes[] = {
	{ "lookup", pass_lookup, 1 },
	{ "fold", pass_fold, 1 },
	{ "fuse", pass_fuse, 0 },
	{ "dead", pass_dead, 0 },
};

#define N_PASSES (sizeof passes / sizeof passes[0])

/* Verification costs far less than one training step: it is always on. */
tt_status pass_all(struct ir_graph *g, enum pass_goal goal)
{
	tt_status st = ir_verify(g);

	if (st != TT_OK)
		return err_at(st, "before all passes");
	for (size_t i = 0; i < N_PASSES; i++) {
		if (passes[i].infer_only && goal != PASS_INFER)
			continue;
		if ((st = passes[i].run(g)) != TT_OK)
			return st;
		if ((st = ir_verify(g)) != TT_OK)
			return err_at(st, "after pass %s", passes[i].name);
	}
	return TT_OK;
}
