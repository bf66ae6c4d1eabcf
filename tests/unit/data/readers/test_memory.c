/* Sources of the caller: columns in memory, and functions, read by a loader. */
#include "support/support.h"

#include <string.h>

#include "base/mem.h"
#include "data/loader.h"
#include "data/reader.h"

#define COUNT 23

/* Sample k: x is (k, -k), words are k % 4 times k, it weighs k / 2, its class is k % 3. */
static struct {
	float   x[COUNT][2], weight[COUNT];
	int64_t label[COUNT], offsets[COUNT + 1];
	int32_t words[COUNT * 4];
} table;

static tt_column x = { .size = sizeof x, .name = "x", .type = TT_F32, .ndim = 1, .shape = { 2 } };
static tt_column words = { .size = sizeof words, .name = "words", .type = TT_I32, .ndim = 1,
                           .shape = { -1 } };
static tt_column label = { .size = sizeof label, .name = "kind", .type = TT_I64 };
static tt_column weight = { .size = sizeof weight, .name = "w", .type = TT_F32 };
static const tt_column *const columns[] = { &x, &words, &label, &weight };
static const char *const names[] = { "a", "b", "c" };
static const tt_schema schema = { .size = sizeof schema, .columns = 4, .column = columns,
	.target = "kind", .weight = "w", .kind = TT_TARGET_CLASS, .classes = 3, .class_names = names };

static int fill_table(void **state)
{
	int64_t at = 0;

	(void)state;
	for (int k = 0; k < COUNT; k++) {
		table.x[k][0] = (float)k;
		table.x[k][1] = (float)-k;
		table.weight[k] = (float)k / 2;
		table.label[k] = k % 3;
		table.offsets[k] = at;
		for (int i = 0; i < k % 4; i++)
			table.words[at++] = k;
	}
	table.offsets[COUNT] = at;
	x.data = table.x;
	words.data = table.words;
	words.offsets = table.offsets;
	label.data = table.label;
	weight.data = table.weight;
	return 0;
}

/* ---- functions that give the same ---- */

struct giver { int calls, closed; int64_t last; int backwards; tt_status fails; int rewrites; };

static tt_status give(void *ctx, int64_t first, int64_t n, tt_column *const *column)
{
	struct giver *g = ctx;

	g->calls++;
	g->backwards += first < g->last;
	g->last = first + n;
	column[0]->data = table.x + first;
	column[1]->data = table.words;
	column[1]->offsets = table.offsets + first;
	column[2]->data = table.label + first;
	column[3]->data = table.weight + first;
	for (int i = 0; g->rewrites && i < 4; i++) {
		column[i]->ndim = 1000;
		column[i]->shape[0] = column[i]->shape[0] == -1 ? 1 : -1;
		column[i]->type = 77;
		column[i]->name = NULL;
	}
	return g->fails;
}

static void note_close(void *ctx)
{
	((struct giver *)ctx)->closed++;
}

/* ---- reading ---- */

/* Is place i of the batch sample k, in every column? */
static void check_sample(const struct batch *b, int i, int64_t k)
{
	const tt_column *xs = tt_batch_column(&b->data, "x");
	const tt_column *ws = tt_batch_column(&b->data, "words");
	const int64_t rows = ws->offsets[i + 1] - ws->offsets[i];

	assert_int_equal(b->data.columns, 3);                     /* the weight stands beside them */
	assert_near(((const float *)xs->data)[2 * i + 1], -(double)k, 0);
	assert_int_equal(((const int32_t *)tt_batch_column(&b->data, "kind")->data)[i], k % 3);
	assert_near(b->data.weight[i], (double)k / 2, 0);
	assert_int_equal(rows, k % 4);
	for (int64_t r = 0; r < rows; r++)
		assert_int_equal(((const int32_t *)ws->data)[ws->offsets[i] + r], k);
}

/* Every sample once, whole; into `order` as they came. */
static void read_all(tt_source *s, const struct loader_opts *o, int64_t *order)
{
	struct loader *l;
	struct batch *b;
	int seen[COUNT] = {0}, n = 0;

	assert_ok(loader_new(&l, s, o));
	for (int epoch = 0; epoch < 2; epoch++) {
		n = 0;
		assert_ok(loader_seek(l, epoch, 0));
		for (assert_ok(loader_next(l, &b)); b; assert_ok(loader_next(l, &b))) {
			if (b->data.n)
				assert_ok(tt_batch_check(&b->data));
			for (int i = 0; i < b->data.n; i++) {
				check_sample(b, i, b->index[i]);
				seen[b->index[i]]++;
				order[n++] = b->index[i];
			}
		}
	}
	for (int k = 0; k < COUNT && o->world == 1; k++)
		assert_int_equal(seen[k], 2);
	loader_free(&l);
}

