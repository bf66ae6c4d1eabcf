/* Batches of samples of like length: sample k of the source is a sequence of numbers k. */
#include "support/fake.h"
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tutti/data.h>

#include "base/mem.h"
#include "data/arrange.h"

#define COUNT 1003
#define BATCH 16

static int64_t offsets[COUNT + 1];
static int32_t *numbers, label[COUNT];

/* Most are short, a few are long, as texts are: between 1 and some hundred. */
static int make_sequences(void **state)
{
	uint32_t noise = 7;

	(void)state;
	for (int k = 0; k < COUNT; k++) {
		double u = 0;

		for (int i = 0; i < 6; i++) {
			noise = noise * 1664525 + 1013904223;
			u += (double)(noise >> 8) / (1 << 24) - 0.5;
		}
		offsets[k + 1] = offsets[k] + 1 + (int64_t)exp(3 + 1.2 * u);
	}
	if (!(numbers = malloc((size_t)offsets[COUNT] * sizeof *numbers)))
		return -1;
	for (int k = 0; k < COUNT; k++)
		for (int64_t i = offsets[k]; i < offsets[k + 1]; i++)
			numbers[i] = k;
	return 0;
}

static int free_sequences(void **state)
{
	(void)state;
	free(numbers);
	return 0;
}

static tt_source *source_of_lengths(const int64_t *at)
{
	const tt_column words = { .size = sizeof words, .name = "words", .type = TT_I32, .ndim = 1,
	                          .shape = { -1 }, .data = numbers, .offsets = at };
	const tt_column kind = { .size = sizeof kind, .name = "kind", .type = TT_I32, .data = label };
	const tt_column *const columns[] = { &words, &kind };
	tt_source *s;

	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = columns,
	          .target = "kind", .kind = TT_TARGET_CLASS, .classes = 2), COUNT));
	return s;
}

static const struct data_opts automatic = { .shuffle = 1, .threads = 1, .buckets = BUCKETS_AUTO };
static const struct data_opts ten = { .shuffle = 1, .threads = 2, .prefetch = 3, .buckets = 10 };
static const struct data_opts none = { .shuffle = 1, .threads = 1, .buckets = BUCKETS_NO };

static struct loader *make(tt_source *s, const struct data_opts *d, int rank, int world)
{
	struct loader *l;

	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = d, .training = 1, .batch = BATCH,
	                     .rank = rank, .world = world, .seed = 5 }));
	return l;
}

/* The samples of an epoch in order; how much of its batches is padding. */
static int read_epoch(struct loader *l, int64_t epoch, int64_t from, int64_t *out, double *padding)
{
	struct batch *b;
	double full = 0, filled = 0;
	int n = 0;

	assert_ok(loader_seek(l, epoch, from));
	for (assert_ok(loader_next(l, &b)); b; assert_ok(loader_next(l, &b))) {
		const tt_column *c = b->data.column[0];
		int64_t longest = 0;

		for (int i = 0; i < b->n; i++) {
			const int64_t k = b->index[i], rows = c->offsets[i + 1] - c->offsets[i];

			assert_int_equal(((const int32_t *)c->data)[c->offsets[i]], k);
			longest = rows > longest ? rows : longest;
			filled += (double)rows;
			out[n++] = k;
		}
		full += (double)(longest * b->n);
	}
	if (padding)
		*padding = 1 - filled / full;
	return n;
}

