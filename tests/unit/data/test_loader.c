/* The loader's promises, over a source whose samples say who they are: pixel i of
 * sample k is (7 * k + i) % 256. */
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/augment.h"
#include "data/loader.h"
#include "data/reader.h"

#define COUNT 103
#define SIDE  6
#define PIXELS (2 * SIDE * SIDE)

struct fake { struct reader reader; int64_t broken; };

static uint8_t pixel(int64_t k, int64_t i)
{
	return (uint8_t)(7 * k + i);
}

static tt_status fake_read(const struct reader *r, int64_t first, int64_t n, struct cells *cells)
{
	uint8_t *x = cells[0].data;
	int32_t *label = cells[1].data;

	for (int64_t k = first; k < first + n; k++) {
		if (k == ((const struct fake *)r)->broken)
			return err_set(TT_EFORMAT, "sample %d is broken", (int)k);
		for (int i = 0; x && i < PIXELS; i++)
			*x++ = pixel(k, i);
		if (label)
			*label++ = (int32_t)(k % 10);
	}
	return TT_OK;
}

static void fake_close(struct reader *r)
{
	reader_release(r);
	mem_free(r);
}

static const struct reader_ops fake_ops = {
	.scheme = "fake", .close = fake_close, .read = fake_read
};

static tt_source *fake_source(int64_t count, int64_t broken)
{
	struct fake *f = mem_calloc(1, sizeof *f);
	tt_source *s;

	assert_non_null(f);
	f->reader.ops = &fake_ops;
	f->reader.count = count;
	assert_ok(schema_pictures(&f->reader.schema, (const int64_t[]){ 2, SIDE, SIDE }, 10, NULL));
	f->broken = broken;
	assert_ok(source_wrap(&s, &f->reader));
	return s;
}

static const struct data_opts plain = { .shuffle = 1, .threads = 1 };

static struct loader *make(tt_source *s, const struct data_opts *d, int batch, int rank, int world)
{
	struct loader *l;

	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = d, .training = 1, .batch = batch,
	                     .rank = rank, .world = world, .seed = 5 }));
	return l;
}

/* All sample numbers of an epoch in this rank's order; returns how many. */
static int read_epoch(struct loader *l, int64_t epoch, int64_t from, int64_t *out)
{
	struct batch *b;
	int n = 0;

	assert_ok(loader_seek(l, epoch, from));
	for (;;) {
		assert_ok(loader_next(l, &b));
		if (!b)
			return n;
		memcpy(out + n, b->index, (size_t)b->n * sizeof *out);
		n += b->n;
	}
}

static void an_epoch_is_the_whole_set_once(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l = make(s, &plain, 10, 0, 1);
	int64_t at[COUNT], again[COUNT];
	int seen[COUNT], moved = 0;

	(void)state;
	for (int epoch = 0; epoch < 3; epoch++) {
		memset(seen, 0, sizeof seen);
		assert_int_equal(read_epoch(l, epoch, 0, at), COUNT);
		for (int i = 0; i < COUNT; i++)
			seen[at[i]]++;
		for (int i = 0; i < COUNT; i++)
			assert_int_equal(seen[i], 1);
	}
	read_epoch(l, 0, 0, again);
	for (int i = 0; i < COUNT; i++)
		moved += again[i] != at[i];
	assert_true(moved > COUNT / 2);                /* another epoch, another order */
	read_epoch(l, 2, 0, again);
	assert_memory_equal(again, at, sizeof at);
	loader_free(&l);
	tt_source_close(&s);
}

/* Rank r of a world takes places r, r + world, ... of each global batch. */
static void ranks_share_the_order_of_one(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	struct loader *one = make(s, &plain, 8, 0, 1);
	int64_t all[COUNT], mine[COUNT];

	(void)state;
	read_epoch(one, 4, 0, all);
	for (int world = 1; world <= 9; world++)
		for (int rank = 0; rank < world; rank++) {
			struct loader *l = make(s, &plain, 8, rank, world);
			int n = read_epoch(l, 4, 0, mine), k = 0;

			for (int p = 0; p < COUNT; p++)
				if (p % 8 % world == rank)
					assert_int_equal(mine[k++], all[p]);
			assert_int_equal(n, k);
			loader_free(&l);
		}
	loader_free(&one);
	tt_source_close(&s);
}

