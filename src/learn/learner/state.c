/* state.c -- what of a learner a checkpoint keeps beside the model: the optimizer's slots, flat, in
 * the order of the parameters, under the names that PyTorch gives them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "learn/learner/learner_own.h"

#define PREFIX "tutti.optim."
/* What is trained, where the model is its average over the steps. */
#define TRAINED "tutti.trained"

static int slots_of(const struct learner *l)
{
	const int n = optim_slots(l->optim);

	return n < LEARNER_SLOTS ? n : LEARNER_SLOTS;
}

/* Of the average: what lies there in a meeting. */
static float *trained_at(const struct learner *l)
{
	return l->whole.slot ? l->whole.slot(l->whole.ctx, slots_of(l)) : l->ema.v;
}

/* Numbers in a slot: of nets that are apart those of all. */
static int64_t count_of(const struct learner *l)
{
	return (int64_t)l->opts.model->train_count * (l->whole.slot ? learner_world(l) : 1);
}

static float *slot_at(const struct learner *l, int i, const char **name)
{
	float *mine = optim_slot(l->optim, i, name);

	return l->whole.slot ? l->whole.slot(l->whole.ctx, i) : mine;
}

static tt_status add_row(struct learner_rows *r, struct model_rows *s, int64_t count,
                         const float *data)
{
	tt_status st = data ? str_status(&r->name[r->n]) : TT_ENOMEM;

	if (st == TT_OK)
		s->tensor[s->n_tensors++] = (struct ckpt_tensor){
			.name = r->name[r->n++].p, .desc = tensor_desc_make(DTYPE_F32, 1, &count),
			.data = data };
	return st;
}

tt_status learner_add_rows(const struct learner *l, struct learner_rows *r, struct model_rows *s)
{
	const int64_t count = count_of(l);
	tt_status st;

	*r = (struct learner_rows){ 0 };
	for (int i = 0; i < slots_of(l); i++) {
		const char *name;
		const float *data = slot_at(l, i, &name);

		str_addf(&r->name[r->n], PREFIX "%s", name);
		if ((st = add_row(r, s, count, data)) != TT_OK)
			return st;
	}
	if (l->ema.v) {
		str_add(&r->name[r->n], TRAINED);
		if ((st = add_row(r, s, count, trained_at(l))) != TT_OK)
			return st;
	}
	if ((st = carried_add(l, r, s)) != TT_OK)
		return st;
	return own_rows_add(l, r, s);
}

void learner_rows_release(struct learner_rows *r)
{
	for (int i = 0; i < LEARNER_ROWS; i++)
		str_release(&r->name[i]);
}

/* Adam's state fits lamb, and any state fits plain sgd: what the spec in the checkpoint says tells
 * them apart.  Where it says nothing the slots must do. */
static tt_status check_kind(const struct learner *l, const struct ckpt *c, const char *path)
{
	const char *text = ckpt_meta(c, MODEL_META_SPEC);
	const char *want = optim_words[l->opts.optimizer->kind];
	tt_spec *s = NULL;
	char *is = NULL;
	tt_status st;

	if (!text)
		return TT_OK;
	if ((st = tt_spec_parse(&s, path, text)) == TT_OK &&
	    (st = tt_spec_get(s, "train.optimizer.kind", &is)) == TT_OK && *is && strcmp(is, want) != 0)
		st = err_set(TT_ESPEC, "%s: was written with train.optimizer.kind %.40s, this spec's is "
		             "%s: resume with the train.optimizer it was written with", path, is, want);
	tt_free(is);
	tt_spec_free(&s);
	return st;
}

static int has_slot(const struct learner *l, const char *name)
{
	const char *slot;

	for (int i = 0; i < slots_of(l); i++) {
		optim_slot(l->optim, i, &slot);
		if (strcmp(slot, name) == 0)
			return 1;
	}
	return 0;
}

/* State that would be dropped: the run would go on as another. */
static tt_status check_all_used(const struct learner *l, const struct ckpt *c, const char *path)
{
	for (int i = 0; i < ckpt_count(c); i++) {
		const char *name = ckpt_at(c, i)->name;

		if (strncmp(name, PREFIX, strlen(PREFIX)) == 0 && !has_slot(l, name + strlen(PREFIX)))
			return err_set(TT_ESPEC, "%s: has '%s', which this spec's train.optimizer does not "
			               "use: resume with the train.optimizer it was written with", path, name);
	}
	return TT_OK;
}

