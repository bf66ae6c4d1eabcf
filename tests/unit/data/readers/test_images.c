/* Collections of pictures: folders, tars, what is written out and read back. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "sys/thread.h"
#include "data/readers/cifar10.h"
#include "data/writers/export.h"
#include "data/image/image.h"
#include "data/readers/image_archive.h"
#include "data/reader.h"
#include "data/writers/sheet.h"

/* ---- pictures and archives made here ------------------------------------------ */

/* A gray square of one shade. */
static void make_png(struct str *out, int side, uint8_t shade)
{
	uint8_t *x = mem_alloc((size_t)side * (size_t)side);

	assert_non_null(x);
	memset(x, shade, (size_t)side * (size_t)side);
	str_release(out);
	assert_ok(image_encode_png(x, 1, side, side, out));
	mem_free(x);
}

/* Append a member to a tar (POSIX ustar). */
static void add_to_tar(struct str *tar, const char *name, const struct str *file)
{
	char head[512] = "";
	unsigned sum = 0;

	snprintf(head, 100, "%s", name);
	snprintf(head + 100, 8, "0000644");
	snprintf(head + 124, 12, "%011zo", file->len);
	snprintf(head + 136, 12, "00000000000");
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\0" "00", 8);
	for (int i = 0; i < 512; i++)
		sum += (uint8_t)head[i];
	snprintf(head + 148, 8, "%06o", sum);
	str_add_bytes(tar, head, 512);
	str_add_bytes(tar, file->p, file->len);
	memset(head, 0, sizeof head);
	str_add_bytes(tar, head, (512 - file->len % 512) % 512);
}

static void end_tar(struct str *tar)
{
	static const char zeros[1024];

	str_add_bytes(tar, zeros, sizeof zeros);
}

/* A tar of gray squares of 4 pixels, the shade of each is its number from 10 on. */
static void make_tar(struct str *tar, const char *const *names)
{
	struct str file = {0};

	str_release(tar);
	for (int i = 0; names[i]; i++) {
		make_png(&file, 4, (uint8_t)(10 + i));
		add_to_tar(tar, names[i], &file);
	}
	end_tar(tar);
	str_release(&file);
}

static tt_status parse(struct image_archive *m, const struct str *tar, enum split split)
{
	image_archive_release(m);
	return image_archive_parse(m, &(struct bytes){(uint8_t *)tar->p, tar->len, "t.tar"}, split);
}

static void write_tree(const char *dir, const char *const *names)
{
	struct str file = {0};
	char path[800];

	for (int i = 0; names[i]; i++) {
		make_png(&file, 4, (uint8_t)(10 + i));
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		*strrchr(path, '/') = '\0';
		assert_ok(file_mkdirs(path));
		path[strlen(path)] = '/';
		assert_ok(file_write_all(path, file.p, file.len));
	}
	str_release(&file);
}

static tt_status open_images(tt_source **s, const char *place, const char *settings)
{
	char uri[800];

	snprintf(uri, sizeof uri, "images:%s%s", place, settings);
	return tt_source_open(s, uri);
}

/* ---- members -------------------------------------------------------------------- */

static const char *const mixed[] = {
	"top/test/cat/1.png", "top/train/dog/2.png", "top/train/cat/b.PNG", "top/train/cat/a.png",
	"top/train/README.txt", "top/train/ant-b/3.png", "top/train/ant/4.png", "top/other/cat/5.png",
	"top/train/cat/._a.png", NULL
};

static void image_archive_are_sorted_by_class_and_file(void **state)
{
	static const char *const want[] = { "ant", "ant-b", "cat", "cat", "dog" };
	struct str tar = {0};
	struct image_archive m = {0};

	(void)state;
	make_tar(&tar, mixed);
	assert_ok(parse(&m, &tar, SPLIT_TRAIN));
	assert_int_equal(m.n, 5);
	assert_int_equal(m.classes, 4);
	for (size_t i = 0; i < m.n; i++) {
		assert_string_equal(m.v[i].class_name, want[i]);
		assert_string_equal(m.class_names[m.v[i].label], want[i]);
	}
	assert_string_equal(m.v[2].file, "a.png");
	assert_string_equal(m.v[2].path, "top/train/cat/a.png");
	assert_ok(parse(&m, &tar, SPLIT_TEST));
	assert_int_equal(m.n, 1);
	assert_int_equal(m.classes, 1);
	image_archive_release(&m);
	str_release(&tar);
}

