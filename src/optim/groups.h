/* groups.h -- parameters with a rate and a decay of their own: PyTorch's param_groups.
 *
 * Group 0 holds what no other one names.  Private to optim/ and who reads documents. */
#ifndef OPTIM_GROUPS_H
#define OPTIM_GROUPS_H

#include "base/pattern.h"
#include "optim/options.h"

struct optim_group {
	struct pattern_list match;
	double              lr, weight_decay;
	const struct node  *node;
};
struct optim_groups { struct optim_group *v; int n; };

/* TT_ESPEC with file and line. */
tt_status optim_groups_make(struct optim_groups *g, const struct optim_opts *o);
void      optim_groups_release(struct optim_groups *g);
/* The first whose patterns fit; 0: none does, or there is no name. */
int       optim_groups_find(struct optim_groups *g, const char *name);
/* TT_ESPEC: a pattern that has fitted nothing yet. */
tt_status optim_groups_check_used(const struct optim_groups *g);

#endif
