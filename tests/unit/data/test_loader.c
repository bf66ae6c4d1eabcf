/* The loader's promises about batches and their threads; which sample is in which:
 * test_loader_order.c. */
#include "support/fake.h"
#include "support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/augment.h"

static void last_batch_is_short(void **state)
{
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l = fake_loader(s, &fake_opts, 20, 2, 4);
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
	l = fake_loader(s, &fake_opts, 20, 3, 4);        /* a rank without a share still steps */
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
	int from_y = y + v->dy, from_x = (v->mirror ? FAKE_SIDE - 1 - x : x) + v->dx;

	if (v->border == AUGMENT_REFLECT) {                  /* of a crop below FAKE_SIDE */
		from_y = from_y < 0 ? -from_y : from_y >= FAKE_SIDE ? 2 * (FAKE_SIDE - 1) - from_y : from_y;
		from_x = from_x < 0 ? -from_x : from_x >= FAKE_SIDE ? 2 * (FAKE_SIDE - 1) - from_x : from_x;
	}
	if (from_y < 0 || from_y >= FAKE_SIDE || from_x < 0 || from_x >= FAKE_SIDE)
		return 0;
	return fake_pixel(index, (c * FAKE_SIDE + from_y) * FAKE_SIDE + from_x);
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
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l = fake_loader(s, &d, 10, 0, 1);
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
			for (int i = 0; i < FAKE_PIXELS; i++) {
				int c = i / FAKE_SIDE / FAKE_SIDE, y = i / FAKE_SIDE % FAKE_SIDE, x = i % FAKE_SIDE;
				double raw = (double)augmented(b->index[k], &v, c, y, x);

				assert_near(b->x[k * FAKE_PIXELS + i],
				            in_hole(&v, y, x) ? 0 : (raw / 255 - mean[c]) / std[c], 1e-6);
				cut += in_hole(&v, y, x);
			}
		}
	assert_in_range(mirrored, FAKE_COUNT / 4, 3 * FAKE_COUNT / 4);
	assert_true(moved > FAKE_COUNT / 2);
	/* two channels, 3 x 3 or cut off */
	assert_in_range(cut, FAKE_COUNT * 2 * 2, FAKE_COUNT * 2 * 9);
	loader_free(&l);
	tt_source_close(&s);
}

static void pictures_are_cropped_mirrored_cut_and_normalised(void **state)
{
	(void)state;
	check_pictures(&(struct augment_opts){ .crop = 7, .cutout = 3, .flip = 1 });
	check_pictures(&(struct augment_opts){ .crop = FAKE_SIDE - 1, .border = AUGMENT_REFLECT,
	                                       .cutout = 3, .flip = 1 });
}

static void the_last_epochs_see_pictures_as_they_are(void **state)
{
	const struct augment_opts o = { .crop = 4, .cutout = 3, .flip = 1, .until = 2 };
	tt_source *s = fake_source(FAKE_COUNT, -1);
	int mirrored = 0, moved = 0;

	(void)state;
	for (int64_t i = 0; i < FAKE_COUNT; i++) {
		struct view early = augment_view(&o, tt_source_describe(s), (struct sample_id){ 5, 1, i });
		struct view late = augment_view(&o, tt_source_describe(s), (struct sample_id){ 5, 2, i });

		moved += early.dx != 0 && early.hole == 3;
		assert_true(late.dx == 0 && late.dy == 0 && late.hole == 0);
		mirrored += late.mirror;
	}
	assert_true(moved > FAKE_COUNT / 2);
	assert_in_range(mirrored, FAKE_COUNT / 4, 3 * FAKE_COUNT / 4);
	tt_source_close(&s);
}

/* Two epochs as one long array of everything that comes out. */
static float *everything(tt_source *s, const struct data_opts *d, int batch)
{
	float *out = mem_calloc(2 * FAKE_COUNT, FAKE_PIXELS * sizeof *out), *to = out;
	struct loader *l = fake_loader(s, d, batch, 0, 1);
	struct batch *b;

	assert_non_null(out);
	for (int epoch = 0; epoch < 2; epoch++) {
		assert_ok(loader_seek(l, epoch, 0));
		for (assert_ok(loader_next(l, &b)); b; assert_ok(loader_next(l, &b))) {
			memcpy(to, b->x, (size_t)b->n * FAKE_PIXELS * sizeof *to);
			to += b->n * FAKE_PIXELS;
		}
	}
	assert_ptr_equal(to, out + 2 * FAKE_COUNT * FAKE_PIXELS);
	loader_free(&l);
	return out;
}