/* As ImageNet has it: train/ and val/. */
static void validation_may_be_called_val(void **state)
{
	static const char *const names[] = { "train/a/1.png", "train/b/2.png", "val/a/3.png", NULL };
	const char *dir = test_temp_dir();
	struct str tar = {0};
	struct image_archive m = {0};
	tt_source *s;

	(void)state;
	make_tar(&tar, names);
	assert_ok(parse(&m, &tar, SPLIT_VAL));
	assert_int_equal(m.n, 1);
	assert_ok(parse(&m, &tar, SPLIT_TRAIN));
	assert_int_equal(m.n, 2);
	assert_status(parse(&m, &tar, SPLIT_TEST), TT_ENOENT);
	write_tree(dir, names);
	assert_ok(open_images(&s, dir, "?split=val"));
	assert_int_equal(tt_source_describe(s)->count, 1);
	tt_source_close(&s);
	assert_status(open_images(&s, dir, "?split=test"), TT_ENOENT);
	assert_error("no folder test/");
	image_archive_release(&m);
	str_release(&tar);
}

static void missing_splits_are_named(void **state)
{
	static const char *const no_test[] = { "train/a/1.png", NULL };
	static const char *const plain[] = { "./a/1.png", NULL };
	static const char *const nothing[] = { "a/1.txt", "1.png", NULL };
	struct str tar = {0};
	struct image_archive m = {0};

	(void)state;
	make_tar(&tar, no_test);
	assert_status(parse(&m, &tar, SPLIT_TEST), TT_ENOENT);
	assert_error("no folder test/");
	make_tar(&tar, plain);
	assert_ok(parse(&m, &tar, SPLIT_TRAIN));
	assert_string_equal(m.class_names[0], "a");
	assert_status(parse(&m, &tar, SPLIT_TEST), TT_ENOENT);
	make_tar(&tar, nothing);
	assert_status(parse(&m, &tar, SPLIT_TRAIN), TT_EFORMAT);
	assert_error("no folder of images (" IMAGE_FORMATS ")");
	image_archive_release(&m);
	str_release(&tar);
}

static void cut_tars_are_refused(void **state)
{
	struct str tar = {0};
	struct image_archive m = {0};
	size_t whole;

	(void)state;
	make_tar(&tar, mixed);
	whole = tar.len;
	for (tar.len = 0; tar.len < 3 * 1024; tar.len += 100) {
		assert_status(parse(&m, &tar, SPLIT_TRAIN), TT_EFORMAT);
		assert_error("t.tar: ");
	}
	tar.len = whole;
	tar.p[150] ^= 1;                                         /* a wrong checksum */
	assert_status(parse(&m, &tar, SPLIT_TRAIN), TT_EFORMAT);
	assert_error("damaged archive");
	image_archive_release(&m);
	str_release(&tar);
}

/* ---- the reader ------------------------------------------------------------------ */

static void folder_and_tar_give_the_same_samples(void **state)
{
	static const char *const names[] = {
		"train/cat/2.png", "train/cat/1.png", "train/ape/9.png", "test/ape/1.png", NULL
	};
	const char *dir = test_temp_dir();
	const char *file = test_path(test_temp_dir(), "x.tar");
	struct str tar = {0};
	tt_source *a, *b;
	uint8_t x[48], y[48];
	int32_t label;

	(void)state;
	write_tree(dir, names);
	make_tar(&tar, names);
	assert_ok(file_write_all(file, tar.p, tar.len));
	assert_ok(open_images(&a, dir, ""));
	assert_ok(open_images(&b, file, ""));
	assert_int_equal(tt_source_describe(a)->count, 3);
	assert_int_equal(tt_source_describe(b)->count, 3);
	for (int i = 0; i < 3; i++) {
		assert_ok(tt_source_read(a, i, x, &label, NULL));
		assert_ok(tt_source_read(b, i, y, &label, NULL));
		assert_memory_equal(x, y, 48);
		assert_int_equal(label, i > 0);
		assert_int_equal(x[47], 12 - i);
	}
	tt_source_close(&a);
	tt_source_close(&b);
	assert_ok(open_images(&a, dir, "?split=test&gray=yes&size=2x3"));
	assert_int_equal(tt_source_describe(a)->shape[0], 1);
	assert_int_equal(tt_source_describe(a)->shape[1], 2);
	assert_int_equal(tt_source_describe(a)->shape[2], 3);
	assert_ok(tt_source_read(a, 0, x, &label, NULL));
	assert_int_equal(x[5], 13);
	tt_source_close(&a);
	str_release(&tar);
}

