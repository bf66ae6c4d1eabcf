/* tcp_meet.c -- how ranks come to be connected, past strangers who talk to the same port.
 *
 * A guest is a connection that has not proven yet that it belongs to the group.  There is room for
 * some; when another comes, it takes the place of the one that has been there longest among those
 * from the address with the most.  A rank that is turned away in a crush tries again. */
#include "distribute/comm/tcp/tcp.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "distribute/comm/tcp/greet.h"
#include "distribute/comm/tcp/tcp_internal.h"
#include "sys/thread.h"

#define GUESTS        64
#define ACCEPTS       16        /* guests let in between looks at those who are there      */
#define AGAIN_SECONDS 0.1       /* until the next try, after one that has failed           */
#define TRY_SECONDS   10.0      /* for an answer: who is called may be connecting itself    */
#define LOOK_SECONDS  0.05
#define QUIET_SECONDS 1.0       /* waiting for no longer is not worth a word                */

struct guest { struct greeting greeting; struct address from; };

/* One rank that we connect to. */
struct call { struct greeting greeting; double next; int error, stranger; };

struct meeting {
	struct tcp               *s;
	const struct tcp_meeting *m;
	struct greet_place        place;
	struct call              *call;         /* [size] to lower ranks               */
	struct pollfd            *poll;         /* [size + GUESTS + 1]                 */
	struct guest              guest[GUESTS];
	int                       strangers;    /* guests that did not know the key    */
	int                       refusal, refused_by;
	double                    began;
	int                       told;         /* m->waits was                        */
};

/* ---- who is to be connected ---- */

/* Does this rank connect to that one?  Then that one waits for it. */
static int calls(const struct tcp_meeting *m, int rank, int other)
{
	return other < rank && (m->shape == TCP_MESH || other == 0);
}

static int is_wanted(const struct meeting *g, int r)
{
	const int rank = g->s->rank;

	return g->s->link[r].fd < 0 && (calls(g->m, rank, r) || calls(g->m, r, rank));
}

static int all_are_here(const struct meeting *g)
{
	for (int r = 0; r < g->s->size; r++)
		if (is_wanted(g, r))
			return 0;
	return 1;
}

/* The connection is a link now. */
static tt_status adopt(struct meeting *g, struct greeting *from)
{
	struct link *l = &g->s->link[from->peer];
	tt_status st = TT_OK;

	if (from->hello.sealed)
		st = seal_new(&l->seal, from->key);
	if (st == TT_OK) {
		l->fd = from->fd;
		from->fd = -1;
	}
	greet_close(from);
	return st;
}

/* ---- calling ---- */

static void try_later(struct call *c, int error)
{
	c->stranger |= c->greeting.stranger;
	greet_close(&c->greeting);
	c->error = error;
	c->next = thread_seconds() + AGAIN_SECONDS;
}

static void call_up(struct meeting *g, int r)
{
	const struct endpoint *at = &g->m->at[r];
	struct call *c = &g->call[r];
	struct endpoint foreign = *at;
	int fd, error;

	endpoint_keep_foreign(&foreign, &g->s->mine);
	if ((error = endpoint_connect(&foreign, g->m->until, &fd)) != 0)
		try_later(c, error);
	else
		greet_connect(&c->greeting, &g->place, fd, r);
}

static tt_status look_at_call(struct meeting *g, int r)
{
	struct call *c = &g->call[r];
	const double now = thread_seconds();
	enum greet_state state;

	if (g->s->link[r].fd >= 0 || !calls(g->m, g->s->rank, r))
		return TT_OK;
	if (c->greeting.fd < 0) {
		if (now >= c->next)
			call_up(g, r);
		return TT_OK;
	}
	state = greet_move(&c->greeting, &g->place);
	if (state == GREET_DONE)
		return adopt(g, &c->greeting);
	if (state == GREET_REFUSED) {
		g->refusal = c->greeting.verdict;
		g->refused_by = r;
	}
	if (state == GREET_FAILED || now > c->greeting.began + TRY_SECONDS)
		try_later(c, 0);
	return TT_OK;
}

