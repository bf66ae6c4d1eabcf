#include "data/text/encoding.h"

#include "base/mem.h"

tt_status encoding_grow(struct encoding *e, size_t more)
{
	size_t room = e->room ? e->room + e->room / 2 : 4096;
	int32_t *id;

	if (room < e->n + more)
		room = e->n + more;
	if (e->room >= e->n + more)
		return TT_OK;
	if (!(id = mem_realloc(e->id, room * sizeof *id)))
		return TT_ENOMEM;
	e->id = id;
	e->room = room;
	return TT_OK;
}

tt_status encoding_unknown(struct encoding *e, const struct text_piece *t, struct text_range r,
                           int unknown)
{
	if (e->unknown++ == 0) {
		str_add(&e->first, "'");
		token_name(t->p + r.at, r.n < TOKEN_MAX ? r.n : TOKEN_MAX,
		           token_all_utf8(t->p + r.at, r.n) ? NAME_UTF8 : NAME_ASCII, &e->first);
		str_addf(&e->first, "' in %s, byte %zu", t->name, t->from + r.at);
	}
	if (e->first.failed)
		return TT_ENOMEM;
	return unknown >= 0 ? TT_OK
		: err_set(TT_EFORMAT, "%s is no token of the vocabulary, which has no "
		          TOKEN_UNKNOWN " for it", e->first.p);
}

tt_status encoding_no_utf8(const struct text_piece *t, size_t at)
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