static void odd_sizes_need_a_size(void **state)
{
	const char *dir = test_temp_dir();
	struct str file = {0};
	tt_source *s;

	(void)state;
	write_tree(dir, (const char *const[]){ "a/1.png", "b/1.png", NULL });
	make_png(&file, 9, 1);
	assert_ok(file_write_all(test_path(test_path(dir, "b"), "2.png"), file.p, file.len));
	assert_status(open_images(&s, dir, ""), TT_ESHAPE);
	assert_error("b/2.png is 9 x 9 pixels");
	assert_error("size=N");
	assert_ok(open_images(&s, dir, "?size=6"));
	assert_int_equal(tt_source_describe(s)->shape[1], 6);
	tt_source_close(&s);
	assert_status(open_images(&s, dir, "?size=0"), TT_ESPEC);
	assert_status(open_images(&s, dir, "?size=4x"), TT_ESPEC);
	assert_status(open_images(&s, dir, "?size=99999"), TT_ESPEC);
	str_release(&file);
}

/* Left out in silence it would shift the numbers of the classes behind it. */
static void an_empty_folder_of_a_class_is_named(void **state)
{
	static const char *const names[] = { "train/ant/1.png", "train/cat/2.png", NULL };
	const char *dir = test_temp_dir();
	tt_source *s;

	(void)state;
	write_tree(dir, names);
	assert_ok(file_mkdirs(test_path(dir, "train/bee")));
	assert_status(open_images(&s, dir, ""), TT_EFORMAT);
	assert_error("train/bee: no image (" IMAGE_FORMATS ") in this folder of a class");
	assert_ok(file_write_all(test_path(dir, "train/bee/notes.txt"), "", 0));
	assert_status(open_images(&s, dir, ""), TT_EFORMAT);
}

/* The first damaged picture is named, however many threads decode. */
static void a_damaged_picture_is_named(void **state)
{
	const char *dir = test_temp_dir();
	char name[32];
	struct str file = {0};
	tt_source *s;

	(void)state;
	assert_ok(file_mkdirs(test_path(dir, "a")));
	make_png(&file, 4, 1);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "a/%03d.png", i);
		size_t n = file.len / (i == 140 || i == 260 ? 2 : 1);
		assert_ok(file_write_all(test_path(dir, name), file.p, n));
	}
	thread_set_count(4);
	for (int i = 0; i < 5; i++) {
		assert_status(open_images(&s, dir, ""), TT_EFORMAT);
		assert_error("a/140.png: damaged PNG");
	}
	thread_set_count(1);
	str_release(&file);
}

/* Decoded at each reading: the same samples, and damage is met there. */
static void pictures_may_stay_encoded(void **state)
{
	const char *dir = test_temp_dir();
	struct str file = {0};
	uint8_t x[48];
	int32_t label;
	tt_source *s;

	(void)state;
	write_tree(dir, (const char *const[]){ "a/1.png", "b/1.png", "b/2.png", NULL });
	make_png(&file, 4, 1);
	assert_ok(file_write_all(test_path(test_path(dir, "b"), "3.png"), file.p, file.len / 2));
	assert_ok(open_images(&s, dir, "?resident=no"));
	assert_int_equal(tt_source_describe(s)->count, 4);
	assert_ok(tt_source_read(s, 2, x, &label, NULL));
	assert_int_equal(x[0], 12);
	assert_int_equal(label, 1);
	assert_ok(tt_source_read(s, 3, NULL, &label, NULL));
	assert_status(tt_source_read(s, 3, x, &label, NULL), TT_EFORMAT);
	assert_error("b/3.png: damaged PNG");
	tt_source_close(&s);
	str_release(&file);
}

static void no_allocation_may_fail_badly(void **state)
{
	static const char *const names[] = { "cat/2.png", "cat/1.png", "ape/9.png", NULL };
	const char *dir = test_temp_dir();
	const int64_t before = mem_live();
	tt_status st = TT_ENOMEM;

	(void)state;
	write_tree(dir, names);
	for (uint64_t n = 1; st != TT_OK; n++) {
		tt_source *s = NULL;

		assert_true(n < 1000);
		mem_fail_at(n, 1);
		st = open_images(&s, dir, "?size=3");
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		tt_source_close(&s);
	}
	assert_int_equal(mem_live(), before);
}

/* ---- out and in again ------------------------------------------------------------ */

