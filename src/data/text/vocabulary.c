#include "data/text/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* ---- the table ---- */

static size_t find_slot(const struct token_table *t, const char *p, size_t n)
{
	size_t at = (size_t)hash_bytes(HASH_BEGIN, p, n) & (t->slots - 1);

	for (; t->slot[at]; at = (at + 1) & (t->slots - 1)) {
		const struct token *is = &t->v[t->slot[at] - 1];

		if (is->n == n && memcmp(is->p, p, n) == 0)
			break;
	}
	return at;
}

static void fill_slots(struct token_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->slot[find_slot(t, t->v[i].p, t->v[i].n)] = (uint32_t)i + 1;
}

/* Room for one token more, and half of the slots free. */
static tt_status table_grow(struct token_table *t)
{
	const size_t room = t->room ? 2 * t->room : 256;
	struct token *v;
	uint32_t *slot;

	if (t->n < t->room)
		return TT_OK;
	if (room > UINT32_MAX / 4)
		return err_set(TT_EFORMAT, "more than %zu different tokens", t->room);
	if (!(v = mem_realloc(t->v, room * sizeof *v)))
		return TT_ENOMEM;
	t->v = v;
	if (!(slot = mem_calloc(2 * room, sizeof *slot)))
		return TT_ENOMEM;
	mem_free(t->slot);
	t->slot = slot;
	t->slots = 2 * room;
	t->room = room;
	fill_slots(t);
	return TT_OK;
}

static void table_release(struct token_table *t)
{
	mem_free(t->v);
	mem_free(t->slot);
	*t = (struct token_table){0};
}

/* ---- walking a text ---- */

static tt_status no_utf8(const struct text_piece *t, size_t at)
{
	const char *begin = t->p - t->from;
	size_t line = 1;

	at += t->from;
	for (size_t i = 0; i < at; i++)
		line += begin[i] == '\n';
	return err_set(TT_EFORMAT, "%s: line %zu, byte %zu is no UTF-8 (0x%02x): read it with "
	               "?tokens=bytes, or turn it into UTF-8 first", t->name, line, at,
	               (unsigned)(unsigned char)begin[at]);
}

