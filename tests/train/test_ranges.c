/* Both ends of the range of every number that shapes a training can be trained with: no value
 * that the tables promise is refused, none leaves parameters that are not finite.  An end of 1e9
 * and more only says "any number": such a training may diverge, if it says so. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <tutti/catalog.h>
#include <tutti/model.h>
#include <tutti/train.h>

#define ANY 1e9

static const char text[] =
	"data: {train: 'synth:objects?size=8&count=40&classes=2&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {out: 8, activation: relu}\n"
	"%s"
	"    - dense: {out: 2}\n"
	"train: {epochs: 2, batch: 20, threads: 1, tune_kernels: no, tensorboard: {every_steps: 0}}\n";

static int faults, tried;

static int64_t count_of(const tt_tensor *t)
{
	int64_t n = 1;

	for (int i = 0; i < t->ndim; i++)
		n *= t->shape[i];
	return n;
}

static int is_finite(const tt_model *m)
{
	for (int i = 0; i < tt_model_tensors(m); i++) {
		tt_tensor t = TT_SIZED(tt_tensor);

		assert_ok(tt_model_tensor(m, i, &t));
		for (int64_t k = 0, n = count_of(&t); k < n; k++)
			if (!isfinite(t.data[k]))
				return 0;
	}
	return 1;
}

/* Four steps of it. */
static tt_status train(tt_spec *s, int *finite)
{
	tt_model *m = NULL;
	tt_trainer *t = NULL;
	tt_status st = tt_model_new(&m, s);

	if (st == TT_OK)
		st = tt_trainer_new(&t, m, NULL);
	if (st == TT_OK)
		st = tt_trainer_run(t);
	*finite = st == TT_OK && is_finite(m);
	tt_trainer_free(&t);
	tt_model_free(&m);
	return st;
}

/* One value in a net with this layer, beside another setting (or NULL). */
static void try_value(const char *layer, const char *const with[2], const char *key, double value)
{
	char spec[2048], number[32];
	tt_spec *s;
	tt_status st;
	int finite = 0;

	snprintf(spec, sizeof spec, text, layer);
	snprintf(number, sizeof number, "%.17g", value);
	assert_ok(tt_spec_parse(&s, "ranges.yaml", spec));
	if (with)
		assert_ok(tt_spec_set(s, with[0], with[1]));
	st = key ? tt_spec_set(s, key, number) : TT_OK;
	if (st == TT_OK)
		st = train(s, &finite);
	if (!finite && !(fabs(value) >= ANY && (st == TT_OK || st == TT_ENAN))) {
		print_error("%s %s, %s%s: %s\n", key ? key : layer, number, with ? with[0] : "",
		            with ? with[1] : "", st == TT_OK ? "parameters are not finite" :
		            tt_last_error());
		faults++;
	}
	tried++;
	tt_spec_free(&s);
}

static int is_number(const tt_option *o)
{
	return o->type == TT_OPTION_NUMBER || o->type == TT_OPTION_INT;
}

/* The table of this name in `of`. */
static const tt_options *group(const tt_options *of, const char *name)
{
	for (int i = 0; i < tt_options_count(of); i++) {
		tt_option o = TT_SIZED(tt_option);

		assert_ok(tt_options_get(of, i, &o));
		if (strcmp(o.name, name) == 0)
			return o.group;
	}
	return NULL;
}

/* Every number of a table, beside each word of its option `kind`. */
static void try_table(const char *path, const tt_options *of, const char *kind)
{
	const char *const *words = NULL;
	char with[64], key[96];

	for (int i = 0; i < tt_options_count(of); i++) {
		tt_option o = TT_SIZED(tt_option);

		assert_ok(tt_options_get(of, i, &o));
		if (strcmp(o.name, kind) == 0)
			words = o.words;
	}
	assert_non_null(words);
	snprintf(with, sizeof with, "%s.%s", path, kind);
	for (; *words; words++)
		for (int i = 0; i < tt_options_count(of); i++) {
			const char *const set[2] = { with, *words };
			tt_option o = TT_SIZED(tt_option);

			assert_ok(tt_options_get(of, i, &o));
			if (!is_number(&o))
				continue;
			snprintf(key, sizeof key, "%s.%s", path, o.name);
			try_value("", set, key, o.min);
			try_value("", set, key, o.max);
		}
}

static void both_ends_of_optimizers_train(void **state)
{
	const tt_options *train_options = group(tt_options_spec(), "train");

	(void)state;
	faults = tried = 0;
	try_table("train.optimizer", group(train_options, "optimizer"), "kind");
	try_table("train.schedule", group(train_options, "schedule"), "kind");
	assert_true(tried > 100);
	assert_int_equal(faults, 0);
}

static void both_ends_of_losses_train(void **state)
{
	(void)state;
	faults = tried = 0;
	for (int i = 0; i < tt_options_count(group(tt_options_spec(), "model")); i++) {
		tt_option o = TT_SIZED(tt_option);
		char key[64];

		assert_ok(tt_options_get(group(tt_options_spec(), "model"), i, &o));
		if (!is_number(&o))
			continue;
		snprintf(key, sizeof key, "model.%s", o.name);
		try_value("", NULL, key, o.min);
		try_value("", NULL, key, o.max);
	}
	assert_true(tried >= 4);
	assert_int_equal(faults, 0);
}

/* What a kind needs of its input, and besides the number that is tried. */
static const struct around { const char *kind, *shape, *settings; } around[] = {
	{ "rnn", "[2, 4]", "hidden: 3, " }, { "lstm", "[2, 4]", "hidden: 3, " },
	{ "gru", "[2, 4]", "hidden: 3, " }, { "attention", "[2, 4]", "heads: 2, " },
	{ "transformer", "[2, 4]", "heads: 2, " }, { "positions", "[2, 4]", "" },
	{ "groupnorm", "[4, 2]", "groups: 1, " }, { "instancenorm", "[1, 8]", "" },
	{ "lrn", "[2, 2, 2]", "" },
	{ "pad", "[2, 4]", "padding: [1, 1], " }, { "batchnorm", "[2, 2, 2]", "" }, { NULL, "[8]", "" },
};

static const struct around *around_of(const char *kind)
{
	const struct around *a = around;

	while (a->kind && strcmp(a->kind, kind) != 0)
		a++;
	return a;
}

/* Numbers with a point: whole ones are sizes, which must fit their neighbours. */
static void both_ends_of_layers_train(void **state)
{
	(void)state;
	faults = tried = 0;
	for (int k = 0; k < tt_catalog_count(TT_LAYERS); k++) {
		tt_entry e = TT_SIZED(tt_entry);

		assert_ok(tt_catalog_get(TT_LAYERS, k, &e));
		for (int i = 0; i < tt_options_count(e.options); i++) {
			tt_option o = TT_SIZED(tt_option);

			assert_ok(tt_options_get(e.options, i, &o));
			for (int end = 0; end < 2 && o.type == TT_OPTION_NUMBER; end++) {
				const struct around *s = around_of(e.name);
				char layer[192];

				snprintf(layer, sizeof layer, "    - reshape: {shape: %s}\n"
				         "    - %s: {%s%s: %.17g}\n    - flatten\n", s->shape, e.name,
				         s->settings, o.name, end ? o.max : o.min);
				try_value(layer, NULL, NULL, end ? o.max : o.min);
			}
		}
	}
	assert_true(tried >= 14);
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_of_optimizers_train),
		cmocka_unit_test(both_ends_of_losses_train),
		cmocka_unit_test(both_ends_of_layers_train),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
