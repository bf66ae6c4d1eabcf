#include "support/support.h"

#include <string.h>

#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

static const char text[] =
	"name: query\ndata: {train: 'synth:digits', mean: [0.5]}\n"
	"model: {input: [1, 28, 28], layers: [flatten: {}, dense: {out: 10}]}\n";

static tt_spec *parsed(void)
{
	tt_spec *s;

	assert_ok(tt_spec_parse(&s, "query", text));
	return s;
}

static void expect(const tt_spec *s, const char *key, const char *want)
{
	char *got;

	assert_ok(tt_spec_get(s, key, &got));
	assert_string_equal(got, want);
	tt_free(got);
}

static void get_reads_what_was_written_and_then_every_default(void **state)
{
	tt_spec *s = parsed();
	char *got;

	(void)state;
	expect(s, "name", "query");
	expect(s, "model.input", "[1, 28, 28]");
	assert_status(tt_spec_get(s, "train.epochs", &got), TT_ENOENT);
	assert_ok(tt_spec_resolve(s));
	expect(s, "train.epochs", "1");
	expect(s, "train.optimizer.lr", "0.01");
	expect(s, "data.mean", "[0.5]");
	expect(s, "data.valid", "");
	expect(s, "model.layers.1", "{\"dense\": {\"out\": 10}}");
	expect(s, "model.layers.1.dense.out", "10");
	tt_spec_free(&s);
}

static void get_names_the_nearest_key(void **state)
{
	tt_spec *s = parsed();
	char *got;

	(void)state;
	assert_ok(tt_spec_resolve(s));
	assert_status(tt_spec_get(s, "train.epoch", &got), TT_ENOENT);
	assert_error("did you mean 'epochs'");
	assert_status(tt_spec_get(s, "model.layers.7", &got), TT_ENOENT);
	assert_status(tt_spec_get(s, "name.first", &got), TT_ENOENT);
	assert_status(tt_spec_get(s, "", &got), TT_ENOENT);
	tt_spec_free(&s);
}

struct copy { tt_spec *to; int keys, stop_at; };

static tt_status copy_key(void *ctx, const char *key, const char *value)
{
	struct copy *c = ctx;

	if (++c->keys == c->stop_at)
		return TT_ESTOPPED;
	return *value ? tt_spec_set(c->to, key, value) : TT_OK;
}

/* What each tells is the whole spec: set into an empty one it makes the same. */
static void each_tells_all_that_a_spec_is(void **state)
{
	struct copy c = {0};
	tt_spec *s = parsed();
	char *one, *two;

	(void)state;
	assert_ok(tt_spec_resolve(s));
	assert_ok(tt_spec_new(&c.to, "copy"));
	assert_ok(tt_spec_each(s, copy_key, &c));
	assert_ok(tt_spec_resolve(c.to));
	assert_ok(tt_spec_text(s, &one));
	assert_ok(tt_spec_text(c.to, &two));
	assert_string_equal(two, one);
	assert_true(c.keys > 40);
	tt_free(one);
	tt_free(two);
	tt_spec_free(&c.to);
	tt_spec_free(&s);
}

static void each_ends_with_what_its_function_says(void **state)
{
	struct copy c = { .stop_at = 2 };
	tt_spec *s = parsed();

	(void)state;
	assert_ok(tt_spec_new(&c.to, "copy"));
	assert_status(tt_spec_each(s, copy_key, &c), TT_ESTOPPED);
	assert_int_equal(c.keys, 2);
	tt_spec_free(&c.to);
	tt_spec_free(&s);
}

static void get_survives_a_lack_of_memory(void **state)
{
	tt_spec *s = parsed();
	char *got;
	tt_status st = TT_ENOMEM;

	(void)state;
	assert_ok(tt_spec_resolve(s));
	for (uint64_t n = 1; st != TT_OK; n++) {
		mem_fail_at(n, 1);
		st = tt_spec_get(s, "data.valid", &got);
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
	}
	tt_free(got);
	tt_spec_free(&s);
}

static void names_of_classes_come_in_one_block(void **state)
{
	static const char *const name[] = { "cat", "d\"og", "" };
	tt_spec *s = parsed();
	tt_model *m;
	char **got;
	int n = -1;

	(void)state;
	assert_ok(tt_spec_set(s, "model.layers.1.dense.out", "3"));
	assert_ok(tt_model_new(&m, s));
	assert_string_equal(((const struct tt_spec *)tt_model_spec(m))->name, "query");
	assert_ok(tt_model_class_names(m, &got, &n));
	assert_null(got);
	assert_int_equal(n, 0);
	assert_ok(nn_set_classes(m, &(struct class_names){ name, 3 }));
	assert_ok(tt_model_class_names(m, &got, &n));
	assert_int_equal(n, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(got[i], name[i]);
	assert_null(got[3]);
	tt_free(got);
	tt_model_free(&m);
	tt_spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_reads_what_was_written_and_then_every_default),
		cmocka_unit_test(get_names_the_nearest_key),
		cmocka_unit_test(each_tells_all_that_a_spec_is),
		cmocka_unit_test(each_ends_with_what_its_function_says),
		cmocka_unit_test(get_survives_a_lack_of_memory),
		cmocka_unit_test(names_of_classes_come_in_one_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
