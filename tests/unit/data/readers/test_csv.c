#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tutti/data.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/readers/csv.h"

static struct csv csv;

static tt_status parse(const char *text, const struct csv_opts *o)
{
	static const struct csv_opts defaults;
	struct bytes in = { (const uint8_t *)text, strlen(text), "t.csv" };

	csv_release(&csv);
	return csv_parse(&csv, &in, o ? o : &defaults);
}

static void refused(const char *text, const struct csv_opts *o, const char *message)
{
	assert_status(parse(text, o), TT_EFORMAT);
	assert_error(message);
	csv_release(&csv);
}

static void text_targets_become_sorted_classes(void **state)
{
	(void)state;
	assert_ok(parse("a,b,kind\n1,2,pear\n3,-4.5e1,apple\n5,6,pear\n", NULL));
	assert_int_equal(csv.rows, 3);
	assert_int_equal(csv.columns, 2);
	assert_int_equal(csv.classes, 2);
	assert_string_equal(csv.class_names[0], "apple");
	assert_int_equal(csv.label[0], 1);
	assert_int_equal(csv.label[1], 0);
	assert_near(csv.x[3], -45, 0);
	csv_release(&csv);
}

static void equal_numbers_are_one_class(void **state)
{
	(void)state;
	assert_ok(parse("1,1\n2,1.0\n3,01\n4,1e0\n5,2\n6,+2\n", NULL));
	assert_int_equal(csv.classes, 2);
	assert_string_equal(csv.class_names[0], "1");
	assert_int_equal(csv.label[3], 0);
	assert_int_equal(csv.label[5], 1);
	assert_ok(parse("1,1\n2,1.0\n3,1.1.1\n", NULL));       /* versions are words */
	assert_int_equal(csv.classes, 3);
	csv_release(&csv);
}

static tt_status parse_for(enum target_wish wish, const char *text)
{
	const struct known_columns known = { .wish = wish };

	return parse(text, &(struct csv_opts){ .known = &known });
}

/* What is few and whole, what is a share, and what is a word, to whom wants what. */
static void a_model_says_what_the_target_is(void **state)
{
	static const struct {
		enum target_wish wish;
		int few, share, bit, word;              /* classes; 0: numbers; -1: refused */
	} row[] = {
		{ WISH_ANY, 3, 0, 2, 2 }, { WISH_CLASSES, 3, 3, 2, 2 }, { WISH_NUMBERS, 0, 0, 0, -1 },
		{ WISH_YES_NO, 0, 0, 2, 2 },
	};
	static const char *const text[] = { "1,100\n2,200\n3,300\n", "1,.25\n2,.5\n3,1\n",
	                                    "1,0\n2,1\n3,1.0\n", "1,yes\n2,no\n3,yes\n" };

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const int want[] = { row[i].few, row[i].share, row[i].bit, row[i].word };

		for (int k = 0; k < 4; k++) {
			assert_int_equal(parse_for(row[i].wish, text[k]), want[k] < 0 ? TT_EFORMAT : TT_OK);
			if (want[k] < 0)
				assert_error("t.csv:1: column 1: 'yes' is not a finite number, which");
			else
				assert_int_equal(csv.classes, want[k]);
			assert_true(want[k] < 0 || !csv.value == (want[k] > 0));
		}
	}
	csv_release(&csv);
}

static void numbers_are_classes_or_values(void **state)
{
	char many[4000] = "";

	(void)state;
	assert_ok(parse("1,10\n2,9\n3,10\n", NULL));          /* few whole numbers: 9 before 10 */
	assert_int_equal(csv.classes, 2);
	assert_string_equal(csv.class_names[0], "9");
	assert_ok(parse("1,10\n2,9\n3,10\n", &(struct csv_opts){ .task = CSV_REGRESS }));
	assert_null(csv.label);
	assert_near(csv.value[1], 9, 0);
	assert_ok(parse("1,0.5\n2,9\n", NULL));
	assert_near(csv.value[0], 0.5, 0);
	for (int i = 0; i < 60; i++)
		sprintf(many + strlen(many), "1,%d\n", i * i);
	assert_ok(parse(many, NULL));
	assert_int_equal(csv.classes, 0);
	assert_near(csv.value[59], 59 * 59, 0);
	assert_ok(parse(many, &(struct csv_opts){ .task = CSV_CLASSIFY }));
	assert_int_equal(csv.classes, 60);
	assert_int_equal(csv.label[59], 59);
	csv_release(&csv);
}

