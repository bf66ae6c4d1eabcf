#include "data/text/tokenizer_rules.h"

#include <string.h>

/* ---- values ---- */

int rules_flag(const struct node *map, const char *key, int otherwise)
{
	const struct node *n = node_get(map, key);

	return node_absent(n) ? otherwise : n->kind == NODE_TEXT && strcmp(n->text, "true") == 0;
}

const char *rules_text(const struct node *map, const char *key, const char *otherwise)
{
	const struct node *n = node_get(map, key);

	return !node_absent(n) && n->kind == NODE_TEXT ? n->text : otherwise;
}

tt_status rules_refuse(const struct node *map, const char *what, const char *name)
{
	return err_set(TT_ESUPPORT, "%s: %s '%.60s' is not known here", map->file, what, name);
}

static tt_status malformed(const struct node *map, const char *what)
{
	return err_set(TT_EFORMAT, "%s: %s", map->file, what);
}

/* One of a table's rows reads a MAP by its "type"; rows of the same table may be nested. */
struct rule_row {
	const char *type;
	tt_status (*read)(struct tokenizer *t, const struct node *map, int64_t with);
	int64_t     with;
};

static tt_status read_by(const struct rule_row *rows, struct tokenizer *t, const struct node *map,
                         const char *what)
{
	const char *type;

	if (map->kind != NODE_MAP || !(type = rules_text(map, "type", NULL)))
		return err_set(TT_EFORMAT, "%s: a %s without a type", map->file, what);
	for (int i = 0; rows[i].type; i++)
		if (strcmp(rows[i].type, type) == 0)
			return rows[i].read(t, map, rows[i].with);
	return rules_refuse(map, what, type);
}

static tt_status read_each(const struct rule_row *rows, struct tokenizer *t,
                           const struct node *list, const char *what)
{
	tt_status st = TT_OK;

	if (!list || list->kind != NODE_LIST)
		return TT_OK;
	for (const struct node *n = list->child; st == TT_OK && n; n = n->next)
		st = read_by(rows, t, n, what);
	return st;
}

/* ---- patterns ---- */

/* A text as a pattern that finds nothing else. */
static tt_status quote(struct tokenizer *t, const char *text, const char **out)
{
	struct str s = {0};
	tt_status st;

	for (const char *p = text; *p; p++) {
		const int is_sign = (unsigned char)*p < 0x80 && !(*p >= '0' && *p <= '9') &&
		                    !((*p | 32) >= 'a' && (*p | 32) <= 'z');

		str_add(&s, is_sign ? "\\" : "");
		str_add_bytes(&s, p, 1);
	}
	st = str_status(&s);
	if (st == TT_OK && !(*out = arena_strdup(&t->arena, s.p ? s.p : "")))
		st = TT_ENOMEM;
	str_release(&s);
	return st;
}

/* {"Regex": P} or {"String": S} or, of old, S. */
static tt_status read_pattern(struct tokenizer *t, const struct node *map, const char **out)
{
	const struct node *n = node_get(map, "pattern");
	const char *regex = n && n->kind == NODE_MAP ? rules_text(n, "Regex", NULL) : NULL;
	const char *text = regex || !n ? NULL : n->kind == NODE_MAP ? rules_text(n, "String", NULL)
	                                      : n->kind == NODE_TEXT ? n->text : NULL;

	if (!regex && !(text && *text))
		return malformed(map, "a part of the tokenizer has no pattern");
	if (!regex)
		return quote(t, text, out);
	*out = arena_strdup(&t->arena, regex);
	return *out ? TT_OK : TT_ENOMEM;
}

/* ---- normalizers ---- */

static tt_status add_step(struct tokenizer *t, enum normal_kind k)
{
	return normal_add(&t->normal, &(struct normal_step){ .kind = k });
}

static tt_status read_step(struct tokenizer *t, const struct node *map, int64_t kind)
{
	(void)map;
	return add_step(t, (enum normal_kind)kind);
}

static tt_status read_strip(struct tokenizer *t, const struct node *map, int64_t with)
{
	tt_status st = TT_OK;

	(void)with;
	if (rules_flag(map, "strip_left", 1))
		st = add_step(t, NORMAL_STRIP_LEFT);
	if (st == TT_OK && rules_flag(map, "strip_right", 1))
		st = add_step(t, NORMAL_STRIP_RIGHT);
	return st;
}

