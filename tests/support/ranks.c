#include "support/ranks.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "distribute/comm/tcp/seal.h"
#include "distribute/comm/tcp/tcp_group.h"
#include "sys/thread.h"
#include "support/support.h"

#define RANKS_MAX 64

static _Atomic int broken;

int ranks_broken(void)
{
	return atomic_exchange(&broken, 0);
}

void rank_check(int good, const char *what, const char *file, int line)
{
	if (good)
		return;
	if (atomic_fetch_add(&broken, 1) < 20)
		fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
}

void rank_status(tt_status st, const char *call, const char *file, int line)
{
	char text[600];

	if (st == TT_OK)
		return;
	snprintf(text, sizeof text, "%s: %s", call, tt_last_error());
	rank_check(0, text, file, line);
}

void rank_has(const char *whole, const char *part, const char *file, int line)
{
	char text[800];

	snprintf(text, sizeof text, "\"%s\" contains \"%s\"", whole, part);
	rank_check(strstr(whole, part) != NULL, text, file, line);
}

void rank_failed(tt_status st, const char *part, const char *file, int line)
{
	rank_check(st != TT_OK, "the call fails", file, line);
	if (st != TT_OK)
		rank_has(tt_last_error(), part, file, line);
}

struct body { struct comm *comm; rank_fn *f; void *ctx; };

static void body(void *p)
{
	struct body *b = p;

	b->f(b->comm, b->ctx);
	comm_close(&b->comm);
}

static void run_bodies(struct body *b, int n)
{
	struct thread *t[RANKS_MAX];

	for (int i = 0; i < n; i++)
		assert_ok(thread_start(&t[i], "rank", body, &b[i]));
	for (int i = 0; i < n; i++)
		thread_join(&t[i]);
}

/* ---- transports ---- */

static void open_threads(struct ranks r, struct comm **out)
{
	assert_ok(comm_threads(out, r.n, r.hosts, r.timeout));
}

struct opening {
	struct tcp_group_opts opts;
	struct endpoint       at;
	char                  host[16];
	struct comm          *comm;
};

static void open_one(struct comm *none, void *ctx)
{
	struct opening *o = ctx;

	(void)none;
	o->opts.at = &o->at;
	rank_ok(comm_tcp(&o->comm, &o->opts));
}

/* Ranks of one process that do not know it. */
static void open_group(struct ranks r, struct comm **out, int encrypt)
{
	struct opening o[RANKS_MAX];
	struct body b[RANKS_MAX];
	struct endpoint at = { .port = 0 };
	const int listener = endpoint_listen(ENDPOINT_LOOPBACK, &at.port);

	assert_true(listener > 0);
	endpoint_find_addresses(&at, ENDPOINT_LOOPBACK);
	for (int i = 0; i < r.n; i++) {
		o[i] = (struct opening){ .at = at, .opts = {
			.rank = i, .size = r.n, .listener = i ? 0 : listener, .encrypt = encrypt,
			.timeout = r.timeout, .secret = "a secret of the tests", .secret_size = 21,
			.patience = 20 } };
		snprintf(o[i].host, sizeof o[i].host, "host%d", (int)((int64_t)i * r.hosts / r.n));
		o[i].opts.host = o[i].host;
		b[i] = (struct body){ NULL, open_one, &o[i] };
	}
	run_bodies(b, r.n);
	for (int i = 0; i < r.n; i++)
		out[i] = o[i].comm;
	if (ranks_broken())
		fail_msg("%d ranks found no group: see above", r.n);
}

static void open_tcp(struct ranks r, struct comm **out) { open_group(r, out, 0); }

static void open_sealed(struct ranks r, struct comm **out) { open_group(r, out, 1); }

const struct ranks_transport ranks_transport[] = {
	{ "threads", RANKS_MAX, 0, open_threads },
	{ "tcp", 5, 0, open_tcp },
	{ "tcp, encrypted", 4, 1, open_sealed },
	{ NULL, 0, 0, NULL },
};

static int is_of_use(const struct ranks_transport *t, struct ranks r)
{
	return r.n <= t->most && (!t->far || r.hosts > 1);
}

void ranks_run(struct ranks r, rank_fn *f, void *ctx)
{
	struct comm *c[RANKS_MAX];
	struct body b[RANKS_MAX];

	assert_in_range(r.n, 1, RANKS_MAX);
	r.hosts = r.hosts ? r.hosts : 1;
	r.timeout = r.timeout > 0 ? r.timeout : 20;
	for (const struct ranks_transport *t = ranks_transport; t->name; t++) {
		if (!is_of_use(t, r))
			continue;
		t->open(r, c);
		for (int i = 0; i < r.n; i++)
			b[i] = (struct body){ c[i], f, ctx };
		run_bodies(b, r.n);
		if (ranks_broken())
			fail_msg("%d ranks over %s: see above", r.n, t->name);
	}
}
