/* comm.c -- messages between two ranks, with a deadline and a name for whoever misses it. */
#include "distribute/comm/comm.h"

#include <stdio.h>
#include <string.h>

#include "distribute/comm/comm_internal.h"
#include "sys/thread.h"

const char *comm_who(const struct comm *c, int rank, char buf[COMM_WHO_MAX])
{
	const char *name = c->names && rank >= 0 && rank < c->size ? c->names[rank] : "?:0";
	const char *colon = strrchr(name, ':');
	int host = colon ? (int)(colon - name) : (int)strlen(name);

	snprintf(buf, COMM_WHO_MAX, "rank %d (host %.*s, pid %s)", rank, host < 64 ? host : 64, name,
	         colon ? colon + 1 : "?");
	return buf;
}

/* Remember the first fault; the text is the last error's.  Gives the status back. */
static tt_status remember(struct comm *c, tt_status st, int culprit)
{
	if (c->fault.status == TT_OK) {
		c->fault.status = st;
		c->fault.culprit = culprit;
		snprintf(c->fault.text, sizeof c->fault.text, "%s", tt_last_error());
	}
	return st;
}

static tt_status repeat(const struct comm *c)
{
	return err_set(c->fault.status, "%s", c->fault.text);
}

tt_status comm_give_up(struct comm *c, tt_status st, int culprit)
{
	remember(c, st, culprit);
	c->ops->abandon(c, &c->fault);
	return st;
}

void comm_abandon(struct comm *c, const char *why)
{
	char who[COMM_WHO_MAX];

	if (c->fault.status != TT_OK || c->size == 1)
		return;
	comm_give_up(c, err_set(TT_EIO, "%s gave up: %s", comm_who(c, c->rank, who), why), c->rank);
}

/* A rank waited in vain.  In a ring its neighbour is most likely waiting as well, so the transport
 * follows the chain to the rank that is not. */
tt_status comm_name_silent(struct comm *c, int peer)
{
	const char *what = c->doing ? c->doing : "a message";
	int culprit = c->ops->blame(c, peer);
	char who[COMM_WHO_MAX];

	if (c->fault.status != TT_OK)           /* somebody else was faster to say so */
		return repeat(c);
	comm_who(c, culprit, who);
	if (culprit == c->rank && !c->met)      /* MPI libraries may wait for one that has died */
		return comm_give_up(c, err_set(TT_ETIMEDOUT, "no other rank answered for %.3g s while rank "
		                    "%d waited for %s", c->timeout, c->rank, what), -1);
	if (culprit == c->rank)
		return comm_give_up(c, err_set(TT_ETIMEDOUT, "%s is cut off: it heard of fewer than half "
		                    "of the hosts for %.3g s while it waited for %s", who, c->timeout,
		                    what), culprit);
	return comm_give_up(c, err_set(TT_ETIMEDOUT, "%s said nothing for %.3g s while rank %d waited "
	                    "for %s", who, c->timeout, c->rank, what), culprit);
}

static tt_status start(struct comm *c, struct comm_request *r,
                       tt_status (*post)(struct comm *, struct comm_request *))
{
	tt_status st;

	if (c->fault.status != TT_OK)
		return repeat(c);
	if (r->peer < 0 || r->peer >= c->size || r->peer == c->rank)
		return err_set(TT_EINVAL, "rank %d of %d cannot talk to rank %d", c->rank, c->size,
		               r->peer);
	if ((st = post(c, r)) == TT_OK)
		return TT_OK;
	if (c->fault.status != TT_OK)
		return repeat(c);
	return st == TT_ETIMEDOUT ? comm_name_silent(c, r->peer) : comm_give_up(c, st, c->rank);
}

tt_status comm_start_send(struct comm *c, struct comm_request *r)
{
	tt_status st;

	r->outgoing = 1;
	st = start(c, r, c->ops->send);
	if (st == TT_OK)
		c->sent += r->n;
	return st;
}

tt_status comm_start_recv(struct comm *c, struct comm_request *r)
{
	r->outgoing = 0;
	return start(c, r, c->ops->recv);
}