static const struct data_opts shuffled = { .shuffle = 1, .threads = 3, .prefetch = 2 };
static const struct data_opts in_order = { .threads = 1 };

static void columns_in_memory_go_through_the_loader(void **state)
{
	tt_source *s;
	int64_t order[COUNT];

	(void)state;
	assert_ok(tt_source_from_memory(&s, &schema, COUNT));
	for (int i = 0; i < 2; i++)
		read_all(s, &(struct loader_opts){ .data = i ? &shuffled : &in_order, .training = 1,
		                                   .batch = 5, .world = 1, .seed = 3 }, order);
	tt_source_close(&s);
}

static void what_a_function_gives_goes_through_the_loader(void **state)
{
	static const struct { enum tt_access access; int threads; } way[] = {
		{ TT_ACCESS_INDEX, 0 }, { TT_ACCESS_INDEX, 1 }, { TT_ACCESS_FORWARD, 0 },
	};
	int64_t order[COUNT];

	(void)state;
	for (size_t w = 0; w < sizeof way / sizeof *way; w++)
		for (int i = 0; i < 2; i++) {
			struct giver g = {0};
			tt_source *s;

			assert_ok(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(
				.read = give, .ctx = &g, .close = note_close, .access = way[w].access,
				.threads = way[w].threads)));
			read_all(s, &(struct loader_opts){ .data = i ? &shuffled : &in_order, .training = 1,
			                                   .batch = 5, .world = 1, .seed = 3 }, order);
			tt_source_close(&s);
			assert_int_equal(g.closed, 1);
		}
}

/* Five neighbours are one call, not five. */
static void neighbours_are_asked_for_at_once(void **state)
{
	struct giver g = {0};
	tt_source *s;
	int64_t order[COUNT];

	(void)state;
	assert_ok(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(.read = give, .ctx = &g)));
	read_all(s, &(struct loader_opts){ .data = &in_order, .training = 1, .batch = 5, .world = 1 },
	         order);
	assert_in_range(g.calls, 10, 12);             /* two epochs of five batches; room may grow */
	tt_source_close(&s);
}

static void a_source_that_goes_forward_is_shuffled_by_shards(void **state)
{
	static const int64_t shard[] = { 0, 3, 10, 11, 18, COUNT };
	struct giver g = {0};
	tt_source *s;
	int64_t order[COUNT], plain[COUNT];
	int jumps = 0;

	(void)state;
	assert_ok(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(
		.read = give, .ctx = &g, .access = TT_ACCESS_FORWARD, .shard = shard, .shards = 5)));
	read_all(s, &(struct loader_opts){ .data = &shuffled, .training = 1, .batch = 4, .world = 1,
	                                   .seed = 2 }, order);
	for (int i = 1; i < COUNT; i++) {
		int starts = 0;

		for (int k = 0; k < 5; k++)
			starts += order[i] == shard[k];
		if (order[i] != order[i - 1] + 1) {
			assert_true(starts);              /* only to the start of another shard */
			jumps++;
		}
	}
	assert_true(jumps > 0);
	tt_source_close(&s);
	assert_ok(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(
		.read = give, .ctx = &g, .access = TT_ACCESS_FORWARD)));
	memset(&g, 0, sizeof g);
	read_all(s, &(struct loader_opts){ .data = &shuffled, .training = 1, .batch = 4, .world = 1 },
	         plain);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(plain[i], i);
	assert_in_range(g.backwards, 1, 2);     /* the second epoch begins anew; so may a look ahead */
	tt_source_close(&s);
}

static void one_sample_is_read_in_the_types_of_the_short_description(void **state)
{
	tt_source *s;
	float two[2];
	int32_t kind;

	(void)state;
	assert_ok(tt_source_from_memory(&s, &schema, COUNT));
	assert_int_equal(tt_source_describe(s)->classes, 3);
	assert_ok(tt_source_read(s, 7, two, &kind, NULL));
	assert_near(two[1], -7, 0);
	assert_int_equal(kind, 1);
	assert_status(tt_source_read(s, COUNT, two, &kind, NULL), TT_EINVAL);
	tt_source_close(&s);
}