static void check_each_once(const int64_t *at, int n)
{
	int seen[COUNT] = {0};

	assert_int_equal(n, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(seen[at[i]]++, 0);
}

static void little_of_a_batch_is_padding(void **state)
{
	tt_source *s = source_of_lengths(offsets);
	struct loader *plain = make(s, &none, 0, 1), *sorted = make(s, &automatic, 0, 1);
	const struct loader_padding p = loader_padding(sorted);
	int64_t at[COUNT];
	double before, after;

	(void)state;
	check_each_once(at, read_epoch(plain, 0, 0, at, &before));
	check_each_once(at, read_epoch(sorted, 0, 0, at, &after));
	assert_true(before > 0.5 && after < 0.15);
	assert_near(p.shuffled, before, 1e-12);
	assert_near(p.sorted, after, 1e-12);
	assert_int_equal(p.batches, 50);
	assert_int_equal(loader_padding(plain).batches, 0);
	loader_free(&plain);
	loader_free(&sorted);
	tt_source_close(&s);
}

static void an_epoch_is_the_whole_set_once_in_an_order_of_its_own(void **state)
{
	tt_source *s = source_of_lengths(offsets);
	struct loader *l = make(s, &ten, 0, 1);
	int64_t at[COUNT], other[COUNT], again[COUNT];
	int moved = 0, shorter = 0;

	(void)state;
	check_each_once(at, read_epoch(l, 0, 0, at, NULL));
	check_each_once(other, read_epoch(l, 1, 0, other, NULL));
	check_each_once(again, read_epoch(l, 0, 0, again, NULL));
	assert_memory_equal(at, again, sizeof at);
	for (int i = 0; i < COUNT; i++)
		moved += at[i] != other[i];
	assert_true(moved > COUNT / 2);
	/* Batches do not go from short to long. */
	for (int i = BATCH; i + BATCH <= COUNT; i += BATCH)
		shorter += offsets[at[i] + 1] - offsets[at[i]] <
		           offsets[at[i - BATCH] + 1] - offsets[at[i - BATCH]];
	assert_true(shorter > COUNT / BATCH / 3);
	loader_free(&l);
	tt_source_close(&s);
}

static void ranks_share_the_batches_of_one(void **state)
{
	tt_source *s = source_of_lengths(offsets);
	struct loader *one = make(s, &ten, 0, 1);
	int64_t all[COUNT], mine[COUNT];

	(void)state;
	read_epoch(one, 3, 0, all, NULL);
	for (int world = 2; world <= 5; world++)
		for (int rank = 0; rank < world; rank++) {
			struct loader *l = make(s, &ten, rank, world);

			assert_share(mine, read_epoch(l, 3, 0, mine, NULL), &(struct share){
				all, COUNT, BATCH, rank, world });
			loader_free(&l);
		}
	loader_free(&one);
	tt_source_close(&s);
}

static void it_goes_on_exactly_from_any_place(void **state)
{
	tt_source *s = source_of_lengths(offsets);
	struct loader *l = make(s, &ten, 0, 1);
	int64_t all[COUNT], rest[COUNT];

	(void)state;
	read_epoch(l, 2, 0, all, NULL);
	/* In the middle of a batch, too: there stands a run that goes on with another size of it. */
	for (int from = 0; from < COUNT; from += 37) {
		const int n = read_epoch(l, 2, from, rest, NULL);

		assert_int_equal(n, COUNT - from);
		assert_memory_equal(rest, all + from, (size_t)n * sizeof *all);
	}
	for (int rank = 0; rank < 3; rank++) {          /* no rank gets more than its room */
		struct loader *part = make(s, &ten, rank, 3);

		assert_true(read_epoch(part, 2, 21, rest, NULL) <= (COUNT - 21 + 2 * 63) / 3);
		loader_free(&part);
	}
	loader_free(&l);
	tt_source_close(&s);
}

/* Those of an ensemble: each sorts the samples that it has. */
static void parts_are_kept_and_sorted(void **state)
{
	tt_source *s = source_of_lengths(offsets);
	int seen[2][COUNT] = {{0}}, n[2] = {0};

	(void)state;
	for (int rank = 0; rank < 3; rank++)
		for (int epoch = 0; epoch < 2; epoch++) {
			struct loader *l;
			int64_t at[COUNT];
			double padding;
			int k;

			assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &ten, .training = 1,
			                     .batch = BATCH, .rank = rank, .world = 3, .seed = 5,
			                     .deal = DEAL_PARTS }));
			k = read_epoch(l, epoch, 0, at, &padding);
			assert_true(padding < 0.3);
			for (int i = 0; i < k; i++)
				seen[epoch][at[i]] += rank + 1;
			n[epoch] += k;
			loader_free(&l);
		}
	assert_int_equal(n[0], COUNT);
	for (int i = 0; i < COUNT; i++) {
		assert_true(seen[0][i] >= 1 && seen[0][i] <= 3);
		assert_int_equal(seen[0][i], seen[1][i]);
	}
	tt_source_close(&s);
}