static void what_is_exported_reads_back_equal(void **state)
{
	const char *dir = test_path(test_temp_dir(), "out");
	uint8_t x[3 * 16 * 16], y[3 * 16 * 16];
	int at[10] = {0}, first[10];
	tt_source *s, *back;
	int32_t label, same;

	(void)state;
	assert_ok(tt_source_open(&s, "synth:objects?size=16&count=35"));
	assert_ok(export_images(s, dir, 0));
	assert_ok(open_images(&back, dir, ""));
	assert_int_equal(tt_source_describe(back)->count, 35);
	for (int c = 0, n = 0; c < 10; n += c < 5 ? 4 : 3, c++)
		first[c] = n;
	for (int i = 0; i < 35; i++) {
		assert_ok(tt_source_read(s, i, x, &label, NULL));
		assert_ok(tt_source_read(back, first[label] + at[label], y, &same, NULL));
		at[label]++;
		assert_int_equal(label, same);
		assert_memory_equal(x, y, sizeof x);
	}
	tt_source_close(&back);
	assert_status(export_images(s, dir, 1), TT_EINVAL);
	assert_error("exists already");
	tt_source_close(&s);
}

static void some_of_a_sorted_source_are_of_all_classes(void **state)
{
	const char *dir = test_path(test_temp_dir(), "all"), *few = test_path(test_temp_dir(), "few");
	tt_source *s, *sorted, *back;
	int32_t label;
	int count[10] = {0};

	(void)state;
	assert_ok(tt_source_open(&s, "synth:objects?size=8&count=200"));
	assert_ok(export_images(s, dir, 0));
	assert_ok(open_images(&sorted, dir, ""));              /* a folder per class: sorted by it */
	assert_ok(export_images(sorted, few, 40));
	assert_ok(open_images(&back, few, ""));
	assert_int_equal(tt_source_describe(back)->count, 40);
	for (int i = 0; i < 40; i++) {
		assert_ok(tt_source_read(back, i, NULL, &label, NULL));
		count[label]++;
	}
	for (int c = 0; c < 10; c++)
		assert_int_equal(count[c], 4);
	tt_source_close(&back);
	tt_source_close(&sorted);
	tt_source_close(&s);
}

static void a_failed_export_leaves_nothing(void **state)
{
	const char *dir = test_temp_dir();
	tt_source *s;

	(void)state;
	assert_ok(tt_source_open(&s, "synth:objects?size=8&count=40"));
	file_fail_at(5);
	assert_status(export_images(s, test_path(dir, "out"), 0), TT_EIO);
	file_fail_at(0);
	assert_int_equal(test_count_files(dir), 0);
	tt_source_close(&s);
}

static void sheets_show_every_sample(void **state)
{
	const char *path = test_path(test_temp_dir(), "sheet.png");
	char *file;
	struct bytes in = { .name = path };
	tt_source *s;
	int h, w;

	(void)state;
	assert_ok(tt_source_open(&s, "synth:objects?count=25"));
	assert_ok(sheet_write(path, s, 100, 10));
	assert_ok(file_read_all(path, 0, &file, &in.n));
	in.p = (uint8_t *)file;
	assert_ok(image_probe(&in, IMAGE_AS_STORED, &h, &w));
	assert_int_equal(w, 4 + 10 * 68);                        /* 25 samples: three rows */
	assert_int_equal(h, 4 + 3 * (64 + 14 + 4));
	mem_free(file);
	assert_status(sheet_write(path, s, 0, 10), TT_EINVAL);
	tt_source_close(&s);
}

/* ---- real data -------------------------------------------------------------------- */

static tt_status open_cifar(tt_source **s, const char *settings)
{
	char place[600];

	snprintf(place, sizeof place, "%s/cifar10/cifar10-jpeg.tar.xz", test_data_dir());
	return open_images(s, place, settings);
}

static void real_tar_is_read(void **state)
{
	const tt_source_info *info;
	int32_t label;
	tt_source *s;

	(void)state;
	if (!test_data_dir())
		test_skip("no real data");
	for (int split = 0; split < 2; split++) {
		assert_ok(open_cifar(&s, split ? "?split=test" : ""));
		info = tt_source_describe(s);
		assert_int_equal(info->count, split ? 10000 : 50000);
		assert_int_equal(info->classes, 10);
		assert_string_equal(info->class_names[9], "truck");
		assert_int_equal(info->shape[0], 3);
		assert_int_equal(info->shape[1], 32);
		assert_ok(tt_source_read(s, info->count - 1, NULL, &label, NULL));
		assert_int_equal(label, 9);
		tt_source_close(&s);
	}
}