/* Numbers that were measured become f32; whole ones, which may be names, where they are scaled. */
static void inputs_become_f32_where_they_are_no_names(void **state)
{
	static const uint8_t u8[] = { 0, 255 };
	static const int32_t i32[] = { -3, 70000 };
	static const int64_t i64[] = { -3, 1 << 20 };
	static const uint16_t f16[] = { 0xc200, 0x0001 };              /* -3, the smallest */
	static const float f32[] = { -3, 0.5f };
	static const double two = 2;
	const struct data_opts scaled = { .threads = 1, .std = { &two, 1 } };
	const struct { enum tt_type type; const void *data; float want[2]; int whole; } row[] = {
		{ TT_U8, u8, { 0, 1 }, 0 }, { TT_I32, i32, { -3, 70000 }, 1 },
		{ TT_I64, i64, { -3, 1 << 20 }, 1 }, { TT_F16, f16, { -3, 0x1p-24f }, 0 },
		{ TT_F32, f32, { -3, 0.5f }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const tt_column c = { .size = sizeof c, .name = "v", .type = row[i].type,
		                      .data = row[i].data };
		const tt_column *const one[] = { &c };
		struct loader *l;
		struct batch *b;
		tt_source *s;

		assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 1, .column = one,
		                                              .kind = TT_TARGET_NONE), 2));
		assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &in_order, .batch = 2,
		                                                   .world = 1 }));
		assert_ok(loader_next(l, &b));
		assert_int_equal(b->data.column[0]->type, row[i].whole ? row[i].type : TT_F32);
		if (row[i].whole) {
			assert_null(b->x);
			assert_memory_equal(b->data.column[0]->data, row[i].data,
			                    2 * tt_type_size(row[i].type));
			loader_free(&l);
			assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &scaled, .batch = 2,
			                                                   .world = 1 }));
			assert_ok(loader_next(l, &b));
			assert_near(b->x[0], (double)row[i].want[0] / two, 0);
		} else {
			assert_floats_near(b->data.column[0]->data, row[i].want, 2, 0);
		}
		loader_free(&l);
		tt_source_close(&s);
	}
}

/* ---- what is refused ---- */

static void what_is_not_whole_is_refused(void **state)
{
	tt_source *s = NULL;
	tt_schema wrong = schema;

	(void)state;
	wrong.target = "sort";
	assert_status(tt_source_from_memory(&s, &wrong, COUNT), TT_EINVAL);
	assert_error("no column 'sort'");
	wrong.target = "x";
	assert_status(tt_source_from_memory(&s, &wrong, COUNT), TT_EINVAL);
	assert_error("'x' is f32 [2]");
	wrong = schema;
	wrong.weight = "kind";
	assert_status(tt_source_from_memory(&s, &wrong, COUNT), TT_EINVAL);
	assert_error("cannot be target and weight");
	wrong = schema;
	wrong.classes = 2;
	assert_status(tt_source_from_memory(&s, &wrong, COUNT), TT_EFORMAT);
	assert_error("column 'kind': sample 2: class 2 is outside of 2 classes");
	table.weight[4] = -1;
	assert_status(tt_source_from_memory(&s, &schema, COUNT), TT_EFORMAT);
	assert_error("sample 4 weighs -1");
	table.weight[4] = 2;
	wrong = schema;
	wrong.columns = 1;
	wrong.target = wrong.weight = NULL;
	x.data = NULL;
	assert_status(tt_source_from_memory(&s, &wrong, COUNT), TT_EINVAL);
	assert_error("'x' has no data");
	x.data = table.x;
	assert_null(s);
}

/* What a column is like was said when the source was made: only data and offsets are taken. */
static void a_function_cannot_change_what_columns_are_like(void **state)
{
	int64_t order[COUNT];

	(void)state;
	for (int threads = 0; threads < 2; threads++) {
		struct giver g = { .rewrites = 1 };
		tt_source *s;

		assert_ok(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(
			.read = give, .ctx = &g, .threads = threads)));
		read_all(s, &(struct loader_opts){ .data = &in_order, .batch = 5, .world = 1 }, order);
		tt_source_close(&s);
	}
}

