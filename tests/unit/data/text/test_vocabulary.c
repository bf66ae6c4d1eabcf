/* Tokens are numbered, and text is made of them again; whatever the bytes are. */
#include "support/support.h"

#include <string.h>

#include "data/text/vocabulary.h"

static struct text_piece piece(const char *text)
{
	return (struct text_piece){ .p = text, .n = strlen(text), .name = "t.txt" };
}

static struct vocabulary built(enum token_kind k, const char *text, size_t most)
{
	const struct text_piece p = piece(text);
	struct vocabulary v;

	assert_ok(vocabulary_build(&v, k, &p, 1, most));
	assert_int_equal(v.kind, k);
	return v;
}

/* "the| cat" */
static void cut_into(enum token_kind k, const char *text, const char *want)
{
	char got[300] = "";
	const size_t all = strlen(text);

	for (size_t at = 0, n; at < all; at += n) {
		n = token_length(k, text + at, all - at);
		assert_in_range(n, 1, TOKEN_MAX);
		strncat(got, text + at, n);
		strcat(got, "|");
	}
	assert_string_equal(got, want);
}

static void tokens_end_where_they_should(void **state)
{
	(void)state;
	cut_into(TOKENS_CHARS, "h\xc3\xa9 \xf0\x9f\x8d\x8e", "h|\xc3\xa9| |\xf0\x9f\x8d\x8e|");
	cut_into(TOKENS_BYTES, "h\xc3\xa9", "h|\xc3|\xa9|");
	cut_into(TOKENS_WORDS, "The cat's  2nd h\xc3\xa9.\n ok ",
	         "The| cat|'|s| | 2|nd| h\xc3\xa9|.|\n| ok| |");
	cut_into(TOKENS_WORDS, "a,, (b", "a|,|,| (|b|");
}

static void what_is_no_utf8_is_told_by_place(void **state)
{
	static const char *const bad[] = { "ab\n\xc3", "ab\n\xff x", "ab\n\xc0\x80", "ab\n\xed\xa0\x80",
	                                   "ab\n\xf4\x90\x80\x80", "ab\n\xa9" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		for (int k = TOKENS_CHARS; k < TOKEN_KINDS; k++) {
			const struct text_piece p = piece(bad[i]);
			struct vocabulary v;

			if (k == TOKENS_BYTES)
				continue;
			assert_status(vocabulary_build(&v, k, &p, 1, 0), TT_EFORMAT);
			assert_error("t.txt: line 2, byte 3 is no UTF-8");
			assert_error("tokens=bytes");
		}
}

static void long_words_are_cut_between_characters(void **state)
{
	char text[301];

	(void)state;
	for (int i = 0; i < 300; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	assert_int_equal(token_length(TOKENS_WORDS, text, 300), 63);
}

static void names_are_the_bytes_again(void **state)
{
	(void)state;
	for (int letters = NAME_UTF8; letters <= NAME_ASCII; letters++)
		for (int i = 0; i < 256; i++) {
			const char bytes[3] = { (char)i, '\\', (char)(255 - i) };
			struct str name = {0};
			char back[16];

			token_name(bytes, 3, letters, &name);
			assert_null(strpbrk(name.p, "\n\t\r"));
			assert_int_equal(token_unname(name.p, back), 3);
			assert_memory_equal(back, bytes, 3);
			str_release(&name);
		}
}

static void the_most_frequent_come_first(void **state)
{
	struct vocabulary v = built(TOKENS_CHARS, "banana\\n\n", 0);
	static const char *const want[] = { "<unk>", "a", "n", "\\n", "\\\\", "b" };

	(void)state;
	assert_int_equal(v.n, 6);
	assert_int_equal(v.unknown, 0);
	for (int i = 0; i < 6; i++)
		assert_string_equal(v.name[i], want[i]);
	vocabulary_release(&v);
	v = built(TOKENS_CHARS, "banana", 3);
	assert_int_equal(v.n, 3);
	assert_string_equal(v.name[2], "n");
	vocabulary_release(&v);
}

/* From its names alone, as a checkpoint has them. */
static void names_are_all_there_is_to_it(void **state)
{
	static const char text[] = "It's 10 \xe2\x82\xac, isn't it?\n\tYes <unk> \\n.";

	(void)state;
	for (int k = 0; k < TOKEN_KINDS; k++) {
		struct vocabulary v = built(k, text, 0), again;
		struct encoding a = {0}, b = {0};
		const struct text_piece p = piece(text);
		char back[100];
		size_t n = 0;

		assert_ok(vocabulary_take(&again, &(struct vocabulary_known){ v.name, v.n, NULL }));
		assert_int_equal(again.kind, k);
		assert_ok(vocabulary_encode(&v, &p, &a));
		assert_ok(vocabulary_encode(&again, &p, &b));
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.id, b.id, a.n * sizeof *a.id);
		assert_int_equal(a.unknown, 0);
		for (size_t i = 0; i < b.n; i++)
			n += token_unname(again.name[b.id[i]], back + n);
		assert_int_equal(n, p.n);
		assert_memory_equal(back, text, n);
		encoding_release(&a);
		encoding_release(&b);
		vocabulary_release(&v);
		vocabulary_release(&again);
	}
}

static void what_was_never_seen_is_counted(void **state)
{
	struct vocabulary v = built(TOKENS_CHARS, "abc", 0);
	const struct text_piece p = { &"xxaz\tc"[2], 4, 2, "t.txt" };
	struct encoding e = {0};

	(void)state;
	assert_ok(vocabulary_encode(&v, &p, &e));
	assert_int_equal(e.n, 4);
	assert_int_equal(e.unknown, 2);
	assert_int_equal(e.id[1], 0);
	assert_string_equal(e.first.p, "'z' in t.txt, byte 3");
	encoding_release(&e);
	vocabulary_release(&v);
	assert_ok(vocabulary_take(&v, &(struct vocabulary_known){
		(const char *const[]){ "a", "b" }, 2, NULL }));
	assert_status(vocabulary_encode(&v, &p, &e), TT_EFORMAT);
	assert_error("no token of the vocabulary");
	encoding_release(&e);
	vocabulary_release(&v);
}

static void files_of_tokens(void **state)
{
	static const struct { const char *text, *says; size_t n; } bad[] = {
		{ "a\nb\na\n", "'a' twice", 6 }, { "a\n\nb\n", "token 1", 5 }, { "a\nb\0c\n", "line 2", 6 },
		{ "\\x61\na", "twice", 6 }, { "<unk>\n<unk>", "twice", 11 },
	};
	struct text_piece p = piece("the\r\n cat\r\n\\n");
	struct vocabulary v;

	(void)state;
	assert_ok(vocabulary_parse(&v, &p));
	assert_int_equal(v.n, 4);
	assert_int_equal(v.unknown, 3);
	assert_int_equal(v.kind, TOKENS_WORDS);
	assert_string_equal(v.name[1], " cat");
	vocabulary_release(&v);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		p = (struct text_piece){ bad[i].text, bad[i].n, 0, "v.txt" };
		assert_status(vocabulary_parse(&v, &p), TT_EFORMAT);
		assert_error("v.txt");
		assert_error(bad[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_end_where_they_should),
		cmocka_unit_test(what_is_no_utf8_is_told_by_place),
		cmocka_unit_test(long_words_are_cut_between_characters),
		cmocka_unit_test(names_are_the_bytes_again),
		cmocka_unit_test(the_most_frequent_come_first),
		cmocka_unit_test(names_are_all_there_is_to_it),
		cmocka_unit_test(what_was_never_seen_is_counted),
		cmocka_unit_test(files_of_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