static void quotes_and_line_ends_are_understood(void **state)
{
	(void)state;
	assert_ok(parse("\xef\xbb\xbf\"a \"\"x\"\"\",\"b,c\",k\r\n 1 ,\"2\" , \"one\ntwo\" \r\n"
	                "\r\n3,4,x\"y\r5,6, z ", NULL));
	assert_int_equal(csv.rows, 3);
	assert_string_equal(csv.class_names[0], "one\ntwo");
	assert_string_equal(csv.class_names[1], "x\"y");
	assert_string_equal(csv.class_names[2], "z");
	assert_near(csv.x[1], 2, 0);
	assert_near(csv.x[5], 6, 0);
	csv_release(&csv);
}

static void target_is_found_by_name_number_or_place(void **state)
{
	static const char text[] = "a;b;c\n1;x;3\n2;y;6\n";

	(void)state;
	assert_ok(parse(text, &(struct csv_opts){ .label = "b" }));
	assert_int_equal(csv.classes, 2);
	assert_near(csv.x[1], 3, 0);
	assert_ok(parse(text, &(struct csv_opts){ .label = "1" }));
	assert_int_equal(csv.classes, 2);
	assert_ok(parse("1;2\n", &(struct csv_opts){ .label = "none" }));
	assert_int_equal(csv.columns, 2);
	assert_null(csv.label);
	assert_null(csv.value);
	assert_status(parse(text, &(struct csv_opts){ .label = "kind" }), TT_EINVAL);
	assert_error("no column is called 'kind'");
	assert_status(parse(text, &(struct csv_opts){ .label = "3" }), TT_EINVAL);
	assert_error("columns are numbered 0 to 2");
	csv_release(&csv);
}

static void bad_cells_are_named_by_line_and_column(void **state)
{
	(void)state;
	refused("a,b,c\n1,2,x\n1,oops,y\n", NULL, "t.csv:3: column 1 ('b'): 'oops' is not a finite "
	        "number; mend it, or leave such rows out: ?bad_rows=skip");
	refused("a,b,a,k\n1,2,3,x\n", NULL, "t.csv: columns 0 and 2 are both called 'a'");
	refused("1,2,r\xf6t\n3,4,x\n", NULL, "t.csv: the name 'r?t'");
	refused("1,2,3\n1,,3\n", NULL, "t.csv:2: column 1: the cell is empty; mend it");
	refused("1,2,3\n1,nan,3\n", NULL, "'nan' is not a finite number");
	refused("1,2,3\n1,1e999,3\n", NULL, "'1e999' is not a finite number");
	refused("1,2,3\n1,1e39,3\n", NULL, "'1e39' is not a finite number");   /* no float */
	refused("1,2,3\n1,0x10,3\n", NULL, "'0x10' is not a finite number");
	refused("1,2,3\n1,2\n", NULL, "t.csv:2: 2 cells, the first row has 3");
	refused("1,2,3\n\n\n1,2,3,4\n", NULL, "t.csv:4: 4 cells");
	refused("1,2,x\n1,2,\n", NULL, "t.csv:2: column 2: the target is empty");
	refused("1,\"2\"3,x\n", NULL, "text after the closing quote");
	refused("1,2,x\n1,2,\"x\n", NULL, "t.csv:2: column 2: a quote is opened and never closed");
	refused("", NULL, "the table is empty");
	refused("\n\n", NULL, "the table is empty");
	refused("a,b\n", NULL, "a header without rows");
	refused("1\n2\n", NULL, "a target without features");
	refused("a\n1,2\n", &(struct csv_opts){ .label = "none" }, "2 cells, the first row has 1");
	refused("1,x\n2,y\n", &(struct csv_opts){ .task = CSV_REGRESS }, "'x' is not a finite number");
	refused("a,b\n\n1,2\n3,n/a\n", &(struct csv_opts){ .task = CSV_REGRESS },
	        "t.csv:4: column 1 ('b'): 'n/a' is not a finite number; mend it");
}