/* Of all that is not the model's: with it the next steps would go wrong, and be blamed. */
static tt_status check_finite(const struct ckpt *c, const char *path)
{
	for (int i = 0; i < ckpt_count(c); i++) {
		const struct ckpt_tensor *t = ckpt_at(c, i);
		const int64_t n = tensor_count(&t->desc);
		const float *v = t->data;
		int64_t bad = 0;

		if (strncmp(t->name, "tutti.", 6) != 0 || t->desc.dtype != DTYPE_F32)
			continue;
		for (int64_t k = 0; k < n; k++)
			bad += !isfinite(v[k]);
		if (bad)
			return err_set(TT_ENAN, "%s: %lld of the %lld numbers of '%s' are not finite: take a "
			               "checkpoint from before", path, (long long)bad, (long long)n, t->name);
	}
	return TT_OK;
}

/* "" where nothing is frozen, or there was no such key yet. */
static tt_status frozen_of(const tt_spec *s, char **out)
{
	tt_status st = tt_spec_get(s, "train.freeze", out);

	if (st == TT_ENOENT)
		return (*out = mem_strdup("")) ? TT_OK : TT_ENOMEM;
	return st;
}

/* State has a place for what is trained alone, in its order. */
static tt_status check_frozen(const struct learner *l, const struct ckpt *c, const char *path)
{
	const tt_spec *mine = l->whole.model ? l->whole.model->spec : l->opts.model->spec;
	const char *text = ckpt_meta(c, MODEL_META_SPEC);
	char *was = NULL, *is = NULL;
	tt_spec *s = NULL;
	tt_status st;

	if (!text)
		return TT_OK;
	if ((st = tt_spec_parse(&s, path, text)) == TT_OK && (st = frozen_of(s, &was)) == TT_OK &&
	    (st = frozen_of(mine, &is)) == TT_OK && strcmp(was, is) != 0)
		st = err_set(TT_ESPEC, "%s: was written with train.freeze '%.120s', this spec's is "
		             "'%.120s': resume with the same, or begin another run with train.init.from: "
		             "%s", path, was, is, path);
	tt_free(was);
	tt_free(is);
	tt_spec_free(&s);
	return st;
}

static tt_status wrong_count(const char *path, const struct ckpt_tensor *t, int64_t count)
{
	return err_set(TT_ESHAPE, "%s: holds a model of %lld parameters, this spec's has %lld: "
	               "resume with the model it was written with", path,
	               (long long)tensor_count(&t->desc), (long long)count);
}

/* Without these the average would pass for what is trained, or the other way round. */
static tt_status find_trained(const struct learner *l, const struct ckpt *c, const char *path,
                              const float **out)
{
	const int64_t count = count_of(l);
	const struct tensor_desc want = tensor_desc_make(DTYPE_F32, 1, &count);
	const struct ckpt_tensor *found = ckpt_find(c, TRAINED);

	if (!found != !l->ema.v)
		return err_set(TT_ESPEC, "%s: was written with%s train.ema, this spec has %s: resume with "
		               "the same, or begin another run with train.init.from: %s", path,
		               found ? "" : "out", found ? "none" : "one", path);
	if (found && !tensor_same(&found->desc, &want))
		return wrong_count(path, found, count);
	*out = found ? found->data : NULL;
	return TT_OK;
}

tt_status learner_find_slots(const struct learner *l, const struct ckpt *c, const char *path,
                             struct learner_slots *out)
{
	const int64_t count = count_of(l);
	const struct tensor_desc want = tensor_desc_make(DTYPE_F32, 1, &count);
	struct learner_slots s = { .trained = NULL };
	tt_status st = check_kind(l, c, path);

	if (st != TT_OK || (st = check_frozen(l, c, path)) != TT_OK ||
	    (st = check_all_used(l, c, path)) != TT_OK || (st = check_finite(c, path)) != TT_OK)
		return st;
	for (int i = 0; i < slots_of(l); i++) {
		const struct ckpt_tensor *found;
		const char *slot;
		char name[80];

		optim_slot(l->optim, i, &slot);
		snprintf(name, sizeof name, PREFIX "%s", slot);
		found = ckpt_find(c, name);
		if (!found)
			return err_set(TT_ESPEC, "%s: has no '%s': resume with the train.optimizer it was "
			               "written with", path, name);
		if (!tensor_same(&found->desc, &want))
			return wrong_count(path, found, count);
		s.data[i] = found->data;
	}
	if ((st = find_trained(l, c, path, &s.trained)) != TT_OK)
		return st;
	*out = s;
	return TT_OK;
}

tt_status learner_take_slots(struct learner *l, const struct learner_slots *s)
{
	const char *name;

	for (int i = 0; i < LEARNER_SLOTS && s->data[i]; i++) {
		float *to = slot_at(l, i, &name);

		if (!to)
			return TT_ENOMEM;
		memcpy(to, s->data[i], (size_t)count_of(l) * sizeof *to);
	}
	if (s->trained && !trained_at(l))
		return TT_ENOMEM;
	average_take(l, s->trained);
	return TT_OK;
}
