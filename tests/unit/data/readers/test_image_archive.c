/* Where pictures lie, in folders and archives: splits, classes, what is left out. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/file.h"
#include "base/mem.h"
#include "data/image/image.h"
#include "data/reader.h"
#include "data/readers/image_archive.h"

#define PACK_MAX ((size_t)1 << 20)

static struct image_archive m;
static struct str png;

static void make_picture(void)
{
	if (!png.len)
		assert_ok(image_encode_png((const uint8_t[]){ 7 }, 1, 1, 1, &png));
}

static void write_file(const char *dir, const char *name)
{
	char path[800];

	make_picture();
	snprintf(path, sizeof path, "%s/%s", dir, name);
	*strrchr(path, '/') = '\0';
	assert_ok(file_mkdirs(path));
	path[strlen(path)] = '/';
	assert_ok(file_write_all(path, png.p, png.len));
}

/* A new folder of such files. */
static const char *make_folder(const char *const *names)
{
	const char *dir = test_temp_dir();

	for (int i = 0; names[i]; i++)
		write_file(dir, names[i]);
	return dir;
}

struct member_data { const char *name; const void *p; size_t n; };

static void add_member(struct archive *a, const struct member_data *d)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, d->name);
	archive_entry_set_size(e, (la_int64_t)d->n);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	assert_true(archive_write_header(a, e) >= ARCHIVE_WARN);
	assert_int_equal(archive_write_data(a, d->p, d->n), d->n);
	archive_entry_free(e);
}

/* "zip", "tar", or a zip with a password ("secret"), of such files; d overrides names. */
static struct bytes make_pack(const char *kind, const char *const *names,
                              const struct member_data *d)
{
	static uint8_t pack[PACK_MAX];
	struct archive *a = archive_write_new();
	size_t used = 0;

	make_picture();
	if (strcmp(kind, "tar") == 0)
		archive_write_set_format_pax_restricted(a);
	else
		archive_write_set_format_zip(a);
	if (strcmp(kind, "secret") == 0) {
		assert_int_equal(archive_write_set_options(a, "zip:encryption=traditional"), ARCHIVE_OK);
		archive_write_set_passphrase(a, "word");
	}
	assert_int_equal(archive_write_open_memory(a, pack, sizeof pack, &used), ARCHIVE_OK);
	for (int i = 0; names && names[i]; i++)
		add_member(a, &(struct member_data){ names[i], png.p, png.len });
	if (d)
		add_member(a, d);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return (struct bytes){ pack, used, kind };
}

/* "class/folder/file class/file ...", in the order of samples. */
static const char *listed(void)
{
	static char text[1000];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < m.n; i++) {
		assert_string_equal(m.class_names[m.v[i].label], m.v[i].class_name);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s/%s%s%s", i ? " " : "",
		                      m.v[i].class_name, m.v[i].folder, m.v[i].folder[0] ? "/" : "",
		                      m.v[i].file);
	}
	return text;
}

static tt_status open_folder(const char *dir, enum split split)
{
	image_archive_release(&m);
	return image_archive_open(&m, dir, split);
}

static tt_status open_pack(const char *kind, const char *const *names, enum split split)
{
	const struct bytes in = make_pack(kind, names, NULL);

	image_archive_release(&m);
	return image_archive_parse(&m, &in, split);
}

/* The same samples from a folder, a tar and a zip. */
static void all_hold(const char *const *names, enum split split, const char *want)
{
	assert_ok(open_folder(make_folder(names), split));
	assert_string_equal(listed(), want);
	assert_ok(open_pack("tar", names, split));
	assert_string_equal(listed(), want);
	assert_ok(open_pack("zip", names, split));
	assert_string_equal(listed(), want);
}

static const char *left_out(void)
{
	static struct str text;

	str_release(&text);
	image_archive_tell(&m, &text);
	return text.len ? text.p : "";
}

/* ---- splits and classes ---- */

static void classes_may_be_called_like_splits(void **state)
{
	static const char *const flat[] = { "car/1.png", "train/2.png", "test/3.png", "val/4.png",
	                                    NULL };
	static const char *const both[] = { "train/train/1.png", "train/test/2.png", "train/car/3.png",
	                                    "test/train/4.png", "test/valid/5.png", NULL };

	(void)state;
	all_hold(flat, SPLIT_TRAIN, "car/1.png test/3.png train/2.png val/4.png");
	all_hold(both, SPLIT_TRAIN, "car/3.png test/2.png train/1.png");
	all_hold(both, SPLIT_TEST, "train/4.png valid/5.png");
	all_hold(both, SPLIT_NONE, "test/train/4.png test/valid/5.png train/car/3.png "
	                           "train/test/2.png train/train/1.png");
}