/* CIFAR-10's own format, written from the pictures. */
static void write_batch(tt_source *s, const char *dir, const char *name, int64_t from)
{
	struct str file = {0};
	uint8_t record[CIFAR10_RECORD];
	int32_t label;

	for (int64_t i = from; i < from + 1000; i += 100) {
		assert_ok(tt_source_read(s, i, record + 1, &label, NULL));
		record[0] = (uint8_t)label;
		str_add_bytes(&file, record, sizeof record);
	}
	assert_ok(file_write_all(test_path(dir, name), file.p, file.len));
	str_release(&file);
}

static void binary_batches_give_the_same_pictures(void **state)
{
	const char *dir = test_temp_dir();
	uint8_t x[CIFAR10_PIXELS], y[CIFAR10_PIXELS];
	char name[32], uri[600];
	int32_t a, b;
	tt_source *s, *batches;

	(void)state;
	if (!test_data_dir())
		test_skip("no real data");
	assert_ok(open_cifar(&s, "?split=test"));
	for (int i = 1; i <= 5; i++) {
		snprintf(name, sizeof name, "data_batch_%d.bin", i);
		write_batch(s, dir, name, (i - 1) * 1000);
	}
	snprintf(uri, sizeof uri, "cifar10:%s", dir);
	assert_ok(tt_source_open(&batches, uri));
	assert_int_equal(tt_source_describe(batches)->count, 50);
	for (int i = 0; i < 50; i++) {
		assert_ok(tt_source_read(s, i * 100, x, &a, NULL));
		assert_ok(tt_source_read(batches, i, y, &b, NULL));
		assert_int_equal(a, b);
		assert_memory_equal(x, y, sizeof x);
	}
	assert_string_equal(tt_source_describe(batches)->class_names[1], "automobile");
	tt_source_close(&batches);
	strcat(uri, "?split=test");
	assert_status(tt_source_open(&batches, uri), TT_ENOENT);
	assert_error("test_batch.bin");
	tt_source_close(&s);
}

/* Cut one JPEG anywhere: never a crash, and past the header always an error. */
static void cut_jpegs_are_refused(void **state)
{
	char path[600];
	struct image_archive m = {0};
	const struct image_want want = { .channels = 3, .h = 32, .w = 32 };
	struct bytes in;
	void *owned;
	uint8_t x[CIFAR10_PIXELS];
	size_t whole;

	(void)state;
	if (!test_data_dir())
		test_skip("no real data");
	snprintf(path, sizeof path, "%s/cifar10/cifar10-jpeg.tar.xz", test_data_dir());
	assert_ok(image_archive_open(&m, path, SPLIT_TEST));
	assert_ok(image_archive_read(&m, 5, &in, &owned));
	whole = in.n;
	assert_ok(image_decode(&in, &want, x));
	for (in.n = 0; in.n < whole - 2; in.n += 7) {
		assert_status(image_decode(&in, &want, x), TT_EFORMAT);
		assert_error("test/airplane/0005.jpg: ");
	}
	image_archive_release(&m);
}

static void cut_xz_is_refused(void **state)
{
	const char *half = test_path(test_temp_dir(), "half.tar.xz");
	char path[600], *file;
	size_t n;
	tt_source *s;

	(void)state;
	if (!test_data_dir())
		test_skip("no real data");
	snprintf(path, sizeof path, "%s/cifar10/cifar10-jpeg.tar.xz", test_data_dir());
	assert_ok(file_read_all(path, 0, &file, &n));
	assert_ok(file_write_all(half, file, n / 8));
	mem_free(file);
	assert_status(open_images(&s, half, ""), TT_EFORMAT);
	assert_error("half.tar.xz: damaged archive after");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(image_archive_are_sorted_by_class_and_file),
		cmocka_unit_test(validation_may_be_called_val),
		cmocka_unit_test(missing_splits_are_named),
		cmocka_unit_test(cut_tars_are_refused),
		cmocka_unit_test(folder_and_tar_give_the_same_samples),
		cmocka_unit_test(odd_sizes_need_a_size),
		cmocka_unit_test(an_empty_folder_of_a_class_is_named),
		cmocka_unit_test(a_damaged_picture_is_named),
		cmocka_unit_test(pictures_may_stay_encoded),
		cmocka_unit_test(no_allocation_may_fail_badly),
		cmocka_unit_test(what_is_exported_reads_back_equal),
		cmocka_unit_test(some_of_a_sorted_source_are_of_all_classes),
		cmocka_unit_test(a_failed_export_leaves_nothing),
		cmocka_unit_test(sheets_show_every_sample),
		cmocka_unit_test(real_tar_is_read),
		cmocka_unit_test(binary_batches_give_the_same_pictures),
		cmocka_unit_test(cut_jpegs_are_refused),
		cmocka_unit_test(cut_xz_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