#define BAD_TABLE "a,b,k\n1,2,cat\nx,3,eel\n4,,dog\n5,6,\n7,8\n9,9,dog\n"

static void bad_rows_are_left_out_and_counted(void **state)
{
	(void)state;
	assert_ok(parse(BAD_TABLE, &(struct csv_opts){ .bad_rows = CSV_BAD_SKIP }));
	assert_int_equal(csv.rows, 2);
	assert_int_equal(csv.skipped, 4);
	assert_string_equal(csv.first_skipped, "t.csv:3: column 0 ('a'): 'x' is not a finite number");
	assert_int_equal(csv.classes, 2);                      /* eel is of no row that is there */
	assert_near(csv.x[2], 9, 0);
	assert_ok(parse("1,2\n3,n/a\n5,6\n", &(struct csv_opts){ .bad_rows = CSV_BAD_SKIP,
	                                                          .task = CSV_REGRESS }));
	assert_int_equal(csv.rows, 2);
	assert_near(csv.x[1], 5, 0);
	assert_near(csv.value[1], 6, 0);
	refused("a,b\n,1\n", &(struct csv_opts){ .bad_rows = CSV_BAD_SKIP },
	        "no row is good: t.csv:2: column 0 ('a')");
	csv_release(&csv);
}

/* They keep their places; a target that is missing makes no row bad. */
static void bad_rows_may_be_told_when_they_are_read(void **state)
{
	static const int bad[6] = { 0, 1, 1, 0, 1, 0 }, label[6] = { 0, 0, 0, -1, 0, 1 };
	const char *path = test_path(test_temp_dir(), "bad.csv");
	char uri[700];
	tt_source *s;

	(void)state;
	assert_ok(file_write_all(path, BAD_TABLE, strlen(BAD_TABLE)));
	snprintf(uri, sizeof uri, "csv:%s?bad_rows=later", path);
	assert_ok(tt_source_open(&s, uri));
	assert_int_equal(tt_source_describe(s)->count, 6);
	for (int i = 0; i < 6; i++) {
		float x[2];
		int32_t is = 7;

		assert_status(tt_source_read(s, i, x, NULL, NULL), bad[i] ? TT_EFORMAT : TT_OK);
		if (bad[i])
			assert_error("bad.csv:");
		else if (label[i] < 0)
			assert_status(tt_source_read(s, i, NULL, &is, NULL), TT_ENOENT);
		else
			assert_ok(tt_source_read(s, i, NULL, &is, NULL));
	}
	tt_source_close(&s);
	snprintf(uri, sizeof uri, "csv:%s?bad_rows=skip", path);
	assert_ok(tt_source_open(&s, uri));
	assert_non_null(strstr(tt_source_describe(s)->left_out, "4 rows with wrong cells, the first"));
	tt_source_close(&s);
}

static tt_status parse_known(const char *text, const struct known_columns *known)
{
	return parse(text, &(struct csv_opts){ .known = known });
}

