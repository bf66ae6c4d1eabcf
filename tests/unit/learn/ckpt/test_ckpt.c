/* Checkpoints: what is written is read back to the bit, by us and by others; what is damaged is
 * refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "learn/ckpt/ckpt.h"
#include "support/support.h"

static const float weight[6] = { 1, -2, 0.5f, 3e-39f, 1e30f, -0.0f };
static const uint8_t mask[3] = { 1, 0, 255 };
static const int32_t label[2] = { -7, 2147483647 };
static const uint16_t half[3] = { 0x3f80, 0xbf80, 0x0001 };

static const struct ckpt_tensor tensors[] = {
	{ "mask", { DTYPE_U8, 1, { 3 } }, mask, NULL },        /* first here, last in the file */
	{ "conv1.weight", { DTYPE_F32, 2, { 2, 3 } }, weight, NULL },
	{ "half", { DTYPE_BF16, 1, { 3 } }, half, NULL },
	{ "tutti.label", { DTYPE_S32, 1, { 2 } }, label, NULL },
	{ "scalar", { DTYPE_F32, 0, { 0 } }, weight, NULL },
};
#define N ((int)(sizeof tensors / sizeof *tensors))
static const struct ckpt_meta meta[] = {
	{ "tutti.spec", "name: \"a\"\nmodel:\n\t- ü \\ \x01 end" }, { "empty", "" },
};

static const char *written(void)
{
	const char *path = test_path(test_temp_dir(), "a.safetensors");

	assert_ok(ckpt_write(path, tensors, N, meta, 2));
	return path;
}

static void check_contents(const struct ckpt *c)
{
	assert_int_equal(ckpt_count(c), N);
	for (int i = 0; i < N; i++) {
		const struct ckpt_tensor *t = ckpt_find(c, tensors[i].name);

		assert_non_null(t);
		assert_true(tensor_same(&t->desc, &tensors[i].desc));
		assert_memory_equal(t->data, tensors[i].data, tensor_bytes(&t->desc));
		assert_int_equal((uintptr_t)t->data % dtype_size(t->desc.dtype), 0);
	}
	assert_null(ckpt_find(c, "conv1"));
	assert_string_equal(ckpt_meta(c, "tutti.spec"), meta[0].value);
	assert_string_equal(ckpt_meta(c, "empty"), "");
	assert_null(ckpt_meta(c, "absent"));
}

static void what_is_written_is_read_back(void **state)
{
	const char *path = written();
	struct ckpt *c;

	(void)state;
	assert_ok(ckpt_open(&c, path));
	check_contents(c);
	ckpt_close(&c);
	assert_null(c);
}

static void misaligned_data_is_copied(void **state)
{
	uint8_t *shifted;
	char *bytes;
	size_t size;
	struct ckpt *c;

	(void)state;
	assert_ok(file_read_all(written(), 0, &bytes, &size));
	shifted = mem_alloc(size + 1);
	memcpy(shifted + 1, bytes, size);
	assert_ok(ckpt_parse(&c, "shifted", shifted + 1, size));
	check_contents(c);
	ckpt_close(&c);
	mem_free(shifted);
	mem_free(bytes);
}

static void data_begins_at_a_multiple_of_eight(void **state)
{
	char *bytes;
	size_t size;

	(void)state;
	assert_ok(file_read_all(written(), 0, &bytes, &size));
	assert_int_equal(((uint8_t)bytes[0] + 256 * (uint8_t)bytes[1]) % 8, 0);
	mem_free(bytes);
}

static void nothing_is_too_little(void **state)
{
	const char *path = test_path(test_temp_dir(), "none.safetensors");
	struct ckpt *c;

	(void)state;
	assert_ok(ckpt_write(path, NULL, 0, NULL, 0));
	assert_ok(ckpt_open(&c, path));
	assert_int_equal(ckpt_count(c), 0);
	ckpt_close(&c);
}

/* Every shorter file is refused, at whatever byte it was cut. */
static void a_cut_file_is_refused(void **state)
{
	struct ckpt *c = NULL;
	char *bytes;
	size_t size;

	(void)state;
	assert_ok(file_read_all(written(), 0, &bytes, &size));
	for (size_t n = 0; n < size; n++) {
		assert_status(ckpt_parse(&c, "cut.safetensors", (uint8_t *)bytes, n), TT_EFORMAT);
		assert_error("cut.safetensors");
		assert_null(c);
	}
	mem_free(bytes);
}