/* Stop after some samples on 3 ranks, go on with 5: nothing twice, nothing left out. */
static void another_world_goes_on_exactly(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	struct loader *one = make(s, &plain, 12, 0, 1);
	int64_t all[COUNT], part[COUNT];
	int seen[COUNT] = {0}, n = 0;

	(void)state;
	read_epoch(one, 1, 0, all);
	for (int rank = 0; rank < 3; rank++) {
		struct loader *l = make(s, &plain, 12, rank, 3);
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
		struct loader *l = make(s, &plain, 12, rank, 5);

		n = read_epoch(l, 1, 48, part);
		for (int i = 0; i < n; i++)
			seen[part[i]]++;
		loader_free(&l);
	}
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(seen[i], 1);
	n = read_epoch(one, 1, 48, part);
	assert_int_equal(n, COUNT - 48);
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
			int k = 0;

			/* Whose a stream is does not change where each rank has a part to itself. */
			assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &carry, .training = 1,
			                     .batch = 4, .rank = rank, .world = world, .seed = 5,
			                     .deal = world % 2 ? DEAL_PARTS : DEAL_BATCHES }));
			for (int round = 0; round < 2; round++, k = 0) {
				const int n = read_epoch(l, round, 0, at);

				for (int p = 0; p < 11; p++)
					if (p % 4 % world == rank)
						assert_int_equal(at[k++], want[p]);
				assert_int_equal(n, k);
			}
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
	assert_int_equal(read_epoch(l, 0, from, at), want[3]);
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

	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &plain, .training = 1, .batch = 10,
	                     .rank = rank, .world = world, .seed = 5, .deal = DEAL_PARTS }));
	n = read_epoch(l, epoch, 0, out);
	loader_free(&l);
	return n;
}

/* Every sample is in one part, in each epoch the same one, in another order. */
static void parts_are_kept(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	int64_t first[COUNT], later[COUNT];

	(void)state;
	for (int world = 1; world <= 9; world++) {
		int owner[COUNT], moved = 0;

		memset(owner, -1, sizeof owner);
		for (int rank = 0; rank < world; rank++) {
			int n = read_part(s, rank, world, 0, first);

			assert_int_equal(n, (COUNT - rank + world - 1) / world);
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
		assert_true(moved > COUNT / 2);
		for (int i = 0; i < COUNT; i++)
			assert_true(owner[i] >= 0);
	}
	tt_source_close(&s);
}

/* Neighbours in the source, which are often alike, do not end up in one part by rule. */
static void parts_are_random(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	int64_t at[COUNT];
	int n = read_part(s, 1, 4, 0, at), by_rule = 0;

	(void)state;
	for (int i = 0; i < n; i++)
		by_rule += at[i] % 4 == 1;
	assert_true(by_rule < n / 2);
	tt_source_close(&s);
}

static void parts_go_on_exactly(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	int64_t whole[COUNT], rest[COUNT];

	(void)state;
	for (int rank = 0; rank < 3; rank++) {
		int n = read_part(s, rank, 3, 2, whole), k = 0;
		struct loader *l;

		assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &plain, .training = 1,
		                     .batch = 10, .rank = rank, .world = 3, .seed = 5,
		                     .deal = DEAL_PARTS }));
		k = read_epoch(l, 2, 50, rest);
		assert_int_equal(n - k, (50 - rank + 2) / 3);
		assert_memory_equal(rest, whole + (n - k), (size_t)k * sizeof *rest);
		loader_free(&l);
	}
	tt_source_close(&s);
}

/* ---- taking turns ---- */

