/* What a net may be asked about: files of pictures, or a source. */
#include "support/support.h"

#include <tutti/model.h>

#include "base/arena.h"
#include "base/file.h"
#include "predict/samples.h"

#define SPEC(input, rest) "name: x\nmodel: {" input ", layers: [" rest "]}\n"

static tt_status open_picture(const char *spec)
{
	struct arena a = { NULL };
	char path[1024], *word = path;
	struct samples s = { .arena = &a, .word = &word, .words = 1, .checkpoint = "m" };
	tt_model *m = NULL;
	tt_spec *of = NULL;
	tt_status st;

	snprintf(path, sizeof path, "%s", test_path(test_temp_dir(), "a.png"));
	assert_ok(file_write_all(path, "", 0));
	assert_ok(tt_spec_parse(&of, "mem", spec));
	assert_ok(tt_model_new(&m, of));
	s.model = m;
	st = samples_open(&s);
	samples_release(&s);
	tt_model_free(&m);
	tt_spec_free(&of);
	arena_release(&a);
	return st;
}

static void files_are_for_nets_that_answer_once_about_a_picture(void **state)
{
	(void)state;
	assert_ok(open_picture(SPEC("input: [1, 6, 6]", "flatten: {}, dense: {out: 4}")));
	assert_status(open_picture(SPEC("input: [36]", "dense: {out: 4}")), TT_ESHAPE);
	assert_error("does not take images");
	assert_status(open_picture(SPEC("input: [1, 6, 6], loss: ctc",
	                                "reshape: {shape: [12, 3]}, dense: {out: 4}")), TT_ESHAPE);
	assert_error("at each place of a picture: name a source");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_for_nets_that_answer_once_about_a_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