tt_status comm_wait(struct comm *c, struct comm_request *r)
{
	tt_status st;

	if (c->fault.status != TT_OK) {
		c->ops->cancel(c, r);
		return repeat(c);
	}
	st = c->ops->wait(c, r, thread_seconds() + c->timeout);
	if (st == TT_OK)
		return TT_OK;
	if (c->fault.status != TT_OK)
		st = repeat(c);
	else if (st == TT_ETIMEDOUT)
		st = comm_name_silent(c, r->peer);
	else
		comm_give_up(c, st, r->peer);
	c->ops->cancel(c, r);
	return st;
}

void comm_cancel(struct comm *c, struct comm_request *r)
{
	c->ops->cancel(c, r);
}

tt_status comm_part_send(struct comm *c, struct comm_part p)
{
	struct comm_request r = { .peer = p.peer, .tag = p.tag, .p = p.p, .n = p.n };
	tt_status st = comm_start_send(c, &r);

	return st == TT_OK ? comm_wait(c, &r) : st;
}

tt_status comm_part_recv(struct comm *c, struct comm_part p)
{
	struct comm_request r = { .peer = p.peer, .tag = p.tag, .p = p.p, .n = p.n };
	tt_status st = comm_start_recv(c, &r);

	return st == TT_OK ? comm_wait(c, &r) : st;
}

tt_status comm_part_exchange(struct comm *c, struct comm_part out, struct comm_part in)
{
	struct comm_request s = { .peer = out.peer, .tag = out.tag, .p = out.p, .n = out.n };
	struct comm_request r = { .peer = in.peer, .tag = in.tag, .p = in.p, .n = in.n };
	tt_status st, st_send;

	if ((st = comm_start_recv(c, &r)) != TT_OK)
		return st;
	if ((st = comm_start_send(c, &s)) != TT_OK) {
		comm_cancel(c, &r);
		return st;
	}
	st = comm_wait(c, &r);
	st_send = comm_wait(c, &s);
	return st != TT_OK ? st : st_send;
}

/* No news of a rank is waited for here: what cannot be read belongs to one that is no more. */
tt_status comm_peek(struct comm *c, int rank, void *to, const void *from, size_t n)
{
	tt_status st = c->fault.status != TT_OK ? repeat(c) : c->ops->peek(c, rank, to, from, n);

	if (st == TT_OK)
		c->sent += n;
	else if (c->fault.status == TT_OK)
		comm_give_up(c, st, rank);
	return st;
}

const void *comm_view(struct comm *c, int rank, const void *from, size_t n)
{
	const void *here = c->ops->view ? c->ops->view(c, rank, from, n) : NULL;

	if (here)
		c->sent += n;
	return here;
}

static tt_status check_tag(int tag)
{
	if (tag < 0 || tag > COMM_TAG_MAX)
		return err_set(TT_EINVAL, "tag %d is not from 0 to %d", tag, COMM_TAG_MAX);
	return TT_OK;
}

tt_status comm_send(struct comm *c, int to, int tag, const void *p, size_t n)
{
	tt_status st = check_tag(tag);

	return st != TT_OK ? st : comm_part_send(c, (struct comm_part){ to, tag, (void *)p, n });
}

tt_status comm_recv(struct comm *c, int from, int tag, void *p, size_t n)
{
	tt_status st = check_tag(tag);

	return st != TT_OK ? st : comm_part_recv(c, (struct comm_part){ from, tag, p, n });
}

tt_status comm_exchange(struct comm *c, int to, const void *out, size_t n_out,
                        int from, void *in, size_t n_in)
{
	return comm_part_exchange(c, (struct comm_part){ to, COMM_TAG_EXCHANGE, (void *)out, n_out },
	                          (struct comm_part){ from, COMM_TAG_EXCHANGE, in, n_in });
}

tt_status comm_split(struct comm *c, struct comm **out)
{
	struct comm *other = NULL;
	tt_status st;

	if (c->fault.status != TT_OK)
		return repeat(c);
	if ((st = c->ops->split(c, &other)) != TT_OK)
		return st;
	memcpy(other->seconds, c->seconds, sizeof c->seconds);
	other->near = c->near;
	other->met = c->met;
	*out = other;
	return TT_OK;
}

void comm_close(struct comm **c)
{
	if (!c || !*c)
		return;
	(*c)->ops->close(*c);
	*c = NULL;
}
