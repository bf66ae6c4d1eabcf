/* ensemble.h -- several nets side by side as one net.
 *
 *   input --> members.0 -.                            input --> members.0 -.
 *        '--> members.1 --> mix --> scores    or           '--> members.1 --> combiner --> scores
 *
 * The parameters of member i are those of the single net, under members.i., and lie one member
 * after the other: the whole's vector begins with all members' vectors. */
#ifndef SPEC_ENSEMBLE_H
#define SPEC_ENSEMBLE_H

#include "learn/spec/spec.h"

#define ENSEMBLE_MAX 64

/* The net of n such nets; layers as in `combiner` stand behind them, or NULL: the average of what
 * they say.  Nothing is said about how to distribute it: it is one net. */
tt_status ensemble_spec(tt_spec **out, const tt_spec *member, int n, const struct node *combiner);

/* The net of those layers alone; its input is what n members say, side by side. */
tt_status ensemble_combiner(tt_spec **out, const struct tt_model *member, int n,
                           const struct node *combiner);

/* One dense layer, as wide as a member's answer: [{dense: {name: fc1, out: N}}]. */
tt_status ensemble_default_combiner(struct arena *a, const struct tt_model *member,
                                   struct node **out);

#endif