/* As torchvision's ImageFolder orders them: a folder's own files, then those of folders in it. */
static void pictures_may_lie_deeper(void **state)
{
	static const char *const names[] = {
		"cat/z.png", "cat/persian/b.png", "cat/persian/a.png", "cat/persian-blue/c.png",
		"cat/persian/old/d.png", "dog/1/2/3/4/e.png", "ant/f.png", NULL
	};
	static const char *const split[] = { "train/cat/old/1.png", "train/dog/2.png", NULL };

	(void)state;
	all_hold(names, SPLIT_TRAIN, "ant/f.png cat/z.png cat/persian/a.png cat/persian/b.png "
	         "cat/persian-blue/c.png cat/persian/old/d.png dog/1/2/3/4/e.png");
	all_hold(split, SPLIT_TRAIN, "cat/old/1.png dog/2.png");
}

static void splits_are_found_however_they_are_written(void **state)
{
	static const char *const names[] = { "Train/a/1.png", "VALID/b/2.png", "Testing/c/3.png",
	                                     NULL };
	static const char *const twice[] = { "train/a/1.png", "val/b/2.png", "Valid/c/3.png", NULL };

	(void)state;
	all_hold(names, SPLIT_TRAIN, "a/1.png");
	all_hold(names, SPLIT_VAL, "b/2.png");
	all_hold(names, SPLIT_TEST, "c/3.png");
	assert_status(open_folder(make_folder(twice), SPLIT_VAL), TT_EFORMAT);
	assert_error("split=none");
	assert_status(open_pack("tar", twice, SPLIT_VAL), TT_EFORMAT);
	assert_error("val/ and Valid/ are there");
}

static void a_split_that_is_missing_is_told_with_those_that_are_there(void **state)
{
	static const char *const names[] = { "Train/a/1.png", "val/b/2.png", NULL };

	(void)state;
	assert_status(open_folder(make_folder(names), SPLIT_TEST), TT_ENOENT);
	assert_error("no folder test/ of classes in it, but Train/ and val/");
	assert_status(open_pack("zip", names, SPLIT_TEST), TT_ENOENT);
	assert_error("no folder test/ of classes in it, but Train/ and val/");
}

/* Whoever packs a folder packs its name. */
static void an_archive_may_begin_with_a_folder(void **state)
{
	static const char *const names[] = { "./set/a/1.png", "set//b/2.png", NULL };
	static const char *const splits[] = { "set/train/a/1.png", "set/test/b/2.png", NULL };

	(void)state;
	assert_ok(open_pack("tar", names, SPLIT_TRAIN));
	assert_string_equal(listed(), "a/1.png b/2.png");
	assert_ok(open_pack("zip", splits, SPLIT_TEST));
	assert_string_equal(listed(), "b/2.png");
}

/* ---- what is left out ---- */

static void what_is_left_out_is_counted_by_reason(void **state)
{
	static const char *const names[] = {
		"train/a/1.png", "train/a/notes.txt", "train/a/more.txt", "train/b/2.png",
		"train/b/._2.png", "train/.git/x.png", "train/loose.png", "extra/c/3.png", "README.md", NULL
	};
	const char *dir = make_folder(names);

	(void)state;
	assert_int_equal(mkfifo(test_path(dir, "train/a/pipe.png"), 0600), 0);
	assert_int_equal(symlink("/nowhere/x.png", test_path(dir, "train/a/gone.png")), 0);
	assert_int_equal(symlink("/dev/zero", test_path(dir, "train/b/zero.png")), 0);
	assert_int_equal(symlink("..", test_path(dir, "train/b/round")), 0);
	assert_int_equal(symlink("../../extra/c", test_path(dir, "train/b/more")), 0);
	assert_ok(open_folder(dir, SPLIT_TRAIN));
	assert_string_equal(listed(), "a/1.png b/2.png b/more/3.png");
	assert_non_null(strstr(left_out(), "3 files that are not named as images ("));
	assert_non_null(strstr(left_out(), "2 hidden files or folders ("));
	assert_non_null(strstr(left_out(), "2 that are no regular files ("));
	assert_non_null(strstr(left_out(), "1 link to nothing ("));
	assert_non_null(strstr(left_out(), "train/a/gone.png)"));
	assert_non_null(strstr(left_out(), "1 folder too deep or in itself ("));
	assert_non_null(strstr(left_out(), "2 outside of the folders of classes ("));
	assert_null(strchr(left_out(), '\n'));
	assert_ok(open_pack("zip", names, SPLIT_TRAIN));
	assert_string_equal(listed(), "a/1.png b/2.png");
	assert_string_equal(left_out(), "3 files that are not named as images (train/a/notes.txt, "
	                    "...), 2 hidden files or folders (train/b/._2.png, ...), "
	                    "2 outside of the folders of classes (train/loose.png, ...)");
}

