/* collectives.c -- the other collectives: broadcast, all-gather, barrier, agree. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "distribute/coll/coll.h"
#include "distribute/coll/coll_internal.h"

#define SEGMENT ((size_t)256 << 10)     /* bytes of a broadcast that travel as one */
#define TREE_TO ((size_t)64 << 10)      /* bytes: more go down a chain             */

/* ---- broadcast ---- */

/* Few bytes: each rank that knows tells one that does not (a binomial tree). */
static tt_status broadcast_tree(struct comm *c, int root, void *p, size_t n)
{
	int place = (c->rank - root + c->size) % c->size, bit = 1;
	tt_status st = TT_OK;

	while (bit < c->size && !(place & bit))
		bit *= 2;
	if (place)
		st = comm_part_recv(c, (struct comm_part){ (place - bit + root) % c->size,
		                    COMM_TAG_BROADCAST, p, n });
	for (bit /= 2; bit && st == TT_OK; bit /= 2)
		if (place + bit < c->size)
			st = comm_part_send(c, (struct comm_part){ (place + bit + root) % c->size,
			                    COMM_TAG_BROADCAST, p, n });
	return st;
}

/* Many: down a chain, a rank sending on one segment while the next arrives: bytes over the wire
 * once, whatever the number of ranks. */
struct chain {
	struct comm *comm;
	char        *p;
	size_t       n, segments;
	struct comm_request in[2], out[2];
	int          before, after;             /* -1: none */
};

static tt_status chain_start(struct chain *h, struct comm_request *r, int peer, size_t k)
{
	size_t lo = k * SEGMENT, left = h->n - lo;

	*r = (struct comm_request){ .peer = peer, .tag = COMM_TAG_BROADCAST, .p = h->p + lo,
	                            .n = left < SEGMENT ? left : SEGMENT };
	return r == &h->out[0] || r == &h->out[1] ? comm_start_send(h->comm, r)
	                                          : comm_start_recv(h->comm, r);
}

static tt_status chain_step(struct chain *h, size_t k)
{
	tt_status st = TT_OK;

	if (h->before >= 0) {
		if (k + 1 < h->segments)
			st = chain_start(h, &h->in[(k + 1) % 2], h->before, k + 1);
		if (st == TT_OK)
			st = comm_wait(h->comm, &h->in[k % 2]);
	}
	if (h->after < 0 || st != TT_OK)
		return st;
	if (k >= 2)
		st = comm_wait(h->comm, &h->out[k % 2]);
	return st == TT_OK ? chain_start(h, &h->out[k % 2], h->after, k) : st;
}

/* After a failure whatever may be pending is; cancelling what is over does nothing. */
static void chain_drop(struct chain *h)
{
	for (int i = 0; i < 2; i++) {
		if (h->in[i].n)
			comm_cancel(h->comm, &h->in[i]);
		if (h->out[i].n)
			comm_cancel(h->comm, &h->out[i]);
	}
}

static tt_status broadcast_chain(struct comm *c, int root, void *p, size_t n)
{
	int place = (c->rank - root + c->size) % c->size;
	struct chain h = { .comm = c, .p = p, .n = n, .segments = (n + SEGMENT - 1) / SEGMENT,
	                   .before = place ? (c->rank + c->size - 1) % c->size : -1,
	                   .after = place < c->size - 1 ? (c->rank + 1) % c->size : -1 };
	tt_status st = TT_OK;

	if (h.before >= 0)
		st = chain_start(&h, &h.in[0], h.before, 0);
	for (size_t k = 0; k < h.segments && st == TT_OK; k++)
		st = chain_step(&h, k);
	for (size_t k = h.segments < 2 ? 0 : h.segments - 2; h.after >= 0 && k < h.segments; k++)
		if (st == TT_OK)
			st = comm_wait(c, &h.out[k % 2]);
	if (st != TT_OK)
		chain_drop(&h);
	return st;
}

tt_status comm_broadcast(struct comm *c, int root, void *p, size_t n)
{
	if (root < 0 || root >= c->size)
		return err_set(TT_EINVAL, "there is no rank %d of %d to broadcast", root, c->size);
	if (c->size == 1 || n == 0)
		return TT_OK;
	return n <= TREE_TO ? broadcast_tree(c, root, p, n) : broadcast_chain(c, root, p, n);
}

