#include "data/text/tokenizer.h"

#include <string.h>

#include "base/mem.h"
#include "data/text/tokenizer_own.h"

#define SEEN_MAX  (1 << 18)     /* pieces that are remembered */
#define SEEN_LONG 64            /* bytes of one               */

/* ---- life ---- */

void tokenizer_free(struct tokenizer *t)
{
	if (!t)
		return;
	token_table_release(&t->known);
	bpe_release(&t->bpe);
	normal_release(&t->normal);
	pieces_release(&t->pieces);
	arena_release(&t->arena);
	mem_free(t);
}

void tokenizer_work_free(struct tokenizer_work *w)
{
	if (!w)
		return;
	normal_work_release(&w->normal);
	pieces_work_release(&w->pieces);
	bpe_work_release(&w->bpe);
	str_release(&w->word);
	mem_free(w->place);
	token_table_release(&w->seen);
	arena_release(&w->bytes);
	mem_free(w->ids);
	mem_free(w);
}

/* ---- pieces that came before ---- */

static tt_status repeat(const struct tokenizing *g, uint64_t place)
{
	const struct tokenizer_work *w = g->e->work;
	const size_t n = place & 0xff;
	tt_status st = encoding_grow(g->e, n);

	if (st == TT_OK) {
		memcpy(g->e->id + g->e->n, w->ids + (place >> 8), n * sizeof *w->ids);
		g->e->n += n;
	}
	return st;
}

static tt_status remember(const struct tokenizing *g, const char *p, size_t length, size_t from)
{
	struct tokenizer_work *w = g->e->work;
	const size_t n = g->e->n - from;
	char *own = arena_alloc(&w->bytes, length);
	size_t which;
	tt_status st;

	if (!own)
		return TT_ENOMEM;
	if (w->n + n > w->room) {
		const size_t room = 2 * w->room + 1024;
		int32_t *ids = mem_realloc(w->ids, room * sizeof *ids);

		if (!ids)
			return TT_ENOMEM;
		w->ids = ids;
		w->room = room;
	}
	memcpy(own, p, length);
	if ((st = token_table_add(&w->seen, own, length, &which)) != TT_OK)
		return st;
	memcpy(w->ids + w->n, g->e->id + from, n * sizeof *w->ids);
	w->seen.v[which].count = (uint64_t)w->n << 8 | n;
	w->n += n;
	return TT_OK;
}

static tt_status encode_piece(const struct tokenizing *g, const char *p, size_t n)
{
	return g->t->kind == TOKENS_BPE ? bpe_encode(g, p, n)
	     : g->t->kind == TOKENS_WORDPIECE ? wordpiece_encode(g, p, n) : unigram_encode(g, p, n);
}

static tt_status take_piece(void *ctx, const char *p, size_t n)
{
	const struct tokenizing *g = ctx;
	const struct tokenizer_work *w = g->e->work;
	const size_t from = g->e->n, unknown = g->e->unknown;
	const int64_t seen = n <= SEEN_LONG ? token_table_find(&w->seen, p, n) : -1;
	tt_status st;

	if (seen >= 0)
		return repeat(g, w->seen.v[seen].count);
	st = encode_piece(g, p, n);
	if (st != TT_OK || n > SEEN_LONG || w->seen.n >= SEEN_MAX || g->e->unknown != unknown)
		return st;
	return remember(g, p, n, from);
}

/* ---- stretches of text without an added token ---- */

static tt_status encode_valid(struct tokenizing *g, size_t at, size_t n)
{
	const struct pieces_text t = { g->text->p + at, n, at == 0 };
	const struct pieces_taker to = { take_piece, g };
	struct tokenizer_work *w = g->e->work;
	struct pieces_text normal;
	tt_status st;

	g->range = (struct text_range){ at, n };
	if ((st = normal_apply(&g->t->normal, &w->normal, &t, &normal)) != TT_OK)
		return st;
	return pieces_cut(&g->t->pieces, &w->pieces, &normal, &to);
}

/* What is no UTF-8 is a piece of its own, where tokens are bytes. */
static tt_status encode_stretch(struct tokenizing *g, size_t at, size_t stop)
{
	tt_status st = TT_OK;

	while (st == TT_OK && at < stop) {
		const size_t good = token_utf8(g->text->p + at, stop - at);
		size_t bad = 0;

		if (good)
			st = encode_valid(g, at, good);
		at += good;
		while (at + bad < stop && !token_utf8(g->text->p + at + bad, stop - at - bad))
			bad++;
		if (st == TT_OK && bad && !g->t->exact)
			return encoding_no_utf8(g->text, at);
		g->range = (struct text_range){ at, bad };
		if (st == TT_OK && bad)
			st = take_piece(g, g->text->p + at, bad);
		at += bad;
	}
	return st;
}

/* ---- added tokens ---- */

static int compare(const struct added_token *a, size_t at, unsigned char byte)
{
	return a->n <= at ? -1 : (unsigned char)a->p[at] - byte;
}

/* The first of those from lo to hi whose byte there is `byte`, or more. */
static size_t first_with(const struct tokenizer *t, size_t lo, size_t hi, size_t at, int byte)
{
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;

		if ((byte > 255 ? -1 : compare(&t->added[mid], at, (unsigned char)byte)) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The longest that n bytes begin with; those that may be stand side by side, being sorted. */
static const struct added_token *find_added(const struct tokenizer *t, const char *p, size_t n)
{
	const struct added_token *found = NULL;
	size_t lo = 0, hi = t->n_added;

	for (size_t at = 0; at < n && lo < hi; at++) {
		const int byte = (unsigned char)p[at];

		lo = first_with(t, lo, hi, at, byte);
		hi = first_with(t, lo, hi, at, byte + 1);
		if (lo < hi && t->added[lo].n == at + 1)
			found = &t->added[lo];
	}
	return found;
}

static int is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static tt_status encode_all(struct tokenizing *g)
{
	const struct text_piece *x = g->text;
	size_t from = 0, at = 0;
	tt_status st = TT_OK;

	while (st == TT_OK && at < x->n) {
		const struct added_token *a = g->t->begins[(unsigned char)x->p[at]]
		                            ? find_added(g->t, x->p + at, x->n - at) : NULL;
		size_t stop = at;

		if (!a) {
			at++;
			continue;
		}
		while (a->strips_left && stop > from && is_blank(x->p[stop - 1]))
			stop--;
		if ((st = encode_stretch(g, from, stop)) == TT_OK)
			st = encoding_put(g->e, a->id);
		at += a->n;
		while (a->strips_right && at < x->n && is_blank(x->p[at]))
			at++;
		from = at;
	}
	return st == TT_OK ? encode_stretch(g, from, x->n) : st;
}

tt_status tokenizer_encode(const struct tokenizer *t, const struct text_piece *text,
                           struct encoding *e)
{
	struct tokenizing g = { .t = t, .e = e, .text = text };

	if (!e->work && !(e->work = mem_calloc(1, sizeof *e->work)))
		return TT_ENOMEM;
	return t->n_added ? encode_all(&g) : encode_stretch(&g, 0, text->n);
}
