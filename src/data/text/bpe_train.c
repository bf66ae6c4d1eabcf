#include "data/text/bpe_train.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "data/text/byte_letters.h"
#include "data/text/pieces.h"
#include "data/text/token_table.h"

/* A pair and the words that have it, or had. */
struct pair { uint32_t left, right, words, last, stamp; int64_t count; };
struct place { uint32_t word, next; };          /* next + 1; 0: no more */
struct candidate { int64_t count; uint32_t pair; };

struct word { size_t at; uint32_t n; int64_t count; };

struct training {
	struct pieces      pieces;
	struct pieces_work work;
	struct token_table words;       /* of the texts                          */
	struct word       *word;        /* [words.n]                             */
	uint32_t          *symbol;      /* of all words, one behind the other    */
	struct token_table token;       /* [256 + merges] bytes                  */
	uint32_t          *merge;       /* [merges][2]                           */
	size_t             merges, merges_room;
	struct pair       *pair;
	size_t             pairs, pairs_room;
	uint32_t          *slot;        /* of pairs, + 1; 0: free                */
	size_t             slots;
	struct place      *place;
	size_t             places, places_room;
	struct candidate  *heap;
	size_t             candidates, heap_room;
	uint32_t          *touched;     /* pairs that the merge under way made more frequent */
	size_t             touches, touched_room;
	uint32_t           stamp;
	struct arena       arena;
};

static void training_release(struct training *t)
{
	pieces_release(&t->pieces);
	pieces_work_release(&t->work);
	token_table_release(&t->words);
	token_table_release(&t->token);
	mem_free(t->word);
	mem_free(t->symbol);
	mem_free(t->merge);
	mem_free(t->pair);
	mem_free(t->slot);
	mem_free(t->place);
	mem_free(t->heap);
	mem_free(t->touched);
	arena_release(&t->arena);
}

/* *block has room for n + 1 things of a size. */
static tt_status room_for(void *block, size_t n, size_t *room, size_t size)
{
	void **at = block, *wider;
	const size_t more = *room ? 2 * *room : 1024;

	if (n < *room)
		return TT_OK;
	if (more > UINT32_MAX / 2)
		return err_set(TT_EFORMAT, "the text is too large to train a tokenizer on: give it a part");
	if (!(wider = mem_realloc(*at, more * size)))
		return TT_ENOMEM;
	*at = wider;
	*room = more;
	return TT_OK;
}

/* ---- words ---- */

static tt_status count_word(void *ctx, const char *p, size_t n)
{
	struct training *t = ctx;
	size_t which;
	tt_status st = TT_OK;

	for (size_t k; st == TT_OK && n > 0; p += k, n -= k) {
		k = n < BPE_PIECE ? n : BPE_PIECE;
		if ((st = token_table_add(&t->words, p, k, &which)) == TT_OK)
			t->words.v[which].count++;
	}
	return st;
}

static tt_status count_text(struct training *t, const struct text_piece *text)
{
	const struct pieces_taker to = { count_word, t };
	tt_status st = TT_OK;

	for (size_t at = 0, k; st == TT_OK && at < text->n; at += k)
		if ((k = token_utf8(text->p + at, text->n - at)))
			st = pieces_cut(&t->pieces, &t->work,
			                &(struct pieces_text){ text->p + at, k, at == 0 }, &to);
		else
			st = count_word(t, text->p + at, k = 1);
	return st;
}

/* The bytes by their letters: as Hugging Face sorts its alphabet. */
static tt_status add_bytes(struct training *t, uint32_t number[256])
{
	size_t which;
	tt_status st = TT_OK;

	for (unsigned letter = 0; st == TT_OK && letter < 0x144; letter++)
		for (int byte = 0; st == TT_OK && byte < 256; byte++) {
			char *own;

			if (byte_letter((unsigned char)byte) != letter)
				continue;
			if (!(own = arena_alloc(&t->arena, 1)))
				return TT_ENOMEM;
			*own = (char)byte;
			st = token_table_add(&t->token, own, 1, &which);
			number[byte] = (uint32_t)which;
		}
	return st;
}

