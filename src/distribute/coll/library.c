/* library.c -- the transport's own all-reduce, where it has one: the MPI library's. */
#include "distribute/coll/coll_internal.h"

tt_status comm_library(struct comm *c, float *x, size_t n, const struct comm_allreduce_opts *o)
{
	tt_status st;

	if (!c->ops->allreduce)
		return err_set(TT_ESUPPORT, "algorithm library: the %s transport has no all-reduce of its "
		               "own; choose ring or auto", c->ops->name);
	if (o->wire != WIRE_F32)
		return err_set(TT_ESUPPORT,
					   "algorithm library sends f32 only, not %s: choose ring or auto",
					   comm_wire_words[o->wire]);
	st = c->ops->allreduce(c, x, n);
	if (st == TT_OK || c->fault.status != TT_OK)
		return st;
	return st == TT_ETIMEDOUT ? comm_name_silent(c, (c->rank + 1) % c->size)
	                          : comm_give_up(c, st, c->rank);
}
