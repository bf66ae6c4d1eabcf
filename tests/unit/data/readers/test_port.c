/* What every row of the table of readers promises, on a small source of its kind. */
#include "support/support.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/writers/export.h"
#include "data/readers/cifar10.h"
#include "data/readers/registry.h"

#define COUNT 12

/* ---- a small source of each kind; what it returns goes behind "SCHEME:" ---- */

static const char *with(const char *path, const char *settings)
{
	static char uri[1000];

	snprintf(uri, sizeof uri, "%s?%s", path, settings);
	return uri;
}

static void write_idx(const char *path, int ndim, const uint8_t *head, size_t bytes)
{
	uint8_t all[4 + 12 + COUNT * 16] = { 0, 0, 8, (uint8_t)ndim };

	memcpy(all + 4, head, (size_t)ndim * 4);
	for (size_t i = 0; i < bytes; i++)
		all[4 + (size_t)ndim * 4 + i] = (uint8_t)(ndim == 1 ? i % 10 : i);
	assert_ok(file_write_all(path, all, 4 + (size_t)ndim * 4 + bytes));
}

static const char *make_mnist(void)
{
	static const uint8_t head[] = { 0, 0, 0, COUNT, 0, 0, 0, 4, 0, 0, 0, 4 };
	const char *dir = test_temp_dir();

	write_idx(test_path(dir, "train-images-idx3-ubyte"), 3, head, COUNT * 16);
	write_idx(test_path(dir, "train-labels-idx1-ubyte"), 1, head, COUNT);
	return dir;
}

static const char *make_cifar10(void)
{
	const char *dir = test_temp_dir();
	uint8_t *record = mem_alloc(COUNT * CIFAR10_RECORD);

	assert_non_null(record);
	for (size_t i = 0; i < COUNT * CIFAR10_RECORD; i++)
		record[i] = (uint8_t)(i % CIFAR10_RECORD ? i * 7 : i / CIFAR10_RECORD % 10);
	assert_ok(file_write_all(test_path(dir, "test_batch.bin"), record, COUNT * CIFAR10_RECORD));
	mem_free(record);
	return with(dir, "split=test");
}

static const char *make_images(void)
{
	const char *dir = test_path(test_temp_dir(), "pictures");
	tt_source *s;

	assert_ok(tt_source_open(&s, "synth:objects?size=8&count=12&classes=3"));
	assert_ok(export_images(s, dir, COUNT));
	tt_source_close(&s);
	return dir;
}

static const char *make_csv(void)
{
	const char *path = test_path(test_temp_dir(), "t.csv");
	struct str s = {0};

	str_add(&s, "length,width,w,kind\n");
	for (int i = 0; i < COUNT; i++)
		str_addf(&s, "%d,%d.5,%d,%s\n", i, 2 * i, i, i % 2 ? "pear" : "apple");
	assert_ok(file_write_all(path, s.p, s.len));
	str_release(&s);
	return with(path, "weight=w");
}

static const char *make_text(void)
{
	const char *path = test_path(test_temp_dir(), "t.txt");

	assert_ok(file_write_all(path, "twelve samples of two tokens", 24));
	return with(path, "length=2");
}

static const char *make_synth(void)
{
	return "objects?size=8&count=12";
}

static const struct { const char *scheme; const char *(*make)(void); } examples[] = {
	{ "mnist", make_mnist }, { "cifar10", make_cifar10 }, { "images", make_images },
	{ "csv", make_csv }, { "text", make_text }, { "synth", make_synth },
};

static tt_source *open_example(const struct reader_ops *ops)
{
	char uri[1000];
	tt_source *s;

	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
		if (strcmp(examples[i].scheme, ops->scheme) == 0) {
			snprintf(uri, sizeof uri, "%s:%s", ops->scheme, examples[i].make());
			assert_ok(tt_source_open(&s, uri));
			return s;
		}
	fail_msg("%s: a reader without an example here", ops->scheme);
	return NULL;
}

/* ---- promises ---- */

static void every_reader_says_what_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; readers[i]; i++) {
		assert_contains(readers[i]->help, readers[i]->scheme);
		assert_non_null(readers[i]->settings);
		assert_non_null(readers[i]->open);
		assert_non_null(readers[i]->close);
		assert_non_null(readers[i]->read);
	}
}