/* Header as text, data of so many bytes, and what the message must say. */
static const struct { const char *header; size_t data; const char *error; } damaged[] = {
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "after the last" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "cut short" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "lies at 4" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
	  "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 6, "'b' lies at 2" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
	  "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 8, "lies at 0" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
	  4, "do not fit its shape" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
	  8, "impossible data_off" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "no data_offsets" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8.5]}}",
	  8, "impossible data_off" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "impossible shape" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
	  "impossible shape" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, "more dim" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "has no shape" },
	{ "{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "of type C64, which" },
	{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}",
	  8, "impossible shape" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
	  "impossible shape" },
	{ "{\"__metadata__\":{\"a\":1}}", 0, "'a' is no text" },
	{ "{\"a\":{\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "no dtype" },
	{ "{\"a\":[]}", 0, "no dtype" },
	{ "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	  "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "duplicate" },
	{ "{\"__metadata__\":[]}", 0, "metadata is no map" },
	{ "{\"__metadata__\":{\"a\":{}}}", 0, "'a' is no text" },
	{ "{\"a\":", 0, "x.safetensors" },
	{ "[\"a\"]", 0, "no checkpoint" },
};

static void damage_is_named(void **state)
{
	uint8_t file[512];
	struct ckpt *c = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
		size_t head = strlen(damaged[i].header);

		memset(file, 0, sizeof file);
		file[0] = (uint8_t)head;
		memcpy(file + 8, damaged[i].header, head);
		assert_status(ckpt_parse(&c, "x.safetensors", file, 8 + head + damaged[i].data),
		              TT_EFORMAT);
		assert_error(damaged[i].error);
		assert_error("x.safetensors");
		assert_null(c);
	}
}

/* ---- what others write ---- */

static struct ckpt *parsed(const char *header, const void *data, size_t bytes)
{
	static uint8_t file[1024];
	const size_t head = strlen(header);
	struct ckpt *c = NULL;

	assert_true(8 + head + bytes <= sizeof file);
	memset(file, 0, 8);
	file[0] = (uint8_t)head;
	file[1] = (uint8_t)(head >> 8);
	memcpy(file + 8, header, head);
	if (bytes)
		memcpy(file + 8 + head, data, bytes);
	assert_ok(ckpt_parse(&c, "other.safetensors", file, 8 + head + bytes));
	return c;
}

/* A word of the format, two numbers as they lie in the file, and what they are to us. */
static const struct {
	const char *word;
	size_t      size;
	uint8_t     raw[16];
	enum dtype  as;
	double      want[2];
} kinds[] = {
	{ "F64", 8, { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0 },
	  DTYPE_F32, { 1.5, -2 } },
	{ "F32", 4, { 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0 }, DTYPE_F32, { 1.5, -2 } },
	{ "F16", 2, { 0, 0x3e, 1, 0 }, DTYPE_F32, { 1.5, 0x1p-24 } },
	{ "F8_E4M3", 1, { 0x38, 0xfe }, DTYPE_F32, { 1, -448 } },
	{ "F8_E4M3", 1, { 0x01, 0x80 }, DTYPE_F32, { 0x1p-9, 0 } },
	{ "F8_E5M2", 1, { 0x3e, 0xfb }, DTYPE_F32, { 1.5, -57344 } },
	{ "I8", 1, { 0x80, 0x7f }, DTYPE_S32, { -128, 127 } },
	{ "U8", 1, { 0x80, 0x7f }, DTYPE_U8, { 128, 127 } },
	{ "BOOL", 1, { 1, 0 }, DTYPE_U8, { 1, 0 } },
	{ "I16", 2, { 0, 0x80, 0xff, 0x7f }, DTYPE_S32, { -32768, 32767 } },
	{ "U16", 2, { 0, 0x80, 0xff, 0x7f }, DTYPE_S32, { 32768, 32767 } },
	{ "I32", 4, { 0, 0, 0, 0x80, 7 }, DTYPE_S32, { -2147483648.0, 7 } },
	{ "U32", 4, { 0xff, 0xff, 0xff, 0x7f, 7 }, DTYPE_S32, { 2147483647, 7 } },
	{ "U32", 4, { 0, 0, 0, 0x80, 7 }, DTYPE_F32, { 2147483648.0, 7 } },
	{ "I64", 8, { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 7 }, DTYPE_S32, { -2, 7 } },
	{ "I64", 8, { 0, 0, 0, 0, 1, 0, 0, 0, 7 }, DTYPE_F32, { 4294967296.0, 7 } },
	{ "U64", 8, { 5, 0, 0, 0, 0, 0, 0, 0, 7 }, DTYPE_S32, { 5, 7 } },
	{ "U64", 8, { 0, 0, 0, 0, 0, 0, 0, 0x80, 7 }, DTYPE_F32, { 0x1p63, 7 } },
};

