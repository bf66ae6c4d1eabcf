/* bind.c -- what a model learns of its data from the first batch: names, shapes, classes. */
#include "learn/learner/intake.h"
#include "learn/nn/loss.h"
#include "learn/nn/signature.h"

/* What a source of such data would say of its target. */
static void set_target(const struct intake *k, tt_schema *s, tt_column *y)
{
	const tt_source_info *info = &k->info;

	s->target = y->name;
	s->kind = info->target;
	s->classes = info->classes;
	y->type = info->classes ? TT_I32 : TT_F32;
	if (info->target == TT_TARGET_PLACES)
		return;
	y->shape[0] = y->ndim ? column_row(y) : 0;
	y->features = y->ndim == 1 ? y->features : NULL;
	y->ndim = !info->classes && y->ndim;
	if (info->classes || loss_row(k->model->net.loss)->takes != TAKES_SHARES || !k->classes)
		return;
	s->kind = TT_TARGET_LABELS;
	s->classes = info->values;
}

/* Names that the caller gives, else those that the model had. */
static tt_status set_classes(const struct intake *k, const tt_schema *known, tt_schema *s)
{
	if (k->classes && s->classes != k->classes)
		return err_set(TT_EINVAL, "tt_learner_opts names %d classes, column '%.60s' has %d",
		               k->classes, s->target ? s->target : intake_target(k), s->classes);
	if (k->classes)
		s->class_names = k->class_names;
	else
		s->class_names = known->classes == s->classes ? known->class_names : NULL;
	return TT_OK;
}

tt_status intake_bind(const struct intake *k, struct tt_model *m, const tt_batch *b)
{
	const tt_schema *known = &m->signature->data.view;
	const int n = m->n_inputs;
	const tt_column *column[NET_INPUTS_MAX + 1];
	tt_column y;
	tt_schema s = { .size = sizeof s, .columns = n + 1, .column = column };
	tt_status st = intake_columns(k, b, column, &column[n]);

	if (st != TT_OK || (m->signature->view.known && !k->classes))
		return st;
	if (column[0] == column[n])
		return TT_OK;                   /* a net that gives back what it reads */
	y = *column[n];
	column[n] = &y;
	set_target(k, &s, &y);
	if (m->signature->view.known)
		s = *known;
	if ((st = set_classes(k, known, &s)) != TT_OK ||
	    (st = signature_same_names(m->signature, &s)) != TT_OK)
		return st;
	return nn_bind(m, &s);
}
