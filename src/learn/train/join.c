#include "learn/train/join.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "data/reader.h"
#include "distribute/sync/trace.h"
#include "learn/train/checkpoint.h"
#include "learn/train/rest.h"
#include "learn/train/trainer_own.h"

/* A few samples stand for all: other data under the same name are found, at no cost. */
static tt_status hash_data(const tt_source *s, uint64_t *out)
{
	const int64_t count = tt_source_describe(s)->count;
	tt_status st = TT_OK;

	*out = HASH_BEGIN;
	for (int i = 0; st == TT_OK && i < 3; i++)
		st = source_hash(s, i * (count - 1) / 2, out);
	return st;
}

static tt_status agree(struct tt_trainer *t)
{
	const tt_source_info *info = tt_source_describe(t->train_source);
	struct str s = {0};
	uint64_t data;
	tt_status st = hash_data(t->train_source, &data);

	if (st != TT_OK)
		return st;
	str_addf(&s, "checkpoints are %s\na trace is %s\ndata: %lld samples, hash %016llx, %s\n",
	         t->saves ? "written" : "not written", t->trace ? "written" : "not written",
	         (long long)info->count,
	         (unsigned long long)data,
	         tt_source_schema(t->train_source)->weight ? "weighted" : "not weighted");
	if ((st = str_status(&s)) == TT_OK)
		st = learner_agree(t->learner, s.p);
	str_release(&s);
	return st;
}

tt_status trainer_join(struct tt_trainer *t)
{
	tt_status st;

	if (trainer_world(t) == 1)
		return learner_start(t->learner);
	if ((st = agree(t)) != TT_OK ||
	    (st = learner_blame(t->learner, checkpoint_share_place(t))) != TT_OK)
		return st;
	if (t->shared && !trainer_rank(t))
		rest_begin(t);
	if ((st = learner_start(t->learner)) != TT_OK)
		return st;
	return loader_seek(t->loader, t->at.epoch, t->at.consumed);
}

tt_status trainer_part(struct tt_trainer *t, tt_status st)
{
	char text[ERR_MAX];

	if (st == TT_OK || st == TT_ESTOPPED || trainer_world(t) == 1)
		return st;
	snprintf(text, sizeof text, "%s", tt_last_error());
	learner_give_up(t->learner, text);
	if (t->group)
		local_workers_settle(t->group);
	return err_set(st, "%s", text);
}

/* Of a group that has ended by a fault each rank writes what it has: nothing can be gathered. */
static tt_status write_own(struct tt_trainer *t)
{
	struct str path = { 0 };
	tt_status st;

	str_addf(&path, "%s.%d", t->trace_path.p, trainer_rank(t));
	if ((st = str_status(&path)) == TT_OK)
		st = trace_write(&t->trace, 1, trainer_rank(t) ? path.p : t->trace_path.p);
	str_release(&path);
	return st;
}

tt_status trainer_write_trace(struct tt_trainer *t, tt_status end)
{
	const int n = t->group ? local_workers_size(t->group) : 1;
	struct trace **all = mem_calloc((size_t)n, sizeof *all);
	tt_status st;

	if (!all)
		return TT_ENOMEM;
	if (!t->group && trainer_world(t) > 1) {
		mem_free(all);
		st = end == TT_OK || end == TT_ESTOPPED ? trace_gather(t->trace, t->comm, t->trace_path.p)
		                                        : TT_EPEER;
		return st == TT_OK ? TT_OK : write_own(t);
	}
	if (t->group)
		local_workers_settle(t->group);
	all[0] = t->trace;
	for (int i = 1; i < n; i++)
		all[i] = trainer_peer(t, i)->trace;
	st = trace_write(all, n, t->trace_path.p);
	mem_free(all);
	return st;
}
