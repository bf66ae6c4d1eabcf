#include "support/ranks.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

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

void ranks_run(struct ranks r, rank_fn *f, void *ctx)
{
	struct comm *c[RANKS_MAX];
	struct body b[RANKS_MAX];
	struct thread *t[RANKS_MAX];

	assert_in_range(r.n, 1, RANKS_MAX);
	assert_ok(comm_threads(c, r.n, r.hosts ? r.hosts : 1, r.timeout > 0 ? r.timeout : 20));
	for (int i = 0; i < r.n; i++) {
		b[i] = (struct body){ c[i], f, ctx };
		assert_ok(thread_start(&t[i], "rank", body, &b[i]));
	}
	for (int i = 0; i < r.n; i++)
		thread_join(&t[i]);
	if (ranks_broken())
		fail_msg("%d ranks: see above", r.n);
}