/* Without names what was told by number is found by it, where no column is left over. */
static void columns_without_names_are_known_by_number(void **state)
{
	const struct known_columns k = { .target = "0", .weight = "2", .count = 2 };

	(void)state;
	assert_ok(parse("cat,1,0.5,3\ndog,2,1,4\n", &(struct csv_opts){ .label = "0", .weight = "2" }));
	assert_string_equal(csv.target, "0");
	assert_string_equal(csv.weigher, "2");
	assert_ok(parse_known("cat,1,0.5,3\ndog,2,1,4\n", &k));
	assert_int_equal(csv.columns, 2);
	assert_int_equal(csv.classes, 2);
	assert_string_equal(csv.target, "0");
	assert_near(csv.weight[0], 0.5, 0);
	assert_near(csv.x[1], 3, 0);
	assert_ok(parse_known("cat,1,3\ndog,2,4\n", &k));                   /* no weights */
	assert_null(csv.weight);
	assert_int_equal(csv.classes, 2);
	assert_ok(parse_known("1,3\n2,4\n", &k));                           /* no target either */
	assert_null(csv.label);
	assert_int_equal(csv.columns, 2);
	csv_release(&csv);
}

/* A row that numbers the columns is a header where the target's cell is a word; of few columns it
 * may be data. */
static void a_header_may_be_numbers(void **state)
{
	(void)state;
	assert_ok(parse("0,1,2,3,kind\n5,6,7,8,x\n5,6,7,9,y\n", NULL));
	assert_int_equal(csv.rows, 2);
	assert_int_equal(csv.classes, 2);
	assert_string_equal(csv.feature[3], "3");
	assert_ok(parse("1,2,3,4,kind\n5,6,7,8,x\n5,6,7,9,y\n", NULL));
	assert_int_equal(csv.rows, 2);
	assert_ok(parse("1,2,x\n3,4,y\n", NULL));
	assert_int_equal(csv.rows, 2);
	assert_ok(parse("1,2,3,5,x\n3,4,4,4,y\n", NULL));
	assert_int_equal(csv.rows, 2);
	csv_release(&csv);
}

static void a_packed_table_is_read(void **state)
{
	const char *dir = test_temp_dir(), *path = test_path(dir, "t.csv.gz");
	char command[1024], uri[512];
	tt_source *s = NULL;

	(void)state;
	snprintf(command, sizeof command, "printf 'a,b\\n1,x\\n2,y\\n' | gzip >'%s'", path);
	assert_int_equal(system(command), 0);
	snprintf(uri, sizeof uri, "csv:%s", path);
	assert_ok(tt_source_open(&s, uri));
	assert_int_equal(tt_source_describe(s)->count, 2);
	tt_source_close(&s);
	snprintf(command, sizeof command, "truncate -s 12 '%s'", path);
	assert_int_equal(system(command), 0);
	assert_status(tt_source_open(&s, uri), TT_EFORMAT);
}

/* A '?' in the name of a file is found by what is there, or written as %3F. */
static void paths_may_hold_a_question_mark(void **state)
{
	static const char *const uris[] = {
		"csv:what?.csv", "csv:what?.csv?label=1", "csv:what%3F.csv?label=1", "csv:q?d/t.csv",
		"csv:q%3Fd/t.csv", "csv:50%3F", "csv:50%3F?label=0&task=classify",
	};
	tt_source *s = NULL;

	(void)state;
	assert_int_equal(chdir(test_temp_dir()), 0);
	assert_ok(file_mkdirs("q?d"));
	assert_ok(file_write_all("what?.csv", "a,b\n1,x\n", 8));
	assert_ok(file_write_all("q?d/t.csv", "a,b\n1,x\n", 8));
	assert_ok(file_write_all("50%3F", "a,b\n1,2\n", 8));        /* this is its name */
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
		assert_ok(tt_source_open(&s, uris[i]));
		assert_int_equal(tt_source_describe(s)->count, 1);
		tt_source_close(&s);
	}
	assert_status(tt_source_open(&s, "csv:no?where"), TT_EINVAL);
	assert_status(tt_source_open(&s, "csv:no?label=1"), TT_ENOENT);
	assert_int_equal(chdir("/"), 0);
}

static void zero_bytes_are_refused(void **state)
{
	static const struct csv_opts o;
	struct bytes in = { (const uint8_t *)"1,2\n1\0,3\n", 9, "t.csv" };

	(void)state;
	assert_status(csv_parse(&csv, &in, &o), TT_EFORMAT);
	assert_error("t.csv:2: column 0: a zero byte");
	csv_release(&csv);
}

