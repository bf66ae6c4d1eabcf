#include "data/text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/node/node.h"
#include "data/text/bpe_train.h"

/* ---- from texts ---- */

static tt_status count_tokens(struct token_table *t, enum token_kind k,
                              const struct text_piece *text)
{
	size_t n, which;
	tt_status st;

	for (size_t at = 0; at < text->n; at += n) {
		if (!(n = token_length(k, text->p + at, text->n - at)))
			return encoding_no_utf8(text, at);
		if ((st = token_table_add(t, text->p + at, n, &which)) != TT_OK)
			return st;
		t->v[which].count++;
	}
	return TT_OK;
}

/* The most frequent one first; the bytes decide what counts do not. */
static int by_count(const void *a, const void *b)
{
	const struct token *x = a, *y = b;
	const int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* A list of names under construction, in the vocabulary's arena. */
struct names { const char **v; size_t n; struct str text; };

static tt_status add_name(struct vocabulary *v, struct names *names, const struct token *t,
                          enum name_letters letters)
{
	names->text.len = 0;
	token_name(t->p, t->n, letters, &names->text);
	if (names->text.failed)
		return TT_ENOMEM;
	names->v[names->n] = arena_strdup(&v->arena, names->text.p);
	return names->v[names->n++] ? TT_OK : TT_ENOMEM;
}

static tt_status name_bytes(struct vocabulary *v, struct names *names)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < 256; i++) {
		const char byte = (char)i;

		st = add_name(v, names, &(struct token){ &byte, 1, 0 }, NAME_ASCII);
	}
	return st;
}

static tt_status name_tokens(struct vocabulary *v, struct names *names, struct token_table *t,
                             size_t most)
{
	tt_status st = TT_OK;

	if (t->n)
		qsort(t->v, t->n, sizeof *t->v, by_count);
	names->v[names->n++] = TOKEN_UNKNOWN;
	for (size_t i = 0; st == TT_OK && i < t->n && names->n < most; i++)
		st = add_name(v, names, &t->v[i], NAME_UTF8);
	return st;
}

static tt_status take_names(struct vocabulary *v, const char *const *names, int n);

static tt_status take_json(struct vocabulary *v, const struct text_piece *json);

static tt_status build_bpe(struct vocabulary *v, const struct text_piece *text, size_t texts,
                           size_t most)
{
	struct str json = {0};
	tt_status st = bpe_train(text, texts, &(struct bpe_wish){ most, 2 }, &json);

	if (st == TT_OK)
		st = take_json(v, &(struct text_piece){ json.p, json.len, 0, "the tokens found" });
	str_release(&json);
	return st;
}

