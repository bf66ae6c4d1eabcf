#include "support/study.h"

#include "support/support.h"

const char *const study_metrics[2] = { "loss", "seconds" };

tt_space *study_space(const char *const (*rows)[2])
{
	tt_space *s = NULL;

	assert_ok(tt_space_new(&s));
	for (; (*rows)[0]; rows++)
		assert_ok(tt_space_add(s, (*rows)[0], (*rows)[1]));
	return s;
}

const char *study_text(const tt_study *s, int64_t trial, int i)
{
	tt_value v = TT_SIZED(tt_value);

	assert_ok(tt_study_value(s, trial, i, &v));
	return v.text;
}

tt_study *study_with(const char *const (*rows)[2], tt_study_opts *o)
{
	tt_space *space = study_space(rows);
	tt_study *s = NULL;

	o->objectives = study_metrics;
	o->n_objectives = o->n_objectives ? o->n_objectives : 1;
	assert_ok(tt_study_new(&s, space, o));
	tt_space_free(&space);
	return s;
}

tt_suggestion study_next(tt_study *s)
{
	tt_suggestion o = TT_SIZED(tt_suggestion);

	assert_ok(tt_study_ask(s, &o));
	return o;
}

enum tt_verdict study_told(tt_study *s, int64_t trial, int64_t step, double v)
{
	enum tt_verdict out;

	assert_ok(tt_study_tell(s, trial, step, &v, 1, &out));
	return out;
}