static void header_can_be_forced(void **state)
{
	(void)state;
	assert_ok(parse("1,2\n3,4\n", &(struct csv_opts){ .header = CSV_HEADER_YES }));
	assert_int_equal(csv.rows, 1);
	refused("a,2\n3,4\n", &(struct csv_opts){ .header = CSV_HEADER_NO }, "t.csv:1: column 0");
}

static void splits_part_the_rows(void **state)
{
	const char *path = test_path(test_temp_dir(), "t.csv");
	char uri[700];
	struct str s = {0};
	int seen[100] = {0};
	tt_source *source;

	(void)state;
	for (int i = 0; i < 100; i++)
		str_addf(&s, "%d,%s\n", i, i % 2 ? "odd" : "even");
	assert_ok(file_write_all(path, s.p, s.len));
	str_release(&s);
	for (int split = 0; split < 2; split++) {
		snprintf(uri, sizeof uri, "csv:%s?holdout=0.2&split=%s", path, split ? "test" : "train");
		assert_ok(tt_source_open(&source, uri));
		const tt_source_info *info = tt_source_describe(source);
		assert_int_equal(info->count, split ? 20 : 80);
		assert_int_equal(info->ndim, 1);
		assert_int_equal(info->shape[0], 1);
		assert_int_equal(info->classes, 2);
		for (int64_t i = 0; i < info->count; i++) {
			float x;
			int32_t label;

			assert_ok(tt_source_read(source, i, &x, &label, NULL));
			assert_int_equal(label, (int)x % 2);
			seen[(int)x]++;
		}
		tt_source_close(&source);
	}
	for (int i = 0; i < 100; i++)
		assert_int_equal(seen[i], 1);
	snprintf(uri, sizeof uri, "csv:%s?split=test", path);
	assert_status(tt_source_open(&source, uri), TT_EINVAL);
	assert_error("holdout");
}

static void no_allocation_may_fail_badly(void **state)
{
	static const struct { const char *text; struct csv_opts o; } table[] = {
		{ "a,b,kind\n1,2,pear\n3,-4.5e1,apple\n5,6,pear\n", { 0 } },
		{ "id,a,c,kind\np,1,red,pear\nq,,blue,apple\n", { .missing = CSV_MISSING_MEDIAN } },
	};
	const int64_t before = mem_live();

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		tt_status st = TT_ENOMEM;

		for (uint64_t n = 1; st != TT_OK; n++) {
			assert_true(n < 1000);
			mem_fail_at(n, 1);
			st = parse(table[i].text, &table[i].o);
			mem_fail_at(0, 0);
			assert_true(st == TT_OK || st == TT_ENOMEM);
		}
		csv_release(&csv);
		assert_int_equal(mem_live(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_targets_become_sorted_classes),
		cmocka_unit_test(equal_numbers_are_one_class),
		cmocka_unit_test(a_model_says_what_the_target_is),
		cmocka_unit_test(numbers_are_classes_or_values),
		cmocka_unit_test(quotes_and_line_ends_are_understood),
		cmocka_unit_test(target_is_found_by_name_number_or_place),
		cmocka_unit_test(bad_cells_are_named_by_line_and_column),
		cmocka_unit_test(bad_rows_are_left_out_and_counted),
		cmocka_unit_test(bad_rows_may_be_told_when_they_are_read),
		cmocka_unit_test(columns_without_names_are_known_by_number),
		cmocka_unit_test(a_header_may_be_numbers),
		cmocka_unit_test(a_packed_table_is_read),
		cmocka_unit_test(paths_may_hold_a_question_mark),
		cmocka_unit_test(zero_bytes_are_refused),
		cmocka_unit_test(header_can_be_forced),
		cmocka_unit_test(splits_part_the_rows),
		cmocka_unit_test(no_allocation_may_fail_badly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
