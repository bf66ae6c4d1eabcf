/* local_workers.h -- the other ranks of this process: each a worker with a model of its own, in a
 * thread of its own, doing what rank 0 is told to do.  What a worker is only its table knows.
 *
 *   rank 0 (the caller's thread)  --command-->  peer 1, peer 2 ...  between steps
 *                                 <--sync-->                        within steps
 *
 * The lock guards everything in struct local_workers; a peer's worker belongs to its thread
 * from one command to the next. */
#ifndef TRAIN_LOCAL_WORKERS_H
#define TRAIN_LOCAL_WORKERS_H

#include <stdint.h>

#include "base/err.h"
#include "data/lease.h"
#include "distribute/sync/team.h"
#include "sys/affinity.h"

struct comm;

/* What workers have in common that do not wait for one another within an epoch: batches are leased
 * to whoever asks, and steps counted together.  Rank 0's, which frees it last. */
struct local_shared {
	struct team      *team;
	struct lease_pool pool;              /* from open_loader on */
	_Atomic int64_t   steps;
};
tt_status local_shared_new(struct local_shared **out, int workers, double timeout);
void      local_shared_free(struct local_shared **s);                       /* NULL is fine */

enum local_workers_command { GROUP_STEPS, GROUP_RUN, GROUP_MEET, GROUP_QUIT };

struct worker_ops {
	/* In its thread, before the first command: where its place among the cores is kept. */
	struct affinity_stay *(*enter)(void *worker);
	tt_status (*obey)(void *worker, enum local_workers_command c, int64_t steps);
	void      (*leave)(void *worker);    /* it communicates no more: before any is freed */
	void      (*free)(void *worker);
};

struct local_workers;
/* The calling thread, which is that rank's, keeps to its part of the cores that it may use, if
 * there is one for each.  On two idle cores two ranks train cnn6 3 % faster than where the kernel
 * places them, and with a neighbour on one of them 30 % slower: whom others crowd is let go. */
void         local_workers_stay(const struct local_workers *g, int rank, struct affinity_stay *s);
/* The ends of a group of n ranks; end 0 is rank 0's.  No threads yet. */
tt_status    local_workers_new(struct local_workers **out, int n, double timeout,
                               const struct worker_ops *ops);
struct comm *local_workers_end(const struct local_workers *g, int rank);
/* Rank `rank` is this one; taken. */
void         local_workers_add(struct local_workers *g, int rank, void *worker);
tt_status    local_workers_start(struct local_workers *g);
/* Tell all peers what rank 0 is about to do. */
void         local_workers_command(struct local_workers *g, enum local_workers_command c);
void         local_workers_steps(struct local_workers *g, int64_t steps);
/* Wait until no peer does anything any more: after an error, when all have given up. */
void         local_workers_settle(struct local_workers *g);
void        *local_workers_peer(const struct local_workers *g, int rank);
int          local_workers_size(const struct local_workers *g);
void         local_workers_quit(struct local_workers *g);                   /* end the threads */
void         local_workers_free(struct local_workers **g);                  /* NULL is fine */

#endif
