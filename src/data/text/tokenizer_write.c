/* tokenizer_write.c -- what each token writes, as the decoder of a tokenizer.json says. */
#include <stdio.h>
#include <string.h>

#include "data/text/tokenizer_rules.h"

/* How tokens are written as text. */
struct writing { int bytes, words; const char *from, *to; };

static tt_status read_decoder(struct writing *w, const struct node *n)
{
	static const char *const silent[] = { "ByteLevel", "Fuse", "Strip", NULL };
	const char *type = n->kind == NODE_MAP ? rules_text(n, "type", "") : "";
	const struct node *list = n->kind == NODE_MAP ? node_get(n, "decoders") : NULL;
	const struct node *pattern = n->kind == NODE_MAP ? node_get(n, "pattern") : NULL;
	tt_status st = TT_OK;

	for (int i = 0; silent[i]; i++)
		if (strcmp(silent[i], type) == 0)
			return TT_OK;
	if (strcmp(type, "ByteFallback") == 0)
		w->bytes = 1;
	else if (strcmp(type, "WordPiece") == 0)
		w->words = 1;
	else if (strcmp(type, "Metaspace") == 0)
		*w = (struct writing){ w->bytes, w->words, PIECES_MARK_TEXT, " " };
	else if (strcmp(type, "Replace") == 0 && pattern && pattern->kind == NODE_MAP &&
	         *rules_text(pattern, "String", ""))
		*w = (struct writing){ w->bytes, w->words, rules_text(pattern, "String", ""),
		                       rules_text(n, "content", "") };
	else if (strcmp(type, "Sequence") != 0 || !list || list->kind != NODE_LIST)
		return rules_refuse(n, "decoder", type);
	for (const struct node *d = list ? list->child : NULL; st == TT_OK && d; d = d->next)
		st = read_decoder(w, d);
	return st;
}

static void replaced(const struct writing *w, const struct token *t, struct str *out)
{
	const size_t k = strlen(w->from);

	for (size_t i = 0; i < t->n; )
		if (t->n - i >= k && memcmp(t->p + i, w->from, k) == 0) {
			str_add(out, w->to);
			i += k;
		} else {
			str_add_bytes(out, t->p + i++, 1);
		}
}

static int is_byte(const struct token *t, unsigned *byte)
{
	char text[8] = "";

	if (t->n != 6)
		return 0;
	memcpy(text, t->p, 6);
	return sscanf(text, "<0x%2X>", byte) == 1 && text[5] == '>';
}

static tt_status write_token(struct tokenizer *r, const struct writing *w, struct token *t,
                             struct str *s)
{
	const size_t inner = w->words && r->inner ? strlen(r->inner) : 0;
	unsigned byte;

	s->len = 0;
	if (w->bytes && is_byte(t, &byte))
		str_add_bytes(s, &(char){ (char)byte }, 1);
	else if (inner && t->n > inner && memcmp(t->p, r->inner, inner) == 0)
		str_add_bytes(s, t->p + inner, t->n - inner);
	else if (w->words)
		str_addf(s, " %.*s", (int)t->n, t->p);
	else if (w->from)
		replaced(w, t, s);
	else
		return TT_OK;
	if (s->failed || !(t->p = arena_alloc(&r->arena, s->len + 1)))
		return TT_ENOMEM;
	memcpy((char *)(uintptr_t)t->p, s->p ? s->p : "", s->len);
	t->n = s->len;
	return TT_OK;
}

tt_status tokenizer_write(struct tokenizer *t, const struct node *decoder)
{
	struct writing w = {0};
	struct str s = {0};
	tt_status st = node_absent(decoder) ? TT_OK : read_decoder(&w, decoder);

	t->exact = t->exact && !w.bytes && !w.words && !w.from;
	for (int i = 0; st == TT_OK && i < t->n; i++)
		if (t->text[i].count)
			st = write_token(t, &w, &t->text[i], &s);
	str_release(&s);
	return st;
}
