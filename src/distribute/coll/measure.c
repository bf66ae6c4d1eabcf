/* measure.c -- how long sums take: measured here and now.
 *
 * Every rank times sums of 256, 1024, 4096 ... floats.  The seconds of all ranks are gathered, the
 * slowest rank's count, and since all see the same numbers all choose alike by them.  What is
 * chosen is how large pieces are, never an order in which numbers are added: no bit of a run
 * depends on it. */
#include <string.h>

#include "base/mem.h"
#include "sys/thread.h"
#include "distribute/coll/coll.h"
#include "distribute/coll/coll_internal.h"

#define REPEATS     2
#define MOST        64          /* sums in a stream */
#define FILL        0.03        /* seconds of a stream; of small sums */
#define FILL_SMALL  0.004
#define LONG        0.05        /* seconds: once is enough */

struct probe {
	struct comm *comm;
	struct comm_allreduce_opts opts;
	float       *x;
	double      *all;               /* [size] */
};

/* The largest of all ranks' numbers. */
static tt_status slowest(struct probe *p, double mine, double *out)
{
	tt_status st = comm_allgather(p->comm, &mine, sizeof mine, p->all);

	*out = 0;
	for (int r = 0; st == TT_OK && r < p->comm->size; r++)
		if (p->all[r] > *out)
			*out = p->all[r];
	return st;
}

/* A stream of sums, as training makes it: one alone would ride on what switches and token buckets
 * let through at once, and promise a speed that the second does not have. */
static tt_status time_stream(struct probe *p, size_t n, int count, double *seconds)
{
	double start;
	tt_status st = comm_barrier(p->comm);

	start = thread_seconds();
	for (int i = 0; i < count && st == TT_OK; i++)
		st = comm_allreduce(p->comm, p->x, n, &p->opts);
	if (st == TT_OK)
		st = slowest(p, (thread_seconds() - start) / count, seconds);
	return st;
}

/* The first only warms up and says how many fill the time, unless it was long. */
static tt_status time_one(struct probe *p, size_t n, double *seconds)
{
	const double fill = n < COMM_SMALL / 2 ? FILL_SMALL : FILL;
	tt_status st = time_stream(p, n, 1, seconds);
	double count;

	if (st != TT_OK || *seconds > LONG)
		return st;
	count = fill / *seconds;
	return time_stream(p, n, count < REPEATS ? REPEATS : count > MOST ? MOST : (int)count, seconds);
}

/* The classes up to the first that holds `largest`, while there is time. */
static tt_status measure_all(struct probe *p, int last, double budget)
{
	double start = thread_seconds(), spent = 0;
	tt_status st = TT_OK;

	for (int k = 0; k <= last && spent < budget && st == TT_OK; k++)
		if ((st = time_one(p, comm_class_size(k), &p->comm->seconds[k])) == TT_OK)
			st = slowest(p, thread_seconds() - start, &spent);
	return st;
}

tt_status comm_measure(struct comm *c, size_t largest, const struct comm_allreduce_opts *o,
                       double seconds)
{
	struct probe p = { .comm = c, .opts = *o };
	int last = comm_class_of(largest);
	tt_status st = TT_ENOMEM;

	if (c->size == 1)
		return TT_OK;
	while (last > 0 && comm_class_size(last) > largest)
		last--;
	p.x = mem_alloc_aligned(comm_class_size(last) * sizeof *p.x);
	p.opts.scratch =
		mem_alloc_aligned(comm_allreduce_scratch(c, comm_class_size(last)) * sizeof(float));
	p.all = mem_calloc((size_t)c->size, sizeof *p.all);
	if (!p.x || !p.opts.scratch || !p.all) {
		comm_abandon(c, tt_last_error());
		goto out;
	}
	memset(p.x, 0, comm_class_size(last) * sizeof *p.x);
	st = measure_all(&p, last, seconds);
out:
	mem_free(p.x);
	mem_free(p.opts.scratch);
	mem_free(p.all);
	return st;
}