static double number_at(const struct ckpt_tensor *t, int i)
{
	return t->desc.dtype == DTYPE_F32 ? (double)((const float *)t->data)[i]
	     : t->desc.dtype == DTYPE_S32 ? (double)((const int32_t *)t->data)[i]
	     : (double)((const uint8_t *)t->data)[i];
}

static void every_type_of_the_format_is_read(void **state)
{
	char header[256];

	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		const struct ckpt_tensor *t;
		struct ckpt *c;

		snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[2],"
		         "\"data_offsets\":[0,%zu]}}", kinds[k].word, 2 * kinds[k].size);
		c = parsed(header, kinds[k].raw, 2 * kinds[k].size);
		assert_non_null(t = ckpt_find(c, "a"));
		assert_string_equal(t->stored, kinds[k].word);
		assert_int_equal(t->desc.dtype, kinds[k].as);
		for (int i = 0; i < 2; i++)
			assert_true(number_at(t, i) == kinds[k].want[i]);
		ckpt_close(&c);
	}
}

/* Empty tensors lie anywhere, a scalar is one number, keys that we do not know are let be, the
 * header's order is not that of the data, spaces follow it. */
static void what_the_format_allows_is_read(void **state)
{
	struct ckpt *c = parsed(
		"{\"__metadata__\":null,"
		"\"z\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8],\"note\":{\"by\":[1]}},"
		"\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[4,4]},"
		"\"f\":{\"data_offsets\":[8,8],\"shape\":[2,0],\"dtype\":\"I64\"},"
		"\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}   ", weight, 8);

	(void)state;
	assert_int_equal(ckpt_count(c), 4);
	assert_int_equal(tensor_count(&ckpt_find(c, "e")->desc), 0);
	assert_true(number_at(ckpt_find(c, "z"), 0) == -2);
	assert_true(number_at(ckpt_find(c, "a"), 0) == 1);
	assert_int_equal(ckpt_meta_count(c), 0);
	ckpt_close(&c);
}

/* A hundred thousand names are looked up and told as fast as they are read. */
static void many_names_cost_no_more_than_reading_them(void **state)
{
	const int n = 100000;
	struct str text = {0};
	struct ckpt *c;
	uint8_t *file;

	(void)state;
	for (int i = 0; i < n; i++)
		str_addf(&text, "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
		         i ? "," : "{\"__metadata__\":{},", i);
	str_add(&text, "}");
	file = mem_calloc(1, 8 + text.len);
	for (int i = 0; i < 8; i++)
		file[i] = (uint8_t)(text.len >> 8 * i);
	memcpy(file + 8, text.p, text.len);
	assert_ok(ckpt_parse(&c, "many", file, 8 + text.len));
	for (int i = 0; i < n; i++)
		assert_ptr_equal(ckpt_find(c, ckpt_at(c, i)->name), ckpt_at(c, i));
	ckpt_close(&c);
	mem_free(file);
	str_release(&text);
}

/* Read, not mapped: what became of the file since is nobody's death. */
static void a_file_that_shrinks_changes_nothing(void **state)
{
	const char *path = written();
	struct ckpt *c;

	(void)state;
	assert_ok(ckpt_open(&c, path));
	assert_int_equal(truncate(path, 0), 0);
	check_contents(c);
	ckpt_close(&c);
}