/* ---- all-gather: what came from the left goes on to the right ---- */

tt_status comm_allgather(struct comm *c, const void *mine, size_t n, void *all)
{
	int size = c->size, right = (c->rank + 1) % size, left = (c->rank + size - 1) % size;
	char *at = all;
	tt_status st = TT_OK;

	if (n == 0)
		return TT_OK;
	memmove(at + (size_t)c->rank * n, mine, n);
	for (int s = 0; s < size - 1 && st == TT_OK; s++) {
		size_t out = (size_t)((c->rank - s + size) % size);
		size_t in = (size_t)((c->rank - s - 1 + size) % size);

		st = comm_part_exchange(c, (struct comm_part){ right, COMM_TAG_GATHER, at + out * n, n },
		                        (struct comm_part){ left, COMM_TAG_GATHER, at + in * n, n });
	}
	c->met = c->met || st == TT_OK;
	return st;
}

/* ---- the same, of unequal lengths: each to all, for what came is not known before ---- */

/* A message that says how long the next is, and that, if it has a length. */
struct told { uint64_t n; struct comm_request length, rest; };

static tt_status start_telling(struct comm *c, struct told *t, struct comm_part p)
{
	tt_status st;

	t->n = p.n;
	t->length = (struct comm_request){ .peer = p.peer, .tag = p.tag, .p = &t->n, .n = sizeof t->n };
	t->rest = (struct comm_request){ .peer = p.peer, .tag = p.tag, .p = p.p, .n = p.n };
	if ((st = comm_start_send(c, &t->length)) != TT_OK || p.n == 0)
		return st;
	if ((st = comm_start_send(c, &t->rest)) != TT_OK)
		comm_cancel(c, &t->length);
	return st;
}

static tt_status end_telling(struct comm *c, struct told *t)
{
	const tt_status st = comm_wait(c, &t->length);
	const tt_status st_rest = t->rest.n ? comm_wait(c, &t->rest) : TT_OK;

	return st != TT_OK ? st : st_rest;
}

/* p.n: at most. */
static tt_status hear_told(struct comm *c, struct comm_part p)
{
	uint64_t n = 0;
	tt_status st = comm_part_recv(c, (struct comm_part){ p.peer, p.tag, &n, sizeof n });

	if (st != TT_OK)
		return st;
	if (n > p.n)
		return comm_give_up(c, err_set(TT_EINTERNAL, "rank %d has %llu bytes where there is room "
		                               "for %zu", p.peer, (unsigned long long)n, p.n), p.peer);
	p.n = (size_t)n;
	return n ? comm_part_recv(c, p) : TT_OK;
}

/* Ranks `from` to `to` to the right hear from this one, as many to the left are heard. */
static tt_status tell_some(struct comm *c, struct comm_part mine, size_t most, char *all,
                           size_t step, int from, int to)
{
	struct told t[COMM_PARTNERS];
	int told = 0;
	tt_status st = TT_OK, st_out;

	for (int d = from; d < to && st == TT_OK; d++) {
		mine.peer = (c->rank + d) % c->size;
		st = start_telling(c, &t[told], mine);
		told += st == TT_OK;
	}
	for (int d = from; d < to && st == TT_OK; d++) {
		const int peer = (c->rank - d + c->size) % c->size;

		st = hear_told(c, (struct comm_part){ peer, mine.tag, all + (size_t)peer * step, most });
	}
	while (told-- > 0) {
		st_out = end_telling(c, &t[told]);
		st = st != TT_OK ? st : st_out;
	}
	return st;
}

tt_status comm_allgather_uneven(struct comm *c, const void *mine, size_t n, size_t most, void *all,
                                size_t step)
{
	const int some = comm_partners(c->size - 1);
	char *own = (char *)all + (size_t)c->rank * step;
	tt_status st = TT_OK;

	if (n)
		memmove(own, mine, n);
	for (int d = 1; d < c->size && st == TT_OK; d += some)
		st = tell_some(c, (struct comm_part){ 0, COMM_TAG_GATHER, own, n }, most, all, step, d,
		               d + some < c->size ? d + some : c->size);
	return st;
}

/* ---- barrier: after round k each rank has heard of 2^k others (Hensgen et al. 1988) ---- */

