#include "optim/optim.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "optim/groups.h"
#include "optim/update_rules.h"

/* Norms are sums over blocks of this many elements, added in order: the same bits for any
 * number of threads. */
#define BLOCK 8192
/* A range smaller than this is not worth waking a second thread for. */
#define GRAIN 32768

struct run { size_t offset, count; int decay, group; };

struct optim {
	struct optim_opts    opts;
	const struct rule   *rule;
	struct optim_groups  groups;
	struct run          *tensor;     /* per-tensor rules: each one; else those treated alike */
	int                  n_tensors;
	size_t               count;
	float               *slot[RULE_SLOTS];
	double              *sum;        /* two per block of the whole vector                    */
	struct coef         *coef;       /* of each group                                        */
};

static tt_status check_opts(const struct optim_opts *o)
{
	if (o->nesterov && o->momentum == 0)
		return err_set(TT_EINVAL, "optimizer: nesterov needs momentum: set momentum, "
		               "0.9 for instance, or nesterov: no");
	if (o->nesterov && o->kind != OPTIM_SGD)
		return err_set(TT_EINVAL, "optimizer: nesterov belongs to sgd alone: leave it out");
	return TT_OK;
}

/* Neighbours that are treated alike become one run, so that loops are long; but a rule with a
 * ratio per tensor needs each for itself. */
static tt_status copy_tensors(struct optim *o, const struct optim_tensor *t, int n)
{
	struct run *run;

	if (!(o->tensor = mem_calloc(n > 0 ? (size_t)n : 1, sizeof *o->tensor)))
		return TT_ENOMEM;
	for (int i = 0; i < n; i++) {
		const int group = optim_groups_find(&o->groups, t[i].name);

		if (t[i].offset != o->count)
			return err_set(TT_EINTERNAL, "optimizer: tensor %d begins at %zu, not at %zu",
			               i, t[i].offset, o->count);
		o->count += t[i].count;
		run = o->n_tensors ? &o->tensor[o->n_tensors - 1] : NULL;
		if (run && !o->rule->block && !run->decay == !t[i].decay && run->group == group)
			run->count += t[i].count;
		else
			o->tensor[o->n_tensors++] = (struct run){ t[i].offset, t[i].count, t[i].decay, group };
	}
	return optim_groups_check_used(&o->groups);
}

static tt_status make_slots(struct optim *o)
{
	size_t blocks = o->count / BLOCK + 1;

	if (!(o->sum = mem_calloc(blocks, 2 * sizeof *o->sum)))
		return TT_ENOMEM;
	for (int i = 0; i < RULE_SLOTS && o->rule->slot[i]; i++) {
		if (!(o->slot[i] = mem_alloc_aligned(o->count * sizeof(float))))
			return TT_ENOMEM;
		memset(o->slot[i], 0, o->count * sizeof(float));
	}
	return TT_OK;
}

tt_status optim_new(struct optim **out, const struct optim_opts *opts,
                    const struct optim_tensor *tensors, int n_tensors)
{
	struct optim *o;
	tt_status st;

	if ((st = check_opts(opts)) != TT_OK)
		return st;
	if (!(o = mem_calloc(1, sizeof *o)))
		return TT_ENOMEM;
	o->opts = *opts;
	if (!(o->rule = optim_update(opts))) {
		st = err_set(TT_EINVAL, "optimizer: kind %d is unknown", opts->kind);
		goto out;
	}
	if ((st = optim_groups_make(&o->groups, opts)) != TT_OK ||
	    (st = copy_tensors(o, tensors, n_tensors)) != TT_OK || (st = make_slots(o)) != TT_OK)
		goto out;
	if (!(o->coef = mem_calloc((size_t)o->groups.n, sizeof *o->coef))) {
		st = TT_ENOMEM;
		goto out;
	}
	optim_begin(o, opts->lr, 1);
	*out = o;
	o = NULL;
out:
	optim_free(&o);
	return st;
}

void optim_free(struct optim **o)
{
	if (!o || !*o)
		return;
	for (int i = 0; i < RULE_SLOTS; i++)
		mem_free((*o)->slot[i]);
	mem_free((*o)->sum);
	mem_free((*o)->coef);
	mem_free((*o)->tensor);
	optim_groups_release(&(*o)->groups);
	mem_free(*o);
	*o = NULL;
}

int optim_by_range(const struct optim *o)
{
	return !o->rule->block && o->opts.clip_norm <= 0;
}

static struct coef coef_of(const struct optim *o, double lr, int64_t t)
{
	const struct optim_opts *k = &o->opts;
	double fix1 = 1 - pow(k->beta1, (double)t), fix2 = 1 - pow(k->beta2, (double)t);

	return (struct coef){
		.lr = (float)lr,
		.momentum = (float)k->momentum,
		.beta1 = (float)k->beta1, .rest1 = (float)(1 - k->beta1),
		.beta2 = (float)k->beta2, .rest2 = (float)(1 - k->beta2),
		.alpha = (float)k->alpha, .rest_alpha = (float)(1 - k->alpha),
		.eps = (float)(k->eps > 0 ? k->eps : o->rule->eps),
		.step1 = (float)(lr / fix1),
		.fix1 = (float)(1 / fix1), .fix2 = (float)(1 / sqrt(fix2)),
		.trust = 1,
	};
}

