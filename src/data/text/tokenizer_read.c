/* tokenizer_read.c -- from what a tokenizer.json holds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "data/text/byte_letters.h"
#include "data/text/tokenizer_rules.h"

#define TOKENS_MAX 1000000      /* numbers of tokens */
#define GAPS       1000         /* numbers that are no token, beside as many as there are tokens */
#define LONGEST    1024         /* bytes of a token of Unigram, characters of a word of WordPiece */

struct reading { struct tokenizer *t; const struct node *model; };

static tt_status lies(const struct reading *r, const char *what, const char *token)
{
	return err_set(TT_EFORMAT, "%s: %s '%.60s'", r->model->file, what, token);
}

/* ---- the vocabulary ---- */

static tt_status read_id(const struct node *n, int32_t *out)
{
	int64_t id;
	const tt_status st = node_int(n, 0, TOKENS_MAX - 1, &id);

	if (st == TT_OK)
		*out = (int32_t)id;
	return st == TT_OK || st == TT_ENOMEM ? st : TT_EFORMAT;
}

/* A token's bytes as the model sees them; of byte level, what is no letter of it is never seen. */
static tt_status add_known(const struct reading *r, const char *key, int32_t id)
{
	struct tokenizer *t = r->t;
	size_t n = strlen(key), which;
	char *own = arena_alloc(&t->arena, n + 1);
	size_t seen = n;
	tt_status st;

	if (!own)
		return TT_ENOMEM;
	if (!t->byte_level || !(seen = byte_unletters(key, n, own)))
		memcpy(own, key, n);
	t->text[id] = (struct token){ own, seen ? seen : n, 1 };
	if (!seen)
		return TT_OK;
	if ((st = token_table_add(&t->known, own, seen, &which)) != TT_OK)
		return st;
	if (which + 1 != t->known.n)
		return lies(r, "the vocabulary has twice what is written as", key);
	t->known.v[which].count = (uint64_t)id;
	return TT_OK;
}

static tt_status add_token(const struct reading *r, const char *key, int32_t id)
{
	if (id >= r->t->n || r->t->text[id].count)
		return lies(r, "another token has the number of", key);
	return add_known(r, key, id);
}

/* Room for the numbers up to the highest, which may leave some out, but not most. */
static tt_status make_room(struct reading *r, int64_t highest, size_t tokens)
{
	if (highest < 0)
		return err_set(TT_EFORMAT, "%s: the tokenizer has no tokens", r->model->file);
	if ((size_t)highest >= 2 * tokens + GAPS)
		return err_set(TT_EFORMAT, "%s: a token has the number %lld, and there are only %zu",
		               r->model->file, (long long)highest, tokens);
	r->t->n = (int)highest + 1;
	r->t->text = arena_alloc(&r->t->arena, (size_t)r->t->n * sizeof *r->t->text);
	return r->t->text ? TT_OK : TT_ENOMEM;
}

static tt_status highest_id(const struct node *list, const char *key, int64_t *highest)
{
	int32_t id;
	tt_status st = TT_OK;

	for (const struct node *n = list ? list->child : NULL; st == TT_OK && n; n = n->next) {
		const struct node *number = !key ? n : n->kind == NODE_MAP ? node_get(n, key) : NULL;

		if (!number)
			return err_set(TT_EFORMAT, "%s: an added token has no id", n->file);
		if ((st = read_id(number, &id)) == TT_OK && id > *highest)
			*highest = id;
	}
	return st;
}

static tt_status read_map(struct reading *r, const struct node *added)
{
	const struct node *vocab = node_get(r->model, "vocab");
	int64_t highest = -1;
	int32_t id;
	tt_status st;

	if (!vocab || vocab->kind != NODE_MAP)
		return err_set(TT_EFORMAT, "%s: the model has no vocab", r->model->file);
	if ((st = highest_id(vocab, NULL, &highest)) != TT_OK ||
	    (st = highest_id(added, "id", &highest)) != TT_OK ||
	    (st = make_room(r, highest, node_count(vocab) + (added ? node_count(added) : 0))) != TT_OK)
		return st;
	for (const struct node *n = vocab->child; st == TT_OK && n; n = n->next)
		if ((st = read_id(n, &id)) == TT_OK)
			st = add_token(r, n->key, id);
	return st;
}