tt_status comm_barrier(struct comm *c)
{
	char out = 0, in = 0;
	tt_status st = c->fault.status;

	if (st != TT_OK)
		return err_set(st, "%s", c->fault.text);
	for (int d = 1; d < c->size && st == TT_OK; d *= 2)
		st = comm_part_exchange(c,
			(struct comm_part){ (c->rank + d) % c->size, COMM_TAG_BARRIER, &out, 1 },
			(struct comm_part){ (c->rank + c->size - d) % c->size, COMM_TAG_BARRIER, &in, 1 });
	return st;
}

/* ---- agree ---- */

#define AGREE_MAX  ((uint64_t)64 << 20) /* bytes of a text                        */
#define LINE_SHOWN 120                  /* characters of a line in the message    */

struct verdict { int32_t status; char text[COMM_FAULT_MAX]; };

static int line_length(const char *s)
{
	size_t n = strcspn(s, "\n");

	return (int)(n < LINE_SHOWN ? n : LINE_SHOWN);
}

static const char *next_line(const char *s)
{
	s += strcspn(s, "\n");
	return *s ? s + 1 : s;
}

/* Write the first difference between rank 0's text and that of rank r. */
static void judge(const struct comm *c, const char *ours, const char *theirs, int r,
                  struct verdict *v)
{
	char who[COMM_WHO_MAX];
	int line = 1;

	while (*ours && strcspn(ours, "\n") == strcspn(theirs, "\n") &&
	       strncmp(ours, theirs, strcspn(ours, "\n")) == 0 && *theirs) {
		ours = next_line(ours);
		theirs = next_line(theirs);
		line++;
	}
	v->status = TT_ESPEC;
	snprintf(v->text, sizeof v->text, "%s differs from rank 0 in line %d: \"%.*s\" there, "
	         "\"%.*s\" on rank 0", comm_who(c, r, who), line, line_length(theirs), theirs,
	         line_length(ours), ours);
}

static tt_status hear_text(struct comm *c, int r, char **out)
{
	uint64_t n = 0;
	char *text;
	tt_status st;

	if ((st = comm_part_recv(c, (struct comm_part){ r, COMM_TAG_AGREE, &n, sizeof n })) != TT_OK)
		return st;
	if (n > AGREE_MAX)
		return err_set(TT_EINTERNAL, "rank %d has a text of %llu bytes to agree on", r,
		               (unsigned long long)n);
	if (!(text = mem_calloc(1, (size_t)n + 1)))
		return TT_ENOMEM;
	st = comm_part_recv(c, (struct comm_part){ r, COMM_TAG_AGREE, text, (size_t)n });
	if (st == TT_OK)
		*out = text;
	else
		mem_free(text);
	return st;
}

/* All texts are heard even after one differed: nobody is left waiting. */
static tt_status hear_all(struct comm *c, const char *ours, struct verdict *v)
{
	for (int r = 1; r < c->size; r++) {
		char *theirs = NULL;
		tt_status st = hear_text(c, r, &theirs);

		if (st != TT_OK) {
			comm_abandon(c, tt_last_error());
			return st;
		}
		if (v->status == TT_OK && strcmp(ours, theirs) != 0)
			judge(c, ours, theirs, r, v);
		mem_free(theirs);
	}
	return TT_OK;
}

static tt_status say_text(struct comm *c, const char *text)
{
	uint64_t n = strlen(text);
	tt_status st = comm_part_send(c, (struct comm_part){ 0, COMM_TAG_AGREE, &n, sizeof n });

	if (st != TT_OK)
		return st;
	return comm_part_send(c, (struct comm_part){ 0, COMM_TAG_AGREE, (void *)text, (size_t)n });
}

tt_status comm_agree(struct comm *c, const char *text)
{
	struct verdict v = { 0 };
	tt_status st;

	if (c->size == 1)
		return TT_OK;
	st = c->rank == 0 ? hear_all(c, text, &v) : say_text(c, text);
	if (st == TT_OK)
		st = comm_broadcast(c, 0, &v, sizeof v);
	if (st == TT_OK && v.status != TT_OK) {
		/* Who refuses leaves the group: not before all have heard why. */
		(void)comm_barrier(c);
		st = err_set((tt_status)v.status, "%s", v.text);
	}
	return st;
}
