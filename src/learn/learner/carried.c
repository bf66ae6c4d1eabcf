/* carried.c -- the states of streams of a text (predict/carry.h) to a checkpoint and back:
 *
 *   tutti.carry [streams, numbers]       a row for each stream, in their order
 *
 * Which streams are whose follows from the number of ranks alone, so that a run may go on with
 * another.  Between epochs there are none. */
#include <string.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"
#include "learn/learner/learner_own.h"

#define NAME "tutti.carry"

/* Stream s is row s / ranks of rank s % ranks, as loaders deal them. */
static int64_t streams(const struct learner *l) { return l->opts.batch; }

static size_t row_bytes(const struct learner *l)
{
	return (size_t)l->carry.numbers * sizeof(float);
}

tt_status carried_init(struct learner *l)
{
	const int64_t world = learner_world(l);

	if (!l->opts.carry)
		return TT_OK;
	return carry_init(&l->carry, &(struct carry_want){
		l->opts.model, NN_TRAIN, (streams(l) + world - 1) / world });
}

/* ---- out ---- */

/* all[ranks][rows] into the order of streams. */
static void sort(const struct learner *l, const float *all, float *to)
{
	const int64_t world = learner_world(l);

	for (int64_t s = 0; s < streams(l); s++)
		memcpy(to + s * l->carry.numbers,
		       all + (s % world * l->carry.rows + s / world) * l->carry.numbers, row_bytes(l));
}

static tt_status gather(struct learner *l, float *mine, float *all)
{
	const size_t bytes = (size_t)l->carry.rows * row_bytes(l);

	for (int64_t i = 0; i < l->carry.rows; i++)
		carry_pack(&l->carry, i, mine + i * l->carry.numbers);
	l->opts.comm->doing = "the states of streams, for a checkpoint";
	return blame_peer(comm_allgather(l->opts.comm, mine, bytes, all));
}

tt_status carried_collect(struct learner *l)
{
	const size_t bytes = (size_t)l->carry.rows * row_bytes(l);
	float *mine, *all;
	tt_status st;

	mem_free(l->carried);
	l->carried = NULL;
	if (!l->goes_on)
		return TT_OK;
	mine = mem_alloc_aligned(bytes);
	all = mem_alloc_aligned((size_t)learner_world(l) * bytes);
	l->carried = mem_alloc_aligned((size_t)streams(l) * row_bytes(l));
	st = mine && all && l->carried ? gather(l, mine, all) : TT_ENOMEM;
	if (st == TT_OK)
		sort(l, all, l->carried);
	mem_free(mine);
	mem_free(all);
	return st;
}

tt_status carried_add(const struct learner *l, struct learner_rows *r, struct model_rows *s)
{
	const int64_t dim[] = { streams(l), l->carry.numbers };
	struct str *name = &r->name[r->n];
	tt_status st;

	if (!l->carried)
		return TT_OK;
	str_add(name, NAME);
	if ((st = str_status(name)) != TT_OK)
		return st;
	r->n++;
	s->tensor[s->n_tensors++] = (struct ckpt_tensor){
		.name = name->p, .desc = tensor_desc_make(DTYPE_F32, 2, dim), .data = l->carried };
	return TT_OK;
}

/* ---- back ---- */

static const char *const elsewhere = "or begin another run with train.init.from";

static tt_status check(const struct learner *l, const struct ckpt_tensor *t,
                       const struct learner_place *at)
{
	const int64_t dim[] = { streams(l), l->carry.numbers };
	const struct tensor_desc want = tensor_desc_make(DTYPE_F32, 2, dim);
	char is[TENSOR_TEXT], has[TENSOR_TEXT];

	if (!t && l->opts.carry)
		return err_set(TT_ESPEC, "%s: stands %lld samples into an epoch, and was written without "
		               "data.carry: resume with data.carry: no, %s", at->path,
		               (long long)at->consumed, elsewhere);
	if (t && !l->opts.carry)
		return err_set(TT_ESPEC, "%s: was written with data.carry: yes, in the middle of an epoch: "
		               "resume with it, %s", at->path, elsewhere);
	if (t && !tensor_same(&t->desc, &want))
		return err_set(TT_ESHAPE, "%s: holds the states of streams as %s, and this spec's are %s: "
		               "resume with the train.batch and model it was written with, %s", at->path,
		               tensor_text(&t->desc, has), tensor_text(&want, is), elsewhere);
	return TT_OK;
}

tt_status learner_take_carried(struct learner *l, const struct ckpt *c,
                               const struct learner_place *at)
{
	const struct ckpt_tensor *t = ckpt_find(c, NAME);
	tt_status st;

	if (!at->consumed)
		return TT_OK;
	if ((st = check(l, t, at)) != TT_OK || !t)
		return st;
	mem_free(l->carried);
	if (!(l->carried = mem_alloc_aligned(tensor_bytes(&t->desc))))
		return TT_ENOMEM;
	memcpy(l->carried, t->data, tensor_bytes(&t->desc));
	return TT_OK;
}

static tt_status receive(struct learner *l)
{
	const size_t bytes = (size_t)streams(l) * row_bytes(l);

	if (!l->carried && !(l->carried = mem_alloc_aligned(bytes)))
		return TT_ENOMEM;
	return blame_peer(comm_broadcast(l->opts.comm, 0, l->carried, bytes));
}

tt_status carried_deal(struct learner *l)
{
	const int64_t world = learner_world(l), rank = learner_rank(l);
	int there = l->carried != NULL;
	tt_status st;

	if (!l->opts.carry)
		return TT_OK;
	if ((st = blame_peer(comm_broadcast(l->opts.comm, 0, &there, sizeof there))) == TT_OK && there)
		st = receive(l);
	for (int64_t s = rank; st == TT_OK && there && s < streams(l); s += world)
		carry_unpack(&l->carry, s / world, l->carried + s * l->carry.numbers);
	l->goes_on = there;
	mem_free(l->carried);
	l->carried = NULL;
	return st;
}
