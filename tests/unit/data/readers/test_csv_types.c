/* Columns that are no numbers: what they look like, what becomes of them, and that a model's table
 * is read as the one that it was trained on. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tutti/data.h>

#include "base/file.h"
#include "data/readers/csv.h"
#include "data/readers/registry.h"
#include "data/table/recipe.h"

static struct csv csv;

static tt_status parse(const char *text, struct csv_opts o)
{
	struct bytes in = { (const uint8_t *)text, strlen(text), "t.csv" };

	csv_release(&csv);
	return csv_parse(&csv, &in, &o);
}

#define PARSE(text, ...) parse(text, (struct csv_opts){ __VA_ARGS__ })

static void kinds_are(const char *want)
{
	static const char letters[] = { [TT_CELLS_NUMERIC] = 'n', [TT_CELLS_CATEGORY] = 'c',
		[TT_CELLS_BOOLEAN] = 'b', [TT_CELLS_DATE] = 'd', [TT_CELLS_TEXT] = 't',
		[TT_CELLS_ID] = 'i', [TT_CELLS_WEIGHT] = 'w', [TT_CELLS_IGNORED] = '-',
		[TT_CELLS_TARGET] = 'T' };
	char is[32] = "";

	for (size_t i = 0; i < csv.width; i++)
		is[i] = letters[csv.table[i].kind];
	assert_string_equal(is, want);
}

static void features_are(const char *const *want, const float *row)
{
	for (size_t i = 0; i < csv.columns; i++) {
		assert_non_null(want[i]);
		assert_string_equal(csv.feature[i], want[i]);
		assert_near(csv.x[i], row[i], 1e-6);
	}
	assert_null(want[csv.columns]);
}

#define MIXED "user_id,age,colour,member,since,kind\n" \
	"u1,3.5,red,yes,1970-01-02,cat\nu2,4,blue,no,1970-01-03 12:00,dog\n" \
	"u3,5,red,yes,2000-02-29,cat\n"

static void cells_say_what_their_column_is(void **state)
{
	static const char *const names[] = { "age", "colour=blue", "colour=red", "member", "since",
	                                     NULL };
	static const float row[] = { 3.5f, 0, 1, 1, 1 };

	(void)state;
	assert_ok(PARSE(MIXED));
	kinds_are("incbdT");
	features_are(names, row);
	assert_near(csv.x[5 + 4], 2.5, 0);
	assert_near(csv.x[10 + 4], 11016, 0);
	assert_int_equal(csv.ids, 1);
	assert_string_equal(csv.id_name[0], "user_id");
	assert_string_equal(csv.id_texts.p + csv.id[2], "u3");
	assert_ok(PARSE("1,red,x\n2,blue,y\n1,red,y\n"));          /* no header: 1 stands above 2 */
	assert_int_equal(csv.rows, 3);
	assert_string_equal(csv.feature[1], "1=blue");
	csv_release(&csv);
}

static void settings_say_it_better(void **state)
{
	struct csv_opts o = { .label = "kind" };

	(void)state;
	o.cells[TT_CELLS_CATEGORY] = "age,member";
	o.cells[TT_CELLS_IGNORED] = "2";
	o.cells[TT_CELLS_TEXT] = "since";
	assert_ok(parse(MIXED, o));
	kinds_are("ic-ctT");
	assert_int_equal(csv.columns, 5);
	o.cells[TT_CELLS_ID] = "age";
	assert_status(parse(MIXED, o), TT_EINVAL);
	assert_error("column 'age' cannot be category and id");
	o = (struct csv_opts){ .label = "kind" };
	o.cells[TT_CELLS_IGNORED] = "kind";
	assert_status(parse(MIXED, o), TT_EINVAL);
	assert_error("column 'kind' is the target and cannot be ignored");
	o.cells[TT_CELLS_IGNORED] = "size";
	assert_status(parse(MIXED, o), TT_EINVAL);
	assert_error("no column is called 'size' (ignore=)");
	o.cells[TT_CELLS_IGNORED] = NULL;
	o.cells[TT_CELLS_DATE] = "colour";
	assert_status(parse(MIXED, o), TT_EFORMAT);
	assert_error("t.csv:2: column 2 ('colour'): 'red' is no date such as 2026-01-31");
	o.cells[TT_CELLS_DATE] = NULL;
	o.cells[TT_CELLS_IGNORED] = "user_id,age,colour,member,since";
	assert_status(parse(MIXED, o), TT_EFORMAT);
	assert_error("no column is left to be a feature");
	csv_release(&csv);
}

#define GAPS "a,b,c,kind\n1,10,x,u\n,20,y,v\n4,NA,?,u\n7,60,x,v\n"