/* A whole schema: taking it as a caller's checks all of it. */
static void every_schema_is_whole_and_agrees_with_the_short_one(void **state)
{
	(void)state;
	for (size_t i = 0; readers[i]; i++) {
		tt_source *source = open_example(readers[i]);
		const tt_schema *s = tt_source_schema(source);
		const tt_source_info *info = tt_source_describe(source);
		const tt_column *x = s->column[schema_input(s, 0)];
		struct schema copy = {0};

		assert_ok(schema_take(&copy, s));
		schema_release(&copy);
		assert_int_equal(info->count, COUNT);
		assert_int_equal(source_elements(info), column_ragged(x) ? 0 : column_row(x));
		assert_int_equal(info->type == TT_SAMPLE_U8, x->type == TT_U8);
		assert_int_equal(info->classes, s->classes);
		assert_int_equal(info->target == TT_TARGET_CLASS, s->kind == TT_TARGET_CLASS);
		assert_int_equal(info->target == TT_TARGET_PLACES, s->kind == TT_TARGET_PLACES);
		assert_ptr_equal(info->class_names, s->class_names);
		tt_source_close(&source);
	}
}

#define ROWS 8                  /* room of a ragged sample */

/* Column c of n samples, or all of them, into to[c] of room for n; a ragged one is packed, and
 * rows[c] counts. */
struct got { char *p[BATCH_COLUMNS]; int64_t rows[BATCH_COLUMNS][COUNT]; };

static size_t room_of(const tt_column *c, int64_t n)
{
	return (size_t)n * column_bytes(c) * (column_ragged(c) ? ROWS : 1);
}

static void read(const struct reader *r, int64_t first, int64_t n, struct got *to)
{
	struct cells cells[BATCH_COLUMNS] = {{0}};

	for (int i = 0; i < r->schema.view.columns; i++)
		cells[i] = (struct cells){ .data = to->p[i], .rows = to->rows[i],
		                           .room = room_of(r->schema.view.column[i], n) };
	assert_ok(r->ops->read(r, first, n, cells));
}

/* Where sample k of a column begins, and how many bytes it has. */
static const char *sample_of(const struct got *g, const tt_column *c, int at, int64_t k, size_t *n)
{
	size_t before = 0;

	*n = column_bytes(c);
	if (!column_ragged(c))
		return g->p[at] + (size_t)k * *n;
	for (int64_t i = 0; i < k; i++)
		before += (size_t)g->rows[at][i] * *n;
	*n *= (size_t)g->rows[at][k];
	return g->p[at] + before;
}

static void alone_as_among_all(const struct reader *r, const struct got *whole, int c, int64_t k)
{
	const tt_column *column = r->schema.view.column[c];
	struct got one = {0};
	size_t n;
	const char *want = sample_of(whole, column, c, k, &n);

	one.p[c] = mem_calloc(1, room_of(column, 1));
	read(r, k, 1, &one);
	if (column_ragged(column))
		assert_int_equal(one.rows[c][0], whole->rows[c][k]);
	assert_memory_equal(one.p[c], want, n);
	if (reader_peek(r, c, k))
		assert_memory_equal(reader_peek(r, c, k), want, n);
	mem_free(one.p[c]);
}

static void every_reader_gives_the_same_alone_in_ranges_and_by_column(void **state)
{
	(void)state;
	for (size_t i = 0; readers[i]; i++) {
		tt_source *source = open_example(readers[i]);
		const struct reader *r = source_reader(source);
		const int columns = r->schema.view.columns;
		struct got whole = {0};

		for (int c = 0; c < columns; c++) {
			whole.p[c] = mem_calloc(1, room_of(r->schema.view.column[c], COUNT));
			assert_non_null(whole.p[c]);
		}
		read(r, 0, COUNT, &whole);
		for (int64_t k = COUNT - 1; k >= 0; k--)
			for (int c = 0; c < columns; c++)
				alone_as_among_all(r, &whole, c, k);
		for (int c = 0; c < columns; c++)
			mem_free(whole.p[c]);
		tt_source_close(&source);
	}
}

static void a_table_names_its_features_target_and_weights(void **state)
{
	tt_source *source = open_example(&csv_reader);
	const tt_schema *s = tt_source_schema(source);

	(void)state;
	assert_int_equal(s->columns, 3);
	assert_string_equal(s->column[0]->name, "x");
	assert_string_equal(s->column[0]->features[0], "length");
	assert_string_equal(s->column[0]->features[1], "width");
	assert_string_equal(s->target, "kind");
	assert_string_equal(s->class_names[1], "pear");
	assert_string_equal(s->weight, "w");
	tt_source_close(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reader_says_what_it_is),
		cmocka_unit_test(every_schema_is_whole_and_agrees_with_the_short_one),
		cmocka_unit_test(every_reader_gives_the_same_alone_in_ranges_and_by_column),
		cmocka_unit_test(a_table_names_its_features_target_and_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