/* Up to `most` batches of the epoch; 0: there is none left. */
static int take_some(struct loader *l, int most, int seen[COUNT])
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
	tt_source *s = fake_source(COUNT, -1);

	(void)state;
	for (int prefetch = 0; prefetch <= 4; prefetch += 2) {
		const struct data_opts d = { .shuffle = 1, .threads = 2, .prefetch = prefetch };
		struct lease_pool pool;
		struct loader *l[2];

		lease_pool_init(&pool, &(struct lease_plan){ COUNT, 8, EPOCHS_IN_TURN });
		for (int i = 0; i < 2; i++)
			assert_ok(loader_new(&l[i], s, &(struct loader_opts){ .data = &d, .training = 1,
			                     .batch = 8, .rank = i, .world = 2, .seed = 5, .pool = &pool }));
		for (int epoch = 0; epoch < 3; epoch++) {
			int seen[COUNT] = {0}, more[2] = { 1, 1 };

			for (int i = 0; i < 2; i++)
				assert_ok(loader_seek(l[i], epoch, 0));
			while (more[0] || more[1])
				for (int i = 0; i < 2; i++)
					more[i] = more[i] && take_some(l[i], 1 + 2 * i, seen);
			for (int i = 0; i < COUNT; i++)
				assert_int_equal(seen[i], 1);
		}
		loader_free(&l[0]);
		loader_free(&l[1]);
	}
	tt_source_close(&s);
}

static void last_batch_is_short(void **state)
{
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l = make(s, &plain, 20, 2, 4);
	struct batch *b, *last = NULL;
	int steps = 0;

	(void)state;
	assert_int_equal(loader_batches(l), 6);
	assert_ok(loader_seek(l, 0, 0));
	for (;;) {
		assert_ok(loader_next(l, &b));
		if (!b)
			break;
		last = b;
		assert_int_equal(b->position, 20 * steps++);
		if (steps < 6) {
			assert_int_equal(b->n, 5);
			assert_int_equal(b->n_global, 20);
		}
	}
	assert_int_equal(steps, 6);
	assert_int_equal(last->n_global, 3);
	assert_int_equal(last->n, 1);
	assert_ok(loader_next(l, &b));                  /* and it stays at the end */
	assert_null(b);
	loader_free(&l);
	l = make(s, &plain, 20, 3, 4);                  /* a rank without a share still steps */
	assert_ok(loader_seek(l, 0, 100));
	assert_ok(loader_next(l, &b));
	assert_non_null(b);
	assert_int_equal(b->n, 0);
	assert_int_equal(b->n_global, 3);
	loader_free(&l);
	tt_source_close(&s);
}

/* What crop and flip mean, written down plainly. */
static float augmented(int64_t index, const struct view *v, int c, int y, int x)
{
	int from_y = y + v->dy, from_x = (v->mirror ? SIDE - 1 - x : x) + v->dx;

	if (v->border == AUGMENT_REFLECT) {                  /* of a crop below SIDE */
		from_y = from_y < 0 ? -from_y : from_y >= SIDE ? 2 * (SIDE - 1) - from_y : from_y;
		from_x = from_x < 0 ? -from_x : from_x >= SIDE ? 2 * (SIDE - 1) - from_x : from_x;
	}
	if (from_y < 0 || from_y >= SIDE || from_x < 0 || from_x >= SIDE)
		return 0;
	return pixel(index, (c * SIDE + from_y) * SIDE + from_x);
}

static int in_hole(const struct view *v, int y, int x)
{
	int dy = y - (v->hole_y - v->hole / 2), dx = x - (v->hole_x - v->hole / 2);

	return dy >= 0 && dy < v->hole && dx >= 0 && dx < v->hole;
}