static tt_status spell_words(struct training *t, const uint32_t number[256])
{
	size_t all = 0, at = 0;

	for (size_t i = 0; i < t->words.n; i++)
		all += t->words.v[i].n;
	t->word = mem_alloc((t->words.n + 1) * sizeof *t->word);
	t->symbol = mem_alloc((all + 1) * sizeof *t->symbol);
	if (!t->word || !t->symbol)
		return TT_ENOMEM;
	for (size_t i = 0; i < t->words.n; i++) {
		const struct token *w = &t->words.v[i];

		t->word[i] = (struct word){ at, (uint32_t)w->n, (int64_t)w->count };
		for (size_t k = 0; k < w->n; k++)
			t->symbol[at++] = number[(unsigned char)w->p[k]];
	}
	return TT_OK;
}

/* ---- pairs ---- */

static size_t slot_of(const struct training *t, uint32_t left, uint32_t right)
{
	const uint64_t h = ((uint64_t)left << 32 | right) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(h ^ h >> 32) & (t->slots - 1);

	while (t->slot[at] && (t->pair[t->slot[at] - 1].left != left ||
	                       t->pair[t->slot[at] - 1].right != right))
		at = (at + 1) & (t->slots - 1);
	return at;
}

static tt_status grow_slots(struct training *t)
{
	const size_t slots = t->slots ? 2 * t->slots : 4096;
	uint32_t *slot = mem_calloc(slots, sizeof *slot);

	if (!slot)
		return TT_ENOMEM;
	mem_free(t->slot);
	t->slot = slot;
	t->slots = slots;
	for (size_t i = 0; i < t->pairs; i++)
		slot[slot_of(t, t->pair[i].left, t->pair[i].right)] = (uint32_t)i + 1;
	return TT_OK;
}

static tt_status find_pair(struct training *t, uint32_t left, uint32_t right, uint32_t *out)
{
	size_t at;
	tt_status st;

	if (2 * t->pairs >= t->slots && (st = grow_slots(t)) != TT_OK)
		return st;
	at = slot_of(t, left, right);
	if (!t->slot[at]) {
		if ((st = room_for(&t->pair, t->pairs, &t->pairs_room, sizeof *t->pair)) != TT_OK)
			return st;
		t->pair[t->pairs] = (struct pair){ .left = left, .right = right, .last = UINT32_MAX };
		t->slot[at] = (uint32_t)++t->pairs;
	}
	*out = t->slot[at] - 1;
	return TT_OK;
}

/* The pair is there so many times more, or less, in a word. */
static tt_status change(struct training *t, uint32_t left, uint32_t right, uint32_t word, int by)
{
	struct pair *p;
	uint32_t which;
	tt_status st = find_pair(t, left, right, &which);

	if (st != TT_OK)
		return st;
	p = &t->pair[which];
	p->count += by * t->word[word].count;
	if (by < 0)
		return TT_OK;
	if (p->last != word) {
		if ((st = room_for(&t->place, t->places, &t->places_room, sizeof *t->place)) != TT_OK)
			return st;
		t->place[t->places++] = (struct place){ word, p->words };
		p->words = (uint32_t)t->places;
		p->last = word;
	}
	if (p->stamp == t->stamp)
		return TT_OK;
	p->stamp = t->stamp;
	if ((st = room_for(&t->touched, t->touches, &t->touched_room, sizeof *t->touched)) == TT_OK)
		t->touched[t->touches++] = which;
	return st;
}

/* ---- the most frequent one ---- */

static int is_better(const struct training *t, struct candidate a, struct candidate b)
{
	const struct pair *x = &t->pair[a.pair], *y = &t->pair[b.pair];

	if (a.count != b.count)
		return a.count > b.count;
	return x->left != y->left ? x->left < y->left : x->right < y->right;
}

