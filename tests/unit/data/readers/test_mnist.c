#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include <tutti/data.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/readers/mnist.h"

/* Two pictures of 2 x 3 and their labels. */
static const uint8_t pictures[] = { 0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3,
                                    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const uint8_t labels[] = { 0, 0, 8, 1, 0, 0, 0, 2, 3, 7 };

#define PARSE(data, size) idx_parse(&(struct bytes){ data, size, "x.idx" }, &x)

static void idx_is_taken_apart(void **state)
{
	struct idx x;

	(void)state;
	assert_ok(PARSE(pictures, sizeof pictures));
	assert_int_equal(x.ndim, 3);
	assert_int_equal(x.dim[0], 2);
	assert_int_equal(x.dim[1], 2);
	assert_int_equal(x.dim[2], 3);
	assert_int_equal(x.size, 12);
	assert_int_equal(x.data[11], 12);
}

static void idx_of_wrong_size_is_refused(void **state)
{
	struct idx x;

	(void)state;
	for (size_t n = 0; n < sizeof pictures; n++) {
		assert_status(PARSE(pictures, n), TT_EFORMAT);
		assert_error("x.idx: ");
	}
	assert_status(PARSE(pictures, sizeof pictures - 1), TT_EFORMAT);
	assert_error("promises 12 bytes of data, there are 11");
}

static void idx_sizes_may_not_overflow(void **state)
{
	uint8_t big[4 + 16];
	struct idx x;

	(void)state;
	memset(big, 0xff, sizeof big);
	memcpy(big, (uint8_t[]){ 0, 0, 8, 4 }, 4);
	assert_status(PARSE(big, sizeof big), TT_EFORMAT);
	assert_error("overflow");
}

static void idx_of_another_type_is_refused(void **state)
{
	uint8_t floats[sizeof labels];
	struct idx x;

	(void)state;
	memcpy(floats, labels, sizeof labels);
	floats[2] = 0x0d;
	assert_status(PARSE(floats, sizeof floats), TT_EFORMAT);
	assert_error("type 0x0d");
}

/* Write files into a new folder and open it. */
static tt_status open_with(tt_source **s, const void *y, size_t y_size, const char *settings)
{
	const char *dir = test_temp_dir();
	char uri[600];

	assert_ok(file_write_all(test_path(dir, "train-images-idx3-ubyte"), pictures, sizeof pictures));
	assert_ok(file_write_all(test_path(dir, "train-labels-idx1-ubyte"), y, y_size));
	snprintf(uri, sizeof uri, "mnist:%s%s", dir, settings);
	return tt_source_open(s, uri);
}

static void samples_and_labels_belong_together(void **state)
{
	tt_source *s;
	uint8_t x[6];
	int32_t label;

	(void)state;
	assert_ok(open_with(&s, labels, sizeof labels, ""));
	assert_int_equal(tt_source_describe(s)->count, 2);
	assert_int_equal(tt_source_describe(s)->classes, 10);
	assert_ok(tt_source_read(s, 1, x, &label, NULL));
	assert_int_equal(label, 7);
	assert_int_equal(x[0], 7);
	assert_status(tt_source_read(s, 2, x, &label, NULL), TT_EINVAL);
	assert_status(tt_source_read(s, -1, x, &label, NULL), TT_EINVAL);
	tt_source_close(&s);
	assert_null(s);
}

static void files_that_do_not_fit_are_refused(void **state)
{
	static const uint8_t three[] = { 0, 0, 8, 1, 0, 0, 0, 3, 3, 7, 1 };
	tt_source *s;

	(void)state;
	assert_status(open_with(&s, three, sizeof three, ""), TT_EFORMAT);
	assert_error("2 images but 3 labels");
	assert_status(open_with(&s, pictures, sizeof pictures, ""), TT_EFORMAT);
	assert_error("3 dimensions where 1 belong");
	assert_status(open_with(&s, labels, sizeof labels, "?classes=5"), TT_EFORMAT);
	assert_error("label 7 of sample 1");
	assert_status(open_with(&s, labels, sizeof labels, "?split=test"), TT_ENOENT);
	assert_error("t10k-labels-idx1-ubyte");
}

static void no_allocation_may_fail_badly(void **state)
{
	const char *dir = test_temp_dir();
	const int64_t before = mem_live();
	tt_status st = TT_ENOMEM;
	char uri[600];

	(void)state;
	assert_ok(file_write_all(test_path(dir, "train-images-idx3-ubyte"), pictures, sizeof pictures));
	assert_ok(file_write_all(test_path(dir, "train-labels-idx1-ubyte"), labels, sizeof labels));
	snprintf(uri, sizeof uri, "mnist:%s", dir);
	for (uint64_t n = 1; st != TT_OK; n++) {
		tt_source *s = NULL;

		assert_true(n < 1000);
		mem_fail_at(n, 1);
		st = tt_source_open(&s, uri);
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		tt_source_close(&s);
	}
	assert_int_equal(mem_live(), before);
}

/* The first training labels of MNIST, known to everybody. */
static void real_mnist_is_read(void **state)
{
	static const int first[] = { 5, 0, 4, 1, 9, 2, 1, 3, 1, 4 };
	char uri[600];
	tt_source *s;
	uint8_t x[784];
	int32_t label;

	(void)state;
	if (!test_data_dir())
		test_skip("no real data");
	snprintf(uri, sizeof uri, "mnist:%s/mnist", test_data_dir());
	assert_ok(tt_source_open(&s, uri));
	assert_int_equal(tt_source_describe(s)->count, 60000);
	assert_int_equal(tt_source_describe(s)->shape[1], 28);
	for (int i = 0; i < 10; i++) {
		assert_ok(tt_source_read(s, i, x, &label, NULL));
		assert_int_equal(label, first[i]);
		assert_int_equal(x[0], 0);
	}
	tt_source_close(&s);
	strcat(uri, "?split=test");
	assert_ok(tt_source_open(&s, uri));
	assert_int_equal(tt_source_describe(s)->count, 10000);
	assert_ok(tt_source_read(s, 0, NULL, &label, NULL));
	assert_int_equal(label, 7);
	tt_source_close(&s);
}

static void damaged_gzip_is_refused(void **state)
{
	char *whole, path[600];
	size_t n, out_n;
	uint8_t *out;
	struct bytes in = { .name = "labels.gz" };

	(void)state;
	if (!test_data_dir())
		test_skip("no real data");
	snprintf(path, sizeof path, "%s/mnist/t10k-labels-idx1-ubyte.gz", test_data_dir());
	assert_ok(file_read_all(path, 0, &whole, &n));
	in.p = (uint8_t *)whole;
	in.n = n;
	assert_ok(gzip_inflate(&in, 1 << 20, &out, &out_n));
	assert_int_equal(out_n, 10008);
	mem_free(out);
	assert_status(gzip_inflate(&in, 10007, &out, &out_n), TT_EFORMAT);
	assert_error("unpacks to more than 10007 bytes");
	for (in.n = 1; in.n < n; in.n += 97)
		assert_status(gzip_inflate(&in, 1 << 20, &out, &out_n), TT_EFORMAT);
	in.n = n - 9;
	assert_status(gzip_inflate(&in, 1 << 20, &out, &out_n), TT_EFORMAT);
	assert_error("end too early");
	in.n = n;
	whole[n / 2] ^= 0x55;
	assert_status(gzip_inflate(&in, 1 << 20, &out, &out_n), TT_EFORMAT);
	assert_error("labels.gz: ");
	mem_free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idx_is_taken_apart),
		cmocka_unit_test(idx_of_wrong_size_is_refused),
		cmocka_unit_test(idx_sizes_may_not_overflow),
		cmocka_unit_test(idx_of_another_type_is_refused),
		cmocka_unit_test(samples_and_labels_belong_together),
		cmocka_unit_test(files_that_do_not_fit_are_refused),
		cmocka_unit_test(no_allocation_may_fail_badly),
		cmocka_unit_test(real_mnist_is_read),
		cmocka_unit_test(damaged_gzip_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
