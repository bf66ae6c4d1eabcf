/* group.c -- one rank among others: its threads, and which gradients travel as factors. */
#include "distribute/coll/wire.h"
#include "distribute/sync/collective.h"
#include "learn/learner/learner_own.h"
#include "learn/learner/microbatch.h"
#include "sys/policy.h"

/* ---- threads ---- */

/* Ranks on one machine share its cores: threads here, processes by what a launcher lets them, and
 * by turns where there are fewer cores than ranks. */
static int shares_cores(const struct comm *c, int asked)
{
	return c->one_space || asked > 0 || c->crowd > 0;
}

int learner_threads(const struct comm *c, int asked)
{
	const int all = policy_threads(asked);

	if (c->size == 1 || !shares_cores(c, asked))
		return all;
	return policy_share(all, c->local, c->locals);
}

/* Where ranks share memory, products are made by the thread that communicates, one alone: it should
 * not take the place of many, on any rank. */
int learner_shares_products(const struct learner *l)
{
	const struct comm *c = l->opts.comm;
	const int one = c->size > 1 && shares_cores(c, l->opts.threads) &&
	                policy_threads(l->opts.threads) <= c->locals;

	return one && sync_shares_products(c, &l->distribute, optim_by_range(l->optim));
}

/* ---- among others ---- */

tt_status learner_check(const struct distribute_opts *d, const struct optim_opts *o,
                        const struct learner_demands *more)
{
	const struct sync_demands all = { .opts = d, .momentum = o->momentum,
	                                  .processes = more->processes,
	                                  .every_steps = more->every_steps };

	return sync_check(sync_strategies[d->strategy], &all);
}

/* Between how many hosts may layers' gradients be left as factors?  1: in the memory of one; 0:
 * none.  Of a share that is computed at once, since factors do not add up.  If asked for, between
 * all ranks. */
static int factor_hosts(const struct learner *l)
{
	const struct distribute_opts *d = &l->distribute;
	const struct comm *c = l->opts.comm;

	if (c->size == 1 || !l->strategy->factors ||
	    microbatch_count(&l->opts, l->opts.batch) > 1 || d->factors == FACTORS_NO ||
	    (d->factors == FACTORS_AUTO && d->deterministic))
		return 0;
	if (d->factors == FACTORS_YES)
		return c->size;
	return c->hosts > 1 ? c->hosts : learner_shares_products(l);
}

tt_status group_join(struct learner *l)
{
	const struct distribute_opts *d = &l->distribute;
	const int64_t world = learner_world(l);
	const int hosts = factor_hosts(l);

	l->among.norm_ranks = d->sync_batchnorm && world > 1 ? (int)world : 0;
	l->product = device_list_product(&l->opts.engine->devices);
	if (!hosts || !l->product)
		return TT_OK;
	l->among.factors = (struct pass_factors){
		.rows = (l->opts.batch + world - 1) / world, .ranks = (int)world, .hosts = hosts,
		.width = (int)wire_bytes((enum comm_wire)d->wire, 1),
	};
	return nn_factored(l->opts.model, &l->among, &l->factored, &l->n_factored);
}

int64_t learner_parts(const struct learner *l)
{
	return microbatch_count(&l->opts, l->opts.batch);
}
