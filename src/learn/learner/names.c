/* names.c -- what a model knows of its data by name: learnt from the first batch, and then the
 * order in which it reads the features of the next ones. */
#include <string.h>

#include "base/mem.h"
#include "learn/learner/intake.h"
#include "learn/nn/signature.h"

/* ---- features ---- */

static const tt_column *known_input(const struct intake *k)
{
	const tt_schema *d = &k->model->signature->data.view;

	return d->column[schema_input(d, 0)];
}

void intake_forget_features(struct intake *k)
{
	mem_free(k->pick);
	mem_free(k->ordered);
	k->pick = NULL;
	k->ordered = NULL;
	k->ordered_bytes = 0;
	k->moved = 0;
}

tt_status intake_find_features(struct intake *k, const tt_column *x)
{
	const tt_column *want = known_input(k);
	const int64_t n = want->shape[0];
	tt_status st;

	k->moved = 0;
	if (!want->features || !x->features || x->ndim != 1 || x->shape[0] != n)
		return TT_OK;                   /* by their places, if the shape is right */
	if (!k->pick) {
		if (!(k->pick = mem_alloc((size_t)n * sizeof *k->pick)))
			return TT_ENOMEM;
		for (int64_t i = 0; i < n; i++)
			k->pick[i] = i;
	}
	st = signature_pick(want, x, k->pick, &k->moved);
	return st == TT_OK ? st : err_at(st, "column '%.60s'", x->name);
}

tt_status intake_order(struct intake *k, const tt_column *x, int64_t n, const void **out)
{
	const size_t each = tt_type_size(x->type), row = (size_t)x->shape[0] * each;
	const size_t bytes = (size_t)n * row;
	const char *from = x->data;
	char *to;

	*out = x->data;
	if (!k->moved)
		return TT_OK;
	if (bytes > k->ordered_bytes) {
		mem_free(k->ordered);
		k->ordered_bytes = 0;
		if (!(k->ordered = mem_alloc_aligned(bytes)))
			return TT_ENOMEM;
		k->ordered_bytes = bytes;
	}
	to = k->ordered;
	for (int64_t i = 0; i < n; i++, from += row)
		for (int64_t f = 0; f < x->shape[0]; f++, to += each)
			memcpy(to, from + (size_t)k->pick[f] * each, each);
	*out = k->ordered;
	return TT_OK;
}

/* ---- the first batch ---- */

/* What a source of such data would say of its target. */
static void set_target(const struct intake *k, tt_schema *s, tt_column *y)
{
	const tt_source_info *info = &k->info;

	s->target = y->name;
	s->kind = info->target;
	s->classes = info->classes;
	y->type = info->classes ? TT_I32 : TT_F32;
	y->shape[0] = y->ndim ? column_row(y) : 0;
	y->features = y->ndim == 1 ? y->features : NULL;
	y->ndim = !info->classes && y->ndim;
	if (info->classes || k->model->net.loss != LOSS_BCE || !k->classes)
		return;
	s->kind = TT_TARGET_LABELS;
	s->classes = info->values;
}

/* Names that the caller gives, else those that the model had. */
static tt_status set_classes(const struct intake *k, const tt_schema *known, tt_schema *s)
{
	if (k->classes && s->classes != k->classes)
		return err_set(TT_EINVAL, "tt_learner_opts names %d classes, column '%.60s' has %d",
		               k->classes, s->target ? s->target : k->target, s->classes);
	if (k->classes)
		s->class_names = k->class_names;
	else
		s->class_names = known->classes == s->classes ? known->class_names : NULL;
	return TT_OK;
}

tt_status intake_bind(const struct intake *k, struct tt_model *m, const tt_batch *b)
{
	const tt_schema *known = &m->signature->data.view;
	const tt_column *x, *column[2];
	tt_column y;
	tt_schema s = { .size = sizeof s, .columns = 2, .column = column };
	tt_status st = intake_columns(k, b, &x, &column[1]);

	if (st != TT_OK || (m->signature->view.known && !k->classes))
		return st;
	if (x == column[1])
		return TT_OK;                   /* a net that gives back what it reads */
	column[0] = x;
	y = *column[1];
	column[1] = &y;
	set_target(k, &s, &y);
	if (m->signature->view.known)
		s = *known;
	if ((st = set_classes(k, known, &s)) != TT_OK ||
	    (st = signature_same_names(m->signature, &s)) != TT_OK)
		return st;
	return nn_bind(m, &s);
}
