/* Tokenizers of Hugging Face give the numbers that its own package gives (tests/golden/
 * tokenizers.json, by tools/golden/subwords.py), and those that lie or want what we lack are
 * refused. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/node/node.h"
#include "data/text/vocabulary.h"

static struct arena arena;
static const struct node *golden;

static int read_golden(void **state)
{
	char *text;
	size_t n;
	struct node *root;

	(void)state;
	assert_ok(file_read_all(test_source("tests/golden/tokenizers.json"), 0, &text, &n));
	assert_ok(node_parse_json(&arena, "tokenizers.json", text, n, &root));
	mem_free(text);
	golden = root;
	return 0;
}

static int forget_golden(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct text_piece piece(const char *text)
{
	return (struct text_piece){ .p = text, .n = strlen(text), .name = "t.txt" };
}

static const struct node *case_of(const char *name)
{
	const struct node *c = node_get(golden, "cases")->child;

	while (strcmp(node_get(c, "name")->text, name) != 0)
		c = c->next;
	return node_get(c, "tokenizer");
}

/* ---- numbers ---- */

static void check_ids(const struct tokenizer *t, const char *text, const struct node *want)
{
	const struct text_piece p = piece(text);
	struct encoding e = {0};
	const struct node *id = want->child;

	assert_ok(tokenizer_encode(t, &p, &e));
	assert_int_equal(e.n, node_count(want));
	for (size_t i = 0; i < e.n; i++, id = id->next)
		assert_int_equal(e.id[i], atoi(id->text));
	encoding_release(&e);
}

static void numbers_are_those_of_its_own_package(void **state)
{
	int cases = 0;

	(void)state;
	for (const struct node *c = node_get(golden, "cases")->child; c; c = c->next, cases++) {
		const struct node *text = node_get(golden, "texts")->child;
		struct tokenizer *t;

		print_message("  %s\n", node_get(c, "name")->text);
		assert_ok(tokenizer_read(&t, node_get(c, "tokenizer")));
		for (const struct node *ids = node_get(c, "ids")->child; ids; ids = ids->next) {
			check_ids(t, text->text, ids);
			text = text->next;
		}
		assert_null(text);
		tokenizer_free(t);
	}
	assert_int_equal(cases, 20);
}

/* The corpus as texts, and as many tokens: the same merges in the same order. */
static void training_finds_what_its_own_trainer_finds(void **state)
{
	const struct node *corpus = node_get(golden, "corpus"), *theirs, *ours;
	struct text_piece text[64];
	struct vocabulary v;
	struct node *root;
	struct str a = {0}, b = {0};
	size_t n = 0;

	(void)state;
	for (const struct node *c = corpus->child; c; c = c->next)
		text[n++] = piece(c->text);
	theirs = node_get(node_get(case_of("trained"), "model"), "merges");
	assert_ok(vocabulary_build(&v, TOKENS_BPE, text, n, 256 + node_count(theirs)));
	assert_ok(node_parse_json(&arena, "ours", v.recipe, strlen(v.recipe), &root));
	ours = node_get(node_get(node_get(root, "tokenizer"), "model"), "merges");
	node_write_json(theirs, &a);
	node_write_json(ours, &b);
	assert_string_equal(b.p, a.p);
	str_release(&a);
	str_release(&b);
	vocabulary_release(&v);
}

/* ---- bytes ---- */

static void any_bytes_come_back(void **state)
{
	static const char text[] = "the caf\xc3\xa9 \xff\xfe\xc3 the\0the \xed\xa0\x80\xf0\x9f\x8d"
	                           "\n\n  x";
	const struct text_piece p = { text, sizeof text - 1, 0, "t.txt" };
	struct vocabulary v, again;
	struct encoding e = {0}, f = {0};
	char back[100];
	size_t n = 0, k;

	(void)state;
	assert_ok(vocabulary_build(&v, TOKENS_BPE, &p, 1, 260));
	assert_in_range(v.n, 257, 260);
	assert_ok(vocabulary_take(&again, &(struct vocabulary_known){ v.name, v.n, v.recipe }));
	assert_string_equal(again.recipe, v.recipe);
	assert_ok(vocabulary_encode(&v, &p, &e));
	assert_ok(vocabulary_encode(&again, &p, &f));
	assert_in_range(e.n, 1, p.n - 1);
	assert_int_equal(e.n, f.n);
	assert_memory_equal(e.id, f.id, e.n * sizeof *e.id);
	for (size_t i = 0; i < e.n; i++) {
		const char *t = vocabulary_text(&again, e.id[i], &k);

		memcpy(back + n, t, k);
		n += k;
	}
	assert_int_equal(n, p.n);
	assert_memory_equal(back, text, n);
	encoding_release(&e);
	encoding_release(&f);
	vocabulary_release(&v);
	vocabulary_release(&again);
	assert_status(vocabulary_build(&v, TOKENS_BPE, &p, 1, 255), TT_EINVAL);
	assert_error("255 tokens are too few");
}

