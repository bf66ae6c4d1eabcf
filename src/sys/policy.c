#include "sys/policy.h"

#include "sys/thread.h"

static struct policy policy;

void policy_set(const struct policy *p) { policy = *p; }
struct policy policy_get(void) { return policy; }

int policy_threads(int asked)
{
	const int all = asked > 0 ? asked : thread_pool_is_lost() ? 1 : thread_cores();

	return policy.threads > 0 && policy.threads < all ? policy.threads : all;
}

int policy_share(int threads, int part, int parts)
{
	return threads <= parts ? 1 : threads / parts + (part < threads % parts);
}

int policy_may_start(void) { return policy.threads != 1; }

int policy_interrupted(void)
{
	return policy.interrupted && policy.interrupted(policy.ctx);
}

void policy_tell(const char *doing)
{
	if (policy.doing)
		policy.doing(policy.ctx, doing);
}

tt_status policy_check(const char *doing)
{
	return policy_interrupted() ? err_set(TT_ESTOPPED, "stopped on request during %s", doing)
	                            : TT_OK;
}
