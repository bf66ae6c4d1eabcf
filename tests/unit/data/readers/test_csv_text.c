/* Text columns of tables: tokens by what the rows to train on say, and by nothing else. */
#include "support/support.h"

#include <string.h>

#include "base/file.h"
#include "data/readers/registry.h"

static const char table[] =
	"n,review,verdict\n1,good and good,yes\n2,bad,no\n3,,no\n4,good bad good bad good,yes\n";
static const struct known_input inputs[] = { { "review", TT_I32, 1 } };
static char dir[200], uri[300];

static tt_source *opened(const char *text, const char *settings, const struct known_columns *known)
{
	const char *path = test_path(dir, "t.csv");
	tt_source *s;

	assert_ok(file_write_all(path, text, strlen(text)));
	snprintf(uri, sizeof uri, "csv:%s%s", path, settings);
	assert_ok(source_open_for(&s, uri, known));
	return s;
}

/* The tokens of a sample, as numbers: "1 2 1". */
static const char *tokens_of(const tt_source *s, int64_t sample)
{
	static char out[200];
	const tt_schema *d = tt_source_schema(s);
	struct cells cells[BATCH_COLUMNS] = {0};
	const int at = schema_find(d, "review");
	int32_t id[64];
	int64_t rows = -1;

	assert_in_range(at, 0, d->columns - 1);
	assert_int_equal(d->column[at]->ndim, 1);
	cells[at] = (struct cells){ id, sizeof id, 0, &rows };
	assert_ok(source_reader(s)->ops->read(source_reader(s), sample, 1, cells));
	out[0] = '\0';
	for (int64_t i = 0; i < rows; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), i ? " %d" : "%d", id[i]);
	return out;
}

/* <unk>, " good" thrice, " bad" and "good" twice, " and" once, and "bad" has no number left. */
static void cells_become_tokens(void **state)
{
	const struct known_columns known = { .inputs = inputs, .n_inputs = 1 };
	tt_source *s = opened(table, "?max_length=4&vocab_size=5", &known);

	(void)state;
	assert_string_equal(tokens_of(s, 0), "3 4 1");
	assert_string_equal(tokens_of(s, 1), "0");
	assert_string_equal(tokens_of(s, 2), "");
	assert_string_equal(tokens_of(s, 3), "3 2 1 2");
	assert_non_null(strstr(tt_source_schema(s)->recipe,
	                       "\"max_length\": 4, \"values\": [\"<unk>\""));
	tt_source_close(&s);
}

/* What a model knows of texts is done to any rows, whatever is asked for there. */
static void a_model_brings_its_vocabulary(void **state)
{
	static const char *const words[] = { "?tokens=words&max_length=4", "?tokens=bpe&vocab_size=262",
	                                     "?tokens=chars", "?tokens=bytes" };
	static const char other[] = "review,n\nnew good bad,7\nbad,8\n";
	struct known_columns known = { .inputs = inputs, .n_inputs = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		tt_source *s = opened(table, words[i], &known), *again;
		const struct known_columns knows = { .recipe = tt_source_schema(s)->recipe,
		                                     .target = "verdict" };
		char want[200];

		strcpy(want, tokens_of(s, 1));
		again = opened(other, "?tokens=words&label=none", &knows);
		assert_string_equal(tokens_of(again, 1), want);
		assert_string_equal(tt_source_schema(again)->recipe, tt_source_schema(s)->recipe);
		tt_source_close(&s);
		tt_source_close(&again);
	}
}

static void the_rows_to_train_on_alone_are_counted(void **state)
{
	const struct known_columns known = { .inputs = inputs, .n_inputs = 1 };
	char text[4000] = "n,review,verdict\n";
	tt_source *s, *test;
	int lost = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		snprintf(text + strlen(text), 60, "%d,word%c%c,%s\n", i, 'a' + i / 26, 'a' + i % 26,
		         i % 2 ? "yes" : "no");
	s = opened(text, "?holdout=0.25", &known);
	test = opened(text, "?holdout=0.25&split=test", &known);
	assert_int_equal(source_reader(test)->count, 10);
	for (int64_t i = 0; i < 10; i++)
		lost += strcmp(tokens_of(test, i), "0") == 0;
	assert_int_equal(lost, 10);
	for (int64_t i = 0; i < 30; i++)
		assert_string_not_equal(tokens_of(s, i), "0");
	tt_source_close(&s);
	tt_source_close(&test);
}

/* Sentences are texts, though all are different; names are ids. */
static void sentences_look_like_texts(void **state)
{
	char text[4000] = "name,review,verdict\n";
	tt_source *s;

	(void)state;
	for (int i = 0; i < 12; i++)
		snprintf(text + strlen(text), 90, "john %c,number %d is what it says,%s\n", 'a' + i, i,
		         i % 2 ? "yes" : "no");
	s = opened(text, "", NULL);
	assert_int_equal(source_reader(s)->table[0].kind, TT_CELLS_ID);
	assert_int_equal(source_reader(s)->table[1].kind, TT_CELLS_TEXT);
	assert_int_equal(strlen(tokens_of(s, 3)) > 9, 1);
	tt_source_close(&s);
}

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "%s", test_temp_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_become_tokens),
		cmocka_unit_test(a_model_brings_its_vocabulary),
		cmocka_unit_test(the_rows_to_train_on_alone_are_counted),
		cmocka_unit_test(sentences_look_like_texts),
	};

	return cmocka_run_group_tests(tests, make_dir, NULL);
}