/* Where the model sees characters, bytes that are none cannot be said. */
static void what_is_no_utf8_is_told_by_place(void **state)
{
	const struct text_piece p = piece("ab \xff");
	struct encoding e = {0};
	struct tokenizer *t;

	(void)state;
	assert_ok(tokenizer_read(&t, case_of("bert")));
	assert_status(tokenizer_encode(t, &p, &e), TT_EFORMAT);
	assert_error("t.txt: line 1, byte 3 is no UTF-8");
	encoding_release(&e);
	tokenizer_free(t);
}

/* A megabyte without a blank is one piece: merging it must not cost its square. */
static void a_long_piece_costs_no_square(void **state)
{
	const size_t n = 1 << 20;
	struct text_piece p = { .n = n, .name = "long" };
	struct encoding e = {0};
	struct tokenizer *t;
	char *text = mem_alloc(n);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		text[i] = "thelibrary"[i % 10];
	p.p = text;
	assert_ok(tokenizer_read(&t, case_of("trained")));
	assert_ok(tokenizer_encode(t, &p, &e));
	assert_in_range(e.n, n / 10, n / 2 + 1);
	encoding_release(&e);
	tokenizer_free(t);
	mem_free(text);
}

/* ---- what is refused ---- */

static void refused(const char *json, tt_status want, const char *says)
{
	const struct text_piece p = { json, strlen(json), 0, "t.json" };
	struct vocabulary v;

	assert_status(vocabulary_parse(&v, &p), want);
	assert_error(says);
}

#define BPE(vocab, merges) \
	"\"model\": {\"type\": \"BPE\", \"vocab\": " vocab ", \"merges\": " merges "}"
#define AB "{\"a\": 0, \"b\": 1, \"ab\": 2}"

static void what_lies_is_refused(void **state)
{
	(void)state;
	refused("{}", TT_EFORMAT, "it has no model");
	refused("[1, 2]", TT_EFORMAT, "it has no model");
	refused("{\"model\": 3}", TT_EFORMAT, "it has no model");
	refused("{" BPE("[]", "[]") "}", TT_EFORMAT, "no vocab");
	refused("{" BPE("{}", "[]") "}", TT_EFORMAT, "no tokens");
	refused("{" BPE("{\"a\": 0, \"b\": 0}", "[]") "}", TT_EFORMAT, "number of 'b'");
	refused("{" BPE("{\"a\": -1}", "[]") "}", TT_EFORMAT, "-1");
	refused("{" BPE("{\"a\": 999999}", "[]") "}", TT_EFORMAT, "there are only 1");
	refused("{" BPE("{\"a\": 10000000}", "[]") "}", TT_EFORMAT, "10000000");
	refused("{" BPE(AB, "{}") "}", TT_EFORMAT, "no merges");
	refused("{" BPE(AB, "[\"ab\"]") "}", TT_EFORMAT, "merge 0 is no pair");
	refused("{" BPE(AB, "[[\"a\"]]") "}", TT_EFORMAT, "merge 0 is no pair");
	refused("{" BPE(AB, "[\"a b\", \"a c\"]") "}", TT_EFORMAT, "merge 1");
	refused("{\"added_tokens\": [{\"id\": 1, \"content\": \"a\"}], " BPE(AB, "[]") "}", TT_EFORMAT,
	        "added token 'a'");
	refused("{\"added_tokens\": [{\"content\": \"a\"}], " BPE(AB, "[]") "}", TT_EFORMAT, "no id");
	refused("{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a\"}}, "
	        BPE(AB, "[]") "}", TT_EFORMAT, "'(a' is none");
	refused("{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", \"x\"]]}}", TT_EFORMAT, "x");
	refused("{\"model\": {\"type\": \"WordPiece\", \"vocab\": " AB ", \"unk_token\": \"?\"}}",
	        TT_EFORMAT, "unk_token '?'");
}

