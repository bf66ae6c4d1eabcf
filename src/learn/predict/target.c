#include "learn/predict/target.h"

#include <string.h>

#include "base/mem.h"

/* ---- does the source fit? ---- */

static tt_status check_samples(const struct tt_model *m, const tt_source_info *info)
{
	tt_column c = { .size = sizeof c, .name = "x", .ndim = info->ndim };

	memcpy(c.shape, info->shape, sizeof c.shape);
	return signature_check_samples(m->signature, &c);
}

static tt_status check_target(const struct tt_model *m, const tt_source_info *info)
{
	int xent = m->net.loss == LOSS_XENT;
	const char *name = m->signature->data.view.target;
	long long outputs = (long long)m->outputs;

	if (info->target == TT_TARGET_VALUES && !info->values)
		return err_set(TT_ESHAPE, "the target '%.60s' is missing: the source has none",
		               name ? name : "label");
	if (info->target == TT_TARGET_VALUES) {
		if (xent)
			return err_set(TT_ESHAPE, "the source gives values, but model.loss cross_entropy "
			               "wants classes: choose mse, or read csv: with ?task=classify");
		if (info->values != outputs)
			return err_set(TT_ESHAPE, "the source gives %d values per sample, the last layer "
			               "has %lld outputs: use a source of as many, or train a net whose last "
			               "layer has out: %d", info->values, outputs, info->values);
		return TT_OK;
	}
	if (info->classes == outputs || (!xent && outputs == 1))
		return TT_OK;
	return err_set(TT_ESHAPE, "the source has %d classes, the last layer has %lld outputs: use "
	               "a source of %lld classes, or train a net whose last layer has out: %d",
	               info->classes, outputs, outputs, info->classes);
}

/* ---- targets ---- */

static enum target_form form_of(const struct tt_model *m, const tt_source_info *info)
{
	if (info->target == TT_TARGET_VALUES)
		return TARGET_VALUES;
	if (m->net.loss == LOSS_XENT)
		return TARGET_LABEL;
	return m->outputs == 1 ? TARGET_NUMBER : TARGET_ONE_HOT;
}

/* Accuracy means something where the answer is a class: one column only with two classes. */
static int classes_of(const struct tt_model *m, const tt_source_info *info, enum target_form form)
{
	if (form == TARGET_LABEL || form == TARGET_ONE_HOT)
		return info->classes;
	return form == TARGET_NUMBER && m->net.loss == LOSS_BCE && info->classes == 2 ? 2 : 0;
}

tt_status target_init(struct target *t, const struct tt_model *m, const tt_source_info *info,
                      int batch)
{
	struct target made = { .form = form_of(m, info), .width = (int)m->outputs };
	tt_status st;

	if ((st = check_samples(m, info)) != TT_OK || (st = check_target(m, info)) != TT_OK)
		return st;
	made.classes = classes_of(m, info, made.form);
	if ((made.form == TARGET_NUMBER || made.form == TARGET_ONE_HOT) &&
	    !(made.room = mem_calloc((size_t)batch, (size_t)made.width * sizeof *made.room)))
		return TT_ENOMEM;
	*t = made;
	return TT_OK;
}

tt_status target_refuse_weights(const tt_schema *s)
{
	return !s->weight ? TT_OK
		: err_set(TT_ESUPPORT, "the source weighs its samples (column '%.60s'), which losses do "
		          "not use yet: leave the weights out", s->weight);
}

void target_release(struct target *t)
{
	mem_free(t->room);
	*t = (struct target){0};
}

static const float *numbers(struct target *t, const struct batch *b)
{
	for (int i = 0; i < b->n; i++)
		t->room[i] = (float)b->label[i];
	return t->room;
}

static const float *one_hot(struct target *t, const struct batch *b)
{
	memset(t->room, 0, (size_t)b->n * (size_t)t->width * sizeof *t->room);
	for (int i = 0; i < b->n; i++)
		if (b->label[i] >= 0 && b->label[i] < t->width)
			t->room[(size_t)i * (size_t)t->width + (size_t)b->label[i]] = 1;
	return t->room;
}

const void *target_of(struct target *t, const struct batch *b)
{
	switch (t->form) {
	case TARGET_LABEL:   return b->label;
	case TARGET_VALUES:  return b->values;
	case TARGET_NUMBER:  return numbers(t, b);
	case TARGET_ONE_HOT: return one_hot(t, b);
	}
	return NULL;
}
