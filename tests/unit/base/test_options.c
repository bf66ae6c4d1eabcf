#include "support/support.h"

#include <string.h>

#include "base/options.h"

/* A table with one row of each kind. */
struct opt { const char *name; double lr; int nesterov; };
struct all {
	int epochs;
	int64_t seed;
	double ratio;
	const char *dir, *none;
	int mode;
	struct option_list marks;
	struct node *layers;
	struct opt optimizer;
};

static const char *const modes[] = { "fast", "exact", NULL };

static const struct option optim_rows[] = {
	OPT_TEXT(struct opt, name, "sgd", "which"),
	OPT_DOUBLE(struct opt, lr, "0.1", 0, 10, "learning rate"),
	OPT_ENUM(struct opt, nesterov, "no", option_no_yes, "look ahead"),
	OPT_END };

static const struct option rows[] = {
	OPT_INT(struct all, epochs, "3", 1, 1000, "passes"),
	OPT_INT64(struct all, seed, "1", 0, 1e19, "start | of the draws"),
	OPT_DOUBLE(struct all, ratio, "0.25", 0, 1, "share"),
	OPT_TEXT(struct all, dir, "runs", "folder"),
	OPT_TEXT(struct all, none, NULL, "nothing by default"),
	OPT_ENUM(struct all, mode, "exact", modes, "how"),
	OPT_DOUBLES(struct all, marks, "[0.5, 0.75]", "milestones"),
	OPT_NODE(struct all, layers, "the net"),
	OPT_GROUP(struct all, optimizer, optim_rows, "how to descend"),
	OPT_END };

static struct arena arena;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct all defaults(void)
{
	struct all o;

	memset(&o, 0xaa, sizeof o);     /* every field is written */
	assert_ok(options_default(rows, &arena, &o));
	return o;
}

static tt_status read_yaml(struct all *o, const char *text)
{
	struct node *n = NULL;

	assert_ok(node_parse_yaml(&arena, "s.yaml", text, strlen(text), &n));
	return options_read(rows, &arena, n, o);
}

static void defaults_come_from_the_rows(void **state)
{
	struct all o = defaults();

	(void)state;
	assert_int_equal(o.epochs, 3);
	assert_int_equal(o.seed, 1);
	assert_true(o.ratio == 0.25);
	assert_string_equal(o.dir, "runs");
	assert_null(o.none);
	assert_int_equal(o.mode, 1);
	assert_int_equal(o.marks.n, 2);
	assert_true(o.marks.v[1] == 0.75);
	assert_null(o.layers);
	assert_string_equal(o.optimizer.name, "sgd");
	assert_int_equal(o.optimizer.nesterov, 0);
}

static void a_document_overwrites_what_it_names(void **state)
{
	struct all o = defaults();

	(void)state;
	assert_ok(read_yaml(&o, "epochs: 7\nseed: 9223372036854775807\nmode: fast\ndir: '5'\nmarks: 3\n"
	                        "layers: [a, b]\noptimizer: {lr: 1e-3, nesterov: true}\n"));
	assert_int_equal(o.epochs, 7);
	assert_int_equal(o.seed, INT64_MAX);
	assert_int_equal(o.mode, 0);
	assert_string_equal(o.dir, "5");
	assert_int_equal(o.marks.n, 1);
	assert_int_equal(node_count(o.layers), 2);
	assert_true(o.optimizer.lr == 1e-3);
	assert_int_equal(o.optimizer.nesterov, 1);
	assert_true(o.ratio == 0.25);
	assert_ok(read_yaml(&o, ""));
	assert_ok(read_yaml(&o, "optimizer:\nnone: x\n"));
	assert_ok(read_yaml(&o, "dir: ~\nnone:\n"));
	assert_string_equal(o.dir, "runs");
	assert_null(o.none);
	assert_ok(options_read(rows, &arena, NULL, &o));
}

static void yes_and_no_have_many_spellings(void **state)
{
	static const char *const yes[] = { "yes", "true", "on", "True", "1" };
	struct all o = defaults();

	(void)state;
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		assert_ok(options_set(rows, &arena, &o, "optimizer.nesterov", "no"));
		assert_int_equal(o.optimizer.nesterov, 0);
		assert_ok(options_set(rows, &arena, &o, "optimizer.nesterov", yes[i]));
		assert_int_equal(o.optimizer.nesterov, 1);
	}
}

static void read_fails(const char *text, const char *message)
{
	struct all o = defaults();

	assert_status(read_yaml(&o, text), TT_ESPEC);
	assert_error(message);
}

static void an_unknown_key_names_the_nearest_and_the_line(void **state)
{
	(void)state;
	read_fails("epochs: 1\nepoch: 2\n", "s.yaml:2: unknown key 'epoch'; did you mean 'epochs'?");
	read_fails("optimizer:\n  rl: 2\n", "s.yaml:2: unknown key 'rl'; did you mean 'lr'?");
	read_fails("optimizer:\n  banana: 2\n", "unknown key 'banana'; known are: name, lr, nesterov");
}