static tt_status read_bert_normal(struct tokenizer *t, const struct node *map, int64_t with)
{
	const int lower = rules_flag(map, "lowercase", 1);
	tt_status st = TT_OK;

	(void)with;
	if (rules_flag(map, "clean_text", 1))
		st = add_step(t, NORMAL_CLEAN);
	if (st == TT_OK && rules_flag(map, "handle_chinese_chars", 1))
		st = add_step(t, NORMAL_CHINESE);
	if (st == TT_OK && rules_flag(map, "strip_accents", lower) &&
	    (st = add_step(t, NORMAL_NFD)) == TT_OK)
		st = add_step(t, NORMAL_ACCENTS);
	return st == TT_OK && lower ? add_step(t, NORMAL_LOWER) : st;
}

static tt_status read_prepend(struct tokenizer *t, const struct node *map, int64_t with)
{
	struct normal_step s = { .kind = NORMAL_PREPEND };

	(void)with;
	if (!(s.text = arena_strdup(&t->arena, rules_text(map, "prepend", ""))))
		return TT_ENOMEM;
	return normal_add(&t->normal, &s);
}

static tt_status read_replace(struct tokenizer *t, const struct node *map, int64_t with)
{
	struct normal_step s = { .kind = NORMAL_REPLACE };
	struct pieces p = {0};
	tt_status st = read_pattern(t, map, &s.what.pattern);

	(void)with;
	if (st == TT_OK && !(s.text = arena_strdup(&t->arena, rules_text(map, "content", ""))))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = pieces_add(&p, &s.what);
	s.what = p.rule[0];
	if (st == TT_OK)
		st = normal_add(&t->normal, &s);
	if (st != TT_OK)
		pieces_release(&p);
	return st;
}

static tt_status read_normals(struct tokenizer *t, const struct node *map, int64_t with);

static const struct rule_row normalizers[] = {
	{ "Sequence", read_normals, 0 },
	{ "NFC", read_step, NORMAL_NFC },
	{ "NFD", read_step, NORMAL_NFD },
	{ "NFKC", read_step, NORMAL_NFKC },
	{ "NFKD", read_step, NORMAL_NFKD },
	{ "Lowercase", read_step, NORMAL_LOWER },
	{ "StripAccents", read_step, NORMAL_MARKS },
	{ "Strip", read_strip, 0 },
	{ "BertNormalizer", read_bert_normal, 0 },
	{ "Prepend", read_prepend, 0 },
	{ "Replace", read_replace, 0 },
	{ NULL, NULL, 0 },
};

static tt_status read_normals(struct tokenizer *t, const struct node *map, int64_t with)
{
	(void)with;
	return read_each(normalizers, t, node_get(map, "normalizers"), "normalizer");
}

tt_status rules_read_normal(struct tokenizer *t, const struct node *n)
{
	return node_absent(n) ? TT_OK : read_by(normalizers, t, n, "normalizer");
}

/* ---- pre-tokenizers ---- */

static tt_status add_rule(struct tokenizer *t, const struct pieces_rule *r)
{
	if (t->byte_level)
		return err_set(TT_ESUPPORT, "a pre-tokenizer behind ByteLevel is not known here");
	return pieces_add(&t->pieces, r);
}

static tt_status read_how(const struct node *map, enum pieces_how *out)
{
	const char *word = rules_text(map, "behavior", pieces_words[PIECES_ISOLATED]);

	for (int i = 0; pieces_words[i]; i++)
		if (strcmp(pieces_words[i], word) == 0) {
			*out = (enum pieces_how)i;
			return TT_OK;
		}
	return rules_refuse(map, "behavior", word);
}

static tt_status read_byte_level(struct tokenizer *t, const struct node *map, int64_t with)
{
	const struct pieces_rule r = {
		.change = rules_flag(map, "add_prefix_space", 1) ? PIECES_SPACE : PIECES_AS_IS,
		.pattern = rules_flag(map, "use_regex", 1) ? PIECES_GPT2 : NULL,
	};
	const tt_status st = add_rule(t, &r);

	(void)with;
	t->byte_level = 1;
	return st;
}

static tt_status read_split(struct tokenizer *t, const struct node *map, int64_t with)
{
	struct pieces_rule r = { .invert = rules_flag(map, "invert", 0) };
	tt_status st = read_pattern(t, map, &r.pattern);

	(void)with;
	if (st == TT_OK && (st = read_how(map, &r.how)) == TT_OK)
		st = add_rule(t, &r);
	return st;
}