/* Where lengths are alike the order is what it was. */
static void nothing_is_sorted_where_it_spares_nothing(void **state)
{
	static int64_t alike[COUNT + 1];
	struct loader *sorted, *plain;
	int64_t at[COUNT], as[COUNT];
	tt_source *s;

	(void)state;
	for (int k = 0; k < COUNT; k++)
		alike[k + 1] = alike[k] + 9 + k % 3;
	for (int k = 0; k < COUNT; k++)
		for (int64_t i = alike[k]; i < alike[k + 1]; i++)
			numbers[i] = k;
	s = source_of_lengths(alike);
	sorted = make(s, &automatic, 0, 1);
	plain = make(s, &none, 0, 1);
	assert_int_equal(loader_padding(sorted).batches, 0);
	read_epoch(sorted, 1, 0, at, NULL);
	read_epoch(plain, 1, 0, as, NULL);
	assert_memory_equal(at, as, sizeof at);
	loader_free(&sorted);
	loader_free(&plain);
	tt_source_close(&s);
	free_sequences(state);
	make_sequences(state);
}

static void buckets_of_what_has_none_are_refused(void **state)
{
	static const struct data_opts still = { .threads = 1, .buckets = 10 };
	tt_source *s = source_of_lengths(offsets), *pictures;
	struct loader *l = NULL;

	(void)state;
	assert_ok(tt_source_open(&pictures, "synth:objects?count=20&size=8"));
	assert_status(loader_new(&l, pictures, &(struct loader_opts){ .data = &ten, .training = 1,
	              .batch = 4, .world = 1 }), TT_ESPEC);
	assert_error("all of one length");
	assert_status(loader_new(&l, s, &(struct loader_opts){ .data = &still, .training = 1,
	              .batch = 4, .world = 1 }), TT_ESPEC);
	assert_error("data.shuffle: no keeps it");
	assert_null(l);
	tt_source_close(&pictures);
	tt_source_close(&s);
}

static void no_allocation_may_fail_badly(void **state)
{
	const int64_t before = mem_live();
	tt_source *s = source_of_lengths(offsets);
	tt_status st = TT_ENOMEM;

	(void)state;
	for (uint64_t n = 1; st != TT_OK; n++) {
		struct loader *l = NULL;

		assert_true(n < 1000);
		mem_fail_at(n, 1);
		st = loader_new(&l, s, &(struct loader_opts){ .data = &automatic, .training = 1,
		                .batch = BATCH, .world = 1 });
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		loader_free(&l);
	}
	tt_source_close(&s);
	assert_int_equal(mem_live(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(little_of_a_batch_is_padding),
		cmocka_unit_test(an_epoch_is_the_whole_set_once_in_an_order_of_its_own),
		cmocka_unit_test(ranks_share_the_batches_of_one),
		cmocka_unit_test(it_goes_on_exactly_from_any_place),
		cmocka_unit_test(parts_are_kept_and_sorted),
		cmocka_unit_test(nothing_is_sorted_where_it_spares_nothing),
		cmocka_unit_test(buckets_of_what_has_none_are_refused),
		cmocka_unit_test(no_allocation_may_fail_badly),
	};

	return cmocka_run_group_tests(tests, make_sequences, free_sequences);
}
