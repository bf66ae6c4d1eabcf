#include "distribute/comm/tcp/tcp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "distribute/comm/tcp/tcp_internal.h"
#include "sys/thread.h"

#define HANDFUL (64 << 10)      /* bytes that are worth a call before somebody waits */

enum phase { OVER, PENDING };

static tt_status lose(struct tcp *s, int peer, const char *what, int error)
{
	s->lost = peer;
	s->error = error;
	return err_set(TT_EIO, "%s rank %d: %s", what, peer, error ? strerror(error) : "it has left");
}

/* ---- opening and closing ---- */

static struct tcp *make_room(const struct tcp_place *place)
{
	struct tcp *s = mem_calloc(1, sizeof *s);
	const size_t n = (size_t)place->size;

	if (!s)
		return NULL;
	s->rank = place->rank;
	s->size = place->size;
	s->purpose = place->purpose;
	s->lost = s->alarm = s->listener = -1;
	s->link = mem_calloc(n, sizeof *s->link);
	s->active = mem_calloc(2 * n, sizeof *s->active);
	s->poll = mem_calloc(2 * n + 1, sizeof *s->poll);
	for (int r = 0; s->link && r < s->size; r++)
		s->link[r] = (struct link){ .fd = -1, .out = { .peer = r, .outgoing = 1 },
		                            .in = { .peer = r } };
	if (!s->link || !s->active || !s->poll)
		tcp_close(&s);
	return s;
}

tt_status tcp_listen(struct tcp **out, const struct tcp_place *place, struct endpoint *mine)
{
	struct tcp *s = make_room(place);
	struct endpoint here = { .port = place->port };

	if (!s)
		return TT_ENOMEM;
	s->listener = place->listener ? place->listener : endpoint_listen(place->scope, &here.port);
	if (s->listener < 0) {
		err_set(TT_EIO, "cannot listen for other ranks at port %d: %s", place->port,
		        strerror(errno));
		tcp_close(&s);
		return TT_EIO;
	}
	endpoint_find_addresses(&here, place->scope);
	s->mine = here;
	*mine = here;
	*out = s;
	return TT_OK;
}

static void close_link(struct link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	seal_free(&l->seal);
}

void tcp_close(struct tcp **sp)
{
	struct tcp *s = sp ? *sp : NULL;

	if (!s)
		return;
	for (int r = 0; s->link && r < s->size; r++)
		close_link(&s->link[r]);
	if (s->listener >= 0)
		close(s->listener);
	mem_free(s->link);
	mem_free(s->active);
	mem_free(s->poll);
	mem_free(s);
	*sp = NULL;
}

/* ---- queues ---- */

static void push(struct tcp *s, struct stream *t, struct comm_request *r)
{
	r->handle = NULL;
	r->phase = PENDING;
	if (t->first)
		t->last->handle = r;
	else
		s->active[s->n_active++] = t;
	t->first = t->first ? t->first : r;
	t->last = r;
	t->due += sizeof(struct head) + r->n;
}

static void rest(struct tcp *s, const struct stream *t)
{
	for (int i = 0; i < s->n_active; i++)
		if (s->active[i] == t) {
			s->active[i] = s->active[--s->n_active];
			return;
		}
}

/* The first message is complete. */
static void pop(struct tcp *s, struct stream *t)
{
	struct comm_request *r = t->first;

	t->first = r->handle;
	t->done -= sizeof(struct head) + r->n;
	t->due -= sizeof(struct head) + r->n;
	r->phase = OVER;
	if (!t->first)
		rest(s, t);
}

/* ---- moving ---- */

static struct head head_of(const struct comm_request *r)
{
	return (struct head){ .n = r->n, .tag = r->tag };
}

/* Heads and bodies of the first messages, without what has moved. */
static int gather(struct stream *t, struct head *head, struct iovec v[2 * TCP_BATCH])
{
	size_t skip = t->done;
	int n = 0, k = 0;

	for (struct comm_request *r = t->first; r && k < TCP_BATCH; r = r->handle, k++) {
		const struct iovec part[2] = { { &head[k], sizeof *head }, { r->p, r->n } };

		if (t->outgoing)
			head[k] = head_of(r);
		for (int i = 0; i < 2; i++) {
			size_t gone = skip < part[i].iov_len ? skip : part[i].iov_len;

			skip -= gone;
			if (part[i].iov_len > gone)
				v[n++] = (struct iovec){ (char *)part[i].iov_base + gone, part[i].iov_len - gone };
		}
	}
	return n;
}

static tt_status check_head(struct tcp *s, const struct stream *t, const struct head *h)
{
	const struct head want = head_of(t->first);

	if (h->n == want.n && h->tag == want.tag)
		return TT_OK;
	s->lost = t->peer;
	return err_set(TT_EINTERNAL, "rank %d sends %llu bytes (tag %d) where rank %d waits for %llu "
	               "(tag %d)", t->peer, (unsigned long long)h->n, (int)h->tag, s->rank,
	               (unsigned long long)want.n, (int)want.tag);
}

/* So many more bytes have moved. */
static tt_status advance(struct tcp *s, struct stream *t, size_t n)
{
	int k = 0;
	tt_status st = TT_OK;

	t->done += n;
	while (t->first && t->done >= sizeof(struct head)) {
		if (!t->outgoing && (st = check_head(s, t, &t->head[k])) != TT_OK)
			return st;
		if (t->done < sizeof(struct head) + t->first->n)
			break;
		pop(s, t);
		k++;
	}
	if (!t->outgoing && k && k < TCP_BATCH)
		t->head[0] = t->head[k];
	return TT_OK;
}