static void wrong_types_and_bounds_name_the_line(void **state)
{
	(void)state;
	read_fails("epochs: many\n", "s.yaml:1: epochs must be a whole number");
	read_fails("epochs: 0\n", "s.yaml:1: epochs is 0, but must lie in 1 ... 1000");
	read_fails("ratio: 1.5\n", "s.yaml:1: ratio is 1.5, but must lie in 0 ... 1");
	read_fails("mode: fsat\n", "s.yaml:1: mode cannot be 'fsat'; "
	           "did you mean 'fast'? it is one of: fast, exact");
	read_fails("dir: [1]\n", "s.yaml:1: dir must be a text, not a list");
	read_fails("marks: [1, x]\n", "s.yaml:1: this item must be a finite number");
	read_fails("marks: {a: 1}\n", "s.yaml:1: marks must be a list of numbers");
	read_fails("optimizer: sgd\n", "s.yaml:1: optimizer must be a map of options, not a text");
	read_fails("- 1\n", "must be a map of options, not a list");
}

static void set_reaches_into_groups(void **state)
{
	struct all o = defaults();

	(void)state;
	assert_ok(options_set(rows, &arena, &o, "epochs", "9"));
	assert_ok(options_set(rows, &arena, &o, "optimizer.lr", "0.5"));
	assert_ok(options_set(rows, &arena, &o, "marks", "[1, 2, 3]"));
	assert_int_equal(o.epochs, 9);
	assert_true(o.optimizer.lr == 0.5);
	assert_int_equal(o.marks.n, 3);
	assert_status(options_set(rows, &arena, &o, "epochs.x", "1"), TT_ESPEC);
	assert_status(options_set(rows, &arena, &o, "optimiser.lr", "1"), TT_ESPEC);
	assert_error("did you mean 'optimizer'?");
	assert_status(options_set(rows, &arena, &o, "optimizer.lr", "11"), TT_ESPEC);
	assert_error("optimizer.lr: lr is 11");
}

static void the_resolved_spec_reads_back_the_same(void **state)
{
	struct all o = defaults(), back = defaults();
	struct node *n = NULL, *again = NULL;
	struct str s = {0}, t = {0};

	(void)state;
	assert_ok(read_yaml(&o, "epochs: 5\nratio: 0.3333333333333333\ndir: 'null'\nmode: fast\n"
	                        "marks: []\nlayers: [{conv: {out: 6}}, relu]\n"
	                        "optimizer: {name: ''}\n"));
	assert_ok(options_node(rows, &arena, &o, &n));
	node_write_yaml(n, &s);
	assert_ok(read_yaml(&back, s.p));
	assert_string_equal(back.dir, "null");
	assert_string_equal(back.optimizer.name, "");
	assert_null(back.none);
	assert_true(back.ratio == o.ratio);
	assert_ok(options_node(rows, &arena, &back, &again));
	node_write_yaml(again, &t);
	assert_string_equal(t.p, s.p);
	str_release(&s);
	str_release(&t);
}

static void words_may_stand_in_the_place_of_numbers(void **state)
{
	static const char *const few[] = { "no", "auto", NULL };
	static const struct option one[] = {
		{ .name = "many", .type = OPTION_INT, .def = "auto", .words = few, .min = 1, .max = 9,
		  .help = "how many" },
		OPT_END };
	static const struct { const char *text; int value; } good[] = {
		{ "no", 0 }, { "auto", -1 }, { "9", 9 }, { "AUTO", -1 },
	};
	struct node *n;
	int v;

	(void)state;
	assert_ok(options_default(one, &arena, &v));
	assert_int_equal(v, -1);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_ok(options_set(one, &arena, &v, "many", good[i].text));
		assert_int_equal(v, good[i].value);
		assert_ok(options_node(one, &arena, &v, &n));
		v = 77;
		assert_ok(options_read(one, &arena, n, &v));
		assert_int_equal(v, good[i].value);
	}
	assert_status(options_set(one, &arena, &v, "many", "10"), TT_ESPEC);
	assert_error("many is a number from 1 to 9, or one of: no, auto");
	assert_status(options_set(one, &arena, &v, "many", "-1"), TT_ESPEC);
	assert_status(options_set(one, &arena, &v, "many", "[1]"), TT_ESPEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(defaults_come_from_the_rows, release),
		cmocka_unit_test_teardown(a_document_overwrites_what_it_names, release),
		cmocka_unit_test_teardown(yes_and_no_have_many_spellings, release),
		cmocka_unit_test_teardown(an_unknown_key_names_the_nearest_and_the_line, release),
		cmocka_unit_test_teardown(wrong_types_and_bounds_name_the_line, release),
		cmocka_unit_test_teardown(set_reaches_into_groups, release),
		cmocka_unit_test_teardown(the_resolved_spec_reads_back_the_same, release),
		cmocka_unit_test_teardown(words_may_stand_in_the_place_of_numbers, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