static void gaps_are_refused_or_filled_and_told(void **state)
{
	static const char *const names[] = { "a", "a is missing", "b", "b is missing", "c=x", "c=y",
	                                     "c is missing", NULL };
	static const float fill[][2] = { { 4, 30 }, { 4, 20 }, { 0, 0 } };

	(void)state;
	assert_status(PARSE(GAPS), TT_EFORMAT);
	assert_error("t.csv:3: column 0 ('a'): the cell is empty; mend it, or leave such rows out: "
	             "?bad_rows=skip, or fill the gaps: ?missing=mean");
	for (int m = CSV_MISSING_MEAN; m <= CSV_MISSING_ZERO; m++) {
		const float row[] = { fill[m - 1][0], 1, 20, 0, 0, 1, 0 };

		assert_ok(PARSE(GAPS, .missing = m));
		memmove(csv.x, csv.x + 7, sizeof row);
		features_are(names, row);
		assert_near(csv.x[14 + 2], fill[m - 1][1], 1e-6);
		assert_near(csv.x[14 + 6], 1, 0);
		assert_int_equal(csv.table[1].missing, 1);
	}
	assert_status(PARSE("a,b,kind\n1,,x\n2,NaN,y\n", .missing = CSV_MISSING_MEAN), TT_EFORMAT);
	assert_error("column 'b' holds no value in the rows to train on: leave it out with ?ignore=b");
	csv_release(&csv);
}

/* What was found in one table, in another: columns in another order, new categories, gaps. */
static void a_model_reads_other_rows_in_the_same_way(void **state)
{
	static const char *const names[] = { "a", "a is missing", "b", "b is missing", "c=x", "c=y",
	                                     "c is missing", NULL };
	static const float row[] = { 4, 1, 7, 0, 0, 0, 0 };
	struct known_columns known = { .target = "kind" };
	char *recipe;

	(void)state;
	assert_ok(PARSE(GAPS, .missing = CSV_MISSING_MEAN));
	known.recipe = recipe = strdup(csv.recipe);
	assert_ok(PARSE("note,c,b,kind,a\nhello,z,7,u,\nyou,w,8,u,9\n", .known = &known));
	kinds_are("-cnTn");
	features_are(names, row);
	assert_string_equal(csv.recipe, recipe);
	assert_string_equal(csv.unseen, "2 cells with categories that training has not seen, the first "
	                    "of 'c': 'z' (t.csv:2)");
	assert_ok(PARSE("c,b,a\nx,1,2\n", .known = &known));            /* no target, one row */
	assert_null(csv.label);
	assert_null(csv.unseen);
	assert_near(csv.x[4], 1, 0);
	assert_status(PARSE("c,a,kind\nx,1,u\n", .known = &known), TT_ESHAPE);
	assert_error("no feature 'b', which the model reads");
	known.recipe = "{\"columns\": [{\"name\": \"a\", \"kind\": \"numeric\"}, {\"name\": \"a\", "
	               "\"kind\": \"numeric\"}]}";
	assert_status(PARSE("a,kind\n1,u\n", .known = &known), TT_ESHAPE);
	known.recipe = "{\"columns\": [{\"name\": \"a\", \"kind\": \"target\"}]}";
	assert_status(PARSE("a,kind\n1,u\n", .known = &known), TT_EFORMAT);
	free(recipe);
	csv_release(&csv);
}

/* The test rows have categories and values of their own: they are not looked at. */
static void all_is_found_in_the_training_rows_alone(void **state)
{
	char text[6000] = "a,c,kind\n";
	struct csv_opts o = { .holdout = 0.25, .missing = CSV_MISSING_MEAN };
	struct recipe recipe;
	struct arena a = {0};
	double sum = 0;
	int n = 0, new = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		sprintf(text + strlen(text), "%d,w%d,%s\n", i * i, i % 45, i % 2 ? "x" : "y");
	strcat(text, ",w1,x\n");
	assert_ok(parse(text, o));
	for (size_t i = 0; i < csv.rows; i++) {
		const int gap = csv.columns > 1 && csv.x[i * csv.columns + 1] == 1 &&
		                strcmp(csv.feature[1], "a is missing") == 0;

		sum += gap ? 0 : (double)csv.x[i * csv.columns];
		n += !gap;
	}
	assert_ok(recipe_read(&recipe, &a, csv.recipe, "t"));
	assert_near(recipe.column[0].fill, sum / n, 1e-6);
	o.split = SPLIT_TEST;
	assert_null(csv.unseen);
	assert_ok(parse(text, o));
	assert_int_equal(csv.rows, 25);
	for (size_t i = 0; i < csv.rows; i++) {
		float hot = 0;

		for (size_t k = 1; k < csv.columns; k++)
			hot += csv.x[i * csv.columns + k];
		new += hot == 0;
	}
	assert_int_equal(csv.unseen != NULL, new > 0);
	arena_release(&a);
	csv_release(&csv);
}

static void inputs_of_a_model_get_numbers_of_categories(void **state)
{
	static const struct known_input inputs[] = { { "shop", TT_I32 }, { "age", TT_F32 } };
	struct known_columns known = { .inputs = inputs, .n_inputs = 2 };
	static const char text[] = "shop,age,size,kind\n12,1,5,x\n7,2,6,y\n12,3,7,x\n";
	const int32_t *shop;
	char *recipe;

	(void)state;
	assert_ok(PARSE(text, .known = &known));
	assert_int_equal(csv.columns, 1);
	assert_int_equal(csv.aparts, 2);
	shop = csv.apart[0].data;
	assert_string_equal(csv.apart[0].name, "shop");
	assert_true(shop[0] == 1 && shop[1] == 2 && shop[2] == 1);      /* "12" before "7" */
	assert_near(((const float *)csv.apart[1].data)[2], 3, 0);
	known = (struct known_columns){ .recipe = recipe = strdup(csv.recipe), .target = "kind" };
	assert_ok(PARSE("size,age,shop,kind\n1,2,9,x\n1,2,7,x\n", .known = &known));
	shop = csv.apart[0].data;
	assert_true(shop[0] == 0 && shop[1] == 2);
	free(recipe);
	csv_release(&csv);
}