static void a_name_that_leads_out_of_an_archive_is_left_out(void **state)
{
	static const char *const names[] = {
		"a/1.png", "b/2.png", "/a/3.png", "../a/4.png", "a/../b/5.png", "/etc/../..", "b/..6.png",
		NULL
	};
	static const char *const kinds[] = { "zip", "tar" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_ok(open_pack(kinds[i], names, SPLIT_NONE));
		assert_string_equal(listed(), "a/1.png b/2.png");
		assert_non_null(strstr(left_out(), "4 whose names lead out of the archive ("));
		assert_non_null(strstr(left_out(), "1 hidden file or folder (b/..6.png)"));
	}
}

static void a_source_says_what_it_leaves_out(void **state)
{
	static const char *const names[] = { "a/1.png", "b/2.png", "b/x.mat", NULL };
	char uri[800];
	tt_source *s;

	(void)state;
	for (int resident = 0; resident < 2; resident++) {
		snprintf(uri, sizeof uri, "images:%s%s", make_folder(names),
		         resident ? "" : "?resident=no");
		assert_ok(tt_source_open(&s, uri));
		assert_non_null(strstr(tt_source_describe(s)->left_out,
		                       "1 file that is not named as an image ("));
		tt_source_close(&s);
	}
	assert_ok(tt_source_open(&s, "synth:objects?count=4"));
	assert_null(tt_source_describe(s)->left_out);
	tt_source_close(&s);
}

static void nothing_but_what_is_left_out_is_told(void **state)
{
	(void)state;
	assert_status(open_pack("zip", (const char *const[]){ "a/1.txt", "2.png", NULL }, SPLIT_TRAIN),
	              TT_EFORMAT);
	assert_error("no folder of images (" IMAGE_FORMATS ") in it; left out: 1 file that is not "
	             "named as an image (a/1.txt), 1 outside of the folders of classes (2.png)");
}

static void what_is_no_file_is_not_waited_for(void **state)
{
	const char *pipe = test_path(test_temp_dir(), "pipe.tar");

	(void)state;
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_status(open_folder(pipe, SPLIT_TRAIN), TT_EFORMAT);
	assert_error("neither a folder nor a regular file");
}

/* ---- zip ---- */

static void names_of_any_language_are_read(void **state)
{
	static const char *const names[] = { "m\xc3\xb6we/\xe9\xb3\xa5.png", "z/1.png", NULL };

	(void)state;
	all_hold(names, SPLIT_TRAIN, "m\xc3\xb6we/\xe9\xb3\xa5.png z/1.png");
}

static void secrets_are_told(void **state)
{
	(void)state;
	assert_status(open_pack("secret", (const char *const[]){ "a/1.png", NULL }, SPLIT_TRAIN),
	              TT_EFORMAT);
	assert_error("a/1.png is encrypted");
}

/* 200 kB that unpack to 128 MB. */
static void bombs_are_refused_before_they_are_whole(void **state)
{
	const size_t n = (size_t)128 << 20;
	void *zeros = calloc(1, n);
	struct bytes in;

	(void)state;
	assert_non_null(zeros);
	in = make_pack("zip", NULL, &(struct member_data){ "a/1.png", zeros, n });
	free(zeros);
	image_archive_release(&m);
	assert_status(image_archive_parse(&m, &in, SPLIT_TRAIN), TT_EFORMAT);
	assert_error("unpacks to more than 250 times its size");
	assert_true(m.blob_cap <= (size_t)1 << 20);
}

static void cut_zips_are_refused(void **state)
{
	static const char *const names[] = { "a/1.png", "b/2.png", NULL };
	struct bytes in = make_pack("zip", names, NULL);
	const size_t whole = in.n;

	(void)state;
	for (in.n = 0; in.n < whole; in.n++) {
		image_archive_release(&m);
		if (image_archive_parse(&m, &in, SPLIT_TRAIN) == TT_OK)
			assert_int_equal(m.n, 2);               /* the directory at its end was cut off */
		else
			assert_error("zip: ");
	}
	image_archive_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_may_be_called_like_splits),
		cmocka_unit_test(pictures_may_lie_deeper),
		cmocka_unit_test(splits_are_found_however_they_are_written),
		cmocka_unit_test(a_split_that_is_missing_is_told_with_those_that_are_there),
		cmocka_unit_test(an_archive_may_begin_with_a_folder),
		cmocka_unit_test(what_is_left_out_is_counted_by_reason),
		cmocka_unit_test(a_name_that_leads_out_of_an_archive_is_left_out),
		cmocka_unit_test(a_source_says_what_it_leaves_out),
		cmocka_unit_test(nothing_but_what_is_left_out_is_told),
		cmocka_unit_test(what_is_no_file_is_not_waited_for),
		cmocka_unit_test(names_of_any_language_are_read),
		cmocka_unit_test(secrets_are_told),
		cmocka_unit_test(bombs_are_refused_before_they_are_whole),
		cmocka_unit_test(cut_zips_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