static void check_pictures(const struct augment_opts *augment)
{
	static const double mean[] = { 0.5, 0.25 }, std[] = { 0.25, 2 };
	const struct data_opts d = { .shuffle = 1, .threads = 1,
	                             .augment = *augment,
	                             .mean = { mean, 2 }, .std = { std, 2 } };
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l = make(s, &d, 10, 0, 1);
	struct batch *b;
	int mirrored = 0, moved = 0, cut = 0;

	assert_ok(loader_seek(l, 3, 0));
	for (assert_ok(loader_next(l, &b)); b; assert_ok(loader_next(l, &b)))
		for (int k = 0; k < b->n; k++) {
			struct view v = augment_view(&d.augment, tt_source_describe(s),
			                             (struct sample_id){ 5, 3, b->index[k] });

			assert_true(abs(v.dy) <= augment->crop && abs(v.dx) <= augment->crop);
			mirrored += v.mirror;
			moved += v.dx != 0;
			assert_int_equal(b->label[k], b->index[k] % 10);
			for (int i = 0; i < PIXELS; i++) {
				int c = i / SIDE / SIDE, y = i / SIDE % SIDE, x = i % SIDE;
				double raw = (double)augmented(b->index[k], &v, c, y, x);

				assert_near(b->x[k * PIXELS + i],
				            in_hole(&v, y, x) ? 0 : (raw / 255 - mean[c]) / std[c], 1e-6);
				cut += in_hole(&v, y, x);
			}
		}
	assert_in_range(mirrored, COUNT / 4, 3 * COUNT / 4);
	assert_true(moved > COUNT / 2);
	assert_in_range(cut, COUNT * 2 * 2, COUNT * 2 * 9);      /* two channels, 3 x 3 or cut off */
	loader_free(&l);
	tt_source_close(&s);
}

static void pictures_are_cropped_mirrored_cut_and_normalised(void **state)
{
	(void)state;
	check_pictures(&(struct augment_opts){ .crop = 7, .cutout = 3, .flip = 1 });
	check_pictures(&(struct augment_opts){ .crop = SIDE - 1, .border = AUGMENT_REFLECT,
	                                       .cutout = 3, .flip = 1 });
}

static void the_last_epochs_see_pictures_as_they_are(void **state)
{
	const struct augment_opts o = { .crop = 4, .cutout = 3, .flip = 1, .until = 2 };
	tt_source *s = fake_source(COUNT, -1);
	int mirrored = 0, moved = 0;

	(void)state;
	for (int64_t i = 0; i < COUNT; i++) {
		struct view early = augment_view(&o, tt_source_describe(s), (struct sample_id){ 5, 1, i });
		struct view late = augment_view(&o, tt_source_describe(s), (struct sample_id){ 5, 2, i });

		moved += early.dx != 0 && early.hole == 3;
		assert_true(late.dx == 0 && late.dy == 0 && late.hole == 0);
		mirrored += late.mirror;
	}
	assert_true(moved > COUNT / 2);
	assert_in_range(mirrored, COUNT / 4, 3 * COUNT / 4);
	tt_source_close(&s);
}

/* Two epochs as one long array of everything that comes out. */
static float *everything(tt_source *s, const struct data_opts *d, int batch)
{
	float *out = mem_calloc(2 * COUNT, PIXELS * sizeof *out), *to = out;
	struct loader *l = make(s, d, batch, 0, 1);
	struct batch *b;

	assert_non_null(out);
	for (int epoch = 0; epoch < 2; epoch++) {
		assert_ok(loader_seek(l, epoch, 0));
		for (assert_ok(loader_next(l, &b)); b; assert_ok(loader_next(l, &b))) {
			memcpy(to, b->x, (size_t)b->n * PIXELS * sizeof *to);
			to += b->n * PIXELS;
		}
	}
	assert_ptr_equal(to, out + 2 * COUNT * PIXELS);
	loader_free(&l);
	return out;
}