static tt_status build_names(struct vocabulary *v, enum token_kind k,
                             const struct text_piece *text, size_t texts, size_t most)
{
	struct token_table t = {0};
	struct names names = {0};
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && k != TOKENS_BYTES && i < texts; i++)
		st = count_tokens(&t, k, &text[i]);
	if (st == TT_OK && !(names.v = arena_alloc(&v->arena, (t.n + 257) * sizeof *names.v)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = k == TOKENS_BYTES ? name_bytes(v, &names) : name_tokens(v, &names, &t, most);
	if (st == TT_OK && (st = take_names(v, names.v, (int)names.n)) == TT_OK)
		v->kind = k;
	str_release(&names.text);
	token_table_release(&t);
	return st;
}

tt_status vocabulary_build(struct vocabulary *out, enum token_kind k, const struct text_piece *text,
                           size_t texts, size_t most)
{
	struct vocabulary v = {0};
	tt_status st;

	if (!most || most > VOCABULARY_MAX)
		most = most || k != TOKENS_BPE ? VOCABULARY_MAX : VOCABULARY_BPE;
	st = k == TOKENS_BPE ? build_bpe(&v, text, texts, most)
	                     : build_names(&v, k, text, texts, most);
	if (st == TT_OK)
		*out = v;
	else
		vocabulary_release(&v);
	return st;
}

/* ---- from names ---- */

/* All 256 bytes are bytes; single characters are characters. */
static enum token_kind kind_of(const struct vocabulary *v)
{
	const struct token *t = v->table.v;
	int i = 0;

	while (i < v->n && v->n == 256 && t[i].n == 1 && (unsigned char)t[i].p[0] == i)
		i++;
	if (i == 256)
		return TOKENS_BYTES;
	for (i = 0; i < v->n; i++)
		if (i != v->unknown && token_length(TOKENS_CHARS, t[i].p, t[i].n) != t[i].n)
			return TOKENS_WORDS;
	return TOKENS_CHARS;
}

static tt_status add_token(struct vocabulary *v, const char *name)
{
	char *bytes = arena_alloc(&v->arena, strlen(name) + 1);
	const size_t before = v->table.n;
	size_t n, which;
	tt_status st;

	if (!bytes)
		return TT_ENOMEM;
	if (!(n = token_unname(name, bytes)))
		return err_set(TT_EFORMAT, "token %zu of the vocabulary has no name", before);
	if ((st = token_table_add(&v->table, bytes, n, &which)) != TT_OK)
		return st;
	return which == before ? TT_OK
		: err_set(TT_EFORMAT, "the vocabulary has '%.60s' twice: as tokens %zu and %zu", name,
		          which, before);
}

static tt_status take_names(struct vocabulary *v, const char *const *names, int n)
{
	tt_status st = TT_OK;

	v->name = names;
	v->n = n;
	v->unknown = -1;
	for (int i = 0; st == TT_OK && i < n; i++) {
		st = add_token(v, names[i]);
		if (strcmp(names[i], TOKEN_UNKNOWN) == 0)
			v->unknown = i;
	}
	if (st == TT_OK)
		v->kind = kind_of(v);
	return st;
}

static tt_status copy_names(struct vocabulary *v, const char *const *names, int n)
{
	const char **copy = arena_alloc(&v->arena, ((size_t)n + 1) * sizeof *copy);

	if (!copy)
		return TT_ENOMEM;
	for (int i = 0; i < n; i++)
		if (!(copy[i] = arena_strdup(&v->arena, names[i])))
			return TT_ENOMEM;
	return take_names(v, copy, n);
}

/* ---- from a tokenizer ---- */

/* What a token writes; where it writes nothing, or what another one writes, its number. */
static tt_status name_text(struct vocabulary *v, int i, struct str *name, const char **out)
{
	const struct token *t = &v->tokenizer->text[i];
	size_t which;
	tt_status st;

	name->len = 0;
	if (t->count)
		token_name(t->p, t->n, token_all_utf8(t->p, t->n) ? NAME_UTF8 : NAME_ASCII, name);
	if (!name->len || token_table_find(&v->table, name->p, name->len) >= 0)
		str_addf(name, "<%d>", i);
	if (name->failed || !(*out = arena_strdup(&v->arena, name->p)))
		return TT_ENOMEM;
	st = token_table_add(&v->table, *out, strlen(*out), &which);
	if (st == TT_OK && which != (size_t)i)
		st = err_set(TT_EFORMAT, "tokens %zu and %d are both called '%.60s'", which, i, *out);
	return st;
}

static tt_status name_texts(struct vocabulary *v)
{
	const char **names = arena_alloc(&v->arena, ((size_t)v->n + 1) * sizeof *names);
	struct str name = {0};
	tt_status st = names ? TT_OK : TT_ENOMEM;

	for (int i = 0; st == TT_OK && i < v->n; i++)
		st = name_text(v, i, &name, &names[i]);
	str_release(&name);
	v->name = names;
	return st;
}

static tt_status take_tokenizer(struct vocabulary *v, const struct node *root)
{
	tt_status st = tokenizer_read(&v->tokenizer, root);

	if (st != TT_OK)
		return st;
	v->kind = v->tokenizer->kind;
	v->n = v->tokenizer->n;
	v->unknown = v->tokenizer->unknown;
	return name_texts(v);
}

/* The recipe of what take_tokenizer has taken. */
static tt_status make_recipe(struct vocabulary *v, const struct node *tokenizer)
{
	struct str s = {0};
	tt_status st;

	str_add(&s, "{\"tokenizer\": ");
	node_write_json(tokenizer, &s);
	str_add(&s, "}");
	if ((st = str_status(&s)) == TT_OK && !(v->recipe = arena_strdup(&v->arena, s.p)))
		st = TT_ENOMEM;
	str_release(&s);
	return st;
}

static tt_status take_json(struct vocabulary *v, const struct text_piece *json)
{
	struct arena a = {0};
	struct node *root;
	tt_status st = node_parse_json(&a, json->name, json->p, json->n, &root);

	if (st == TT_OK && (st = take_tokenizer(v, root)) == TT_OK)
		st = make_recipe(v, root);
	arena_release(&a);
	return st;
}

static tt_status take_recipe(struct vocabulary *v, const char *recipe)
{
	struct arena a = {0};
	struct node *root, *tokenizer;
	tt_status st = node_parse_json(&a, "the model", recipe, strlen(recipe), &root);

	if (st == TT_OK && (root->kind != NODE_MAP || !(tokenizer = node_get(root, "tokenizer"))))
		st = err_set(TT_ESHAPE, "the model was trained on a table, and knows no tokens of texts");
	if (st == TT_OK && (st = take_tokenizer(v, tokenizer)) == TT_OK &&
	    !(v->recipe = arena_strdup(&v->arena, recipe)))
		st = TT_ENOMEM;
	arena_release(&a);
	return st;
}

tt_status vocabulary_take(struct vocabulary *out, const struct vocabulary_known *known)
{
	struct vocabulary v = {0};
	const tt_status st = known->recipe ? take_recipe(&v, known->recipe)
	                                   : copy_names(&v, known->names, known->n);

	if (st == TT_OK)
		*out = v;
	else
		vocabulary_release(&v);
	return st;
}

/* ---- from a file ---- */

/* Ends the line at `line` with a zero byte; where the next one begins. */
static char *end_line(char *line, char *stop, size_t *n)
{
	char *end = memchr(line, '\n', (size_t)(stop - line));

	if (!end)
		end = stop;
	*end = '\0';
	*n = (size_t)(end - line);
	if (*n && line[*n - 1] == '\r')
		line[--*n] = '\0';
	return end + 1;
}

/* Of bytes none is unknown. */
static tt_status split_lines(const struct text_piece *file, char *text, const char **names,
                             int *out)
{
	char *const stop = text + file->n;
	int n = 0, has_unknown = 0;
	size_t length;

	for (char *line = text, *next; line < stop; line = next) {
		next = end_line(line, stop, &length);
		if (strlen(line) != length)
			return err_set(TT_EFORMAT, "%s: line %d holds a zero byte: it is written \\x00",
			               file->name, n + 1);
		if (n == VOCABULARY_MAX)
			return err_set(TT_EFORMAT, "%s: more than %d tokens", file->name, VOCABULARY_MAX);
		has_unknown |= strcmp(line, TOKEN_UNKNOWN) == 0;
		names[n++] = line;
	}
	if (!has_unknown && !(n == 256 && strcmp(names[0], "\\x00") == 0))
		names[n++] = TOKEN_UNKNOWN;
	*out = n;
	return TT_OK;
}

static size_t count_lines(const struct text_piece *file)
{
	size_t n = 2;

	for (size_t i = 0; i < file->n; i++)
		n += file->p[i] == '\n';
	return n;
}

static tt_status parse_lines(struct vocabulary *v, const struct text_piece *file)
{
	const char **names = mem_calloc(count_lines(file), sizeof *names);
	char *text = mem_alloc(file->n + 1);
	int n;
	tt_status st = names && text ? TT_OK : TT_ENOMEM;

	if (st == TT_OK) {
		memcpy(text, file->p, file->n);
		text[file->n] = '\0';
		st = split_lines(file, text, names, &n);
	}
	if (st == TT_OK && (st = copy_names(v, names, n)) != TT_OK)
		st = err_at(st, "%s", file->name);
	mem_free(text);
	mem_free(names);
	return st;
}

tt_status vocabulary_parse(struct vocabulary *out, const struct text_piece *file)
{
	struct vocabulary v = {0};
	const tt_status st = str_ends_with(file->name, ".json") ? take_json(&v, file)
	                                                        : parse_lines(&v, file);

	if (st == TT_OK)
		*out = v;
	else
		vocabulary_release(&v);
	return st;
}

void vocabulary_release(struct vocabulary *v)
{
	token_table_release(&v->table);
	tokenizer_free(v->tokenizer);
	arena_release(&v->arena);
	*v = (struct vocabulary){0};
}

/* ---- text to numbers ---- */

static tt_status encode_side_by_side(const struct vocabulary *v, const struct text_piece *text,
                                     struct encoding *e)
{
	tt_status st = TT_OK;
	size_t n;

	for (size_t at = 0; st == TT_OK && at < text->n; at += n) {
		int64_t id;

		if (!(n = token_length(v->kind, text->p + at, text->n - at)))
			return encoding_no_utf8(text, at);
		id = token_table_find(&v->table, text->p + at, n);
		if (id < 0)
			st = encoding_unknown(e, text, (struct text_range){ at, n }, v->unknown);
		if (st == TT_OK)
			st = encoding_put(e, id < 0 ? v->unknown : (int32_t)id);
	}
	return st;
}

tt_status vocabulary_encode(const struct vocabulary *v, const struct text_piece *text,
                            struct encoding *e)
{
	return v->tokenizer ? tokenizer_encode(v->tokenizer, text, e)
	                    : encode_side_by_side(v, text, e);
}

const char *vocabulary_text(const struct vocabulary *v, int32_t id, size_t *n)
{
	const struct token *t = v->tokenizer ? &v->tokenizer->text[id] : &v->table.v[id];

	*n = t->n;
	return t->p;
}

void encoding_release(struct encoding *e)
{
	mem_free(e->id);
	str_release(&e->first);
	tokenizer_work_free(e->work);
	*e = (struct encoding){0};
}
