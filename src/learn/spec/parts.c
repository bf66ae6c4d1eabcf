/* Parts of a model's own data. */
#include "data/readers/registry.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

tt_status tt_source_open_part(tt_source **out, const tt_model *m, enum tt_part part)
{
	const struct data_opts *d;
	struct known_columns known;

	if (!out || !m || !m->signature)
		return err_null(__func__);
	d = &m->spec->data;
	if (!split_is_set(&d->split) || !d->train || !*d->train || (unsigned)part > TT_PART_TEST)
		return err_set(TT_EINVAL, "the model's spec does not split its data (data.split)");
	if ((part == TT_PART_TEST && !(d->split.test > 0)) ||
	    (part == TT_PART_VALID && !(d->split.valid > 0) && !d->split.folds))
		return err_set(TT_EINVAL, "data.split of the model's spec has no %s part",
		               part == TT_PART_TEST ? "test" : "validation");
	known = nn_known_columns(m);
	known.cut = (struct cut){ &d->split, part };
	return source_open_for(out, d->train, &known);
}
