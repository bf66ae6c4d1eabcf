#include "support/support.h"

#include <string.h>

#include <tutti/data.h>

#include "base/file.h"
#include "data/readers/cifar10.h"

static uint8_t batch[3 * CIFAR10_RECORD];

static void fill(void)
{
	for (size_t i = 0; i < sizeof batch; i++)
		batch[i] = (uint8_t)i;
	for (int i = 0; i < 3; i++)
		batch[i * CIFAR10_RECORD] = (uint8_t)(9 - i);
}

static void records_are_taken_apart(void **state)
{
	static uint8_t x[3 * CIFAR10_PIXELS];
	struct bytes in = { batch, sizeof batch, "b.bin" };
	int32_t label[3];

	(void)state;
	fill();
	assert_ok(cifar10_parse(&in, x, label));
	assert_int_equal(label[2], 7);
	assert_int_equal(x[2 * CIFAR10_PIXELS + 5], (uint8_t)(2 * CIFAR10_RECORD + 6));
}

static void cut_or_wrong_batches_are_refused(void **state)
{
	static uint8_t x[3 * CIFAR10_PIXELS];
	struct bytes in = { batch, sizeof batch - 1, "b.bin" };
	int32_t label[3];
	size_t n;

	(void)state;
	fill();
	assert_status(cifar10_count(&in, &n), TT_EFORMAT);
	assert_error("b.bin: 9218 bytes are no whole number of CIFAR-10 records");
	in.n = 0;
	assert_status(cifar10_count(&in, &n), TT_EFORMAT);
	in.n = sizeof batch;
	batch[CIFAR10_RECORD] = 10;
	assert_status(cifar10_parse(&in, x, label), TT_EFORMAT);
	assert_error("label 10 of record 1");
}

static void the_official_folder_is_found(void **state)
{
	const char *dir = test_temp_dir();
	const char *below = test_path(dir, "cifar-10-batches-bin");
	char uri[600];
	tt_source *s;

	(void)state;
	fill();
	assert_ok(file_mkdirs(below));
	assert_ok(file_write_all(test_path(below, "test_batch.bin"), batch, sizeof batch));
	snprintf(uri, sizeof uri, "cifar10:%s?split=test", dir);
	assert_ok(tt_source_open(&s, uri));
	assert_int_equal(tt_source_describe(s)->count, 3);
	assert_string_equal(tt_source_describe(s)->class_names[9], "truck");
	tt_source_close(&s);
	snprintf(uri, sizeof uri, "cifar10:%s", dir);
	assert_status(tt_source_open(&s, uri), TT_ENOENT);
	assert_error("data_batch_1.bin");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_taken_apart),
		cmocka_unit_test(cut_or_wrong_batches_are_refused),
		cmocka_unit_test(the_official_folder_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
