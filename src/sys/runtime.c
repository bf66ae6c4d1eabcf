/* runtime.c -- the public face of policy and allocator. */
#include <tutti/runtime.h>

#include "base/mem.h"
#include "base/sized.h"
#include "sys/policy.h"

tt_status tt_runtime_set(const tt_runtime *given)
{
	struct mem_allocator own;
	tt_runtime r;
	tt_status st = sized_options(&r, sizeof r, given, "tt_runtime");

	if (st != TT_OK)
		return st;
	if (!r.alloc != !r.free)
		return err_set(TT_EINVAL, "tt_runtime: alloc and free come together");
	if (r.threads < 0)
		return err_set(TT_EINVAL, "tt_runtime: %d threads", r.threads);
	own = (struct mem_allocator){ r.alloc, r.free, r.ctx };
	if ((st = mem_use(r.alloc ? &own : NULL)) != TT_OK)
		return st;
	policy_set(&(struct policy){ r.threads, r.interrupted, r.ctx, r.doing });
	return TT_OK;
}
