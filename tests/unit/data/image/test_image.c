#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/image/image.h"

static struct str png;

static struct bytes encode(const uint8_t *chw, int channels, int h, int w)
{
	str_release(&png);
	assert_ok(image_encode_png(chw, channels, h, w, &png));
	return (struct bytes){ (uint8_t *)png.p, png.len, "x.png" };
}

static void noise(uint8_t *p, size_t n)
{
	struct rng r;

	rng_init(&r, rng_key(1, RNG_TEST), 0, 0);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng_u32(&r);
}

static tt_status decode(const struct bytes *in, int channels, int h, int w, uint8_t *out)
{
	return image_decode(in, &(struct image_want){ .channels = channels, .h = h, .w = w }, out);
}

static void png_comes_back_exactly(void **state)
{
	uint8_t in[3 * 5 * 7], out[3 * 5 * 7];
	int h, w;

	(void)state;
	noise(in, sizeof in);
	for (int channels = 1; channels <= 3; channels += 2) {
		struct bytes file = encode(in, channels, 5, 7);

		assert_ok(image_probe(&file, IMAGE_AS_STORED, &h, &w));
		assert_int_equal(h, 5);
		assert_int_equal(w, 7);
		assert_ok(decode(&file, channels, 5, 7, out));
		assert_memory_equal(in, out, (size_t)channels * 35);
	}
	struct bytes gray = encode(in, 1, 5, 7);
	assert_ok(decode(&gray, 3, 5, 7, out));
	assert_memory_equal(in, out + 70, 35);
	str_release(&png);
}

static void gray_is_luma(void **state)
{
	const uint8_t in[6] = { 255, 10, 0, 200, 0, 30 };       /* red (255,0,0), then (10,200,30) */
	uint8_t out[2];
	struct bytes file = encode(in, 3, 1, 2);

	(void)state;
	assert_ok(decode(&file, 1, 1, 2, out));
	assert_int_equal(out[0], 76);
	assert_int_equal(out[1], 124);                           /* 2.99 + 117.4 + 3.42 */
	str_release(&png);
}

static void shrinking_averages_and_growing_interpolates(void **state)
{
	uint8_t in[8 * 8], out[16 * 16];
	struct bytes file;

	(void)state;
	for (int i = 0; i < 64; i++)
		in[i] = (i / 8 + i % 8) % 2 ? 200 : 100;             /* a checkerboard */
	file = encode(in, 1, 8, 8);
	assert_ok(decode(&file, 1, 2, 2, out));
	for (int i = 0; i < 4; i++)
		assert_in_range(out[i], 148, 152);
	for (int i = 0; i < 64; i++)
		in[i] = (uint8_t)(i % 8 * 20);                       /* a ramp to the right */
	file = encode(in, 1, 8, 8);
	assert_ok(decode(&file, 1, 16, 16, out));
	for (int x = 1; x < 15; x++)
		assert_in_range(out[x], x * 10 - 6, x * 10 - 4);     /* 20 * ((x + 1/2) / 2 - 1/2) */
	assert_ok(decode(&file, 1, 1, 8, out));
	assert_memory_equal(out, in, 8);
	str_release(&png);
}

static void damage_is_named(void **state)
{
	static uint8_t in[3 * 40 * 40], out[3 * 40 * 40];
	int h, w;

	(void)state;
	noise(in, sizeof in);
	struct bytes file = encode(in, 3, 40, 40);
	size_t whole = file.n;
	for (file.n = 0; file.n < whole - 12; file.n += 61) {    /* without IEND all is there */
		assert_status(decode(&file, 3, 40, 40, out), TT_EFORMAT);
		assert_error("x.png: ");
	}
	file.n = whole;
	((uint8_t *)png.p)[whole / 2] ^= 0x10;
	assert_status(decode(&file, 3, 40, 40, out), TT_EFORMAT);
	assert_error("x.png: damaged PNG");
	struct bytes text = { (const uint8_t *)"GIF90a......", 12, "x.gif" };
	assert_status(image_probe(&text, IMAGE_AS_STORED, &h, &w), TT_EFORMAT);
	assert_error("x.gif: no image (" IMAGE_FORMATS "; 12 bytes)");
	str_release(&png);
}

/* A header that promises 30,000 x 30,000 pixels is no reason to allocate them. */
static void bombs_are_refused_by_their_header(void **state)
{
	uint8_t in[4] = {0};
	struct bytes file = encode(in, 1, 2, 2);
	static const uint8_t huge[] = { 0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30 };
	uint8_t out[4];

	(void)state;
	memcpy(png.p + 16, huge, 8);
	/* the checksum of IHDR with these sizes */
	uint32_t crc = 0xffffffff;
	for (int i = 12; i < 29; i++) {
		crc ^= (uint8_t)png.p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		png.p[29 + i] = (char)(crc >> (24 - 8 * i));
	uint64_t before = mem_count();
	assert_status(decode(&file, 1, 2, 2, out), TT_EFORMAT);
	assert_error("30000 x 30000 pixels is too large");
	assert_int_equal(mem_count(), before);
	str_release(&png);
}

/* The directory of a picture in three planes that says where one of them lies: the others must not
 * be made of the file's head. */
static void a_plane_that_lies_nowhere_is_refused(void **state)
{
	static const uint8_t offsets[] = { 0x11, 1, 4, 0, 3, 0, 0, 0 };        /* tag, type, count */
	uint8_t out[3 * 4 * 4], *at;
	struct bytes file = { .name = "planes.tif" };
	char *bytes;

	(void)state;
	assert_ok(file_read_all(test_source("tests/fuzz/corpus/fuzz_images/tiff-planes.tif"), 1 << 20,
	                        &bytes, &file.n));
	file.p = (uint8_t *)bytes;
	if (decode(&file, 3, 4, 4, out) == TT_OK) {
		uint32_t list;

		assert_non_null(at = memmem(bytes, file.n, offsets, sizeof offsets));
		memcpy(&list, at + 8, sizeof list);
		memcpy(at + 8, bytes + list, sizeof list);      /* one stands where a list would be named */
		at[4] = 1;
		assert_status(decode(&file, 3, 4, 4, out), TT_EFORMAT);
		assert_error("lies outside of the file");
	} else {
		assert_error("TIFF");                   /* built without it */
	}
	mem_free(bytes);
}

static void files_are_loaded(void **state)
{
	const char *path = test_path(test_temp_dir(), "x.png");
	const struct image_want want = { .channels = 1, .h = 3, .w = 3 };
	uint8_t in[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, out[9];
	struct bytes file = encode(in, 1, 3, 3);

	(void)state;
	assert_ok(file_write_all(path, file.p, file.n));
	assert_ok(image_load(path, &want, out));
	assert_memory_equal(in, out, 9);
	assert_status(image_load("/nowhere/x.png", &want, out), TT_ENOENT);
	assert_error("/nowhere/x.png");
	str_release(&png);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(png_comes_back_exactly),
		cmocka_unit_test(gray_is_luma),
		cmocka_unit_test(shrinking_averages_and_growing_interpolates),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(bombs_are_refused_by_their_header),
		cmocka_unit_test(a_plane_that_lies_nowhere_is_refused),
		cmocka_unit_test(files_are_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
