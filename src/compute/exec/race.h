/* race.h -- which of several is fastest, on a machine that has other things to do.
 *
 * They run in turns, a lap each, so that what a neighbour does in a burst hits all alike, and the
 * least time of each counts: noise only ever adds.  A lap during which a thread that computes had
 * no core is foul.  Who could still win is settled when two laps that were not foul agree; the race
 * goes on until all are, or for thrice the time at most.  Then the result is disturbed: the best
 * that is known, to be used and not to be remembered. */
#ifndef EXEC_RACE_H
#define EXEC_RACE_H

#include "base/err.h"

#define RACE_MAX 48

/* The track: who runs, and what watches them. */
struct race {
	void      *ctx;
	int        n;                               /* who run, from 0                          */
	tt_status (*run)(void *ctx, int i);         /* once; an error and he is out of the race */
	tt_status (*check)(void *ctx);              /* before each lap: may the race go on?     */
	double    (*seconds)(void *ctx);            /* now                                      */
	/* Since it was last asked: how long was a thread that computes ready and had no core? */
	double    (*hindered)(void *ctx);
};

struct race_result { int best; double seconds; int disturbed; };       /* best -1: nobody could */

/* TT_ENOMEM of a run and all that `check` says end it. */
tt_status race_run(const struct race *r, struct race_result *out);

#endif
