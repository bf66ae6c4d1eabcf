#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "print/study_svg.h"

static const char *const two[] = { "valid.loss", "cost <s>" };

/* Trials of random numbers; every 7th fails, what kind is 'b' has no depth. */
static tt_study *searched(tt_space **space, int trials, int n_objectives)
{
	tt_study *s;

	assert_ok(tt_space_new(space));
	assert_ok(tt_space_add(*space, "train.optimizer.lr", "log:1e-4..1e-1"));
	assert_ok(tt_space_add(*space, "kind", "a,b"));
	assert_ok(tt_space_add(*space, "depth", "int:1..4 if kind == a"));
	assert_ok(tt_space_add(*space, "noise & <more>", "0..1"));
	assert_ok(tt_study_new(&s, *space, TT_STUDY_OPTS(.objectives = two, .trials = trials,
	                                                 .n_objectives = n_objectives)));
	for (int i = 0; i < trials; i++) {
		tt_suggestion g = TT_SIZED(tt_suggestion);
		tt_value lr = TT_SIZED(tt_value);
		double r[2];

		assert_ok(tt_study_ask(s, &g));
		assert_ok(tt_study_value(s, g.trial, 0, &lr));
		r[0] = i == 5 ? NAN : i == 9 ? 1e308 : fabs(log10(lr.number) + 2.5);
		r[1] = 10 - r[0];
		assert_ok(tt_study_end(s, g.trial, i % 7 == 6 ? TT_TRIAL_FAILED : TT_TRIAL_COMPLETED, r,
		                       n_objectives));
	}
	return s;
}

/* All numbers of an attribute lie from 0 to most. */
static void check_attribute(const char *svg, const char *attribute, double most)
{
	for (const char *at = svg; (at = strstr(at, attribute));) {
		at += strlen(attribute);
		while (*at != '"') {
			char *end;
			double v = strtod(at, &end);

			assert_true(end > at && v >= 0 && v <= most);
			at = end + strspn(end, " ,");
		}
	}
}

static void check_picture(int trials, int n_objectives, double width)
{
	tt_space *space;
	tt_study *s = searched(&space, trials, n_objectives);
	struct str out = { 0 };

	assert_ok(study_svg(&(struct study_picture){ s, space, two, NULL, n_objectives, "a < b" },
	                    &out));
	assert_non_null(strstr(out.p, "a &lt; b"));
	assert_null(strstr(out.p, "nan"));
	assert_non_null(strstr(out.p, "</svg>"));
	check_attribute(out.p, "points=\"", width);
	check_attribute(out.p, " cx=\"", width);
	check_attribute(out.p, " cy=\"", 660);
	check_attribute(out.p, " x=\"", width);
	str_release(&out);
	tt_study_free(&s);
	tt_space_free(&space);
}

static void all_lies_inside_whatever_was_searched(void **state)
{
	static const int trials[] = { 0, 1, 2, 3, 10, 300, 4000 };

	(void)state;
	for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
		check_picture(trials[i], 1, 880);
		check_picture(trials[i], 2, 1320);
	}
}

static void what_explains_most_comes_first(void **state)
{
	tt_space *space;
	tt_study *s = searched(&space, 300, 1);
	double share[4];
	struct str out = { 0 };

	(void)state;
	assert_ok(tt_study_importance(s, share, 4));
	assert_true(share[0] > 0.6 && share[0] <= 1);
	for (int i = 1; i < 4; i++)
		assert_true(share[i] >= 0 && share[i] < 0.1);
	assert_ok(study_svg(&(struct study_picture){ s, space, two, NULL, 1, "t" }, &out));
	assert_true(strstr(out.p, ">train.optimizer.lr<") < strstr(out.p, ">depth<"));
	str_release(&out);
	tt_study_free(&s);
	tt_space_free(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lies_inside_whatever_was_searched),
		cmocka_unit_test(what_explains_most_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
