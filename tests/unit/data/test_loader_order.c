/* Which sample the loader puts where, and who gets it. */
#include "support/fake.h"
#include "support/support.h"

#include <string.h>

#include "data/reader.h"

static void an_epoch_is_the_whole_set_once(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l = fake_loader(s, &fake_opts, 10, 0, 1);
	int64_t at[FAKE_COUNT], again[FAKE_COUNT];
	int seen[FAKE_COUNT], moved = 0;

	(void)state;
	for (int epoch = 0; epoch < 3; epoch++) {
		memset(seen, 0, sizeof seen);
		assert_int_equal(fake_read_epoch(l, epoch, 0, at), FAKE_COUNT);
		for (int i = 0; i < FAKE_COUNT; i++)
			seen[at[i]]++;
		for (int i = 0; i < FAKE_COUNT; i++)
			assert_int_equal(seen[i], 1);
	}
	fake_read_epoch(l, 0, 0, again);
	for (int i = 0; i < FAKE_COUNT; i++)
		moved += again[i] != at[i];
	assert_true(moved > FAKE_COUNT / 2);                /* another epoch, another order */
	fake_read_epoch(l, 2, 0, again);
	assert_memory_equal(again, at, sizeof at);
	loader_free(&l);
	tt_source_close(&s);
}

/* Rank r of a world takes places r, r + world, ... of each global batch. */
static void ranks_share_the_order_of_one(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *one = fake_loader(s, &fake_opts, 8, 0, 1);
	int64_t all[FAKE_COUNT], mine[FAKE_COUNT];

	(void)state;
	fake_read_epoch(one, 4, 0, all);
	for (int world = 1; world <= 9; world++)
		for (int rank = 0; rank < world; rank++) {
			struct loader *l = fake_loader(s, &fake_opts, 8, rank, world);

			assert_share(mine, fake_read_epoch(l, 4, 0, mine), &(struct share){
				all, FAKE_COUNT, 8, rank, world });
			loader_free(&l);
		}
	loader_free(&one);
	tt_source_close(&s);
}

/* Stop after some samples on 3 ranks, go on with 5: nothing twice, nothing left out. */
static void another_world_goes_on_exactly(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *one = fake_loader(s, &fake_opts, 12, 0, 1);
	int64_t all[FAKE_COUNT], part[FAKE_COUNT];
	int seen[FAKE_COUNT] = {0}, n = 0;

	(void)state;
	fake_read_epoch(one, 1, 0, all);
	for (int rank = 0; rank < 3; rank++) {
		struct loader *l = fake_loader(s, &fake_opts, 12, rank, 3);
		struct batch *b;

		assert_ok(loader_seek(l, 1, 0));
		for (int step = 0; step < 4; step++) {
			assert_ok(loader_next(l, &b));
			for (int i = 0; i < b->n; i++)
				seen[b->index[i]]++;
		}
		loader_free(&l);
	}
	for (int rank = 0; rank < 5; rank++) {
		struct loader *l = fake_loader(s, &fake_opts, 12, rank, 5);

		n = fake_read_epoch(l, 1, 48, part);
		for (int i = 0; i < n; i++)
			seen[part[i]]++;
		loader_free(&l);
	}
	for (int i = 0; i < FAKE_COUNT; i++)
		assert_int_equal(seen[i], 1);
	n = fake_read_epoch(one, 1, 48, part);
	assert_int_equal(n, FAKE_COUNT - 48);
	assert_memory_equal(part, all + 48, (size_t)n * sizeof *all);
	loader_free(&one);
	tt_source_close(&s);
}

/* 11 samples over 4 streams: 0 1 2 | 3 4 5 | 6 7 8 | 9 10, a batch of each one's next. */
static void streams_go_on_from_batch_to_batch(void **state)
{
	static const struct data_opts carry = { .carry = 1, .threads = 1, .prefetch = 3 };
	static const int64_t want[11] = { 0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8 };
	tt_source *s = fake_source(11, -1);
	int64_t at[11];

	(void)state;
	((struct reader *)(uintptr_t)source_reader(s))->follows = 1;
	for (int world = 1; world <= 5; world++)
		for (int rank = 0; rank < world; rank++) {
			struct loader *l;
			struct batch *b;

			/* Whose a stream is does not change where each rank has a part to itself. */
			assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &carry, .training = 1,
			                     .batch = 4, .rank = rank, .world = world, .seed = 5,
			                     .deal = world % 2 ? DEAL_PARTS : DEAL_BATCHES }));
			for (int round = 0; round < 2; round++)
				assert_share(at, fake_read_epoch(l, round, 0, at), &(struct share){
					want, 11, 4, rank, world });
			for (int p = 0; p < 11; p += 4) {
				assert_ok(loader_seek(l, 2, p));
				assert_ok(loader_next(l, &b));
				assert_int_equal(b->begins, p == 0);
			}
			loader_free(&l);
		}
	tt_source_close(&s);
}