static void threads_and_prefetch_change_nothing(void **state)
{
	static const int threads[] = { 1, 2, 3, 8 }, ahead[] = { 1, 2, 5 };
	struct data_opts d = { .shuffle = 1, .threads = 1, .augment = { .crop = 2, .flip = 1 } };
	tt_source *s = fake_source(FAKE_COUNT, -1);
	float *want = everything(s, &d, 9);

	(void)state;
	for (size_t t = 0; t < 4; t++)
		for (size_t a = 0; a < 3; a++) {
			d.threads = threads[t];
			d.prefetch = ahead[a];
			float *got = everything(s, &d, a == 2 ? 4 : 9);
			assert_memory_equal(got, want, 2 * FAKE_COUNT * FAKE_PIXELS * sizeof *got);
			mem_free(got);
		}
	mem_free(want);
	tt_source_close(&s);
}

/* Jump about while workers are busy: what comes is always what belongs there. */
static void seek_starts_cleanly(void **state)
{
	const struct data_opts d = { .shuffle = 1, .threads = 3, .prefetch = 4 };
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *one = fake_loader(s, &fake_opts, 7, 0, 1), *l = fake_loader(s, &d, 7, 0, 1);
	int64_t order[3][FAKE_COUNT];

	(void)state;
	for (int e = 0; e < 3; e++)
		fake_read_epoch(one, e, 0, order[e]);
	for (int i = 0; i < 200; i++) {
		int64_t epoch = i % 3, at = i * 37 % FAKE_COUNT;
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
	assert_status(loader_seek(l, 0, FAKE_COUNT + 1), TT_EINVAL);
	loader_free(&l);
	loader_free(&one);
	tt_source_close(&s);
}

static void without_training_the_order_is_the_sources(void **state)
{
	const struct data_opts d = { .shuffle = 1, .threads = 2, .prefetch = 3,
	                             .augment = { .crop = 2, .flip = 1 } };
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l;
	int64_t at[FAKE_COUNT];
	struct batch *b;

	(void)state;
	assert_ok(loader_new(&l, s, &(struct loader_opts){ .data = &d, .batch = 10, .world = 1 }));
	for (int epoch = 0; epoch < 3; epoch++) {
		assert_int_equal(fake_read_epoch(l, epoch, 0, at), FAKE_COUNT);
		for (int i = 0; i < FAKE_COUNT; i++)
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
	tt_source *s = fake_source(FAKE_COUNT, 57);
	struct batch *b;

	(void)state;
	for (d.prefetch = 0; d.prefetch < 5; d.prefetch += 2) {
		struct loader *l = fake_loader(s, &d, 10, 0, 1);

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
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l = fake_loader(s, &d, 10, 0, 1);
	int64_t at[FAKE_COUNT];
	uint64_t before = mem_count();

	(void)state;
	for (int epoch = 0; epoch < 5; epoch++)
		fake_read_epoch(l, epoch, epoch * 3, at);
	assert_int_equal(mem_count(), before);
	loader_free(&l);
	tt_source_close(&s);
}

static void no_allocation_may_fail_badly(void **state)
{
	const struct data_opts d = { .threads = 2, .prefetch = 2 };
	const int64_t before = mem_live();
	tt_source *s = fake_source(FAKE_COUNT, -1);
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
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l = NULL;

	(void)state;
#define TRY(...) loader_new(&l, s, &(struct loader_opts){ __VA_ARGS__ })
	assert_status(TRY(.data = &fake_opts, .batch = 0, .world = 1), TT_EINVAL);
	assert_status(TRY(.data = &fake_opts, .batch = 1, .world = 0), TT_EINVAL);
	assert_status(TRY(.data = &fake_opts, .batch = 1, .world = 2, .rank = 2), TT_EINVAL);
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
	tt_source *s = fake_source(FAKE_COUNT, -1);
	struct loader *l = fake_loader(s, &d, 1, 0, 1);
	struct batch *b;
	uint8_t raw[FAKE_PIXELS];
	float x[FAKE_PIXELS];

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