static void threads_and_prefetch_change_nothing(void **state)
{
	static const int threads[] = { 1, 2, 3, 8 }, ahead[] = { 1, 2, 5 };
	struct data_opts d = { .shuffle = 1, .threads = 1, .augment = { .crop = 2, .flip = 1 } };
	tt_source *s = fake_source(COUNT, -1);
	float *want = everything(s, &d, 9);

	(void)state;
	for (size_t t = 0; t < 4; t++)
		for (size_t a = 0; a < 3; a++) {
			d.threads = threads[t];
			d.prefetch = ahead[a];
			float *got = everything(s, &d, a == 2 ? 4 : 9);
			assert_memory_equal(got, want, 2 * COUNT * PIXELS * sizeof *got);
			mem_free(got);
		}
	mem_free(want);
	tt_source_close(&s);
}

/* Jump about while workers are busy: what comes is always what belongs there. */
static void seek_starts_cleanly(void **state)
{
	const struct data_opts d = { .shuffle = 1, .threads = 3, .prefetch = 4 };
	tt_source *s = fake_source(COUNT, -1);
	struct loader *one = make(s, &plain, 7, 0, 1), *l = make(s, &d, 7, 0, 1);
	int64_t order[3][COUNT];

	(void)state;
	for (int e = 0; e < 3; e++)
		read_epoch(one, e, 0, order[e]);
	for (int i = 0; i < 200; i++) {
		int64_t epoch = i % 3, at = i * 37 % COUNT;
		struct batch *b;

		assert_ok(loader_seek(l, epoch, at));
		for (int step = 0; step < i % 4; step++) {
			assert_ok(loader_next(l, &b));
			if (!b)
				break;
			assert_int_equal(b->position, at);
			assert_memory_equal(b->index, order[epoch] + at, (size_t)b->n * sizeof *b->index);
			at += b->n;
		}
	}
	assert_status(loader_seek(l, -1, 0), TT_EINVAL);
	assert_status(loader_seek(l, 0, COUNT + 1), TT_EINVAL);
	loader_free(&l);
	loader_free(&one);
	tt_source_close(&s);
}

static void without_training_the_order_is_the_sources(void **state)
{
	const struct data_opts d = { .shuffle = 1, .threads = 2, .prefetch = 3,
	                             .augment = { .crop = 2, .flip = 1 } };
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l;
	int64_t at[COUNT];
	struct batch *b;

	(void)state;
	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &d, .batch = 10, .world = 1 }));
	for (int epoch = 0; epoch < 3; epoch++) {
		assert_int_equal(read_epoch(l, epoch, 0, at), COUNT);
		for (int i = 0; i < COUNT; i++)
			assert_int_equal(at[i], i);
	}
	assert_ok(loader_seek(l, 0, 0));
	assert_ok(loader_next(l, &b));
	assert_near(b->x[5], 5 / 255.0, 1e-6);
	loader_free(&l);
	tt_source_close(&s);
}

static void errors_come_home_and_stay(void **state)
{
	struct data_opts d = { .threads = 2 };
	tt_source *s = fake_source(COUNT, 57);
	struct batch *b;

	(void)state;
	for (d.prefetch = 0; d.prefetch < 5; d.prefetch += 2) {
		struct loader *l = make(s, &d, 10, 0, 1);

		for (int i = 0; i < 5; i++)
			assert_ok(loader_next(l, &b));
		for (int i = 0; i < 3; i++) {
			assert_status(loader_next(l, &b), TT_EFORMAT);
			assert_error("sample 57 is broken");
		}
		assert_ok(loader_seek(l, 0, 60));
		assert_ok(loader_next(l, &b));
		assert_int_equal(b->index[0], 60);
		loader_free(&l);
	}
	tt_source_close(&s);
}

static void nothing_is_allocated_after_new(void **state)
{
	const struct data_opts d = { .shuffle = 1, .threads = 2, .prefetch = 4 };
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l = make(s, &d, 10, 0, 1);
	int64_t at[COUNT];
	uint64_t before = mem_count();

	(void)state;
	for (int epoch = 0; epoch < 5; epoch++)
		read_epoch(l, epoch, epoch * 3, at);
	assert_int_equal(mem_count(), before);
	loader_free(&l);
	tt_source_close(&s);
}

