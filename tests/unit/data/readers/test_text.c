/* text: -- samples one after the other, what follows each token, and whose vocabulary. */
#include "support/support.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/readers/registry.h"

static char uri[1200];

static const char *text_at(const char *dir, const char *name, const char *text)
{
	const char *path = test_path(dir, name);

	assert_ok(file_write_all(path, text, strlen(text)));
	return path;
}

static tt_source *opened(const char *path, const char *settings, const struct known_columns *known)
{
	tt_source *s;

	snprintf(uri, sizeof uri, "text:%s%s", path, settings);
	assert_ok(source_open_for(&s, uri, known));
	return s;
}

static void refused(const char *path, const char *settings, tt_status want, const char *says)
{
	tt_source *s = NULL;

	snprintf(uri, sizeof uri, "text:%s%s", path, settings);
	assert_status(source_open_for(&s, uri, NULL), want);
	assert_null(s);
	assert_error(says);
}

/* Sample i as text: "[the][he ]" */
static const char *shown(const tt_source *s, int64_t i)
{
	static char out[500];
	const tt_schema *d = tt_source_schema(s);
	int32_t id[2][64];
	int64_t rows[2];
	struct cells cells[2] = { { id[0], sizeof id[0], 0, &rows[0] },
	                          { id[1], sizeof id[1], 0, &rows[1] } };

	assert_ok(source_reader(s)->ops->read(source_reader(s), i, 1, cells));
	out[0] = '\0';
	for (int c = 0; c < 2; c++) {
		strcat(out, "[");
		for (int64_t k = 0; k < rows[c]; k++)
			strcat(out, d->class_names[id[c][k]]);
		strcat(out, "]");
	}
	return out;
}

static void samples_follow_one_another(void **state)
{
	tt_source *s = opened(text_at(test_temp_dir(), "a.txt", "the cat"), "?length=3", NULL);

	(void)state;
	assert_int_equal(tt_source_describe(s)->count, 2);
	assert_int_equal(tt_source_describe(s)->target, TT_TARGET_PLACES);
	assert_string_equal(shown(s, 0), "[the][he ]");
	assert_string_equal(shown(s, 1), "[ ca][cat]");
	tt_source_close(&s);
	s = opened(text_at(test_temp_dir(), "a.txt", "the cats"), "?length=3", NULL);
	assert_int_equal(tt_source_describe(s)->count, 3);
	assert_string_equal(shown(s, 2), "[t][s]");
	tt_source_close(&s);
}

static void a_folder_is_one_text(void **state)
{
	const char *dir = test_temp_dir();
	char sub[300], link[300];
	tt_source *s;

	(void)state;
	snprintf(sub, sizeof sub, "%s/b", dir);
	snprintf(link, sizeof link, "%s/d", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	text_at(sub, "x", "\xef\xbb\xbf" "cd");
	text_at(dir, "c", "ef");
	text_at(dir, "a", "ab");
	text_at(dir, ".h", "no");
	assert_int_equal(symlink("a", link), 0);
	s = opened(dir, "?length=9", NULL);
	assert_string_equal(shown(s, 0), "[abcde][bcdef]");
	assert_string_equal(tt_source_describe(s)->left_out, "1 link; 1 hidden file");
	tt_source_close(&s);
}

static void the_vocabulary_is_that_of_the_training_part(void **state)
{
	const char *path = text_at(test_temp_dir(), "a.txt", "aabbaabbzz");
	tt_source *train = opened(path, "?holdout=0.2", NULL);
	tt_source *test = opened(path, "?holdout=0.2&split=test", NULL);

	(void)state;
	assert_int_equal(tt_source_describe(train)->classes, 3);
	assert_int_equal(tt_source_describe(test)->classes, 3);
	assert_null(tt_source_describe(train)->left_out);
	assert_contains(tt_source_describe(test)->left_out,
	                "2 tokens that the vocabulary does not have (<unk>), the first: 'z'");
	assert_contains(tt_source_describe(test)->left_out, "byte 8");
	assert_string_equal(shown(test, 0), "[<unk>][<unk>]");
	tt_source_close(&train);
	tt_source_close(&test);
}

static void a_models_vocabulary_comes_first(void **state)
{
	static const char *const names[] = { "c", "<unk>", "a" };
	const struct known_columns known = { .class_names = names, .classes = 3 };
	const char *path = text_at(test_temp_dir(), "a.txt", "abca");
	tt_source *s = opened(path, "", &known);

	(void)state;
	assert_int_equal(tt_source_describe(s)->classes, 3);
	assert_string_equal(shown(s, 0), "[a<unk>c][<unk>ca]");
	tt_source_close(&s);
	snprintf(uri, sizeof uri, "text:%s?tokens=words", path);
	assert_status(source_open_for(&s, uri, &known), TT_EINVAL);
	assert_error("holds chars");
}

static void a_file_gives_the_vocabulary(void **state)
{
	const char *dir = test_temp_dir();
	char settings[400];
	tt_source *s;

	(void)state;
	snprintf(settings, sizeof settings, "?vocab=%s", text_at(dir, "v", "the\n cat\n"));
	s = opened(text_at(dir, "a.txt", "the dog cat"), settings, NULL);
	assert_string_equal(shown(s, 0), "[the<unk>][<unk> cat]");
	tt_source_close(&s);
}

static void what_is_no_text_is_refused(void **state)
{
	const char *dir = test_temp_dir();
	char empty[300];

	(void)state;
	snprintf(empty, sizeof empty, "%s/none", dir);
	assert_int_equal(mkdir(empty, 0700), 0);
	refused("/nowhere.txt", "", TT_ENOENT, "/nowhere.txt");
	refused(empty, "", TT_EFORMAT, "no text there");
	refused(text_at(dir, "0", ""), "", TT_EFORMAT, "no text there");
	refused(text_at(dir, "1", "x"), "", TT_EINVAL, "a sample needs two");
	refused(text_at(dir, "2", "some text"), "?split=test", TT_EINVAL, "set holdout=");
	refused(text_at(dir, "3", "a\nb\xff"), "", TT_EFORMAT, "line 2, byte 3");
	refused(text_at(dir, "4", "some"), "?vocab=/nowhere", TT_ENOENT, "/nowhere");
	refused(text_at(dir, "5", "some"), "?length=0", TT_ESPEC, "length");
	refused(text_at(dir, "6", "some"), "?tokens=char", TT_ESPEC, "chars");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_follow_one_another),
		cmocka_unit_test(a_folder_is_one_text),
		cmocka_unit_test(the_vocabulary_is_that_of_the_training_part),
		cmocka_unit_test(a_models_vocabulary_comes_first),
		cmocka_unit_test(a_file_gives_the_vocabulary),
		cmocka_unit_test(what_is_no_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
