#include "support/support.h"

#include <string.h>

#include "base/mem.h"
#include "base/node/node.h"

static struct arena arena;

static int release(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static struct node *yaml(const char *text)
{
	struct node *n = NULL;

	assert_ok(node_parse_yaml(&arena, "s.yaml", text, strlen(text), &n));
	assert_non_null(n);
	return n;
}

static struct node *json(const char *text)
{
	struct node *n = NULL;

	assert_ok(node_parse_json(&arena, "s.json", text, strlen(text), &n));
	return n;
}

static void yaml_fails(const char *text, const char *message)
{
	struct node *n = NULL;

	assert_status(node_parse_yaml(&arena, "s.yaml", text, strlen(text), &n), TT_ESPEC);
	assert_error(message);
	assert_null(n);
}

/* What people get wrong, and what they are told: the line of the mistake, not that where the parser
 * notices it. */
static const struct { const char *text, *message; } mistakes[] = {
	{ "train\n  epochs: 2\n", "s.yaml:1: there is no ':' behind 'train'" },
	{ "train:\n  epochs 2\n  batch: 3\n", "s.yaml:2: there is no ':' behind 'epochs 2'" },
	{ "a: 1\nb\nc: 2\n", "s.yaml:2: there is no ':' behind 'b'" },
	{ "a:\n  - b: 1\n    c 2\n    d: 3\n", "s.yaml:3: there is no ':' behind 'c 2'" },
	{ "a: b: c\n", "s.yaml:1: a second ':' in one line" },
	{ "a: 1\n  b: 2\n", "s.yaml:2: this line is indented further than the one above" },
	{ "a:\n\tb: 1\n", "s.yaml:2: a tab" },
	{ "a:\n  b: 1\n\tc: 1\n", "s.yaml:3: a tab" },
	{ "a:\n    b: 1\n  c: 2\n", "s.yaml:3: this line is indented by 2 spaces, which fits nothing" },
	{ "a:\n  b: 1\n c: 2\nd: 3\n", "s.yaml:3: this line is indented by 1 spaces" },
	{ "a: 1\nb: \"open\nc: 2\n", "s.yaml:2: the quote \" that is opened here is never closed" },
	{ "a: 1\nb: 'open\nc: 2\n", "s.yaml:2: the quote ' that is opened here is never closed" },
	{ "a:\n  - {b: 1\n  - {c: 2}\n", "s.yaml:2: the { that is opened here is not closed" },
	{ "a: [1, 2\n", "s.yaml:1: the [ that is opened here is not closed" },
	{ "a: {b: 1} c\n", "s.yaml:1: something stands behind a value" },
	{ "a: 'b' c\n", "s.yaml:1: something stands behind a value" },
	{ "a: ]\n", "s.yaml:1: something stands here that belongs to nothing" },
	{ "a: @b\n", "s.yaml:1: a value cannot begin with '@'" },
	{ "a: `b`\n", "s.yaml:1: a value cannot begin with '`'" },
	{ "a: 1\n- b\n", "s.yaml:2: this line is indented by 0 spaces" },
	{ "a: 1\nb: 2\na: 3\n", "s.yaml:3: 'a' stands here twice, first in line 1" },
	{ "x:\n  a: 1\n  b: {a: 1, c: 2, a: 3}\n", "s.yaml:3: 'a' stands here twice, first in line 3" },
};

static void mistakes_are_told_where_they_are_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
		yaml_fails(mistakes[i].text, mistakes[i].message);
}

/* Each of these once took minutes. */
static void large_documents_cost_no_more_than_their_size(void **state)
{
	struct str map = {0}, merged = {0}, aliases = {0};
	struct node *n = NULL;

	(void)state;
	for (int i = 0; i < 300000; i++)
		str_addf(&map, "k%d: %d\n", i, i);
	assert_ok(node_parse_yaml(&arena, "map", map.p, map.len, &n));
	assert_int_equal(node_count(n), 300000);
	str_add(&map, "k0: again\n");
	n = NULL;
	assert_status(node_parse_yaml(&arena, "map", map.p, map.len, &n), TT_ESPEC);
	assert_error("map:300001: 'k0' stands here twice, first in line 1");
	str_add(&merged, "<<: [");
	for (int i = 0; i < 100000; i++)
		str_addf(&merged, "{k%d: 1, k%d: 2}, ", i, i + 1);
	str_add(&merged, "]\n");
	assert_ok(node_parse_yaml(&arena, "merged", merged.p, merged.len, &n));
	assert_int_equal(node_count(n), 100001);
	for (int i = 0; i < 100000; i++)
		str_addf(&aliases, "- &a%d x\n- *a0\n", i);
	n = NULL;
	assert_status(node_parse_yaml(&arena, "aliases", aliases.p, aliases.len, &n), TT_ESPEC);
	assert_error("more than 500 anchors");
	str_release(&map);
	str_release(&merged);
	str_release(&aliases);
}

