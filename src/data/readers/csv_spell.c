/* Lists of labels from a table's targets: words between blanks, or else characters.
 *
 *   "3 14 3"  ->  3 | 14 | 3          if any target has a blank in it
 *   "cat"     ->  c | a | t
 *
 * Class 0 is the blank of whoever spells them (model.ctc_blank); the labels follow, sorted. */
#include "data/readers/csv_own.h"

#include <stdlib.h>

#include "base/mem.h"
#include "data/text/tokens.h"

#define LABELS_MAX 100000
static const char blank[] = "<blank>";

enum spelling_unit { UNIT_CHARS, UNIT_WORDS };

struct speller {
	const struct table *t;
	struct csv         *c;
	enum spelling_unit  unit;
	int                 known;       /* enum no/yes: a model's labels, no others     */
	struct words        words;
	size_t              n, room;     /* labels in c->spelling                        */
};

int csv_spells(const struct csv_opts *o)
{
	return o->task == CSV_SPELL ||
	       (o->task == CSV_AUTO && o->known && o->known->wish == WISH_SPELL);
}

static const char *text_of(const struct table *t, size_t row)
{
	return t->texts.p + t->text[row].at;
}

static int is_one_char(const char *s)
{
	return token_length(TOKENS_CHARS, s, strlen(s)) == strlen(s);
}

static enum spelling_unit unit_of(const struct table *t, const struct csv *c,
                                  const struct known_columns *k)
{
	for (int i = 1; k && k->class_names && i < k->classes; i++)
		if (!is_one_char(k->class_names[i]))
			return UNIT_WORDS;
	if (k && k->class_names)
		return UNIT_CHARS;
	for (size_t i = 0; i < c->rows; i++)
		if (strchr(text_of(t, i), ' '))
			return UNIT_WORDS;
	return UNIT_CHARS;
}

static tt_status know(struct speller *s, const struct known_columns *k)
{
	uint32_t code;
	tt_status st = TT_OK;

	s->known = k && k->class_names;
	for (int i = 1; s->known && st == TT_OK && i < k->classes; i++)
		st = words_add(&s->words, k->class_names[i], &code);
	return st;
}

static tt_status add(struct speller *s, size_t row, const char *p, size_t n)
{
	char label[256];
	uint32_t code;
	int32_t *wider;
	tt_status st = TT_OK;

	if (n >= sizeof label)
		return csv_bad_target(s->t, row, p, "a label of more than 255 bytes");
	memcpy(label, p, n);
	label[n] = '\0';
	if (s->known && (code = words_find(&s->words, label)) == WORDS_NONE)
		return csv_bad_target(s->t, row, label, "no label that the model knows");
	if (!s->known && (st = words_add(&s->words, label, &code)) != TT_OK)
		return st;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		if (!(wider = mem_realloc(s->c->spelling, s->room * sizeof *wider)))
			return TT_ENOMEM;
		s->c->spelling = wider;
	}
	s->c->spelling[s->n++] = (int32_t)code + 1;
	return TT_OK;
}

/* Bytes of the label that p begins with; 0: none. */
static size_t length_of(enum spelling_unit u, const char *p)
{
	return u == UNIT_WORDS ? strcspn(p, " ") : token_length(TOKENS_CHARS, p, strlen(p));
}

static tt_status spell_row(struct speller *s, size_t row)
{
	const char *p = text_of(s->t, row);
	const size_t begin = s->n;
	tt_status st = TT_OK;

	for (; st == TT_OK && *p; p += length_of(s->unit, p)) {
		if (s->unit == UNIT_WORDS)
			p += strspn(p, " ");
		if (!*p)
			break;
		if (!length_of(s->unit, p))
			return csv_bad_target(s->t, row, p, "no UTF-8");
		st = add(s, row, p, length_of(s->unit, p));
	}
	s->c->spelt[row] = (struct csv_spelt){ begin, s->n - begin };
	return st;
}

/* Labels get their numbers when all are known: sorted, so that the order of rows means nothing. */
static tt_status sort_labels(struct speller *s)
{
	struct csv *c = s->c;
	const size_t n = s->words.n;
	const char **name = arena_alloc(&c->arena, (n + 2) * sizeof *name);
	int32_t *at = mem_calloc(n + 1, sizeof *at);

	if (!name || !at) {
		mem_free(at);
		return TT_ENOMEM;
	}
	name[0] = blank;
	for (size_t i = 0; i < n; i++)
		name[i + 1] = words_text(&s->words, i);
	if (!s->known)
		qsort(name + 1, n, sizeof *name, csv_by_name);
	for (size_t i = 1; i <= n; i++)
		at[words_find(&s->words, name[i])] = (int32_t)i;
	for (size_t i = 0; i < s->n; i++)
		c->spelling[i] = at[c->spelling[i] - 1];
	mem_free(at);
	c->classes = (int)n + 1;
	return schema_copy_names(&c->arena, name, c->classes,
	                         (const char *const **)(void *)&c->class_names);
}

tt_status csv_spell(const struct table *t, struct csv *c, const struct csv_opts *o)
{
	struct speller s = { .t = t, .c = c, .unit = unit_of(t, c, o->known) };
	tt_status st = know(&s, o->known);

	if (st == TT_OK && !(c->spelt = mem_calloc(c->rows + 1, sizeof *c->spelt)))
		st = TT_ENOMEM;
	for (size_t i = 0; st == TT_OK && i < c->rows; i++)
		st = spell_row(&s, i);
	if (st == TT_OK && s.words.n > LABELS_MAX)
		st = err_set(TT_EFORMAT, "%s: more than %d different labels", t->row.in->name, LABELS_MAX);
	if (st == TT_OK && !c->spelling && !(c->spelling = mem_calloc(1, sizeof *c->spelling)))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = sort_labels(&s);
	words_release(&s.words);
	return st;
}
