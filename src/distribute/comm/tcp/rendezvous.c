#include "distribute/comm/tcp/rendezvous.h"

#include <string.h>

#include "base/mem.h"

static int is_loopback(const struct address *a)
{
	static const unsigned char six[16] = { [15] = 1 };

	return a->family == 4 ? a->bytes[0] == 127 : memcmp(a->bytes, six, sizeof six) == 0;
}

/* An address that only this machine can reach needs no listener that others can. */
static enum endpoint_scope scope_of(const struct endpoint *at)
{
	for (int i = 0; i < at->n; i++)
		if (!is_loopback(&at->address[i]))
			return ENDPOINT_ANY;
	return at->n ? ENDPOINT_LOOPBACK : ENDPOINT_ANY;
}

static tt_status meet_at(struct tcp *s, const struct rendezvous_opts *o, const struct endpoint *at)
{
	unsigned char *sealed = NULL;
	struct tcp_meeting m = { .at = at, .key = o->key, .shape = TCP_STAR, .until = o->until,
	                         .waits = o->waits, .ctx = o->ctx };
	tt_status st;

	if (o->encrypt && !(sealed = mem_alloc((size_t)o->size)))
		return TT_ENOMEM;
	if (sealed)
		memset(sealed, 1, (size_t)o->size);
	m.sealed = sealed;
	st = tcp_meet(s, &m);
	mem_free(sealed);
	return st;
}

/* Who does not listen has a listener all the same: it is closed when rank 0 has answered. */
tt_status rendezvous_open(struct tcp **out, const struct rendezvous_opts *o)
{
	struct tcp_place place = { .rank = o->rank, .size = o->size, .scope = ENDPOINT_LOOPBACK };
	struct endpoint at = { 0 }, mine;
	struct tcp *s = NULL;
	tt_status st = TT_OK;

	if (o->at)
		at = *o->at;
	else if (!o->listener)
		st = endpoint_resolve(&at, o->address);
	if (st != TT_OK)
		return st;
	if (o->rank == 0) {
		place.scope = scope_of(&at);
		place.listener = o->listener;
		place.port = o->listener ? 0 : at.port;
	}
	if ((st = tcp_listen(&s, &place, &mine)) == TT_OK)
		st = meet_at(s, o, &at);
	if (st != TT_OK) {
		tcp_close(&s);
		return o->address ? err_at(st, "%s", o->address) : st;
	}
	*out = s;
	return TT_OK;
}

/* ---- handing round ---- */

static tt_status send_all(struct tcp *s, double until, int to, const void *p, size_t n)
{
	struct comm_request r = { .peer = to, .p = (void *)(uintptr_t)p, .n = n, .outgoing = 1 };
	tt_status st = tcp_send(s, &r);

	if (st == TT_OK)
		st = tcp_wait(s, &r, until);
	tcp_cancel(s, &r);
	return st;
}

static tt_status hear_all(struct tcp *s, double until, int from, void *p, size_t n)
{
	struct comm_request r = { .peer = from, .p = p, .n = n };
	tt_status st = tcp_recv(s, &r);

	if (st == TT_OK)
		st = tcp_wait(s, &r, until);
	tcp_cancel(s, &r);
	return st == TT_ETIMEDOUT ? err_set(st, "rank %d said nothing more at the rendezvous", from)
	                          : st;
}

tt_status rendezvous_gather(struct tcp *s, const struct rendezvous_opts *o, const void *mine,
                            size_t n, void *all)
{
	const size_t size = (size_t)o->size;
	char *at = all;
	tt_status st = TT_OK;

	if (o->rank) {
		st = send_all(s, o->until, 0, mine, n);
		return st == TT_OK ? hear_all(s, o->until, 0, all, size * n) : st;
	}
	memcpy(at, mine, n);
	for (int r = 1; r < o->size && st == TT_OK; r++)
		st = hear_all(s, o->until, r, at + (size_t)r * n, n);
	for (int r = 1; r < o->size && st == TT_OK; r++)
		st = send_all(s, o->until, r, all, size * n);
	return st;
}