static tt_status push(struct training *t, uint32_t pair)
{
	const struct candidate c = { t->pair[pair].count, pair };
	tt_status st = room_for(&t->heap, t->candidates, &t->heap_room, sizeof *t->heap);
	size_t at;

	if (st != TT_OK || c.count <= 0)
		return st;
	for (at = t->candidates++; at > 0 && is_better(t, c, t->heap[(at - 1) / 2]); at = (at - 1) / 2)
		t->heap[at] = t->heap[(at - 1) / 2];
	t->heap[at] = c;
	return TT_OK;
}

static struct candidate pop(struct training *t)
{
	const struct candidate top = t->heap[0], last = t->heap[--t->candidates];
	size_t at = 0, next;

	while ((next = 2 * at + 1) < t->candidates) {
		if (next + 1 < t->candidates && is_better(t, t->heap[next + 1], t->heap[next]))
			next++;
		if (!is_better(t, t->heap[next], last))
			break;
		t->heap[at] = t->heap[next];
		at = next;
	}
	t->heap[at] = last;
	return top;
}

static tt_status push_touched(struct training *t)
{
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && i < t->touches; i++)
		st = push(t, t->touched[i]);
	t->touches = 0;
	t->stamp++;
	return st;
}

/* The best whose count is still what it was; UINT32_MAX: none is left. */
static tt_status best(struct training *t, size_t least, uint32_t *out)
{
	tt_status st = TT_OK;

	*out = UINT32_MAX;
	while (st == TT_OK && t->candidates && *out == UINT32_MAX) {
		const struct candidate c = pop(t);
		const int64_t count = t->pair[c.pair].count;

		if (count != c.count)
			st = push(t, c.pair);
		else if (count < (int64_t)least)
			break;
		else
			*out = c.pair;
	}
	return st;
}

/* ---- merging ---- */

/* The pair at place `at` of a word becomes one symbol, of which the neighbours hear. */
static tt_status merge_here(struct training *t, uint32_t word, size_t at, uint32_t id)
{
	struct word *w = &t->word[word];
	uint32_t *s = t->symbol + w->at;
	const uint32_t left = s[at], right = s[at + 1];
	tt_status st = TT_OK;

	if (at > 0 && (st = change(t, s[at - 1], left, word, -1)) == TT_OK)
		st = change(t, s[at - 1], id, word, 1);
	if (st == TT_OK && at + 2 < w->n && (st = change(t, right, s[at + 2], word, -1)) == TT_OK)
		st = change(t, id, s[at + 2], word, 1);
	s[at] = id;
	w->n--;
	memmove(s + at + 1, s + at + 2, (w->n - at - 1) * sizeof *s);
	return st;
}

static tt_status merge_word(struct training *t, uint32_t word, const uint32_t pair[2], uint32_t id)
{
	const uint32_t *s = t->symbol + t->word[word].at;
	tt_status st = TT_OK;

	for (size_t i = 0; st == TT_OK && i + 1 < t->word[word].n; i++)
		if (s[i] == pair[0] && s[i + 1] == pair[1])
			st = merge_here(t, word, i, id);
	return st;
}

static tt_status name_token(struct training *t, const uint32_t pair[2], uint32_t *id)
{
	const struct token a = t->token.v[pair[0]], b = t->token.v[pair[1]];
	char *own = arena_alloc(&t->arena, a.n + b.n);
	size_t which;
	tt_status st;

	if (!own)
		return TT_ENOMEM;
	memcpy(own, a.p, a.n);
	memcpy(own + a.n, b.p, b.n);
	if ((st = token_table_add(&t->token, own, a.n + b.n, &which)) == TT_OK)
		*id = (uint32_t)which;
	return st;
}

