/* tcp_group.c -- the transport over TCP alone.
 *
 * group --> control   a mesh for notices: a rank's death closes its connection, and so wakes all
 *   '--> end, end     each a mesh of its own for messages
 *
 * The control mesh belongs to the roll, whose lock guards it; an epoll descriptor over its
 * connections is the alarm of all ends' waits. */
#include "distribute/comm/tcp/tcp_group.h"

#include <errno.h>
#include <stdatomic.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "distribute/comm/cma.h"
#include "distribute/comm/comm_internal.h"
#include "distribute/comm/tcp/rendezvous.h"
#include "distribute/comm/roll.h"
#include "distribute/comm/tcp/seal.h"
#include "sys/thread.h"

#define NAME_MAX_    96
#define SIZE_MAX_    4096
#define WORD_SECONDS 1.0        /* for news of a rank that has closed a connection */

enum { PURPOSE_RENDEZVOUS, PURPOSE_CONTROL, PURPOSE_END };

struct member { char name[NAME_MAX_], machine[160]; };

struct group {
	struct comm     place;          /* who is where: rank, size, hosts ...   */
	struct member  *member;         /* [size]                                */
	const char    **names;
	int            *host_of;
	unsigned char   key[TCP_KEY], *sealed;  /* [size]: who is elsewhere; NULL: no encryption */
	struct cma      cma;
	struct roll     roll;
	struct tcp     *control;
	int             alarm;          /* something has come on control         */
	struct notice  *heard;          /* [size]                                */
	struct comm_request *hearing, *telling; /* [size], [3][size]             */
	_Atomic int     dead;           /* a rank whose process is no more; -1   */
	_Atomic int     refs, ends;     /* ends: that there ever were            */
};

struct end {
	struct comm       comm;
	struct group     *group;
	struct tcp       *tcp;
	struct cma_views *views;        /* NULL: this end has none */
};

/* ---- notices ---- */

/* p is NULL where nothing is to be heard. */
static void listen_to(struct group *g, int r)
{
	g->hearing[r] = (struct comm_request){ .peer = r };
	if (tcp_fd(g->control, r) < 0)
		return;
	g->hearing[r].p = &g->heard[r];
	g->hearing[r].n = sizeof g->heard[r];
	tcp_recv(g->control, &g->hearing[r]);
}

static void tell(void *ctx, const struct notice *n)
{
	struct group *g = ctx;
	struct comm_request *out = g->telling + (n - g->roll.said) * g->place.size;

	for (int r = 0; r < g->place.size; r++) {
		out[r] = (struct comm_request){ .peer = r, .p = (void *)(uintptr_t)n, .n = sizeof *n,
		                                .outgoing = 1 };
		if (tcp_fd(g->control, r) >= 0)
			tcp_send(g->control, &out[r]);
	}
}

/* No connection, no rank; unless the network says that it has lost the way to it. */
static void miss(struct group *g, int r)
{
	static const int way[] = { ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN };
	const int error = tcp_error(g->control);
	int is_lost = 1;

	for (size_t i = 0; i < sizeof way / sizeof *way; i++)
		is_lost = is_lost && error != way[i];
	tcp_drop(g->control, r);
	g->hearing[r].p = NULL;
	if (is_lost && !g->roll.gone[r] && atomic_load(&g->dead) < 0)
		atomic_store(&g->dead, r);
}

static void move_notices(struct group *g)
{
	while (tcp_turn(g->control) != TT_OK)
		miss(g, tcp_lost(g->control));
}

static int told(void *ctx, const struct notice *n)
{
	struct group *g = ctx;
	const struct comm_request *out = g->telling + (n - g->roll.said) * g->place.size;

	move_notices(g);
	for (int r = 0; r < g->place.size; r++)
		if (out[r].phase)
			return 0;
	return 1;
}

/* The notice that has come whole; it is read before the rank's end is noticed. */
static int take_notice(struct group *g, struct notice *out)
{
	for (int r = 0; r < g->place.size; r++) {
		if (g->hearing[r].phase || !g->hearing[r].p)
			continue;
		*out = g->heard[r];
		out->from = r;
		listen_to(g, r);
		return 1;
	}
	return 0;
}