static void a_function_that_fails_ends_the_reading(void **state)
{
	static const int64_t gap[] = { 0, 5, 4, COUNT };
	struct giver g = { .fails = TT_EIO };
	struct loader *l;
	struct batch *b;
	tt_source *s;

	(void)state;
	assert_ok(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(
		.read = give, .ctx = &g, .close = note_close)));
	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &in_order, .batch = 4,
	                                                   .world = 1 }));
	assert_status(loader_next(l, &b), TT_EIO);
	assert_error("samples 0 to 3");
	loader_free(&l);
	tt_source_close(&s);
	g.closed = 0;
	assert_status(tt_source_from_callback(&s, &schema, COUNT, TT_CALLBACK(
		.read = give, .ctx = &g, .close = note_close, .access = TT_ACCESS_FORWARD, .shard = gap,
		.shards = 3)), TT_EINVAL);
	assert_error("shard 1");
	assert_int_equal(g.closed, 0);
}

static void no_allocation_may_fail_badly(void **state)
{
	const int64_t before = mem_live();
	struct giver g = {0};
	tt_status st = TT_ENOMEM;

	(void)state;
	for (uint64_t n = 1; st != TT_OK; n++) {
		tt_source *s[2] = {0};
		struct loader *l = NULL;
		struct batch *b;

		assert_true(n < 1000);
		mem_fail_at(n, 1);
		if ((st = tt_source_from_memory(&s[0], &schema, COUNT)) == TT_OK &&
		    (st = tt_source_from_callback(&s[1], &schema, COUNT,
		                                  TT_CALLBACK(.read = give, .ctx = &g))) == TT_OK &&
		    (st = loader_new(&l, s[1], &(struct loader_opts){ .data = &in_order, .batch = 20,
		                                                      .world = 1 })) == TT_OK)
			st = loader_next(l, &b);
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		loader_free(&l);
		tt_source_close(&s[0]);
		tt_source_close(&s[1]);
	}
	assert_int_equal(mem_live(), before);
}

/* Two names that are no UTF-8 would be one in the JSON of a signature. */
static void names_are_utf8(void **state)
{
	static const int32_t both[2] = { 0, 1 };
	static const char *const good[] = { "r\xc3\xb6t", "wei\xc3\x9f" };
	static const char *const bad[] = { "a", "r\xf6t" };
	const tt_column kind = { .size = sizeof kind, .name = "label", .type = TT_I32, .data = both };
	const tt_column v = { .size = sizeof v, .name = "v", .type = TT_I32, .data = both };
	const tt_column odd = { .size = sizeof odd, .name = "v\xf6", .type = TT_I32, .data = both };
	const tt_column *const all[] = { &v, &kind }, *const odd_columns[] = { &odd, &kind };
	tt_source *s;

	(void)state;
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = all,
		.target = "label", .kind = TT_TARGET_CLASS, .classes = 2, .class_names = good), 2));
	tt_source_close(&s);
	assert_status(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = all,
		.target = "label", .kind = TT_TARGET_CLASS, .classes = 2, .class_names = bad), 2),
		TT_EFORMAT);
	assert_error("'r?t'");
	assert_status(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = odd_columns,
		.target = "label", .kind = TT_TARGET_CLASS, .classes = 2, .class_names = good), 2),
		TT_EFORMAT);
	assert_error("'v?'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_in_memory_go_through_the_loader),
		cmocka_unit_test(names_are_utf8),
		cmocka_unit_test(what_a_function_gives_goes_through_the_loader),
		cmocka_unit_test(neighbours_are_asked_for_at_once),
		cmocka_unit_test(a_source_that_goes_forward_is_shuffled_by_shards),
		cmocka_unit_test(one_sample_is_read_in_the_types_of_the_short_description),
		cmocka_unit_test(inputs_become_f32_where_they_are_no_names),
		cmocka_unit_test(what_is_not_whole_is_refused),
		cmocka_unit_test(a_function_cannot_change_what_columns_are_like),
		cmocka_unit_test(a_function_that_fails_ends_the_reading),
		cmocka_unit_test(no_allocation_may_fail_badly),
	};

	return cmocka_run_group_tests(tests, fill_table, NULL);
}
