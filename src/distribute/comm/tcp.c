#include "distribute/comm/tcp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/comm/endpoint.h"

#define BATCH   8               /* messages that one call may move    */
#define GUESTS  8               /* connections that have not said yet who they are */
#define HANDFUL (64 << 10)      /* bytes that are worth a call before somebody waits */

enum phase { OVER, PENDING };

_Static_assert(sizeof(struct endpoint) <= STREAMS_CARD, "a card has room");

/* The first words of a connection ... */
struct hello { char magic[8]; int32_t from, to; unsigned char key[CARD_KEY]; };
static const char magic[8] = "tutti-1";

/* ... and of each message. */
struct head { uint64_t n; int32_t tag; uint32_t unused; };

/* One direction between this rank and another. */
struct stream {
	int         fd;                    /* -1: not connected */
	int         peer, outgoing;
	struct comm_request *first, *last; /* by handle         */
	size_t      done;                  /* bytes of the first and its head that have moved */
	size_t      due;                   /* bytes of all, and their heads                   */
	struct head head[BATCH];           /* as they come      */
};

struct guest { int fd; size_t got; struct hello hello; };

struct tcp {
	int             rank, size, lost;
	int             listener;
	unsigned char   key[CARD_KEY];
	struct endpoint    *card;              /* [size]                              */
	struct stream  *out, *in;          /* [size]                              */
	struct stream **active;            /* [2 size] those with messages        */
	struct pollfd  *poll;              /* [2 size + GUESTS + 1]               */
	int             n_active;
	struct guest    guest[GUESTS];
	int             next_guest;
};

static tt_status lose(struct tcp *s, int peer, const char *what, int error)
{
	s->lost = peer;
	return err_set(TT_EIO, "%s rank %d: %s", what, peer, error ? strerror(error) : "it has left");
}

/* ---- listening ---- */

static struct tcp *make_room(int rank, int size)
{
	struct tcp *s = mem_calloc(1, sizeof *s);
	const size_t n = (size_t)size;

	if (!s)
		return NULL;
	s->rank = rank;
	s->size = size;
	s->lost = s->listener = -1;
	for (int i = 0; i < GUESTS; i++)
		s->guest[i].fd = -1;
	s->card = mem_calloc(n, sizeof *s->card);
	s->out = mem_calloc(n, sizeof *s->out);
	s->in = mem_calloc(n, sizeof *s->in);
	s->active = mem_calloc(2 * n, sizeof *s->active);
	s->poll = mem_calloc(2 * n + GUESTS + 1, sizeof *s->poll);
	for (int r = 0; s->out && s->in && r < size; r++) {
		s->out[r] = (struct stream){ .fd = -1, .peer = r, .outgoing = 1 };
		s->in[r] = (struct stream){ .fd = -1, .peer = r };
	}
	if (!s->card || !s->out || !s->in || !s->active || !s->poll)
		tcp_close(&s);
	return s;
}

tt_status tcp_listen(struct tcp **out, int rank, int size, unsigned char card[STREAMS_CARD])
{
	struct tcp *s = make_room(rank, size);
	struct endpoint mine = { .n = 0 };
	tt_status st = TT_OK;

	if (!s)
		return TT_ENOMEM;
	if (getrandom(s->key, CARD_KEY, 0) != CARD_KEY ||
		(s->listener = endpoint_listen(&mine.port)) < 0)
		st = err_set(TT_EIO, "cannot listen for other ranks: %s", strerror(errno));
	if (st != TT_OK) {
		tcp_close(&s);
		return st;
	}
	endpoint_find_addresses(&mine);
	memcpy(mine.key, s->key, CARD_KEY);
	memset(card, 0, STREAMS_CARD);
	memcpy(card, &mine, sizeof mine);
	*out = s;
	return TT_OK;
}

void tcp_meet(struct tcp *s, const unsigned char *cards)
{
	for (int r = 0; r < s->size; r++)
		memcpy(&s->card[r], cards + (size_t)r * STREAMS_CARD, sizeof *s->card);
	for (int r = 0; r < s->size; r++)
		if (r != s->rank)
			endpoint_keep_foreign(&s->card[r], &s->card[s->rank]);
}

void tcp_close(struct tcp **sp)
{
	struct tcp *s = sp ? *sp : NULL;

	if (!s)
		return;
	for (int r = 0; s->out && s->in && r < s->size; r++) {
		if (s->out[r].fd >= 0)
			close(s->out[r].fd);
		if (s->in[r].fd >= 0)
			close(s->in[r].fd);
	}
	for (int i = 0; i < GUESTS; i++)
		if (s->guest[i].fd >= 0)
			close(s->guest[i].fd);
	if (s->listener >= 0)
		close(s->listener);
	mem_free(s->card);
	mem_free(s->out);
	mem_free(s->in);
	mem_free(s->active);
	mem_free(s->poll);
	mem_free(s);
	*sp = NULL;
}

/* ---- connecting ---- */