static void hostile_tables_are_refused_in_one_line(void **state)
{
	struct csv_opts o = {0};
	struct str s = {0};

	(void)state;
	str_add(&s, "c,kind\n");
	for (int i = 0; i < 30; i++)
		str_addf(&s, "%d,name-%d\n", i, i);
	assert_status(parse(s.p, o), TT_EFORMAT);
	assert_error("column 1 ('kind') is the target and another one in each of 30 rows, as the names "
	             "of rows are: set label=, or task=classify");
	o.task = CSV_CLASSIFY;
	assert_ok(parse(s.p, o));
	s.len = 0;
	str_add(&s, "c,d,kind\n");
	for (int i = 0; i < 3000; i++)
		str_addf(&s, "w%d,%d,%s\n", i % 1500, i, i % 2 ? "x" : "y");
	o = (struct csv_opts){0};
	o.cells[TT_CELLS_CATEGORY] = "c";
	assert_status(parse(s.p, o), TT_EFORMAT);
	assert_error("column 'c' has 1500 categories, and at most 1000 become features: leave it out "
	             "with ?ignore=c, or give the model an input of that name");
	assert_status(PARSE("a,c,k\n1,caf\xe9,x\n2,tea,y\n"), TT_EFORMAT);
	assert_error("column 'c': a category is not UTF-8");
	assert_ok(PARSE(s.p));                  /* by itself it is a text, and no feature */
	kinds_are("tnT");
	str_release(&s);
	csv_release(&csv);
}

static void separators_and_commas_are_as_told(void **state)
{
	static const struct { const char *text, *separator; int decimal; } row[] = {
		{ "a|b|k\n1.5|2|x\n", NULL, 0 }, { "a\tb\tk\r\n1.5\t2\tx\r\n", NULL, 0 },
		{ "a:b:k\n1.5:2:x\n", "colon", 0 }, { "a~b~k\n1.5~2~x\n", "~", 0 },
		{ "a;b;k\n1,5;2;x\n", NULL, 1 }, { "a\tb\tk\n\"1,5\"\t2,0\tx\n", NULL, 1 },
		{ "\"a,,,,\";b;k\n1.5;2;x\n", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_ok(PARSE(row[i].text, .separator = row[i].separator, .decimal = row[i].decimal));
		assert_int_equal(csv.columns, 2);
		assert_near(csv.x[0], 1.5, 0);
		assert_near(csv.x[1], 2, 0);
	}
	assert_ok(PARSE("a;k\n1.234.567,5;x\n-1.000;x\n", .decimal = CSV_DECIMAL_COMMA));
	assert_near(csv.x[0], 1234567.5, 1);
	assert_near(csv.x[1], -1000, 0);
	assert_status(PARSE("a,k\n1,x\n", .separator = "words"), TT_EINVAL);
	assert_error("separator=words is no byte that separates");
	csv_release(&csv);
}

/* Through the front door: ids, kinds, and the recipe that a schema carries. */
static void a_source_tells_names_and_kinds(void **state)
{
	const char *path = test_path(test_temp_dir(), "t.csv");
	char uri[700];
	tt_source *s;

	(void)state;
	assert_ok(file_write_all(path, MIXED, strlen(MIXED)));
	snprintf(uri, sizeof uri, "csv:%s?ignore=since&id=member", path);
	assert_ok(tt_source_open(&s, uri));
	assert_int_equal(tt_source_describe(s)->ids, 2);
	assert_string_equal(tt_source_describe(s)->id_names[1], "member");
	assert_string_equal(tt_source_id(s, 0, 1), "u2");
	assert_string_equal(tt_source_id(s, 1, 0), "yes");
	assert_null(tt_source_id(s, 2, 0));
	assert_null(tt_source_id(s, 0, 3));
	assert_int_equal(tt_source_describe(s)->table_columns, 6);
	assert_non_null(strstr(tt_source_schema(s)->recipe, "\"values\": [\"blue\", \"red\"]"));
	tt_source_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_say_what_their_column_is),
		cmocka_unit_test(settings_say_it_better),
		cmocka_unit_test(gaps_are_refused_or_filled_and_told),
		cmocka_unit_test(a_model_reads_other_rows_in_the_same_way),
		cmocka_unit_test(all_is_found_in_the_training_rows_alone),
		cmocka_unit_test(inputs_of_a_model_get_numbers_of_categories),
		cmocka_unit_test(hostile_tables_are_refused_in_one_line),
		cmocka_unit_test(separators_and_commas_are_as_told),
		cmocka_unit_test(a_source_tells_names_and_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