static void a_header_of_absurd_size_is_refused(void **state)
{
	uint8_t file[16] = { 255, 255, 255, 255, 255, 255, 255, 127, '{', '}' };
	struct ckpt *c = NULL;

	(void)state;
	assert_status(ckpt_parse(&c, "x", file, sizeof file), TT_EFORMAT);
	memset(file, 0, 8);
	assert_status(ckpt_parse(&c, "x", file, sizeof file), TT_EFORMAT);
	assert_status(ckpt_open(&c, "/nonexistent/x"), TT_ENOENT);
}

/* Whatever write fails, a whole file stays and nothing beside it: the old one, or the new one if
 * all that failed was to make its new name durable. */
static void a_full_disk_leaves_a_whole_file(void **state)
{
	const char *dir = test_temp_dir(), *path = test_path(dir, "a.safetensors");
	struct ckpt *c;
	uint64_t n = 0;
	tt_status st;

	(void)state;
	assert_ok(ckpt_write(path, tensors, N, meta, 2));
	do {
		file_fail_at(++n);
		st = ckpt_write(path, tensors, 1, NULL, 0);
		file_fail_at(0);
		assert_int_equal(test_count_files(dir), 1);
		assert_ok(ckpt_open(&c, path));
		assert_true(ckpt_count(c) == 1 || (st != TT_OK && ckpt_count(c) == N));
		ckpt_close(&c);
	} while (st != TT_OK);
	assert_true(n > 3);
}

static void memory_that_ends_leaks_nothing(void **state)
{
	const char *path = written();
	int64_t live = mem_live();
	struct ckpt *c = NULL;
	uint64_t n = 0;
	tt_status st;

	(void)state;
	do {
		mem_fail_at(++n, 1);
		st = ckpt_open(&c, path);
		mem_fail_at(0, 0);
		ckpt_close(&c);
		assert_int_equal(mem_live(), live);
	} while (st != TT_OK);
	assert_true(n > 2);
}

/* The format in ten lines of Python, and its own library where it is installed. */
static const char script[] =
	"import json, struct, sys\n"
	"raw = open(sys.argv[1], 'rb').read()\n"
	"size, = struct.unpack('<Q', raw[:8])\n"
	"head = json.loads(raw[8:8 + size])\n"
	"lo, hi = head['conv1.weight']['data_offsets']\n"
	"x = struct.unpack('<6f', raw[8 + size + lo:8 + size + hi])\n"
	"assert x[:3] == (1, -2, 0.5) and head['conv1.weight']['shape'] == [2, 3]\n"
	"assert head['__metadata__']['tutti.spec'].endswith('end')\n"
	"try:\n"
	"    from safetensors.numpy import load_file\n"
	"except ImportError:\n"
	"    sys.exit(0)\n"
	"t = load_file(sys.argv[1]) if not any(v.get('dtype') == 'BF16' for v in "
	"head.values()) else {}\n"
	"assert not t or t['mask'].tolist() == [1, 0, 255]\n";

static void python_reads_it(void **state)
{
	const char *dir = test_temp_dir(), *py = test_path(dir, "read.py");
	const char *path = test_path(dir, "a.safetensors");
	char command[1024];

	(void)state;
	if (system("python3 -c '' 2>/dev/null") != 0)
		test_skip("there is no python3");
	assert_ok(file_write_all(py, script, sizeof script - 1));
	assert_ok(ckpt_write(path, tensors, N, meta, 2));
	snprintf(command, sizeof command, "python3 '%s' '%s'", py, path);
	assert_int_equal(system(command), 0);
	assert_ok(ckpt_write(path, tensors, 2, meta, 2));
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(misaligned_data_is_copied),
		cmocka_unit_test(data_begins_at_a_multiple_of_eight),
		cmocka_unit_test(nothing_is_too_little),
		cmocka_unit_test(a_cut_file_is_refused),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(every_type_of_the_format_is_read),
		cmocka_unit_test(what_the_format_allows_is_read),
		cmocka_unit_test(many_names_cost_no_more_than_reading_them),
		cmocka_unit_test(a_file_that_shrinks_changes_nothing),
		cmocka_unit_test(a_header_of_absurd_size_is_refused),
		cmocka_unit_test(a_full_disk_leaves_a_whole_file),
		cmocka_unit_test(memory_that_ends_leaks_nothing),
		cmocka_unit_test(python_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
