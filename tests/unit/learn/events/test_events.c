#include "support/support.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/events/events.h"
#include "learn/events/proto.h"
#include "learn/events/record.h"

static void proto_writes_the_known_bytes(void **state)
{
	/* field 1: 150 is the specification's own example; -1 takes ten bytes. */
	static const uint8_t want[] = {
		0x08, 0x96, 0x01,
		0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g',
		0x1d, 0x00, 0x00, 0x80, 0x3f,
		0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
	};
	struct str s = {0};

	(void)state;
	proto_int(&s, 1, 150);
	proto_text(&s, 2, "testing");
	proto_float(&s, 3, 1.0f);
	proto_int(&s, 4, -1);
	assert_int_equal(s.len, sizeof want);
	assert_memory_equal(s.p, want, sizeof want);
	str_release(&s);
}

static void proto_close_puts_long_lengths_in_front(void **state)
{
	char body[300];
	struct str s = {0};
	size_t outer, inner;

	(void)state;
	memset(body, 'x', sizeof body);
	outer = proto_open(&s, 1);
	inner = proto_open(&s, 2);
	proto_bytes(&s, 3, body, sizeof body);
	proto_close(&s, inner);
	proto_close(&s, outer);
	assert_memory_equal(s.p, "\x0a\xb2\x02\x12\xaf\x02\x1a\xac\x02x", 10);
	assert_int_equal(s.len, 3 + 3 + 3 + 300);
	str_release(&s);
}

static void record_checksums_are_the_published_ones(void **state)
{
	(void)state;
	assert_int_equal(record_crc("123456789", 9), 0xe3069283u);
	assert_int_equal(record_masked_crc("123456789", 9), 0xc78ab0e5u);
	assert_int_equal(record_masked_crc("\x1a\x11" "CRC test, one two", 19), 0x5794d08au);
}

static void record_frame_of_the_version_event_is_the_known_one(void **state)
{
	static const uint8_t want[31] = "\x0f\0\0\0\0\0\0\0\x6d\x53\x2b\x09\x1a\x0d" "brain.Event:2"
		"\xfc\x98\x51\x29";
	struct str s = {0};

	(void)state;
	str_add_bytes(&s, "............", RECORD_HEAD);
	proto_text(&s, 3, "brain.Event:2");
	record_frame(&s);
	assert_int_equal(s.len, sizeof want);
	assert_memory_equal(s.p, want, sizeof want);
	str_release(&s);
}

static uint64_t little(const char *p, int bytes)
{
	uint64_t v = 0;

	for (int i = bytes; i--;)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

/* Walk the records of a file and check both sums of each; how many. */
static int count_records(const char *path)
{
	char *text;
	size_t size, at = 0;
	int n = 0;

	assert_ok(file_read_all(path, 0, &text, &size));
	while (at < size) {
		size_t len;

		assert_true(size - at >= RECORD_HEAD + RECORD_TAIL);
		len = (size_t)little(text + at, 8);
		assert_int_equal(little(text + at + 8, 4), record_masked_crc(text + at, 8));
		assert_true(size - at - RECORD_HEAD - RECORD_TAIL >= len);
		at += RECORD_HEAD;
		assert_int_equal(little(text + at + len, 4), record_masked_crc(text + at, len));
		at += len + RECORD_TAIL;
		n++;
	}
	mem_free(text);
	return n;
}

static void events_are_whole_records_at_every_moment(void **state)
{
	static const struct event_setting settings[] = {
		{ "train.batch", SETTING_NUMBER, .number = 64 },
		{ "optimizer", SETTING_TEXT, .text = "sgd" },
		{ "nesterov", SETTING_FLAG, .number = 1 },
	};
	static const char *const metrics[] = { "valid/loss", NULL };
	static const float x[] = { -1, 0, 0.5f, 2 };
	const struct event_image image = { 1, 1, 1, "not a png", 9 };
	struct events *e;

	(void)state;
	assert_ok(events_open(&e, test_temp_dir()));
	assert_int_equal(count_records(events_path(e)), 1);
	events_begin(e, 7);
	events_number(e, "train/loss", 0.25);
	events_number(e, "lr", 0.1);
	assert_ok(events_end(e));
	assert_int_equal(count_records(events_path(e)), 2);
	events_begin(e, 8);
	events_histogram(e, "w", x, 4);
	events_image(e, "sample", &image);
	assert_ok(events_end(e));
	assert_ok(events_graph(e, "", 0));
	assert_ok(events_restart(e, 9));
	assert_ok(events_settings(e, settings, 3, metrics));
	assert_ok(events_finish(e, EVENT_END_GOOD));
	assert_int_equal(count_records(events_path(e)), 7);
	events_close(&e);
	assert_null(e);
}

static void events_without_values_are_not_written(void **state)
{
	struct events *e;

	(void)state;
	assert_ok(events_open(&e, test_temp_dir()));
	events_begin(e, 1);
	assert_ok(events_end(e));
	assert_int_equal(count_records(events_path(e)), 1);
	events_close(&e);
}

static void events_numbers_allocate_nothing_after_the_first(void **state)
{
	struct events *e;
	uint64_t before = 0;

	(void)state;
	assert_ok(events_open(&e, test_temp_dir()));
	for (int i = 0; i < 100; i++) {
		if (i == 1)
			before = mem_count();
		events_begin(e, i);
		events_number(e, "train/loss", i);
		assert_ok(events_end(e));
	}
	assert_int_equal(mem_count(), before);
	events_close(&e);
}

static void events_of_one_second_have_files_of_their_own(void **state)
{
	const char *dir = test_temp_dir();
	struct events *a, *b;

	(void)state;
	assert_ok(events_open(&a, dir));
	assert_ok(events_open(&b, dir));
	assert_int_equal(test_count_files(dir), 2);
	events_close(&a);
	events_close(&b);
}

static void events_say_that_the_disk_is_full(void **state)
{
	struct events *e;

	(void)state;
	assert_ok(events_open(&e, test_temp_dir()));
	events_begin(e, 1);
	events_number(e, "x", 1);
	file_fail_at(1);
	assert_status(events_end(e), TT_EIO);
	file_fail_at(0);
	assert_error("events.out.tfevents.");
	events_close(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proto_writes_the_known_bytes),
		cmocka_unit_test(proto_close_puts_long_lengths_in_front),
		cmocka_unit_test(record_checksums_are_the_published_ones),
		cmocka_unit_test(record_frame_of_the_version_event_is_the_known_one),
		cmocka_unit_test(events_are_whole_records_at_every_moment),
		cmocka_unit_test(events_without_values_are_not_written),
		cmocka_unit_test(events_numbers_allocate_nothing_after_the_first),
		cmocka_unit_test(events_of_one_second_have_files_of_their_own),
		cmocka_unit_test(events_say_that_the_disk_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
