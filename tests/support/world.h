/* world.h -- a little world of ranks, threads each, that keep together by a strategy.
 *
 * The main thread makes a world and says what each rank does; numbers are set before and looked at
 * after.  cmocka's asserts belong to the main thread: a body returns a status. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "distribute/comm/comm.h"
#include "distribute/sync/sync.h"

#define WORLD_RANKS 9
#define WORLD_COUNT 1024
#define WORLD_SUMS 2

/* One rank of a little world that optimizes by x -= lr * g. */
struct rank {
	struct world *world;
	struct comm  *comm;
	struct sync  *sync;
	float         params[WORLD_COUNT], grads[WORLD_COUNT + WORLD_SUMS], slot[WORLD_COUNT], buffer;
	float         sum[WORLD_COUNT];        /* the optimizer's state        */
	float         want[WORLD_COUNT];       /* parameters after whole steps */
	float         clip, lr;
	_Atomic int   applied;                 /* by several threads           */
	tt_status     status;
	char          text[ERR_MAX];
};

struct world {
	int                    n;
	size_t                 count;
	struct distribute_opts opts;
	int                    whole;          /* not by ranges */
	int                    steps, dawdle, hosts;
	tt_status            (*body)(struct rank *r);
	struct rank            rank[WORLD_RANKS];
};

/* n ranks with `count` parameters, all 0 but lr, which is 1.  To be freed by mem_free. */
struct world *make_world(int n, size_t count, const char *strategy);
/* All ranks run body; the test fails unless all end well. */
void          run_world(struct world *w, tt_status (*body)(struct rank *r));
/* The same, however they end: rank[i].status and text say how. */
void          try_world(struct world *w, tt_status (*body)(struct rank *r));

/* One step with gradients that are there already, of so many samples here. */
tt_status     world_step(struct rank *r, int64_t number, int samples);
tt_status     world_one_step(struct rank *r);

#endif