static void json_fails(const char *text, const char *message)
{
	struct node *n = NULL;

	assert_status(node_parse_json(&arena, "s.json", text, strlen(text), &n), TT_EFORMAT);
	assert_error(message);
	assert_null(n);
}

static const char *as_json(const struct node *n)
{
	struct str s = {0};
	const char *p;

	node_write_json(n, &s);
	assert_ok(str_status(&s));
	p = arena_strdup(&arena, s.p);
	str_release(&s);
	return p;
}

static const char *as_yaml(const struct node *n)
{
	struct str s = {0};
	const char *p;

	node_write_yaml(n, &s);
	assert_ok(str_status(&s));
	p = arena_strdup(&arena, s.p);
	str_release(&s);
	return p;
}

static void yaml_becomes_a_tree_with_lines(void **state)
{
	struct node *n = yaml("# spec\nmodel:\n  layers:\n    - conv\n    - {out: 10}\n"
	                      "train:\n  lr: 0.1\n");
	struct node *layers = node_get(node_get(n, "model"), "layers");

	(void)state;
	assert_int_equal(node_count(n), 2);
	assert_int_equal(node_count(layers), 2);
	assert_int_equal(layers->line, 3);
	assert_string_equal(layers->child->text, "conv");
	assert_int_equal(layers->child->next->line, 5);
	assert_int_equal(node_get(node_get(n, "train"), "lr")->line, 7);
	assert_null(node_get(n, "absent"));
	assert_null(node_get(NULL, "x"));
	assert_string_equal(as_json(n),
	                    "{\"model\": {\"layers\": [\"conv\", {\"out\": 10}]}, "
	                    "\"train\": {\"lr\": 0.1}}");
}

static void quotes_make_texts(void **state)
{
	struct node *n = yaml("a: 'null'\nb: null\nc: \"1\"\nd: 1\ne:\nf: ''\ng: ~\n");

	(void)state;
	assert_string_equal(as_json(n), "{\"a\": \"null\", \"b\": null, \"c\": \"1\", \"d\": 1, "
	                                "\"e\": null, \"f\": \"\", \"g\": null}");
}

static void an_empty_document_is_null(void **state)
{
	(void)state;
	assert_string_equal(as_json(yaml("")), "null");
	assert_string_equal(as_json(yaml("# nothing\n")), "null");
}

static void other_systems_editors_write_yaml_too(void **state)
{
	(void)state;
	assert_string_equal(as_json(yaml("\xef\xbb\xbf" "a: 1\r\nb: 2\r\n")), "{\"a\": 1, \"b\": 2}");
	assert_string_equal(as_json(yaml("\xef\xbb\xbf")), "null");
}

static void aliases_are_copies(void **state)
{
	struct node *n = yaml("a: &x {v: 1}\nb: *x\nl: [*x, *x]\n");

	(void)state;
	assert_ok(node_set(&arena, n, "b.v", "2"));
	assert_string_equal(as_json(n), "{\"a\": {\"v\": 1}, \"b\": {\"v\": 2}, "
	                                "\"l\": [{\"v\": 1}, {\"v\": 1}]}");
	assert_null(node_get(n, "l")->child->key);
}

static void merges_fill_what_a_map_does_not_say(void **state)
{
	struct node *n = yaml("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
	                      "one: {<<: *b, y: 9}\ntwo:\n  <<: [*b, *m]\n  w: 0\n");

	(void)state;
	assert_string_equal(as_json(node_get(n, "one")), "{\"y\": 9, \"x\": 1}");
	assert_string_equal(as_json(node_get(n, "two")), "{\"w\": 0, \"x\": 1, \"y\": 2, \"z\": 4}");
	yaml_fails("a:\n  <<: 5\n", "s.yaml:2: << takes a map");
}

static void bad_yaml_names_file_and_line(void **state)
{
	(void)state;
	yaml_fails("a: 1\nb: [1, 2\nc: 3\n", "s.yaml:2: the [ that is opened here is not closed");
	yaml_fails("a: 1\nb: 2\na: 3\n", "s.yaml:3: 'a' stands here twice, first in line 1");
	yaml_fails("a: *nobody\n", "s.yaml:1: *nobody has no anchor");
	yaml_fails("a: &a [*a]\n", "has no anchor");
	yaml_fails("a: 1\n---\nb: 2\n", "second document");
	yaml_fails("? [1, 2]\n: x\n", "a key must be a plain word");
	yaml_fails("a: \"\\0\"\n", "zero byte");
	yaml_fails("\xff\xfe\xff", "s.yaml");
	yaml_fails("a: \"open\n", "s.yaml");
}