static void streams_are_of_texts_in_their_order(void **state)
{
	struct data_opts d = { .carry = 1, .threads = 1 };
	tt_source *s = fake_source(11, -1);
	struct loader_opts o = { .data = &d, .training = 1, .batch = 4, .world = 1 };
	struct loader *l = NULL;

	(void)state;
	assert_status(loader_new(&l, s, &o), TT_ESPEC);
	assert_error("data.carry: yes is for texts");
	((struct reader *)(uintptr_t)source_reader(s))->follows = 1;
	d.shuffle = 1;
	assert_status(loader_new(&l, s, &o), TT_ESPEC);
	assert_error("set data.shuffle: no");
	o.training = 0;
	assert_ok(loader_new(&l, s, &o));
	loader_free(&l);
	tt_source_close(&s);
}

/* What rank `rank` reads of ten samples in one batch, without shuffling. */
static void reads(tt_source *s, int rank, int world, int64_t from, const int64_t *want)
{
	static const struct data_opts unshuffled = { .threads = 1 };
	struct loader *l;
	int64_t at[10];
	int n = 0;

	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &unshuffled, .training = 1,
	                     .batch = from ? (int)(10 - from) : 10, .rank = rank, .world = world }));
	assert_int_equal(fake_read_epoch(l, 0, from, at), want[3]);
	for (; n < want[3]; n++)
		assert_int_equal(at[n], want[n]);
	loader_free(&l);
}

/* The golden numbers of distributed samplers for ten samples: four ranks, then what is left after
 * four samples for two ranks and for four.  Where others fill up short ranks with samples a second
 * time (2 gets 0, 3 gets 1; then 6 gets 4, 7 gets 5), here they are short; the last of each row
 * says how many there are. */
static void ten_samples_go_where_samplers_send_them(void **state)
{
	static const int64_t four[4][4] = { { 0, 4, 8, 3 }, { 1, 5, 9, 3 }, { 2, 6, 0, 2 },
	                                    { 3, 7, 0, 2 } };
	static const int64_t two_later[2][4] = { { 4, 6, 8, 3 }, { 5, 7, 9, 3 } };
	static const int64_t four_later[4][4] = { { 4, 8, 0, 2 }, { 5, 9, 0, 2 }, { 6, 0, 0, 1 },
	                                          { 7, 0, 0, 1 } };
	tt_source *s = fake_source(10, -1);

	(void)state;
	for (int r = 0; r < 4; r++)
		reads(s, r, 4, 0, four[r]);
	for (int r = 0; r < 2; r++)
		reads(s, r, 2, 4, two_later[r]);
	for (int r = 0; r < 4; r++)
		reads(s, r, 4, 4, four_later[r]);
	tt_source_close(&s);
}

/* ---- parts for good ---- */

static int read_part(tt_source *s, int rank, int world, int64_t epoch, int64_t *out)
{
	struct loader *l;
	int n;

	assert_ok(loader_new(&l, s, &(struct loader_opts){
	                     .data = &fake_opts, .training = 1, .batch = 10,
	                     .rank = rank, .world = world, .seed = 5, .deal = DEAL_PARTS }));
	n = fake_read_epoch(l, epoch, 0, out);
	loader_free(&l);
	return n;
}

