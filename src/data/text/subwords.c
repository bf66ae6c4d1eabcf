/* subwords.c -- what each kind of model makes of a piece. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "data/text/tokenizer_own.h"

static size_t char_bytes(const char *p, size_t n)
{
	const size_t k = token_length(TOKENS_CHARS, p, n);

	return k ? k : 1;
}

static int64_t known(const struct tokenizer *t, const char *p, size_t n)
{
	const int64_t at = token_table_find(&t->known, p, n);

	return at < 0 ? -1 : (int64_t)t->known.v[at].count;
}

/* ---- unknowns ---- */

static int has_bytes(const struct tokenizer *t, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (t->byte[(unsigned char)p[i]] < 0)
			return 0;
	return 1;
}

/* The unknown, noted; or the tokens of the bytes. */
static tt_status put_unknown(const struct tokenizing *g, const char *p, size_t n)
{
	tt_status st = TT_OK;

	if (!g->t->falls_back || !has_bytes(g->t, p, n)) {
		st = encoding_unknown(g->e, g->text, g->range, g->t->unknown);
		return st == TT_OK ? encoding_put(g->e, g->t->unknown) : st;
	}
	for (size_t i = 0; st == TT_OK && i < n; i++)
		st = encoding_put(g->e, g->t->byte[(unsigned char)p[i]]);
	return st;
}

/* ---- BPE ---- */

static tt_status put_bytes(const struct tokenizing *g, const char *p, size_t n)
{
	tt_status st = encoding_grow(g->e, n);

	for (size_t i = 0; st == TT_OK && i < n; i++) {
		const int32_t id = g->t->byte[(unsigned char)p[i]];

		if (id >= 0)
			g->e->id[g->e->n++] = id;
		else
			st = put_unknown(g, p + i, 1);
	}
	return st;
}

static tt_status put_chars(const struct tokenizing *g, const char *p, size_t n)
{
	int fused = 0;
	tt_status st = TT_OK;

	for (size_t at = 0, k; st == TT_OK && at < n; at += k) {
		int64_t id;
		const size_t before = g->e->unknown;

		k = char_bytes(p + at, n - at);
		if ((id = known(g->t, p + at, k)) >= 0) {
			st = encoding_put(g->e, (int32_t)id);
			fused = 0;
		} else if (!fused) {
			st = put_unknown(g, p + at, k);
			fused = g->t->fuses && g->e->unknown > before;
		} else if (g->t->falls_back) {
			st = put_unknown(g, p + at, k);
			if (g->e->unknown > before)
				g->e->n--;                      /* it is part of the one before */
			else
				fused = 0;
		}
	}
	return st;
}

tt_status bpe_encode(const struct tokenizing *g, const char *p, size_t n)
{
	const int64_t whole = g->t->whole_first ? known(g->t, p, n) : -1;
	const size_t from = g->e->n;
	size_t made;
	tt_status st;

	if (whole >= 0)
		return encoding_put(g->e, (int32_t)whole);
	if ((st = g->t->byte_level ? put_bytes(g, p, n) : put_chars(g, p, n)) != TT_OK)
		return st;
	made = g->e->n - from;
	if (made && (st = bpe_apply(&g->t->bpe, &g->e->work->bpe, g->e->id + from, &made)) == TT_OK)
		g->e->n = from + made;
	return st;
}

/* ---- WordPiece ---- */

static size_t count_chars(const char *p, size_t n)
{
	size_t chars = 0;

	for (size_t at = 0; at < n; at += char_bytes(p + at, n - at))
		chars++;
	return chars;
}

static size_t back_one(const char *p, size_t n)
{
	do
		n--;
	while (n && ((unsigned char)p[n] & 0xc0) == 0x80);
	return n;
}

/* The longest token that a word goes on with from `at` on: how long it is; 0: none. */
static size_t longest(const struct tokenizing *g, const char *p, size_t n, size_t at, int64_t *id)
{
	struct str *word = &g->e->work->word;
	const size_t front = at ? strlen(g->t->inner) : 0;
	size_t k = n - at;

	word->len = 0;
	str_add_bytes(word, g->t->inner, front);
	str_add_bytes(word, p + at, k);
	while (!word->failed && k && (*id = known(g->t, word->p, front + k)) < 0)
		k = back_one(p + at, k);
	return k;
}

/* All of a word, or nothing. */
tt_status wordpiece_encode(const struct tokenizing *g, const char *p, size_t n)
{
	const size_t from = g->e->n;
	const int fits = count_chars(p, n) <= (size_t)g->t->longest;
	tt_status st = TT_OK;

	for (size_t at = 0, k; fits && st == TT_OK && at < n; at += k) {
		int64_t id = -1;

		if (!(k = longest(g, p, n, at, &id))) {
			g->e->n = from;
			return g->e->work->word.failed ? TT_ENOMEM : put_unknown(g, p, n);
		}
		st = encoding_put(g->e, (int32_t)id);
	}
	return fits ? st : put_unknown(g, p, n);
}

/* ---- Unigram ---- */

static tt_status make_places(struct tokenizer_work *w, size_t n)
{
	struct unigram_place *wider;

	if (n > UINT32_MAX / 2)
		return err_set(TT_ESUPPORT, "a piece of %zu bytes is too long for a tokenizer", n);
	if (w->places < n) {
		if (!(wider = mem_realloc(w->place, n * sizeof *wider)))
			return TT_ENOMEM;
		w->place = wider;
		w->places = n;
	}
	for (size_t i = 0; i < n; i++)
		w->place[i] = (struct unigram_place){ -INFINITY, 0, -1 };
	w->place[0].score = 0;
	return TT_OK;
}

static void offer(struct unigram_place *to, double score, size_t from, int64_t id)
{
	if (score > to->score)
		*to = (struct unigram_place){ score, (uint32_t)from, (int32_t)id };
}

/* All tokens that begin at `at`, and the unknown where no single character does. */
static void offer_from(const struct tokenizer *t, struct unigram_place *place, const char *p,
                       size_t n, size_t at)
{
	const size_t one = char_bytes(p + at, n - at), most = (size_t)t->longest;
	int single = 0;

	for (size_t k = one; k <= most && at + k <= n; ) {
		const int64_t id = known(t, p + at, k);

		if (id >= 0)
			offer(&place[at + k], place[at].score + t->score[id], at, id);
		single |= id >= 0 && k == one;
		k += at + k < n ? char_bytes(p + at + k, n - at - k) : 1;
	}
	if (!single)
		offer(&place[at + one], place[at].score + t->worst, at, -1);
}

static tt_status put_best(const struct tokenizing *g, const char *p, size_t n)
{
	struct unigram_place *place = g->e->work->place;
	tt_status st = TT_OK;

	for (size_t at = n, before; at > 0; at = before) {      /* the way back becomes the way */
		before = place[at].from;
		place[before].score = (double)at;
	}
	for (size_t at = 0, to; st == TT_OK && at < n; at = to) {
		const int32_t id = place[to = (size_t)place[at].score].id;

		while (id < 0 && to < n && place[(size_t)place[to].score].id < 0 && g->t->fuses)
			to = (size_t)place[to].score;
		st = id >= 0 ? encoding_put(g->e, id) : put_unknown(g, p + at, to - at);
	}
	return st;
}

tt_status unigram_encode(const struct tokenizing *g, const char *p, size_t n)
{
	tt_status st = make_places(g->e->work, n + 1);

	if (st != TT_OK)
		return st;
	for (size_t at = 0; at < n; at += char_bytes(p + at, n - at))
		offer_from(g->t, g->e->work->place, p, n, at);
	return put_best(g, p, n);
}
