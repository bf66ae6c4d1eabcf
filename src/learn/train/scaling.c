#include "learn/train/scaling.h"

#include "learn/spec/scaling.h"
#include "learn/train/trainer_own.h"

tt_status scaling_set(struct tt_trainer *t, const struct scaling *c)
{
	tt_model *whole = trainer_whole(t);
	tt_status st = model_set_scaling(t->model, c);

	return st != TT_OK || whole == t->model ? st : model_set_scaling(whole, c);
}

tt_status scaling_find(struct tt_trainer *t, const struct statistics_stop *stop)
{
	const struct statistics_of of = { t->train_source, t->model->spec->data.normalise };
	struct statistics found;
	struct arena a = {0};
	tt_status st;

	if (!model_wants_scaling(t->model))
		return TT_OK;
	if ((st = statistics_find(&found, &a, &of, stop)) == TT_OK)
		st = scaling_set(t, &(struct scaling){ found.mean, found.std });
	else
		st = err_at(st, "data.train");
	arena_release(&a);
	return st;
}