static ssize_t put(struct link *l, const struct iovec *v, int n)
{
	const struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };

	return l->seal ? seal_send(l->seal, l->fd, v, (size_t)n)
	               : sendmsg(l->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t get(struct link *l, const struct iovec *v, int n)
{
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = (size_t)n };

	return l->seal ? seal_recv(l->seal, l->fd, v, (size_t)n) : recvmsg(l->fd, &m, MSG_DONTWAIT);
}

/* Until the kernel has no more, or no more room. */
static tt_status move(struct tcp *s, struct stream *t)
{
	struct link *l = &s->link[t->peer];
	struct head heads[TCP_BATCH];
	struct iovec v[2 * TCP_BATCH];
	tt_status st = TT_OK;

	while (st == TT_OK && t->first && l->fd >= 0) {
		const int parts = gather(t, t->outgoing ? heads : t->head, v);
		const ssize_t n = t->outgoing ? put(l, v, parts) : get(l, v, parts);

		if (n > 0)
			st = advance(s, t, (size_t)n);
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		else if (n == 0 || errno != EINTR)
			st = lose(s, t->peer, t->outgoing ? "cannot send to" : "cannot hear",
			          n ? errno : 0);
	}
	return st;
}

tt_status tcp_send(struct tcp *s, struct comm_request *r)
{
	struct stream *t = &s->link[r->peer].out;

	if (s->link[r->peer].fd < 0)
		return lose(s, r->peer, "cannot send to", ENOTCONN);
	push(s, t, r);
	return t->due - t->done >= HANDFUL ? move(s, t) : TT_OK;     /* or when somebody waits */
}

/* What has been decrypted is nothing that the kernel would wake us for. */
tt_status tcp_recv(struct tcp *s, struct comm_request *r)
{
	struct link *l = &s->link[r->peer];

	if (l->fd < 0)
		return lose(s, r->peer, "cannot hear", ENOTCONN);
	push(s, &l->in, r);
	return l->seal && seal_held(l->seal) ? move(s, &l->in) : TT_OK;
}

/* ---- waiting ---- */

static int list_all(struct tcp *s)
{
	int n = 0;

	for (; n < s->n_active; n++)
		s->poll[n] = (struct pollfd){ .fd = s->link[s->active[n]->peer].fd,
		                              .events = s->active[n]->outgoing ? POLLOUT : POLLIN };
	s->poll[n++] = (struct pollfd){ .fd = s->alarm, .events = POLLIN };
	return n;
}

/* Something may have come at those that the kernel names.  From the end, for a stream that comes to
 * rest is replaced by the last. */
static tt_status serve(struct tcp *s, int active)
{
	tt_status st = TT_OK;

	for (int i = active - 1; i >= 0 && st == TT_OK; i--)
		if (s->poll[i].revents)
			st = move(s, s->active[i]);
	return st;
}

/* Sleep until something can be moved or `seconds` are over, and move it. */
static tt_status look(struct tcp *s, double seconds)
{
	const int active = s->n_active, n = list_all(s);
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	s->rang = 0;
	if (ppoll(s->poll, (nfds_t)n, &t, NULL) <= 0)
		return TT_OK;
	s->rang = s->poll[active].revents != 0;
	return serve(s, active);
}

/* From the end, for one that comes to rest is replaced by the last. */
static tt_status send_all(struct tcp *s)
{
	tt_status st = TT_OK;

	for (int i = s->n_active - 1; i >= 0 && st == TT_OK; i--)
		if (s->active[i]->outgoing)
			st = move(s, s->active[i]);
	return st;
}

tt_status tcp_wait(struct tcp *s, struct comm_request *r, double until)
{
	double left;
	tt_status st = r->phase == OVER ? TT_OK : send_all(s);

	left = until - thread_seconds();
	for (s->rang = 0; r->phase != OVER && st == TT_OK && left > 0 && !s->rang;) {
		st = look(s, left);
		left = until - thread_seconds();
	}
	if (r->phase == OVER)
		return TT_OK;
	return st == TT_OK ? TT_ETIMEDOUT : st;
}

void tcp_set_alarm(struct tcp *s, int fd) { s->alarm = fd; }

tt_status tcp_turn(struct tcp *s)
{
	return s->n_active ? look(s, 0) : TT_OK;
}

int tcp_move(struct tcp *s)
{
	(void)tcp_turn(s);              /* what is lost now will be lost when it is waited for */
	return s->n_active > 0;
}

/* ---- giving up ---- */

void tcp_cancel(struct tcp *s, struct comm_request *r)
{
	struct link *l = &s->link[r->peer];
	struct stream *t = r->outgoing ? &l->out : &l->in;
	struct comm_request **at = &t->first, *last = NULL;

	if (r->phase == OVER)
		return;
	r->phase = OVER;
	while (*at && *at != r) {
		last = *at;
		at = (struct comm_request **)&(*at)->handle;
	}
	if (!*at)
		return;
	if (r == t->first && (t->done || (t->outgoing && l->seal))) {
		close_link(l);
		t->done = 0;
	}
	*at = r->handle;
	t->due -= sizeof(struct head) + r->n;
	if (t->last == r)
		t->last = last;
	if (!t->first)
		rest(s, t);
}

void tcp_drop(struct tcp *s, int peer)
{
	struct link *l = &s->link[peer];

	while (l->out.first)
		tcp_cancel(s, l->out.first);
	while (l->in.first)
		tcp_cancel(s, l->in.first);
	close_link(l);
}

int tcp_lost(const struct tcp *s) { return s->lost; }
int tcp_error(const struct tcp *s) { return s->error; }
int tcp_fd(const struct tcp *s, int peer) { return s->link[peer].fd; }