static tt_status merge(struct training *t, uint32_t which)
{
	const uint32_t pair[2] = { t->pair[which].left, t->pair[which].right };
	uint32_t id = 0;
	tt_status st = name_token(t, pair, &id);

	if (st == TT_OK)
		st = room_for(&t->merge, 2 * t->merges + 1, &t->merges_room, sizeof *t->merge);
	if (st != TT_OK)
		return st;
	memcpy(t->merge + 2 * t->merges++, pair, sizeof pair);
	for (uint32_t at = t->pair[which].words; st == TT_OK && at; at = t->place[at - 1].next)
		st = merge_word(t, t->place[at - 1].word, pair, id);
	t->pair[which].count = 0;
	return st == TT_OK ? push_touched(t) : st;
}

static tt_status count_pairs(struct training *t)
{
	tt_status st = TT_OK;

	t->stamp = 1;
	for (size_t i = 0; st == TT_OK && i < t->words.n; i++) {
		const uint32_t *s = t->symbol + t->word[i].at;

		for (size_t k = 0; st == TT_OK && k + 1 < t->word[i].n; k++)
			st = change(t, s[k], s[k + 1], (uint32_t)i, 1);
	}
	return st == TT_OK ? push_touched(t) : st;
}

/* ---- what was found ---- */

static void write_letters(const struct token *t, struct str *letters, struct str *out)
{
	letters->len = 0;
	byte_letters(t->p, t->n, letters);
	str_add_json(out, letters->p);
}

static tt_status write_all(const struct training *t, struct str *out)
{
	struct str letters = {0};
	tt_status st;

	str_add(out, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, "
	        "\"added_tokens\": [], \"normalizer\": null, "
	        "\"pre_tokenizer\": {\"type\": \"ByteLevel\", "
	        "\"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}, "
	        "\"post_processor\": null, \"decoder\": {\"type\": \"ByteLevel\", "
	        "\"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}, "
	        "\"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
	        "\"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
	        "\"fuse_unk\": false, \"byte_fallback\": false, \"vocab\": {");
	for (size_t i = 0; i < t->token.n; i++) {
		str_add(out, i ? ", " : "");
		write_letters(&t->token.v[i], &letters, out);
		str_addf(out, ": %zu", i);
	}
	str_add(out, "}, \"merges\": [");
	for (size_t i = 0; i < t->merges; i++)
		for (int k = 0; k < 2; k++) {
			str_add(out, k ? ", " : i ? ", [" : "[");
			write_letters(&t->token.v[t->merge[2 * i + (size_t)k]], &letters, out);
			str_add(out, k ? "]" : "");
		}
	str_add(out, "]}}");
	st = letters.failed ? TT_ENOMEM : str_status(out);
	str_release(&letters);
	return st;
}

static tt_status learn(struct training *t, const struct bpe_wish *wish)
{
	uint32_t number[256], which = 0;
	tt_status st = add_bytes(t, number);

	if (st == TT_OK && (st = spell_words(t, number)) == TT_OK)
		st = count_pairs(t);
	while (st == TT_OK && t->token.n < wish->most && which != UINT32_MAX)
		if ((st = best(t, wish->least, &which)) == TT_OK && which != UINT32_MAX)
			st = merge(t, which);
	return st;
}

tt_status bpe_train(const struct text_piece *text, size_t texts, const struct bpe_wish *wish,
                    struct str *out)
{
	struct training t = {0};
	tt_status st;

	if (wish->most < BPE_BYTES)
		return err_set(TT_EINVAL, "%zu tokens are too few for bpe: the %d bytes are tokens, too",
		               wish->most, BPE_BYTES);
	st = pieces_add(&t.pieces, &(struct pieces_rule){ .pattern = PIECES_GPT2 });
	for (size_t i = 0; st == TT_OK && i < texts; i++)
		st = count_text(&t, &text[i]);
	if (st == TT_OK && (st = learn(&t, wish)) == TT_OK)
		st = write_all(&t, out);
	training_release(&t);
	return st;
}
