/* ranks.h -- run one function as every rank of a group, over every transport that threads can play.
 *
 * cmocka's asserts belong to the main thread; ranks use those below, which print what broke and
 * let ranks_run fail when all have ended. */
#ifndef TESTS_RANKS_H
#define TESTS_RANKS_H

#include "distribute/comm/comm.h"

struct ranks { int n, hosts; double timeout; };        /* zero: 1 host, 20 seconds */

typedef void rank_fn(struct comm *c, void *ctx);

/* far: only where there are several hosts. */
struct ranks_transport {
	const char *name;
	int         most, far;
	void      (*open)(struct ranks r, struct comm **out);
};
extern const struct ranks_transport ranks_transport[];         /* to a row without a name */

/* Over each transport: open n ranks, call f(c, ctx) on each by a thread of its own, close; fail the
 * test if a check did. */
void ranks_run(struct ranks r, rank_fn *f, void *ctx);

/* Also for tests that bring their own communicators: broken checks so far, set to zero. */
int  ranks_broken(void);

#define rank_ok(call)            rank_status((call), #call, __FILE__, __LINE__)
#define rank_true(x)             rank_check((x) != 0, #x, __FILE__, __LINE__)
#define rank_fails(call, part)   rank_failed((call), part, __FILE__, __LINE__)
#define rank_contains(whole, part) rank_has((whole), part, __FILE__, __LINE__)
void rank_status(tt_status st, const char *call, const char *file, int line);
void rank_check(int good, const char *what, const char *file, int line);
void rank_failed(tt_status st, const char *part, const char *file, int line);
void rank_has(const char *whole, const char *part, const char *file, int line);

#endif