static void depth_is_bounded(void **state)
{
	char deep[4000];

	(void)state;
	memset(deep, '[', 1000);
	memset(deep + 1000, ']', 1000);
	deep[2000] = '\0';
	yaml_fails(deep, "nested too deep");
	json_fails(deep, "nested deeper");
}

/* A billion laughs: nine lines that would be 10^9 values. */
static void aliases_cannot_explode(void **state)
{
	struct str s = {0};
	struct node *n = NULL;

	(void)state;
	str_add(&s, "a0: &a0 x\n");
	for (int i = 1; i < 10; i++) {
		str_addf(&s, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			str_addf(&s, "%s*a%d", k ? ", " : "", i - 1);
		str_add(&s, "]\n");
	}
	assert_status(node_parse_yaml(&arena, "s.yaml", s.p, s.len, &n), TT_ESPEC);
	assert_error("more than 1000000 values");
	str_release(&s);
}

static void json_becomes_the_same_tree(void **state)
{
	struct node *n = json("{\"a\": [1, 2.5, \"x\", null, true], \"b\": {\"c\": \"1\"}}");

	(void)state;
	assert_string_equal(as_json(n), "{\"a\": [1, 2.5, \"x\", null, true], \"b\": {\"c\": \"1\"}}");
	assert_true(node_get(node_get(n, "b"), "c")->quoted);
}

static void bad_json_names_file_and_line(void **state)
{
	(void)state;
	json_fails("{\"a\": 1,\n\"b\": }", "s.json:2:");
	json_fails("{} x", "s.json:1: end of file expected");
	json_fails("{\"a\": 1, \"a\": 2}", "duplicate");
	json_fails("", "s.json");
	json_fails("[1", "s.json");
	json_fails("\"\\u0000\"", "s.json");
}

static void what_is_written_parses_back_equal(void **state)
{
	static const char *const texts[] = {
		"a: 1\n", "[]\n", "{}\n", "x\n", "null\n", "- 1\n- [2, [3]]\n- {a: {b: [1, 2]}, c: []}\n",
		"a: 'yes: no'\nb: \"tab\\t\"\nc: '# no comment'\nd: '- x'\ne: ' '\nf: '1'\n",
		"uri: mnist:data?split=train,n=5\nlist: ['a, b', 'c]']\n'odd key: ': 1\n",
		"text: |\n  one\n  two\n- : 3\n", "a:\n  - - - 1\n  -\n    b: [[1]]\n", NULL };

	(void)state;
	for (int i = 0; texts[i]; i++) {
		struct node *n = NULL;
		const char *once;

		if (node_parse_yaml(&arena, "t", texts[i], strlen(texts[i]), &n) != TT_OK)
			continue;
		once = as_yaml(n);
		assert_string_equal(as_json(yaml(once)), as_json(n));
		assert_string_equal(as_yaml(yaml(once)), once);
	}
	assert_string_equal(as_yaml(yaml("m: {l: [1, 2], t: '5'}\n")), "m:\n  l: [1, 2]\n  t: \"5\"\n");
}

static void set_reaches_replaces_and_makes(void **state)
{
	struct node *n = yaml("train:\n  lr: 0.1\nlayers: [{out: 1}, {out: 2}]\nempty:\n");

	(void)state;
	assert_ok(node_set(&arena, n, "train.lr", "0.5"));
	assert_ok(node_set(&arena, n, "layers.1.out", "[3, 4]"));
	assert_ok(node_set(&arena, n, "new.deep.name", "x"));
	assert_ok(node_set(&arena, n, "empty.a", ""));
	assert_string_equal(as_json(n), "{\"train\": {\"lr\": 0.5}, \"layers\": [{\"out\": 1}, "
	                    "{\"out\": [3, 4]}], \"empty\": {\"a\": null}, "
	                    "\"new\": {\"deep\": {\"name\": \"x\"}}}");
}

static void set_says_what_it_cannot_reach(void **state)
{
	struct node *n = yaml("train: {lr: 0.1}\nlayers: [1]\n");

	(void)state;
	assert_status(node_set(&arena, n, "train.lr.x", "1"), TT_ESPEC);
	assert_error("--set train.lr.x");
	assert_status(node_set(&arena, n, "layers.5", "1"), TT_ESPEC);
	assert_error("beyond a list of 1");
	assert_status(node_set(&arena, n, "layers.first", "1"), TT_ESPEC);
	assert_status(node_set(&arena, n, "a..b", "1"), TT_ESPEC);
	assert_status(node_set(&arena, n, "", "1"), TT_ESPEC);
	assert_status(node_set(&arena, n, "new.\xff\xff", "1"), TT_ESPEC);  /* no UTF-8 */
	assert_status(node_set(&arena, n, "x", "[1"), TT_ESPEC);
	assert_error("--set x");
}

/* How deep a tree may be is one number for who sets, writes and reads. */
static void what_was_set_is_read_again_however_deep(void **state)
{
	static const char *const value[] = { "1", "[2]", "{a: {b: [3]}}" };
	int set = 0;

	(void)state;
	for (size_t v = 0; v < sizeof value / sizeof *value; v++)
		for (int parts = 56; parts < 70; parts++) {
			struct node *n = yaml("a: 1\n");
			char path[200];

			for (int i = 0; i < parts; i++)
				memcpy(path + (size_t)2 * (size_t)i, "n.", 2);
			path[2 * parts - 1] = '\0';
			if (node_set(&arena, n, path, value[v]) != TT_OK)
				continue;
			yaml(as_yaml(n));
			set++;
		}
	assert_int_equal(set, 8 + 7 + 5);
}

static void scalars_are_read_strictly(void **state)
{
	struct node *n = yaml("i: 42\nbig: 1e6\nhuge: 99999999999999999999\nf: 1.5\n"
	                      "q: '1'\nw: ten\nl: [1]\nz:\n");
	const char *text = NULL;
	int64_t i = 0;
	double d = 0;

	(void)state;
	assert_ok(node_int(node_get(n, "i"), 0, 100, &i));
	assert_int_equal(i, 42);
	assert_ok(node_int(node_get(n, "big"), 0, 10000000, &i));
	assert_int_equal(i, 1000000);
	assert_ok(node_double(node_get(n, "f"), &d));
	assert_true(d == 1.5);
	assert_ok(node_text(node_get(n, "w"), &text));
	assert_string_equal(text, "ten");
	assert_status(node_int(node_get(n, "i"), 50, 100, &i), TT_ESPEC);
	assert_error("s.yaml:1: i is 42, but must lie in 50 ... 100");
	assert_status(node_int(node_get(n, "huge"), 0, INT64_MAX, &i), TT_ESPEC);
	assert_status(node_int(node_get(n, "f"), 0, 9, &i), TT_ESPEC);
	assert_error("s.yaml:4: f must be a whole number, not '1.5'");
	assert_status(node_double(node_get(n, "q"), &d), TT_ESPEC);
	assert_error("s.yaml:5: q must be a number, not the quoted text");
	assert_status(node_double(node_get(n, "w"), &d), TT_ESPEC);
	assert_status(node_double(node_get(n, "l"), &d), TT_ESPEC);
	assert_error("not a list");
	assert_status(node_int(node_get(n, "z"), 0, 9, &i), TT_ESPEC);
	assert_error("has no value");
	assert_status(node_text(n, &text), TT_ESPEC);
}

static void memory_that_ends_is_an_error_not_a_crash(void **state)
{
	static const char text[] = "a: &x [1, 2]\nb: *x\nc: {d: 'e'}\n";
	int64_t live = mem_live();
	int failures = 0;

	(void)state;
	for (uint64_t i = 1; i < 10; i++) {
		struct arena a = {0};
		struct node *n = NULL;
		tt_status st;

		mem_fail_at(i, 1);
		st = node_parse_yaml(&a, "s", text, sizeof text - 1, &n);
		mem_fail_at(0, 0);
		assert_true(st == TT_OK || st == TT_ENOMEM);
		assert_true((st == TT_OK) == (n != NULL));
		failures += st != TT_OK;
		arena_release(&a);
	}
	assert_true(failures >= 1);
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(yaml_becomes_a_tree_with_lines, release),
		cmocka_unit_test_teardown(quotes_make_texts, release),
		cmocka_unit_test_teardown(an_empty_document_is_null, release),
		cmocka_unit_test_teardown(other_systems_editors_write_yaml_too, release),
		cmocka_unit_test_teardown(aliases_are_copies, release),
		cmocka_unit_test_teardown(merges_fill_what_a_map_does_not_say, release),
		cmocka_unit_test_teardown(mistakes_are_told_where_they_are_made, release),
		cmocka_unit_test_teardown(large_documents_cost_no_more_than_their_size, release),
		cmocka_unit_test_teardown(bad_yaml_names_file_and_line, release),
		cmocka_unit_test_teardown(depth_is_bounded, release),
		cmocka_unit_test_teardown(aliases_cannot_explode, release),
		cmocka_unit_test_teardown(json_becomes_the_same_tree, release),
		cmocka_unit_test_teardown(bad_json_names_file_and_line, release),
		cmocka_unit_test_teardown(what_is_written_parses_back_equal, release),
		cmocka_unit_test_teardown(set_reaches_replaces_and_makes, release),
		cmocka_unit_test_teardown(set_says_what_it_cannot_reach, release),
		cmocka_unit_test_teardown(what_was_set_is_read_again_however_deep, release),
		cmocka_unit_test_teardown(scalars_are_read_strictly, release),
		cmocka_unit_test_teardown(memory_that_ends_is_an_error_not_a_crash, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