static void no_allocation_may_fail_badly(void **state)
{
	const struct data_opts d = { .threads = 2, .prefetch = 2 };
	const int64_t before = mem_live();
	tt_source *s = fake_source(COUNT, -1);
	tt_status st = TT_ENOMEM;

	(void)state;
	for (uint64_t n = 1; st != TT_OK; n++) {
		struct loader *l = NULL;

		assert_true(n < 1000);
		mem_fail_at(n, 1);
		st = loader_new(&l, s, &(struct loader_opts){ .data = &d, .batch = 10, .world = 1 });
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		loader_free(&l);
	}
	tt_source_close(&s);
	assert_int_equal(mem_live(), before);
}

static void senseless_options_are_refused(void **state)
{
	static const double three[] = { 1, 2, 3 }, zero[] = { 0 };
	const struct data_opts mean3 = { .mean = { three, 3 } }, std0 = { .std = { zero, 1 } };
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l = NULL;

	(void)state;
#define TRY(...) loader_new(&l, s, &(struct loader_opts){ __VA_ARGS__ })
	assert_status(TRY(.data = &plain, .batch = 0, .world = 1), TT_EINVAL);
	assert_status(TRY(.data = &plain, .batch = 1, .world = 0), TT_EINVAL);
	assert_status(TRY(.data = &plain, .batch = 1, .world = 2, .rank = 2), TT_EINVAL);
	assert_status(TRY(.data = &mean3, .batch = 1, .world = 1), TT_ESPEC);
	assert_error("3 values; give one, or one for each of 2 channels");
	assert_status(TRY(.data = &std0, .batch = 1, .world = 1), TT_ESPEC);
	assert_null(l);
	tt_source_close(&s);
}

static void predict_normalises_like_the_loader(void **state)
{
	static const double mean[] = { 0.3 }, std[] = { 0.7 };
	const struct data_opts d = { .threads = 1, .mean = { mean, 1 }, .std = { std, 1 } };
	tt_source *s = fake_source(COUNT, -1);
	struct loader *l = make(s, &d, 1, 0, 1);
	struct batch *b;
	uint8_t raw[PIXELS];
	float x[PIXELS];

	(void)state;
	assert_ok(loader_next(l, &b));
	assert_ok(tt_source_read(s, b->index[0], raw, NULL, NULL));
	loader_normalise(tt_source_describe(s), &d, raw, x);
	assert_memory_equal(x, b->x, sizeof x);
	loader_free(&l);
	tt_source_close(&s);
}

static void options_have_their_defaults(void **state)
{
	struct arena a = {0};
	struct data_opts d;

	(void)state;
	assert_ok(options_default(data_options, &a, &d));
	assert_null(d.train);
	assert_int_equal(d.mean.n, 0);
	assert_int_equal(d.shuffle, 1);
	assert_int_equal(d.threads, 1);
	assert_int_equal(d.prefetch, 4);
	assert_int_equal(d.augment.crop, 0);
	assert_ok(options_set(data_options, &a, &d, "augment.flip", "yes"));
	assert_int_equal(d.augment.flip, 1);
	arena_release(&a);
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
		cmocka_unit_test(last_batch_is_short),
		cmocka_unit_test(pictures_are_cropped_mirrored_cut_and_normalised),
		cmocka_unit_test(the_last_epochs_see_pictures_as_they_are),
		cmocka_unit_test(threads_and_prefetch_change_nothing),
		cmocka_unit_test(seek_starts_cleanly),
		cmocka_unit_test(without_training_the_order_is_the_sources),
		cmocka_unit_test(errors_come_home_and_stay),
		cmocka_unit_test(nothing_is_allocated_after_new),
		cmocka_unit_test(no_allocation_may_fail_badly),
		cmocka_unit_test(senseless_options_are_refused),
		cmocka_unit_test(predict_normalises_like_the_loader),
		cmocka_unit_test(options_have_their_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
