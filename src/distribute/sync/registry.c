/* registry.c -- the table of strategies.  What a row cannot do is found out before anything is
 * made. */
#include "distribute/sync/registry.h"

#include "distribute/sync/sync.h"

#define ROW(name) &sync_##name,
const struct strategy *const sync_strategies[] = { SYNC_STRATEGIES(ROW) NULL };

#define WORD(name) #name,
const char *const sync_words[] = { SYNC_STRATEGIES(WORD) NULL };

const struct strategy *sync_pick(const struct distribute_opts *o, int world)
{
	const struct strategy *row = sync_strategies[o->strategy];

	return world == 1 && (row->collective || row->in_process) ? &sync_single : row;
}

/* ---- constraints ---- */

/* "allreduce": who makes one batch of all ranks' shares. */
static const char *who_shares_batchnorm(void)
{
	int i = 0;

	while (sync_strategies[i + 1] && !sync_strategies[i]->sync_batchnorm)
		i++;
	return sync_strategies[i]->name;
}

static tt_status momentum(const struct strategy *row, const struct sync_demands *d)
{
	if (!row->own_momentum || d->momentum <= 0)
		return TT_OK;
	return err_set(TT_ESPEC, "distribute.strategy %s has a momentum of its own, "
	               "distribute.delta: set train.optimizer.momentum: 0", row->name);
}

static tt_status period(const struct strategy *row, const struct sync_demands *d)
{
	if (!row->needs_period || d->opts->period > 0)
		return TT_OK;
	return err_set(TT_ESPEC, "distribute.period: 0 is one average at the end, by strategy "
	               "average; under %s the result would stay what it was at the start: workers "
	               "bring it forward every `period` steps, such as 10", row->name);
}

static tt_status batchnorm(const struct strategy *row, const struct sync_demands *d)
{
	if (row->sync_batchnorm || !d->opts->sync_batchnorm)
		return TT_OK;
	return err_set(TT_ESPEC, "distribute.sync_batchnorm makes one batch of all workers' shares "
	               "at every step, as only distribute.strategy: %s does", who_shares_batchnorm());
}

static tt_status one_process(const struct strategy *row, const struct sync_demands *d)
{
	if (!row->in_process || d->processes <= 1)
		return TT_OK;
	return err_set(TT_ESPEC, "distribute.strategy: %s is for threads of one process, and there are "
	               "%d processes: start it with --workers %d on one machine", row->name,
	               d->processes, d->processes);
}

static tt_status whole_epochs(const struct strategy *row, const struct sync_demands *d)
{
	if (!row->in_process || d->every_steps <= 0)
		return TT_OK;
	return err_set(TT_ESPEC, "train.checkpoint.every_steps: under distribute.strategy: %s workers "
	               "wait for one another between epochs only: set it to 0, and "
	               "train.checkpoint.every_epochs: 1", row->name);
}

static tt_status (*const constraints[])(const struct strategy *, const struct sync_demands *) = {
	momentum, period, batchnorm, one_process, whole_epochs,
};

tt_status sync_check(const struct strategy *row, const struct sync_demands *d)
{
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && i < sizeof constraints / sizeof *constraints; i++)
		st = constraints[i](row, d);
	return st;
}