void optim_begin_rates(struct optim *o, const struct optim_rates *r, int64_t t)
{
	o->coef[0] = coef_of(o, r->lr, t);
	for (int i = 1; i < o->groups.n; i++)
		o->coef[i] = coef_of(o, r->times * o->groups.v[i].lr + r->plus, t);
}

void optim_begin(struct optim *o, double lr, int64_t t)
{
	optim_begin_rates(o, &(struct optim_rates){
		.lr = lr, .times = o->opts.lr > 0 ? lr / o->opts.lr : 1 }, t);
}

/* g: of lo. */
static struct update update_at(const struct optim *o, float *p, const float *g, size_t lo,
                               size_t hi)
{
	struct update u = { .p = p + lo, .g = g, .n = hi - lo };

	for (int i = 0; i < RULE_SLOTS; i++)
		u.slot[i] = o->slot[i] ? o->slot[i] + lo : NULL;
	return u;
}

/* A range on its way through thread_for. */
struct job {
	struct optim  *o;
	float         *p;
	const float   *g;               /* of lo */
	size_t         lo, hi;
	struct coef    coef;
};

static void run_range(void *ctx, int64_t lo, int64_t hi)
{
	struct job *j = ctx;
	struct update u = update_at(j->o, j->p, j->g + lo, j->lo + (size_t)lo, j->lo + (size_t)hi);

	j->o->rule->range(&u, &j->coef);
}

static void run_blocks(void *ctx, int64_t first, int64_t last)
{
	struct job *j = ctx;

	for (int64_t b = first; b < last; b++) {
		size_t lo = j->lo + (size_t)b * BLOCK;
		size_t hi = lo + BLOCK < j->hi ? lo + BLOCK : j->hi;
		struct update u = update_at(j->o, j->p, j->g + (lo - j->lo), lo, hi);

		j->o->rule->block(&u, &j->coef, j->o->sum + 2 * b);
	}
}

/* The tensor's ratio.  Tensors without decay (biases, norms) keep ratio 1, as is usual. */
static void find_trust(struct job *j)
{
	int64_t blocks = (int64_t)((j->hi - j->lo + BLOCK - 1) / BLOCK);
	double param = 0, other = 0;

	thread_for(blocks, 4, run_blocks, j);
	for (int64_t b = 0; b < blocks; b++) {
		param += j->o->sum[2 * b];
		other += j->o->sum[2 * b + 1];
	}
	j->coef.trust = (float)j->o->rule->ratio(&j->o->opts, sqrt(param), sqrt(other),
	                                         j->coef.decay);
}

void optim_apply(struct optim *o, float *params, const float *grads, size_t lo, size_t hi)
{
	optim_apply_part(o, params, grads + lo, lo, hi);
}

void optim_apply_part(struct optim *o, float *params, const float *part, size_t lo, size_t hi)
{
	for (int i = 0; i < o->n_tensors; i++) {
		const struct run *t = &o->tensor[i];
		struct job j = { .o = o, .p = params, .coef = o->coef[t->group] };

		j.lo = t->offset > lo ? t->offset : lo;
		j.hi = t->offset + t->count < hi ? t->offset + t->count : hi;
		if (j.lo >= j.hi)
			continue;
		j.g = part + (j.lo - lo);
		j.coef.decay = t->decay ? (float)o->groups.v[t->group].weight_decay : 0;
		if (o->rule->block)
			find_trust(&j);
		if (!t->decay)
			j.coef.trust = 1;
		thread_for((int64_t)(j.hi - j.lo), GRAIN, run_range, &j);
	}
}

static void sum_blocks(void *ctx, int64_t first, int64_t last)
{
	struct job *j = ctx;

	for (int64_t b = first; b < last; b++) {
		size_t lo = (size_t)b * BLOCK, hi = lo + BLOCK < j->hi ? lo + BLOCK : j->hi;

		j->o->sum[b] = optim_sum_squares(j->g + lo, hi - lo);
	}
}

static void scale_range(void *ctx, int64_t lo, int64_t hi)
{
	struct job *j = ctx;

	optim_scale(j->p + lo, (size_t)(hi - lo), j->coef.trust);
}

/* As torch.nn.utils.clip_grad_norm_, whose 1e-6 keeps the quotient finite. */
double optim_clip(struct optim *o, float *grads)
{
	struct job j = { .o = o, .p = grads, .g = grads, .hi = o->count };
	int64_t blocks = (int64_t)((o->count + BLOCK - 1) / BLOCK);
	double norm = 0;

	thread_for(blocks, 8, sum_blocks, &j);
	for (int64_t b = 0; b < blocks; b++)
		norm += o->sum[b];
	norm = sqrt(norm);
	j.coef.trust = (float)(o->opts.clip_norm / (norm + 1e-6));
	if (o->opts.clip_norm > 0 && isfinite(norm) && j.coef.trust < 1)
		thread_for((int64_t)o->count, GRAIN, scale_range, &j);
	return norm;
}

int optim_slots(const struct optim *o)
{
	int n = 0;

	while (n < RULE_SLOTS && o->rule->slot[n])
		n++;
	return n;
}

float *optim_slot(struct optim *o, int i, const char **name)
{
	*name = o->rule->slot[i];
	return o->slot[i];
}