static int hear(void *ctx, struct notice *out)
{
	struct group *g = ctx;

	if (take_notice(g, out))
		return 1;
	move_notices(g);
	return take_notice(g, out);
}

static int find_dead(void *ctx) { return atomic_load(&((struct group *)ctx)->dead); }

static const struct roll_ops notices = { tell, told, hear, find_dead };

/* ---- messages ---- */

/* A connection is lost: the roll's knows why, or soon will. */
static tt_status lost(struct end *e, int peer)
{
	const double end = thread_seconds() + WORD_SECONDS;
	struct group *g = e->group;
	char text[ERR_MAX];

	snprintf(text, sizeof text, "%s", tt_last_error());
	while (!atomic_load(&g->roll.broken) && find_dead(g) < 0 && thread_seconds() < end) {
		roll_listen(&g->roll, peer);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (!atomic_load(&g->roll.broken) && find_dead(g) >= 0)
		return roll_died(&e->comm, find_dead(g));
	err_text("%s", text);
	return roll_lost(&g->roll, &e->comm, peer);
}

static tt_status end_send(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;

	return tcp_send(e->tcp, r) == TT_OK ? TT_OK : lost(e, r->peer);
}

static tt_status end_recv(struct comm *c, struct comm_request *r)
{
	struct end *e = (struct end *)c;

	return tcp_recv(e->tcp, r) == TT_OK ? TT_OK : lost(e, r->peer);
}

static tt_status end_wait(struct comm *c, struct comm_request *r, double deadline)
{
	struct end *e = (struct end *)c;
	struct group *g = e->group;

	for (;;) {
		tt_status st = tcp_wait(e->tcp, r, deadline);

		if (st == TT_OK)
			return TT_OK;
		if (st == TT_EIO)
			return lost(e, tcp_lost(e->tcp));
		roll_listen(&g->roll, r->peer);
		if (atomic_load(&g->roll.broken))
			return roll_fault(&g->roll, c);
		if (st != TT_ETIMEDOUT)
			return st;
		if (find_dead(g) >= 0)
			return roll_died(c, find_dead(g));
		if (thread_seconds() > deadline)
			return err_set(TT_ETIMEDOUT, "rank %d is silent", r->peer);
	}
}

static void end_cancel(struct comm *c, struct comm_request *r)
{
	tcp_cancel(((struct end *)c)->tcp, r);
}

static int end_blame(struct comm *c, int peer)
{
	struct group *g = ((struct end *)c)->group;
	const int culprit = roll_call(&g->roll, peer, c->timeout);

	if (atomic_load(&g->roll.broken))
		roll_fault(&g->roll, c);
	return find_dead(g) >= 0 ? find_dead(g) : culprit;
}

static void end_abandon(struct comm *c, const struct comm_fault *why)
{
	roll_tell_fault(&((struct end *)c)->group->roll, why);
}

static tt_status end_peek(struct comm *c, int rank, void *to, const void *from, size_t n)
{
	struct end *e = (struct end *)c;

	return cma_read(&e->group->cma, rank, to, from, n) == TT_OK ? TT_OK : lost(e, rank);
}

static const void *end_view(struct comm *c, int rank, const void *from, size_t n)
{
	struct end *e = (struct end *)c;

	return cma_view(e->views, &e->group->cma, rank, from, n);
}

/* ---- closing ---- */

static void group_free(struct group *g)
{
	roll_release(&g->roll);
	tcp_close(&g->control);
	if (g->alarm >= 0)
		close(g->alarm);
	cma_release(&g->cma);
	mem_free(g->member);
	mem_free(g->names);
	mem_free(g->host_of);
	mem_free(g->sealed);
	mem_free(g->heard);
	mem_free(g->hearing);
	mem_free(g->telling);
	explicit_bzero(g, sizeof *g);
	mem_free(g);
}

/* Who leaves waits for the others, or tells them first why it does not: nobody is taken for
 * dead. */
static void end_close(struct comm *c)
{
	struct end *e = (struct end *)c;
	struct group *g = e->group;
	const int last = atomic_fetch_sub(&g->refs, 1) == 1;

	if (last && !atomic_load(&g->roll.broken) && find_dead(g) < 0)
		(void)roll_leave(&g->roll, c->timeout);
	if (last && atomic_load(&g->roll.broken))
		roll_tell_fault(&g->roll, &g->roll.fault);
	tcp_close(&e->tcp);
	cma_views_free(e->views);
	mem_free(e);
	if (last)
		group_free(g);
}

/* ---- opening an end ---- */

static tt_status end_split(struct comm *c, struct comm **out);

static const struct comm_ops tcp_ops = {
	"tcp", end_send, end_recv, end_wait, end_cancel, end_blame, end_split, end_abandon, end_close,
	NULL, end_peek, end_view
};

/* How the endpoints of a new mesh are handed round: everybody's in all[size]. */
typedef tt_status gather_fn(void *ctx, const void *mine, size_t n, void *all);
struct gathering { gather_fn *gather; void *ctx; double until; };

static int is_broken(void *ctx)
{
	struct group *g = ctx;

	if (!g->roll.ops)
		return 0;
	roll_listen(&g->roll, -1);
	return atomic_load(&g->roll.broken) || find_dead(g) >= 0;
}

static tt_status open_mesh(struct group *g, int purpose, const struct gathering *with,
                           struct tcp **out)
{
	const struct comm *p = &g->place;
	const struct tcp_place place = { .rank = p->rank, .size = p->size, .purpose = purpose,
	                                 .scope = p->hosts == 1 ? ENDPOINT_LOOPBACK : ENDPOINT_ANY };
	struct endpoint mine, *all = mem_calloc((size_t)p->size, sizeof *all);
	struct tcp_meeting m = { .at = all, .key = g->key, .sealed = g->sealed,
	                         .shape = TCP_MESH, .until = with->until, .stop = is_broken,
	                         .ctx = g };
	struct tcp *s = NULL;
	tt_status st = all ? tcp_listen(&s, &place, &mine) : TT_ENOMEM;

	if (st == TT_OK && (st = with->gather(with->ctx, &mine, sizeof mine, all)) == TT_OK)
		st = tcp_meet(s, &m);
	mem_free(all);
	if (st == TT_ESTOPPED)
		st = atomic_load(&g->roll.broken) ? err_set(g->roll.fault.status, "%s", g->roll.fault.text)
		     : err_set(TT_EIO, "rank %d has died or left while the others met", find_dead(g));
	if (st != TT_OK)
		tcp_close(&s);
	else
		*out = s;
	return st;
}

static tt_status open_end(struct group *g, const struct gathering *with, struct comm **out)
{
	struct end *e = mem_calloc(1, sizeof *e);
	tt_status st = e ? open_mesh(g, PURPOSE_END + atomic_fetch_add(&g->ends, 1), with, &e->tcp)
	                 : TT_ENOMEM;

	if (st != TT_OK) {
		mem_free(e);
		return st;
	}
	e->group = g;
	e->comm = g->place;
	tcp_set_alarm(e->tcp, g->alarm);
	atomic_fetch_add(&g->refs, 1);
	*out = &e->comm;
	return TT_OK;
}

/* Over the end that is there: rank 0 has all, and hands them out. */
static tt_status gather_by_end(void *ctx, const void *mine, size_t n, void *all)
{
	struct comm *c = ctx;
	const size_t size = (size_t)c->size;
	char *at = all;
	tt_status st = TT_OK;

	if (c->rank) {
		st = comm_part_send(c, (struct comm_part){ 0, COMM_TAG_SPLIT, (void *)(uintptr_t)mine, n });
		return st == TT_OK
		       ? comm_part_recv(c, (struct comm_part){ 0, COMM_TAG_SPLIT, all, size * n }) : st;
	}
	memcpy(at, mine, n);
	for (int r = 1; r < c->size && st == TT_OK; r++)
		st = comm_part_recv(c, (struct comm_part){ r, COMM_TAG_SPLIT, at + (size_t)r * n, n });
	for (int r = 1; r < c->size && st == TT_OK; r++)
		st = comm_part_send(c, (struct comm_part){ r, COMM_TAG_SPLIT, all, size * n });
	return st;
}

static tt_status end_split(struct comm *c, struct comm **out)
{
	struct end *e = (struct end *)c;
	struct group *g = e->group;
	const struct gathering with = { gather_by_end, c, thread_seconds() + c->timeout };
	tt_status st = open_end(g, &with, out);

	if (st == TT_OK) {
		if (c->near)            /* without room for views there are copies */
			((struct end *)*out)->views = cma_views_new(c);
		return TT_OK;
	}
	if (c->fault.status != TT_OK)
		return st;
	if (atomic_load(&g->roll.broken))
		return roll_fault(&g->roll, c);
	if (find_dead(g) >= 0)
		return roll_died(c, find_dead(g));
	return comm_give_up(c, st, -1);
}

/* ---- opening the group ---- */

/* Machines may have the same name, and one may be divided into several: containers. */
static void describe(const struct tcp_group_opts *o, struct member *m)
{
	char host[65] = "localhost", boot[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	struct stat net = { 0 };

	if (f && !fgets(boot, sizeof boot, f))
		boot[0] = '\0';
	if (f)
		fclose(f);
	boot[strcspn(boot, "\n")] = '\0';
	gethostname(host, sizeof host - 1);
	stat("/proc/self/ns/net", &net);
	if (o->host)
		snprintf(m->machine, sizeof m->machine, "%s", o->host);
	else
		snprintf(m->machine, sizeof m->machine, "%s %s %llu", host, boot,
		         (unsigned long long)net.st_ino);
	snprintf(m->name, sizeof m->name, "%.64s:%d", o->host ? o->host : host, (int)getpid());
}

/* Machines are numbered by their first ranks. */
static void number_hosts(struct group *g)
{
	struct comm *p = &g->place;

	for (int r = 0; r < p->size; r++) {
		int first = 0;

		g->member[r].name[sizeof g->member[r].name - 1] = '\0';
		g->member[r].machine[sizeof g->member[r].machine - 1] = '\0';
		g->names[r] = g->member[r].name;
		while (strcmp(g->member[first].machine, g->member[r].machine) != 0)
			first++;
		g->host_of[r] = first == r ? p->hosts++ : g->host_of[first];
	}
	p->host = g->host_of[p->rank];
	for (int r = 0; r < p->size; r++) {
		p->local += g->host_of[r] == p->host && r < p->rank;
		p->locals += g->host_of[r] == p->host;
	}
	for (int r = 0; g->sealed && r < p->size; r++)
		g->sealed[r] = g->host_of[r] != p->host;
}

static tt_status group_new(struct group **out, const struct tcp_group_opts *o)
{
	struct group *g = mem_calloc(1, sizeof *g);
	const size_t n = (size_t)o->size;

	if (!g)
		return TT_ENOMEM;
	g->alarm = -1;
	g->dead = -1;
	g->refs = 1;                    /* that of comm_tcp, until all are open */
	g->member = mem_calloc(n, sizeof *g->member);
	g->names = mem_calloc(n, sizeof *g->names);
	g->host_of = mem_calloc(n, sizeof *g->host_of);
	g->heard = mem_calloc(n, sizeof *g->heard);
	g->hearing = mem_calloc(n, sizeof *g->hearing);
	g->telling = mem_calloc(3 * n, sizeof *g->telling);
	g->sealed = o->encrypt ? mem_calloc(n, 1) : NULL;
	g->place = (struct comm){ .ops = &tcp_ops, .rank = o->rank, .size = o->size,
	                          .timeout = o->timeout, .names = g->names, .host_of = g->host_of };
	if (!g->member || !g->names || !g->host_of || !g->heard || !g->hearing || !g->telling ||
	    (o->encrypt && !g->sealed)) {
		group_free(g);
		return TT_ENOMEM;
	}
	*out = g;
	return TT_OK;
}

struct hub { struct tcp *star; const struct rendezvous_opts *opts; };

static tt_status gather_by_hub(void *ctx, const void *mine, size_t n, void *all)
{
	const struct hub *h = ctx;

	return rendezvous_gather(h->star, h->opts, mine, n, all);
}

static tt_status gather_word(void *ctx, uint64_t mine, uint64_t *all)
{
	return gather_by_hub(ctx, &mine, sizeof mine, all);
}

static tt_status open_control(struct group *g, const struct gathering *with)
{
	struct epoll_event wake = { .events = EPOLLIN };
	tt_status st = open_mesh(g, PURPOSE_CONTROL, with, &g->control);

	if (st != TT_OK)
		return st;
	if ((g->alarm = epoll_create1(EPOLL_CLOEXEC)) < 0)
		return err_set(TT_EIO, "a rank cannot watch its connections: %s", strerror(errno));
	for (int r = 0; r < g->place.size; r++) {
		const int fd = tcp_fd(g->control, r);

		if (fd >= 0 && epoll_ctl(g->alarm, EPOLL_CTL_ADD, fd, &wake) != 0)
			return err_set(TT_EIO, "a rank cannot watch its connections: %s", strerror(errno));
		listen_to(g, r);
	}
	return roll_init(&g->roll, &g->place, &notices, g);
}

/* Nobody goes on before all are connected. */
static tt_status meet_all(const struct group *g, struct hub *hub)
{
	uint64_t *all = mem_calloc((size_t)g->place.size, sizeof *all);
	tt_status st = all ? gather_word(hub, 0, all) : TT_ENOMEM;

	mem_free(all);
	return st;
}

static tt_status open_all(struct group *g, const struct tcp_group_opts *o, struct hub *hub,
                          struct comm **out)
{
	const struct gathering with = { gather_by_hub, hub, hub->opts->until };
	struct member mine = { "", "" };
	struct comm *c = NULL;
	tt_status st;

	describe(o, &mine);
	if ((st = gather_by_hub(hub, &mine, sizeof mine, g->member)) != TT_OK)
		return st;
	number_hosts(g);
	if ((st = cma_init(&g->cma, &g->place)) != TT_OK ||
	    (st = cma_try(&g->cma, &g->place, gather_word, hub)) != TT_OK)
		return st;
	g->place.near = g->cma.near;
	if ((st = open_control(g, &with)) != TT_OK || (st = open_end(g, &with, &c)) != TT_OK)
		return st;
	if ((st = meet_all(g, hub)) != TT_OK)
		comm_close(&c);
	else
		*out = c;
	return st;
}

/* The group's key is made of the secret, so that the secret itself proves nothing to anybody. */
static void make_key(const struct tcp_group_opts *o, unsigned char key[TCP_KEY])
{
	static const char label[] = "tutti group 1";
	crypto_auth_hmacsha256_state m;

	crypto_auth_hmacsha256_init(&m, (const unsigned char *)label, sizeof label);
	crypto_auth_hmacsha256_update(&m, o->secret, o->secret_size);
	crypto_auth_hmacsha256_final(&m, key);
}

static tt_status check(const struct tcp_group_opts *o)
{
	if (o->size < 1 || o->size > SIZE_MAX_ || o->rank < 0 || o->rank >= o->size)
		return err_set(TT_EINVAL, "rank %d of a group of %d: ranks count from 0, and there are at "
		               "most %d", o->rank, o->size, SIZE_MAX_);
	if (!(o->timeout > 0))
		return err_set(TT_EINVAL, "ranks cannot answer within %g s", o->timeout);
	if (!o->secret || o->secret_size < TCP_SECRET_MIN)
		return err_set(TT_EINVAL, "a group's secret of %zu bytes: at least %d are wanted",
		               o->secret_size, TCP_SECRET_MIN);
	if (sodium_init() < 0)
		return err_set(TT_ESUPPORT, "libsodium finds no random numbers on this machine");
	return TT_OK;
}

tt_status comm_tcp(struct comm **out, const struct tcp_group_opts *o)
{
	const double patience = o->patience > 0 ? o->patience : o->timeout;
	struct rendezvous_opts meet = { .rank = o->rank, .size = o->size, .address = o->rendezvous,
	                                .at = o->at, .listener = o->listener, .encrypt = o->encrypt,
	                                .until = thread_seconds() + patience,
	                                .waits = o->waits, .ctx = o->ctx };
	struct hub hub = { .opts = &meet };
	struct group *g = NULL;
	tt_status st = check(o);

	if (st != TT_OK || (st = group_new(&g, o)) != TT_OK)
		return st;
	make_key(o, g->key);
	meet.key = g->key;
	if ((st = rendezvous_open(&hub.star, &meet)) == TT_OK)
		st = open_all(g, o, &hub, out);
	tcp_close(&hub.star);
	if (atomic_fetch_sub(&g->refs, 1) == 1)
		group_free(g);
	return st;
}