/* ---- guests ---- */

static int same(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static int crowd_of(const struct meeting *g, const struct guest *one)
{
	int n = 0;

	for (int i = 0; i < GUESTS; i++)
		n += g->guest[i].greeting.fd >= 0 && same(&g->guest[i].from, &one->from);
	return n;
}

/* A free place, or that of the oldest of the largest crowd. */
static struct guest *find_place(struct meeting *g)
{
	struct guest *worst = NULL;
	int most = 0;

	for (int i = 0; i < GUESTS; i++) {
		struct guest *at = &g->guest[i];
		int n;

		if (at->greeting.fd < 0)
			return at;
		n = crowd_of(g, at);
		if (n > most || (n == most && at->greeting.began < worst->greeting.began)) {
			most = n;
			worst = at;
		}
	}
	greet_close(&worst->greeting);
	return worst;
}

static tt_status receive(struct meeting *g, struct greeting *from)
{
	const int r = from->peer, wanted = is_wanted(g, r) && calls(g->m, r, g->s->rank);

	if (greet_judge(from, wanted ? GREET_WELCOME : GREET_TAKEN) == GREET_DONE)
		return adopt(g, from);
	greet_close(from);
	return TT_OK;
}

static tt_status look_at_guest(struct meeting *g, struct greeting *from)
{
	enum greet_state state;

	if (from->fd < 0)
		return TT_OK;
	state = greet_move(from, &g->place);
	if (state == GREET_PROVEN)
		return receive(g, from);
	if (state >= GREET_REFUSED || thread_seconds() > from->began + GREET_SECONDS) {
		g->strangers += from->stranger;
		greet_close(from);
	}
	return TT_OK;
}

static tt_status let_in(struct meeting *g)
{
	struct address from = { 0 };
	tt_status st = TT_OK;
	int fd;

	for (int i = 0; i < ACCEPTS && st == TT_OK; i++) {
		struct guest *at;

		if ((fd = endpoint_accept(g->s->listener, &from)) < 0)
			break;
		at = find_place(g);
		at->from = from;
		greet_accept(&at->greeting, fd);
		st = look_at_guest(g, &at->greeting);
	}
	return st;
}

/* ---- all together ---- */

static void sleep_until_news(struct meeting *g)
{
	const double left = g->m->until - thread_seconds();
	int n = 0;

	for (int r = 0; r < g->s->size; r++)
		if (g->call[r].greeting.fd >= 0)
			g->poll[n++] = (struct pollfd){ .fd = g->call[r].greeting.fd, .events = POLLIN };
	for (int i = 0; i < GUESTS; i++)
		if (g->guest[i].greeting.fd >= 0)
			g->poll[n++] = (struct pollfd){ .fd = g->guest[i].greeting.fd, .events = POLLIN };
	g->poll[n++] = (struct pollfd){ .fd = g->s->listener, .events = POLLIN };
	poll(g->poll, (nfds_t)n, (int)(1000 * fmax(fmin(left, LOOK_SECONDS), 0)) + 1);
}

static tt_status turn(struct meeting *g)
{
	tt_status st = TT_OK;

	for (int r = 0; r < g->s->rank && st == TT_OK && !g->refusal; r++)
		st = look_at_call(g, r);
	for (int i = 0; i < GUESTS && st == TT_OK; i++)
		st = look_at_guest(g, &g->guest[i].greeting);
	return st == TT_OK ? let_in(g) : st;
}

static tt_status explain_refusal(const struct meeting *g)
{
	static const char *const why[] = {
		[GREET_TAKEN] = "there is another of this rank already",
		[GREET_OTHER_SIZE] = "it belongs to a group of another size",
		[GREET_OTHER_SEAL] = "only one of the two is to encrypt",
	};
	const int n = (int)(sizeof why / sizeof *why);

	return err_set(TT_EINVAL, "rank %d of %d was refused by rank %d: %s", g->s->rank, g->s->size,
	               g->refused_by, g->refusal < n && why[g->refusal] ? why[g->refusal]
	                                                                : "it does not say why");
}

#define RANKS_TEXT 200

/* "1, 3": who has not come; returns how many. */
static int list_absent(const struct meeting *g, char who[RANKS_TEXT])
{
	int absent = 0;

	who[0] = '\0';
	for (int r = 0; r < g->s->size; r++) {
		const size_t n = strlen(who);

		if (!is_wanted(g, r))
			continue;
		absent++;
		if (n < RANKS_TEXT - 40)
			snprintf(who + n, RANKS_TEXT - n, "%s%d", n ? ", " : "", r);
		else if (n < RANKS_TEXT - 10)
			snprintf(who + n, RANKS_TEXT - n, " ...");
	}
	return absent;
}

/* "workers 1, 3 of 4 did not connect", and what is known of why. */
static tt_status explain_absence(const struct meeting *g)
{
	char who[RANKS_TEXT];
	const int absent = list_absent(g, who);
	int error = 0, stranger = 0;

	for (int r = 0; r < g->s->size; r++) {
		if (!is_wanted(g, r) || !calls(g->m, g->s->rank, r))
			continue;
		error = g->call[r].error;
		stranger |= g->call[r].stranger;
	}
	return err_set(TT_ETIMEDOUT, "worker%s %s of %d did not connect to worker %d within %.3g s"
	               "%s%s%s", absent == 1 ? "" : "s", who, g->s->size, g->s->rank,
	               round(10 * (g->m->until - g->began)) / 10, error ? ": " : "",
	               error ? strerror(error) : "",
	               stranger ? ": who answers there does not know this group's secret"
	               : g->strangers ? "; who came did not know this group's secret" : "");
}

static void tell_waiting(struct meeting *g)
{
	char who[RANKS_TEXT];
	int absent;

	if (g->told || !g->m->waits || thread_seconds() < g->began + QUIET_SECONDS)
		return;
	g->told = 1;
	absent = list_absent(g, who);
	g->m->waits(g->m->ctx, absent, who);
}

static tt_status open_meeting(struct meeting *g, struct tcp *s, const struct tcp_meeting *m)
{
	const size_t n = (size_t)s->size;

	*g = (struct meeting){ .s = s, .m = m, .place = { s->rank, s->size, s->purpose, m->key,
	                                                  m->sealed },
	                       .began = thread_seconds() };
	g->call = mem_calloc(n, sizeof *g->call);
	g->poll = mem_calloc(n + GUESTS + 1, sizeof *g->poll);
	for (int r = 0; g->call && r < s->size; r++)
		g->call[r].greeting.fd = -1;
	for (int i = 0; i < GUESTS; i++)
		g->guest[i].greeting.fd = -1;
	return g->call && g->poll ? TT_OK : TT_ENOMEM;
}

static void close_meeting(struct meeting *g)
{
	for (int r = 0; g->call && r < g->s->size; r++)
		greet_close(&g->call[r].greeting);
	for (int i = 0; i < GUESTS; i++)
		greet_close(&g->guest[i].greeting);
	mem_free(g->call);
	mem_free(g->poll);
	close(g->s->listener);
	g->s->listener = -1;
}

tt_status tcp_meet(struct tcp *s, const struct tcp_meeting *m)
{
	struct meeting g;
	tt_status st = open_meeting(&g, s, m);

	while (st == TT_OK && !g.refusal && !all_are_here(&g)) {
		if (thread_seconds() > m->until)
			st = explain_absence(&g);
		else if (m->stop && m->stop(m->ctx))
			st = err_set(TT_ESTOPPED, "rank %d stopped waiting for the others", s->rank);
		else if ((st = turn(&g)) == TT_OK && !all_are_here(&g)) {
			tell_waiting(&g);
			sleep_until_news(&g);
		}
	}
	if (st == TT_OK && g.refusal)
		st = explain_refusal(&g);
	close_meeting(&g);
	return st;
}