static tt_status open_stream(struct tcp *s, struct stream *t)
{
	const struct endpoint *c = &s->card[t->peer];
	struct hello h = { .from = s->rank, .to = t->peer };
	const int error = endpoint_connect(c, &t->fd);

	if (error)
		return lose(s, t->peer, "cannot connect to", error);
	memcpy(h.magic, magic, sizeof magic);
	memcpy(h.key, c->key, CARD_KEY);
	/* A fresh connection has room for so little. */
	if (send(t->fd, &h, sizeof h, MSG_NOSIGNAL) != (ssize_t)sizeof h)
		return lose(s, t->peer, "cannot greet", errno);
	return TT_OK;
}

/* ---- being connected to ---- */

/* In a time that does not depend on the place of the first difference. */
static int same_key(const unsigned char *a, const unsigned char *b)
{
	unsigned char differ = 0;

	for (int i = 0; i < CARD_KEY; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

static void turn_away(struct guest *g)
{
	if (g->fd >= 0)
		close(g->fd);
	*g = (struct guest){ .fd = -1 };
}

static void hear_guest(struct tcp *s, struct guest *g)
{
	const struct hello *h = &g->hello;
	ssize_t got = recv(g->fd, (char *)&g->hello + g->got, sizeof g->hello - g->got, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0 && (g->got += (size_t)got) < sizeof g->hello)
		return;
	if (got > 0 && memcmp(h->magic, magic, sizeof magic) == 0 && same_key(h->key, s->key) &&
	    h->to == s->rank && h->from >= 0 && h->from < s->size && s->in[h->from].fd < 0) {
		s->in[h->from].fd = g->fd;
		g->fd = -1;
	}
	turn_away(g);
}

static void welcome(struct tcp *s)
{
	const int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct guest *g = &s->guest[s->next_guest];

	if (fd < 0)
		return;
	turn_away(g);                   /* who has said nothing while so many others came */
	g->fd = fd;
	s->next_guest = (s->next_guest + 1) % GUESTS;
	hear_guest(s, g);
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
static int gather(struct stream *t, struct head *head, struct iovec v[2 * BATCH])
{
	size_t skip = t->done;
	int n = 0, k = 0;

	for (struct comm_request *r = t->first; r && k < BATCH; r = r->handle, k++) {
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
	if (!t->outgoing && k && k < BATCH)
		t->head[0] = t->head[k];
	return TT_OK;
}

/* Until the kernel has no more, or no more room. */
static tt_status move(struct tcp *s, struct stream *t)
{
	struct head heads[BATCH];
	struct iovec v[2 * BATCH];
	tt_status st = TT_OK;

	while (st == TT_OK && t->first && t->fd >= 0) {
		struct msghdr m = { .msg_iov = v };
		ssize_t n;

		m.msg_iovlen = (size_t)gather(t, t->outgoing ? heads : t->head, v);
		n = t->outgoing ? sendmsg(t->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT)
		                : recvmsg(t->fd, &m, MSG_DONTWAIT);
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
	struct stream *t = &s->out[r->peer];
	tt_status st = TT_OK;

	if (t->fd < 0 && (st = open_stream(s, t)) != TT_OK)
		return st;
	push(s, t, r);
	return t->due - t->done >= HANDFUL ? move(s, t) : TT_OK;     /* or when somebody waits */
}

tt_status tcp_recv(struct tcp *s, struct comm_request *r)
{
	push(s, &s->in[r->peer], r);
	return TT_OK;
}

/* ---- waiting ---- */

static int list_all(struct tcp *s)
{
	int n = 0;

	for (; n < s->n_active; n++)
		s->poll[n] = (struct pollfd){ .fd = s->active[n]->fd,
		                              .events = s->active[n]->outgoing ? POLLOUT : POLLIN };
	for (int i = 0; i < GUESTS; i++)
		s->poll[n++] = (struct pollfd){ .fd = s->guest[i].fd, .events = POLLIN };
	s->poll[n++] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	return n;
}

/* Something may have come at those that the kernel names.  From the end, for a stream that comes to
 * rest is replaced by the last. */
static tt_status serve(struct tcp *s, int active)
{
	tt_status st = TT_OK;

	if (s->poll[active + GUESTS].revents)
		welcome(s);
	for (int i = 0; i < GUESTS; i++)
		if (s->poll[active + i].revents && s->guest[i].fd == s->poll[active + i].fd)
			hear_guest(s, &s->guest[i]);
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
	if (ppoll(s->poll, (nfds_t)n, &t, NULL) > 0)
		return serve(s, active);
	return TT_OK;
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
	while (r->phase != OVER && st == TT_OK && left > 0) {
		st = look(s, left);
		left = until - thread_seconds();
	}
	if (r->phase == OVER)
		return TT_OK;
	return st == TT_OK ? TT_ETIMEDOUT : st;
}

int tcp_move(struct tcp *s)
{
	if (s->n_active)
		(void)look(s, 0);       /* what is lost now will be lost when it is waited for */
	return s->n_active > 0;
}

void tcp_cancel(struct tcp *s, struct comm_request *r)
{
	struct stream *t = r->outgoing ? &s->out[r->peer] : &s->in[r->peer];
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
	if (r == t->first && t->done && t->fd >= 0) {
		close(t->fd);
		t->fd = -1;
		t->done = 0;
	}
	*at = r->handle;
	t->due -= sizeof(struct head) + r->n;
	if (t->last == r)
		t->last = last;
	if (!t->first)
		rest(s, t);
}

int tcp_lost(const struct tcp *s) { return s->lost; }