/* Unigram: a list of tokens and their scores. */
static tt_status read_pair(struct reading *r, const struct node *pair, int32_t id)
{
	const struct node *score = pair->kind == NODE_LIST && pair->child ? pair->child->next : NULL;
	tt_status st;

	if (!score || pair->child->kind != NODE_TEXT || !*pair->child->text)
		return err_set(TT_EFORMAT, "%s: token %d is no text with a score", pair->file, (int)id);
	if (strlen(pair->child->text) > LONGEST)
		return lies(r, "a token is longer than a kilobyte:", pair->child->text);
	if ((st = node_double(score, &r->t->score[id])) != TT_OK)
		return st == TT_ENOMEM ? st : TT_EFORMAT;
	if (!isfinite(r->t->score[id]))
		return lies(r, "no finite score has token", pair->child->text);
	r->t->worst = fmin(r->t->worst, r->t->score[id] - 10);
	if ((int)strlen(pair->child->text) > r->t->longest)
		r->t->longest = (int)strlen(pair->child->text);
	return add_token(r, pair->child->text, id);
}

static tt_status read_scores(struct reading *r, const struct node *added)
{
	const struct node *vocab = node_get(r->model, "vocab");
	const size_t n = vocab && vocab->kind == NODE_LIST ? node_count(vocab) : 0;
	int64_t highest = (int64_t)n - 1;
	int32_t id = 0;
	tt_status st;

	if (!n || n > TOKENS_MAX)
		return err_set(TT_EFORMAT, "%s: the model has no vocab, or one of more than %d tokens",
		               r->model->file, TOKENS_MAX);
	if ((st = highest_id(added, "id", &highest)) != TT_OK ||
	    (st = make_room(r, highest, n + (added ? node_count(added) : 0))) != TT_OK)
		return st;
	if (!(r->t->score = arena_alloc(&r->t->arena, (size_t)r->t->n * sizeof *r->t->score)))
		return TT_ENOMEM;
	for (const struct node *v = vocab->child; st == TT_OK && v; v = v->next)
		st = read_pair(r, v, id++);
	return st;
}

static int64_t id_of(const struct tokenizer *t, const char *p, size_t n)
{
	const int64_t at = token_table_find(&t->known, p, n);

	return at < 0 ? -1 : (int64_t)t->known.v[at].count;
}

/* By its bytes, or of byte level by its letters. */
static int64_t id_named(const struct tokenizer *t, const char *name)
{
	char bytes[LONGEST];
	const size_t n = strlen(name);
	const size_t k = t->byte_level && n < sizeof bytes ? byte_unletters(name, n, bytes) : 0;

	return k ? id_of(t, bytes, k) : id_of(t, name, n);
}

static tt_status read_unknown(struct reading *r)
{
	const char *name = rules_text(r->model, "unk_token", NULL);

	r->t->unknown = name ? (int)id_named(r->t, name) : -1;
	return name && r->t->unknown < 0 ? lies(r, "the vocabulary lacks the unk_token", name) : TT_OK;
}

static void find_bytes(struct tokenizer *t)
{
	char name[8];

	for (int i = 0; i < 256; i++) {
		const char byte = (char)i;

		snprintf(name, sizeof name, "<0x%02X>", (unsigned)i);
		t->byte[i] = t->byte_level ? (int32_t)id_of(t, &byte, 1)
		           : t->falls_back ? (int32_t)id_of(t, name, strlen(name)) : -1;
	}
}

/* ---- models ---- */

/* "a b", or ["a", "b"]. */
static tt_status read_merge(struct reading *r, const struct node *n, struct str *both)
{
	const struct node *first = n->kind == NODE_LIST ? n->child : NULL;
	const char *text = first ? first->text : n->kind == NODE_TEXT ? n->text : NULL;
	const char *space = first || !text ? NULL : strchr(text, ' ');
	const char *second = first && first->next && first->next->kind == NODE_TEXT ? first->next->text
	                   : space ? space + 1 : NULL;
	size_t front;
	int64_t left, right, merged;

	if (!text || !second)
		return err_set(TT_EFORMAT, "%s: merge %zu is no pair", n->file, r->t->bpe.n);
	front = space ? (size_t)(space - text) : strlen(text);
	both->len = 0;
	str_add_bytes(both, text, front);
	str_add_bytes(both, "", 1);
	str_add(both, second);
	if (both->failed)
		return TT_ENOMEM;
	left = id_named(r->t, both->p);
	right = id_named(r->t, second);
	memmove(both->p + front, both->p + front + 1, strlen(second) + 1);
	merged = id_named(r->t, both->p);
	if (left < 0 || right < 0 || merged < 0)
		return err_set(TT_EFORMAT, "%s: merge %zu ('%.40s' and the rest of '%.60s') is of tokens "
		               "that the vocabulary lacks", n->file, r->t->bpe.n, text, both->p);
	return bpe_add(&r->t->bpe, (uint32_t)left, (uint32_t)right, (int32_t)merged);
}

