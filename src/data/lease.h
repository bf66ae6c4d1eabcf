/* lease.h -- who computes which samples of an epoch.
 *
 * The order of an epoch is a pure function of (seed, epoch); arrange.h has it.  Its positions are
 * lent out in ranges:
 *
 *   epoch e   | 0 ... 63 | 64 ... 127 | 128 ... 191 | 192 ... 199 |      leases of 64 samples
 *
 *   static    all ranks take the same leases one after the other and share each: where a rank
 *             stands is a pure function of the samples consumed, and so is all it computes
 *   dynamic   workers of one process take turns at a pool: who asks gets the next lease, alone.
 *             Each sample of an epoch is lent once; to whom depends on who is fast
 *
 * A static lease needs no state but the last one; a pool is safe from many threads.  What has been
 * taken is done, but for what loaders have prepared ahead: a run that goes on does that first. */
#ifndef DATA_LEASE_H
#define DATA_LEASE_H

#include <stdatomic.h>
#include <stdint.h>

/* Positions [lo, hi) of the order of an epoch. */
struct lease { int64_t epoch, lo, hi; };

/* How the epochs of a set are cut.  Without training all epochs are alike, and called 0. */
enum lease_epochs { EPOCHS_ALIKE, EPOCHS_IN_TURN };
struct lease_plan { int64_t count, size; enum lease_epochs epochs; };

/* Leases of an epoch. */
int64_t      lease_count(const struct lease_plan *p);
/* The one that begins `consumed` samples into an epoch: 0 <= consumed <= count.  At the end of an
 * epoch that is the first of the next. */
struct lease lease_at(const struct lease_plan *p, int64_t epoch, int64_t consumed);
struct lease lease_after(const struct lease_plan *p, const struct lease *l);

/* What is left of an epoch: leases from number `next` on, and n before it, ascending. */
struct lease_rest { int64_t epoch, next, n; int64_t *open; };

struct lease_pool {
	struct lease_plan plan;
	struct lease_rest rest;              /* of which the open ones are taken first           */
	_Atomic int64_t   taken, given;      /* since the first epoch's begin; of the open ones  */
};
/* The next one that is taken is the one that holds this place. */
void         lease_pool_init(struct lease_pool *p, const struct lease_plan *plan);
void         lease_pool_seek(struct lease_pool *p, int64_t epoch, int64_t consumed);
/* What is left, in the place of seek; r->open, of mem.h, is the pool's from now on. */
void         lease_pool_leave(struct lease_pool *p, const struct lease_rest *r);
struct lease lease_pool_take(struct lease_pool *p);
/* The number of the next one in this epoch; all of its leases: it is over. */
int64_t      lease_pool_next(struct lease_pool *p, int64_t epoch);
/* Of what was left, what nobody has taken yet: so many, from *out on. */
int64_t      lease_pool_open(struct lease_pool *p, const int64_t **out);
void         lease_pool_release(struct lease_pool *p);

#endif
