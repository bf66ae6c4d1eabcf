/* launch.c -- lists side by side: the i-th trial has the i-th value of each, as they were
 * written. */
#include "lab/tune/rows.h"

static tt_status open(struct tt_study *s)
{
	const struct param *first = &s->space->param[0];

	for (int i = 0; i < s->space->n; i++) {
		const struct param *p = &s->space->param[i];

		if (!p->count)
			return err_set(TT_EINVAL, "parameter %s: %s is no list, and `launch` takes lists",
			               p->name, p->range);
		if (p->count != first->count)
			return err_set(TT_EINVAL, "`launch` takes lists of one length: %s has %d values, "
			               "%s has %d", first->name, first->count, p->name, p->count);
	}
	return TT_OK;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	*what = t->number < s->space->param[0].count ? TT_ASK_NEW : TT_ASK_DONE;
	for (int i = 0; *what == TT_ASK_NEW && i < s->space->n; i++)
		if (space_has(s->space, i, t->x))
			t->x[i] = (double)t->number;
	return TT_OK;
}

const struct sampler sampler_launch = {
	.name = "launch", .open = open, .ask = ask, .repeats = 1,
	.help = "lists side by side: one trial per position (Hopsworks' experiment.launch)",
};