static tt_status read_merges(struct reading *r)
{
	const struct node *list = node_get(r->model, "merges");
	struct str both = {0};
	tt_status st = TT_OK;

	if (!list || list->kind != NODE_LIST)
		return err_set(TT_EFORMAT, "%s: the model has no merges", r->model->file);
	for (const struct node *n = list->child; st == TT_OK && n; n = n->next)
		st = read_merge(r, n, &both);
	str_release(&both);
	return st;
}

static tt_status read_bpe(struct reading *r, const struct node *added)
{
	static const char *const lacking[] = {
		"continuing_subword_prefix", "end_of_word_suffix", NULL
	};
	const struct node *dropout = node_get(r->model, "dropout");
	tt_status st;

	for (int i = 0; lacking[i]; i++)
		if (*rules_text(r->model, lacking[i], ""))
			return rules_refuse(r->model, lacking[i], rules_text(r->model, lacking[i], ""));
	if (!node_absent(dropout) && strtod(dropout->text ? dropout->text : "1", NULL) != 0)
		return rules_refuse(r->model, "dropout", dropout->text ? dropout->text : "");
	r->t->fuses = rules_flag(r->model, "fuse_unk", 0);
	r->t->falls_back = rules_flag(r->model, "byte_fallback", 0) && !r->t->byte_level;
	r->t->whole_first = rules_flag(r->model, "ignore_merges", 0);
	if ((st = read_map(r, added)) != TT_OK || (st = read_unknown(r)) != TT_OK)
		return st;
	return read_merges(r);
}

static tt_status read_wordpiece(struct reading *r, const struct node *added)
{
	const struct node *most = node_get(r->model, "max_input_chars_per_word");
	int64_t longest = 100;
	tt_status st;

	if (r->t->byte_level)
		return rules_refuse(r->model, "byte level beside", "WordPiece");
	r->t->inner = arena_strdup(&r->t->arena,
	                           rules_text(r->model, "continuing_subword_prefix", "##"));
	if (!r->t->inner)
		return TT_ENOMEM;
	if (!node_absent(most) && (st = node_int(most, 1, LONGEST, &longest)) != TT_OK)
		return st == TT_ENOMEM ? st : TT_EFORMAT;
	r->t->longest = (int)longest;
	if ((st = read_map(r, added)) != TT_OK)
		return st;
	if (!rules_text(r->model, "unk_token", NULL))
		return TT_OK;
	return read_unknown(r);
}

static tt_status read_unigram(struct reading *r, const struct node *added)
{
	const struct node *unknown = node_get(r->model, "unk_id");
	int64_t id = -1;
	tt_status st;

	r->t->fuses = rules_flag(r->model, "fuse_unk", 1);
	r->t->falls_back = rules_flag(r->model, "byte_fallback", 0);
	if (r->t->byte_level)
		return rules_refuse(r->model, "byte level beside", "Unigram");
	if ((st = read_scores(r, added)) != TT_OK)
		return st;
	if (!node_absent(unknown) && (st = node_int(unknown, 0, r->t->n - 1, &id)) != TT_OK)
		return st == TT_ENOMEM ? st : TT_EFORMAT;
	r->t->unknown = (int)id;
	return TT_OK;
}

static const struct {
	const char     *type;
	enum token_kind kind;
	tt_status     (*read)(struct reading *r, const struct node *added);
} models[] = {
	{ "BPE", TOKENS_BPE, read_bpe },
	{ "WordPiece", TOKENS_WORDPIECE, read_wordpiece },
	{ "Unigram", TOKENS_UNIGRAM, read_unigram },
};

/* Old files do not say what they are. */
static tt_status read_model(struct reading *r, const struct node *added)
{
	const char *type = rules_text(r->model, "type", node_get(r->model, "merges") ? "BPE" : "");
	tt_status st;

	for (size_t i = 0; i < sizeof models / sizeof *models; i++)
		if (strcmp(models[i].type, type) == 0) {
			r->t->kind = models[i].kind;
			r->t->unknown = -1;
			st = models[i].read(r, added);
			find_bytes(r->t);
			return st;
		}
	return rules_refuse(r->model, "model", type);
}