/* What `regex` of Rust calls a character of a word. */
#define WORD "\\p{L}\\p{Nl}\\p{M}\\p{Nd}\\p{Pc}\\x{200c}\\x{200d}\\x{24b6}-\\x{24e9}" \
             "\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"

static const struct pieces_rule fixed[] = {
	{ .how = PIECES_REMOVED, .pattern = "\\s" },
	{ .how = PIECES_REMOVED, .invert = 1, .pattern = "[" WORD "]+|[^" WORD "\\s]+" },
	{ .how = PIECES_ISOLATED, .pattern = PIECES_SIGN },
};
enum { ON_BLANKS, WORDS_AND_SIGNS, ON_SIGNS };

static tt_status read_fixed(struct tokenizer *t, const struct node *map, int64_t which)
{
	(void)map;
	return add_rule(t, &fixed[which]);
}

static tt_status read_bert(struct tokenizer *t, const struct node *map, int64_t with)
{
	const tt_status st = add_rule(t, &fixed[ON_BLANKS]);

	(void)map;
	(void)with;
	return st == TT_OK ? add_rule(t, &fixed[ON_SIGNS]) : st;
}

static tt_status read_punctuation(struct tokenizer *t, const struct node *map, int64_t with)
{
	struct pieces_rule r = fixed[ON_SIGNS];
	const tt_status st = read_how(map, &r.how);

	(void)with;
	return st == TT_OK ? add_rule(t, &r) : st;
}

static tt_status read_digits(struct tokenizer *t, const struct node *map, int64_t with)
{
	(void)with;
	return add_rule(t, &(struct pieces_rule){ .pattern = "\\p{N}",
		.how = rules_flag(map, "individual_digits", 0) ? PIECES_ISOLATED : PIECES_CONTIGUOUS });
}

static tt_status read_delimiter(struct tokenizer *t, const struct node *map, int64_t with)
{
	struct pieces_rule r = { .how = PIECES_REMOVED };
	const tt_status st = quote(t, rules_text(map, "delimiter", ""), &r.pattern);

	(void)with;
	return st == TT_OK ? add_rule(t, &r) : st;
}

static tt_status read_metaspace(struct tokenizer *t, const struct node *map, int64_t with)
{
	const char *mark = rules_text(map, "replacement", PIECES_MARK_TEXT);
	const char *scheme = rules_text(map, "prepend_scheme",
	                                rules_flag(map, "add_prefix_space", 1) ? "always" : "never");
	struct pieces_rule r = { .how = PIECES_NEXT, .change = PIECES_MARK };

	(void)with;
	if (strcmp(mark, PIECES_MARK_TEXT) != 0)
		return rules_refuse(map, "Metaspace's replacement", mark);
	if (strcmp(scheme, "always") == 0)
		r.change = PIECES_MARK_ALL;
	else if (strcmp(scheme, "first") == 0)
		r.change = PIECES_MARK_FIRST;
	else if (strcmp(scheme, "never") != 0)
		return rules_refuse(map, "Metaspace's prepend_scheme", scheme);
	r.pattern = rules_flag(map, "split", 1) ? PIECES_MARK_TEXT : NULL;
	return add_rule(t, &r);
}

static tt_status read_pieces(struct tokenizer *t, const struct node *map, int64_t with);

static const struct rule_row pre_tokenizers[] = {
	{ "Sequence", read_pieces, 0 },
	{ "ByteLevel", read_byte_level, 0 },
	{ "Split", read_split, 0 },
	{ "Whitespace", read_fixed, WORDS_AND_SIGNS },
	{ "WhitespaceSplit", read_fixed, ON_BLANKS },
	{ "BertPreTokenizer", read_bert, 0 },
	{ "Punctuation", read_punctuation, 0 },
	{ "Digits", read_digits, 0 },
	{ "CharDelimiterSplit", read_delimiter, 0 },
	{ "Metaspace", read_metaspace, 0 },
	{ NULL, NULL, 0 },
};

static tt_status read_pieces(struct tokenizer *t, const struct node *map, int64_t with)
{
	(void)with;
	return read_each(pre_tokenizers, t, node_get(map, "pretokenizers"), "pre-tokenizer");
}

tt_status rules_read_pieces(struct tokenizer *t, const struct node *n)
{
	return node_absent(n) ? TT_OK : read_by(pre_tokenizers, t, n, "pre-tokenizer");
}