/* Every sample is in one part, in each epoch the same one, in another order. */
static void parts_are_kept(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	int64_t first[FAKE_COUNT], later[FAKE_COUNT];

	(void)state;
	for (int world = 1; world <= 9; world++) {
		int owner[FAKE_COUNT], moved = 0;

		memset(owner, -1, sizeof owner);
		for (int rank = 0; rank < world; rank++) {
			int n = read_part(s, rank, world, 0, first);

			assert_int_equal(n, (FAKE_COUNT - rank + world - 1) / world);
			for (int i = 0; i < n; i++) {
				assert_int_equal(owner[first[i]], -1);
				owner[first[i]] = rank;
			}
			assert_int_equal(read_part(s, rank, world, 3, later), n);
			for (int i = 0; i < n; i++) {
				assert_int_equal(owner[later[i]], rank);
				moved += later[i] != first[i];
			}
		}
		assert_true(moved > FAKE_COUNT / 2);
		for (int i = 0; i < FAKE_COUNT; i++)
			assert_true(owner[i] >= 0);
	}
	tt_source_close(&s);
}

/* Neighbours in the source, which are often alike, do not end up in one part by rule. */
static void parts_are_random(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	int64_t at[FAKE_COUNT];
	int n = read_part(s, 1, 4, 0, at), by_rule = 0;

	(void)state;
	for (int i = 0; i < n; i++)
		by_rule += at[i] % 4 == 1;
	assert_true(by_rule < n / 2);
	tt_source_close(&s);
}

static void parts_go_on_exactly(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	int64_t whole[FAKE_COUNT], rest[FAKE_COUNT];

	(void)state;
	for (int rank = 0; rank < 3; rank++) {
		int n = read_part(s, rank, 3, 2, whole), k = 0;
		struct loader *l;

		assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &fake_opts, .training = 1,
		                     .batch = 10, .rank = rank, .world = 3, .seed = 5,
		                     .deal = DEAL_PARTS }));
		k = fake_read_epoch(l, 2, 50, rest);
		assert_int_equal(n - k, (50 - rank + 2) / 3);
		assert_memory_equal(rest, whole + (n - k), (size_t)k * sizeof *rest);
		loader_free(&l);
	}
	tt_source_close(&s);
}

/* ---- taking turns ---- */

/* Up to `most` batches of the epoch; 0: there is none left. */
static int take_some(struct loader *l, int most, int seen[FAKE_COUNT])
{
	struct batch *b;

	for (int i = 0; i < most; i++) {
		assert_ok(loader_next(l, &b));
		if (!b)
			return 0;
		assert_int_equal(b->n, b->n_global);
		for (int k = 0; k < b->n; k++)
			seen[b->index[k]]++;
	}
	return 1;
}

/* A fast worker and a slow one, who has taken leases ahead: each sample of each epoch once. */
static void workers_that_take_turns_do_an_epoch_once(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);

	(void)state;
	for (int prefetch = 0; prefetch <= 4; prefetch += 2) {
		const struct data_opts d = { .shuffle = 1, .threads = 2, .prefetch = prefetch };
		struct lease_pool pool;
		struct loader *l[2];

		lease_pool_init(&pool, &(struct lease_plan){ FAKE_COUNT, 8, EPOCHS_IN_TURN });
		for (int i = 0; i < 2; i++)
			assert_ok(loader_new(&l[i], s, &(struct loader_opts){ .data = &d, .training = 1,
			                     .batch = 8, .rank = i, .world = 2, .seed = 5, .pool = &pool }));
		for (int epoch = 0; epoch < 3; epoch++) {
			int seen[FAKE_COUNT] = {0}, more[2] = { 1, 1 };

			for (int i = 0; i < 2; i++)
				assert_ok(loader_seek(l[i], epoch, 0));
			while (more[0] || more[1])
				for (int i = 0; i < 2; i++)
					more[i] = more[i] && take_some(l[i], 1 + 2 * i, seen);
			for (int i = 0; i < FAKE_COUNT; i++)
				assert_int_equal(seen[i], 1);
		}
		loader_free(&l[0]);
		loader_free(&l[1]);
	}
	tt_source_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_epoch_is_the_whole_set_once),
		cmocka_unit_test(ranks_share_the_order_of_one),
		cmocka_unit_test(another_world_goes_on_exactly),
		cmocka_unit_test(streams_go_on_from_batch_to_batch),
		cmocka_unit_test(streams_are_of_texts_in_their_order),
		cmocka_unit_test(ten_samples_go_where_samplers_send_them),
		cmocka_unit_test(parts_are_kept),
		cmocka_unit_test(parts_are_random),
		cmocka_unit_test(parts_go_on_exactly),
		cmocka_unit_test(workers_that_take_turns_do_an_epoch_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
