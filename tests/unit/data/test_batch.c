/* Columns and batches as callers hand them in. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include <tutti/data.h>
#include <tutti/model.h>

#include "data/batch.h"

static const float x_data[] = { 1, 2, 3, 4, 5, 6 };
static const int32_t word_data[] = { 7, 2, 9, 4, 1, 1 };
static const int64_t word_offsets[] = { 0, 3, 4, 6 };

static const tt_column x = { .size = sizeof x, .type = TT_F32, .name = "x", .ndim = 1,
                             .shape = { 2 }, .data = x_data };
static const tt_column words = { .size = sizeof words, .type = TT_I32, .name = "words", .ndim = 1,
                                 .shape = { -1 }, .data = word_data, .offsets = word_offsets };

static void a_whole_batch_is_good_and_its_columns_have_names(void **state)
{
	const tt_column *all[] = { &x, &words };
	const float weight[] = { 1, 0, 2.5f };
	const tt_batch b = { .size = sizeof b, .columns = 2, .column = all, .n = 3, .weight = weight };

	(void)state;
	assert_ok(tt_batch_check(&b));
	assert_ptr_equal(tt_batch_column(&b, "words"), &words);
	assert_null(tt_batch_column(&b, "word"));
}

/* What is wrong, and what must be said about it. */
static void a_batch_that_is_not_whole_is_refused_with_the_name_of_the_column(void **state)
{
	static const int64_t falling[] = { 0, 3, 2, 6 }, negative[] = { -1, 3, 4, 6 };
	static const float nan_weight[] = { 1, NAN, 1 }, negative_weight[] = { 1, 1, -1 };
	const struct { tt_column c; int64_t n; const float *weight; const char *says; } wrong[] = {
		{ { .name = "a", .type = TT_F32 }, 3, NULL, "'a' has no data" },
		{ { .type = TT_F32, .data = x_data }, 3, NULL, "no name" },
		{ { .name = "a", .type = (enum tt_type)99, .data = x_data }, 3, NULL, "no type 99" },
		{ { .name = "a", .ndim = 5, .data = x_data }, 3, NULL, "0 to 4 dimensions" },
		{ { .name = "a", .ndim = 1, .shape = { 0 }, .data = x_data }, 3, NULL, "above 0" },
		{ { .name = "a", .ndim = 2, .shape = { 2, -1 }, .data = x_data }, 3, NULL, "above 0" },
		{ { .name = "a", .ndim = 2, .shape = { INT64_MAX, 4 }, .data = x_data }, 3, NULL,
		  "above 0" },
		{ { .name = "a", .ndim = 1, .shape = { -1 }, .data = x_data }, 3, NULL, "no offsets" },
		{ { .name = "a", .ndim = 1, .shape = { -1 }, .data = x_data, .offsets = falling }, 3, NULL,
		  "offset 2 is 2, the one before 3" },
		{ { .name = "a", .ndim = 1, .shape = { -1 }, .data = x_data, .offsets = negative }, 3, NULL,
		  "first offset is -1" },
		{ { .name = "x", .data = x_data }, 3, NULL, "two columns are called 'x'" },
		{ { .name = "a", .data = x_data }, 0, NULL, "a batch of 0 samples" },
		{ { .name = "a", .data = x_data }, 3, nan_weight, "sample 1 weighs nan" },
		{ { .name = "a", .data = x_data }, 3, negative_weight, "sample 2 weighs -1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		tt_column c = wrong[i].c;
		const tt_column *all[] = { &x, &c };
		const tt_batch b = { .size = sizeof b, .columns = 2, .column = all, .n = wrong[i].n,
		                     .weight = wrong[i].weight };

		c.size = sizeof c;
		assert_status(tt_batch_check(&b), TT_EINVAL);
		assert_error(wrong[i].says);
	}
	assert_status(tt_batch_check(&(tt_batch){ .n = 3 }), TT_EINVAL);
	assert_error("size is 0");
}

static void columns_are_written_for_people(void **state)
{
	static const struct { tt_column c; const char *text; size_t bytes; } row[] = {
		{ { .type = TT_U8, .ndim = 3, .shape = { 3, 32, 16 } }, "u8 [3, 32, 16]", 1536 },
		{ { .type = TT_I64 }, "i64", 8 },
		{ { .type = TT_F16, .ndim = 2, .shape = { -1, 5 } }, "f16 [any, 5]", 10 },
	};
	char text[COLUMN_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		assert_string_equal(column_text(&row[i].c, text), row[i].text);
		assert_int_equal(column_bytes(&row[i].c), row[i].bytes);
	}
}

static void samples_of_a_source_are_a_batch(void **state)
{
	const tt_column *all[] = { &x, &words };
	tt_source *s;
	tt_batch *b = NULL;

	(void)state;
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = all,
	                                              .kind = TT_TARGET_NONE), 3));
	assert_ok(tt_source_batch(s, 1, 2, &b));
	assert_ok(tt_batch_check(b));
	assert_int_equal(b->n, 2);
	assert_memory_equal(tt_batch_column(b, "x")->data, x_data + 2, 4 * sizeof *x_data);
	assert_memory_equal(tt_batch_column(b, "words")->data, word_data + 3, 3 * sizeof *word_data);
	assert_int_equal(tt_batch_column(b, "words")->offsets[0], 0);
	assert_int_equal(tt_batch_column(b, "words")->offsets[1], 1);
	assert_int_equal(tt_batch_column(b, "words")->offsets[2], 3);
	tt_free(b);
	b = NULL;
	assert_status(tt_source_batch(s, 2, 2, &b), TT_EINVAL);
	assert_error("samples 2 to 3: the source has 3");
	assert_status(tt_source_batch(s, INT64_MAX, INT64_MAX, &b), TT_EINVAL);
	assert_status(tt_source_batch(s, 0, 0, &b), TT_EINVAL);
	assert_null(b);
	tt_source_close(&s);
}

/* Lists grow by one each time that they are asked for. */
static tt_status read_growing(void *ctx, int64_t first, int64_t n, tt_column *const *column)
{
	static const float zero[2] = {0};
	static const int32_t list[8] = {0};
	static int64_t offsets[2];

	(void)ctx;
	(void)first;
	assert_int_equal(n, 1);
	offsets[1]++;
	column[0]->data = zero;
	column[1]->data = list;
	column[1]->offsets = offsets;
	return TT_OK;
}

static void a_list_that_changes_between_two_reads_is_refused(void **state)
{
	const tt_column *all[] = { &x, &words };
	const tt_callback c = { .size = sizeof c, .read = read_growing, .threads = 1 };
	tt_source *s;
	tt_batch *b = NULL;

	(void)state;
	assert_ok(tt_source_from_callback(&s, TT_SCHEMA(.columns = 2, .column = all,
	                                                .kind = TT_TARGET_NONE), 3, &c));
	assert_status(tt_source_batch(s, 0, 1, &b), TT_EFORMAT);
	assert_error("column 'words' has another length");
	assert_null(b);
	tt_source_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_of_a_source_are_a_batch),
		cmocka_unit_test(a_list_that_changes_between_two_reads_is_refused),
		cmocka_unit_test(a_whole_batch_is_good_and_its_columns_have_names),
		cmocka_unit_test(a_batch_that_is_not_whole_is_refused_with_the_name_of_the_column),
		cmocka_unit_test(columns_are_written_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