static void what_we_lack_is_refused_by_its_name(void **state)
{
	(void)state;
	refused("{\"normalizer\": {\"type\": \"Precompiled\"}, " BPE(AB, "[]") "}", TT_ESUPPORT,
	        "normalizer 'Precompiled' is not known here");
	refused("{\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": "
	        "\"UnicodeScripts\"}]}, " BPE(AB, "[]") "}", TT_ESUPPORT,
	        "pre-tokenizer 'UnicodeScripts' is not known here");
	refused("{\"model\": {\"type\": \"WordLevel\", \"vocab\": {}}}", TT_ESUPPORT, "'WordLevel'");
	refused("{\"decoder\": {\"type\": \"CTC\"}, " BPE(AB, "[]") "}", TT_ESUPPORT, "'CTC'");
	refused("{\"model\": {\"type\": \"BPE\", \"dropout\": 0.1}}", TT_ESUPPORT, "dropout '0.1'");
	refused("{\"model\": {\"type\": \"BPE\", \"end_of_word_suffix\": \"</w>\"}}", TT_ESUPPORT,
	        "'</w>'");
	refused("{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\h\"}}, "
	        BPE(AB, "[]") "}", TT_ESUPPORT, "\\h");
	refused("{\"added_tokens\": [{\"id\": 3, \"content\": \"x\", \"single_word\": true}], "
	        BPE(AB, "[]") "}", TT_ESUPPORT, "single_word");
}

/* The brackets of a named class end no class that it stands in. */
static void classes_by_name_stand_in_classes(void **state)
{
	static const char json[] = "{\"pre_tokenizer\": {\"type\": \"Split\", "
		"\"behavior\": \"Removed\", \"pattern\": {\"Regex\": "
		"\"[[:digit:][:punct:]\\\\s]+\"}}, " BPE(AB, "[\"a b\"]") "}";
	const struct text_piece file = { json, sizeof json - 1, 0, "c.json" };
	const struct text_piece p = piece("a1b 2, ab;b\na]b");
	struct vocabulary v;
	struct encoding e = {0};

	(void)state;
	assert_ok(vocabulary_parse(&v, &file));
	assert_ok(vocabulary_encode(&v, &p, &e));
	assert_int_equal(e.n, 6);
	assert_memory_equal(e.id, ((const int32_t[]){ 0, 1, 2, 1, 0, 1 }), 6 * sizeof *e.id);
	vocabulary_release(&v);
	encoding_release(&e);
}

/* Merges that go round in a ring end, for each takes a token away; a pattern that searches for ever
 * is stopped. */
static void hostile_ones_end(void **state)
{
	static const char ring[] = "{" BPE("{\"a\": 0, \"aa\": 1, \"aaa\": 2}",
		"[\"a a\", \"aa a\", \"a aa\", \"a a\"]") "}";
	static const char slow[] = "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": "
		"\"(a|aa|aaa)+[bcd]\"}}, " BPE(AB, "[]") "}";
	const struct text_piece files[] = { { ring, sizeof ring - 1, 0, "r.json" },
	                                    { slow, sizeof slow - 1, 0, "s.json" } };
	const struct text_piece p = piece("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	struct vocabulary v;
	struct encoding e = {0};

	(void)state;
	assert_ok(vocabulary_parse(&v, &files[0]));
	assert_ok(vocabulary_encode(&v, &p, &e));
	assert_in_range(e.n, 18, 28);
	vocabulary_release(&v);
	assert_ok(vocabulary_parse(&v, &files[1]));
	assert_status(vocabulary_encode(&v, &p, &e), TT_EFORMAT);
	assert_error("finds no end");
	vocabulary_release(&v);
	encoding_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_those_of_its_own_package),
		cmocka_unit_test(training_finds_what_its_own_trainer_finds),
		cmocka_unit_test(any_bytes_come_back),
		cmocka_unit_test(what_is_no_utf8_is_told_by_place),
		cmocka_unit_test(a_long_piece_costs_no_square),
		cmocka_unit_test(what_lies_is_refused),
		cmocka_unit_test(what_we_lack_is_refused_by_its_name),
		cmocka_unit_test(classes_by_name_stand_in_classes),
		cmocka_unit_test(hostile_ones_end),
	};

	return cmocka_run_group_tests(tests, read_golden, forget_golden);
}