static tt_status count_tokens(struct token_table *t, enum token_kind k,
                              const struct text_piece *text)
{
	size_t n, slot;
	tt_status st;

	for (size_t at = 0; at < text->n; at += n) {
		if (!(n = token_length(k, text->p + at, text->n - at)))
			return no_utf8(text, at);
		if ((st = table_grow(t)) != TT_OK)
			return st;
		slot = find_slot(t, text->p + at, n);
		if (!t->slot[slot]) {
			t->v[t->n] = (struct token){ text->p + at, n, 0 };
			t->slot[slot] = (uint32_t)++t->n;
		}
		t->v[t->slot[slot] - 1].count++;
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

/* ---- from texts ---- */

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
	names->v[names->n++] = VOCABULARY_UNKNOWN;
	for (size_t i = 0; st == TT_OK && i < t->n && names->n < most; i++)
		st = add_name(v, names, &t->v[i], NAME_UTF8);
	return st;
}

static tt_status take_names(struct vocabulary *v, const char *const *names, int n);

tt_status vocabulary_build(struct vocabulary *out, enum token_kind k, const struct text_piece *text,
                           size_t texts, size_t most)
{
	struct vocabulary v = {0};
	struct token_table t = {0};
	struct names names = {0};
	tt_status st = TT_OK;

	if (!most || most > VOCABULARY_MAX)
		most = VOCABULARY_MAX;
	for (size_t i = 0; st == TT_OK && k != TOKENS_BYTES && i < texts; i++)
		st = count_tokens(&t, k, &text[i]);
	if (st == TT_OK && !(names.v = arena_alloc(&v.arena, (t.n + 257) * sizeof *names.v)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = k == TOKENS_BYTES ? name_bytes(&v, &names) : name_tokens(&v, &names, &t, most);
	if (st == TT_OK && (st = take_names(&v, names.v, (int)names.n)) == TT_OK)
		v.kind = k;
	str_release(&names.text);
	table_release(&t);
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
	struct token_table *t = &v->table;
	size_t n, slot;
	tt_status st = bytes ? table_grow(t) : TT_ENOMEM;

	if (st != TT_OK)
		return st;
	if (!(n = token_unname(name, bytes)))
		return err_set(TT_EFORMAT, "token %zu of the vocabulary has no name", t->n);
	slot = find_slot(t, bytes, n);
	if (t->slot[slot])
		return err_set(TT_EFORMAT, "the vocabulary has '%.60s' twice: as tokens %u and %zu", name,
		               (unsigned)t->slot[slot] - 1, t->n);
	t->v[t->n] = (struct token){ bytes, n, 0 };
	t->slot[slot] = (uint32_t)++t->n;
	return TT_OK;
}

static tt_status take_names(struct vocabulary *v, const char *const *names, int n)
{
	tt_status st = TT_OK;

	v->name = names;
	v->n = n;
	v->unknown = -1;
	for (int i = 0; st == TT_OK && i < n; i++) {
		st = add_token(v, names[i]);
		if (strcmp(names[i], VOCABULARY_UNKNOWN) == 0)
			v->unknown = i;
	}
	if (st == TT_OK)
		v->kind = kind_of(v);
	return st;
}

tt_status vocabulary_take(struct vocabulary *out, const char *const *names, int n)
{
	struct vocabulary v = {0};
	const char **copy = arena_alloc(&v.arena, ((size_t)n + 1) * sizeof *copy);
	tt_status st = copy ? TT_OK : TT_ENOMEM;

	for (int i = 0; st == TT_OK && i < n; i++)
		if (!(copy[i] = arena_strdup(&v.arena, names[i])))
			st = TT_ENOMEM;
	if (st == TT_OK && (st = take_names(&v, copy, n)) == TT_OK)
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
		has_unknown |= strcmp(line, VOCABULARY_UNKNOWN) == 0;
		names[n++] = line;
	}
	if (!has_unknown && !(n == 256 && strcmp(names[0], "\\x00") == 0))
		names[n++] = VOCABULARY_UNKNOWN;
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

tt_status vocabulary_parse(struct vocabulary *out, const struct text_piece *file)
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
	if (st == TT_OK && (st = vocabulary_take(out, names, n)) != TT_OK)
		st = err_at(st, "%s", file->name);
	mem_free(text);
	mem_free(names);
	return st;
}

void vocabulary_release(struct vocabulary *v)
{
	table_release(&v->table);
	arena_release(&v->arena);
	*v = (struct vocabulary){0};
}

/* ---- text to numbers ---- */

static tt_status encoding_grow(struct encoding *e)
{
	const size_t room = e->room ? e->room + e->room / 2 : 4096;
	int32_t *id;

	if (e->n < e->room)
		return TT_OK;
	if (!(id = mem_realloc(e->id, room * sizeof *id)))
		return TT_ENOMEM;
	e->id = id;
	e->room = room;
	return TT_OK;
}

static tt_status note_unknown(const struct vocabulary *v, const struct text_piece *text, size_t at,
                              size_t n, struct encoding *e)
{
	if (e->unknown++ == 0) {
		str_add(&e->first, "'");
		token_name(text->p + at, n, v->kind == TOKENS_BYTES ? NAME_ASCII : NAME_UTF8, &e->first);
		str_addf(&e->first, "' in %s, byte %zu", text->name, text->from + at);
	}
	if (e->first.failed)
		return TT_ENOMEM;
	return v->unknown >= 0 ? TT_OK
		: err_set(TT_EFORMAT, "%s is no token of the vocabulary, which has no "
		          VOCABULARY_UNKNOWN " for it", e->first.p);
}

tt_status vocabulary_encode(const struct vocabulary *v, const struct text_piece *text,
                            struct encoding *e)
{
	size_t n;
	tt_status st;

	for (size_t at = 0; at < text->n; at += n) {
		uint32_t slot;

		if (!(n = token_length(v->kind, text->p + at, text->n - at)))
			return no_utf8(text, at);
		if ((st = encoding_grow(e)) != TT_OK)
			return st;
		slot = v->n ? v->table.slot[find_slot(&v->table, text->p + at, n)] : 0;
		if (!slot && (st = note_unknown(v, text, at, n, e)) != TT_OK)
			return st;
		e->id[e->n++] = slot ? (int32_t)slot - 1 : v->unknown;
	}
	return TT_OK;
}

void encoding_release(struct encoding *e)
{
	mem_free(e->id);
	str_release(&e->first);
	*e = (struct encoding){0};
}