/* ---- added tokens ---- */

static int by_bytes(const void *a, const void *b)
{
	const struct added_token *x = a, *y = b;
	const int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

static tt_status read_added_token(struct reading *r, const struct node *map, struct added_token *a)
{
	const char *content = rules_text(map, "content", "");
	struct tokenizer *t = r->t;
	int64_t known;
	tt_status st;

	if (!*content)
		return err_set(TT_EFORMAT, "%s: an added token has no content", map->file);
	if (rules_flag(map, "single_word", 0))
		return rules_refuse(map, "single_word of the added token", content);
	if (t->normal.n && rules_flag(map, "normalized", 0))
		return rules_refuse(map, "beside a normalizer, the normalized added token", content);
	*a = (struct added_token){ .n = strlen(content), .strips_left = rules_flag(map, "lstrip", 0),
	                           .strips_right = rules_flag(map, "rstrip", 0) };
	if ((st = read_id(node_get(map, "id"), &a->id)) != TT_OK)
		return st;
	if (!(a->p = arena_strdup(&t->arena, content)))
		return TT_ENOMEM;
	known = id_named(t, content);
	if ((known >= 0 && known != a->id) || (known < 0 && t->text[a->id].count &&
	    (t->text[a->id].n != a->n || memcmp(t->text[a->id].p, a->p, a->n) != 0)))
		return lies(r, "another number, or token, has the added token", content);
	t->text[a->id] = (struct token){ a->p, a->n, 1 };
	t->begins[(unsigned char)*content] = 1;
	return TT_OK;
}

static tt_status read_added(struct reading *r, const struct node *list)
{
	struct tokenizer *t = r->t;
	tt_status st = TT_OK;

	if (!list || !list->child)
		return TT_OK;
	if (!(t->added = arena_alloc(&t->arena, node_count(list) * sizeof *t->added)))
		return TT_ENOMEM;
	for (const struct node *n = list->child; st == TT_OK && n; n = n->next)
		st = read_added_token(r, n, &t->added[t->n_added++]);
	if (st != TT_OK)
		return st;
	qsort(t->added, t->n_added, sizeof *t->added, by_bytes);
	for (size_t i = 1; i < t->n_added; i++)
		if (by_bytes(&t->added[i - 1], &t->added[i]) == 0)
			return lies(r, "twice there is the added token", t->added[i].p);
	return TT_OK;
}

/* ---- all of it ---- */

static int is_exact(const struct tokenizer *t)
{
	int exact = t->byte_level && !t->normal.n;

	for (int i = 0; i < 256; i++)
		exact &= t->byte[i] >= 0;
	for (int i = 0; i < t->pieces.n; i++)
		exact &= t->pieces.rule[i].change == PIECES_AS_IS &&
		         t->pieces.rule[i].how != PIECES_REMOVED;
	for (size_t i = 0; i < t->n_added; i++)
		exact &= !t->added[i].strips_left && !t->added[i].strips_right;
	return exact;
}

static tt_status read_parts(struct tokenizer *t, const struct node *root)
{
	struct reading r = { .t = t, .model = root->kind == NODE_MAP ? node_get(root, "model") : NULL };
	const struct node *added = r.model ? node_get(root, "added_tokens") : NULL;
	tt_status st;

	if (!r.model || r.model->kind != NODE_MAP || (added && added->kind != NODE_LIST))
		return err_set(TT_EFORMAT, "%s: no tokenizer: it has no model, or added_tokens are no list",
		               root->file);
	if ((st = rules_read_normal(t, node_get(root, "normalizer"))) != TT_OK ||
	    (st = rules_read_pieces(t, node_get(root, "pre_tokenizer"))) != TT_OK ||
	    (st = read_model(&r, added)) != TT_OK || (st = read_added(&r, added)) != TT_OK)
		return st;
	t->exact = is_exact(t);
	return tokenizer_write(t, node_get(root, "decoder"));
}

tt_status tokenizer_read(struct tokenizer **out, const struct node *root)
{
	struct tokenizer *t = mem_calloc(1, sizeof *t);
	const tt_status st = t ? read_parts(t, root) : TT_ENOMEM;

	if (st == TT_OK)
		*out = t;
	else
		tokenizer_free(t);
	return st;
}
