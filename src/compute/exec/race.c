/* race.c -- see race.h. */
#include "compute/exec/race.h"

#define LAP_SECONDS   0.001     /* of many runs, if they are short          */
#define RACER_SECONDS 0.03      /* each has so much time, if all goes well, */
#define RUNS_MAX      40        /* or so many runs,                         */
#define LAPS_MIN      3         /* and so many laps in any case             */
#define EXTRA         3         /* times as much for what is disturbed      */
#define FOUL          0.05      /* of a lap without a core                  */
#define AGREE         1.1       /* laps differ by less                      */
#define HOPELESS      2.0       /* times the best of the same turn          */
#define TURNS_BEHIND  2         /* one may have been a neighbour's          */
#define NEVER         1e30      /* seconds                                  */

struct racer {
	double best;                    /* of all its runs                              */
	double lap[2];                  /* the best runs of its two best laps, not foul */
	double last;                    /* the best run of its last lap; NEVER: foul    */
	double spent;
	int    runs, laps, out;
	int    behind;                  /* turns on end in which it was far behind      */
};

static tt_status lap(const struct race *r, struct racer *me, int i)
{
	const double begin = r->seconds(r->ctx);
	double least = NEVER, start = begin, end = begin;

	r->hindered(r->ctx);
	for (int k = 0; k < RUNS_MAX && end - begin < LAP_SECONDS; k++, start = end) {
		tt_status st = r->run(r->ctx, i);

		if (st != TT_OK)
			return st;
		end = r->seconds(r->ctx);
		least = end - start < least ? end - start : least;
		me->runs++;
	}
	me->laps++;
	me->spent += end - begin;
	me->best = least < me->best ? least : me->best;
	me->last = NEVER;
	if (r->hindered(r->ctx) > FOUL * (end - begin))
		return TT_OK;
	me->last = least;
	if (least < me->lap[0]) {
		me->lap[1] = me->lap[0];
		me->lap[0] = least;
	} else if (least < me->lap[1]) {
		me->lap[1] = least;
	}
	return TT_OK;
}

/* Is its time to be relied on, or so far behind that no more need be known? */
static int is_settled(const struct racer *me)
{
	return me->out || me->behind >= TURNS_BEHIND ||
	       (me->lap[1] < NEVER && me->lap[1] < AGREE * me->lap[0]);
}

static int is_done(const struct racer *me)
{
	const int enough = me->laps >= LAPS_MIN &&
	                   (me->spent >= RACER_SECONDS || me->runs >= RUNS_MAX);
	const int spent = me->laps >= EXTRA * LAPS_MIN && me->spent >= EXTRA * RACER_SECONDS;

	return me->out || me->behind >= TURNS_BEHIND || spent || (enough && is_settled(me));
}

static int first_of(const struct racer *all, int n)
{
	int first = -1;

	for (int i = 0; i < n; i++)
		if (!all[i].out && (first < 0 || all[i].best < all[first].best))
			first = i;
	return first;
}

/* Who ran in this turn is compared with who ran in this turn: they had the same neighbours. */
static void look_back(struct racer *all, int n)
{
	double least = NEVER;

	for (int i = 0; i < n; i++)
		if (!is_done(&all[i]) && all[i].last < least)
			least = all[i].last;
	for (int i = 0; i < n; i++)
		if (!is_done(&all[i]) && all[i].last < NEVER)
			all[i].behind = all[i].last > HOPELESS * least ? all[i].behind + 1 : 0;
}

static tt_status take_turns(const struct race *r, struct racer *all, int *left)
{
	*left = 0;
	for (int i = 0; i < r->n; i++) {
		tt_status st;

		if (is_done(&all[i]))
			continue;
		++*left;
		if ((st = r->check(r->ctx)) != TT_OK || (st = lap(r, &all[i], i)) == TT_ENOMEM)
			return st;
		if (st != TT_OK)
			all[i].out = 1;
	}
	look_back(all, r->n);
	return TT_OK;
}

tt_status race_run(const struct race *r, struct race_result *out)
{
	struct racer all[RACE_MAX];
	struct race_result result = {0};
	tt_status st = TT_OK;

	for (int i = 0; i < r->n; i++)
		all[i] = (struct racer){ .best = NEVER, .lap = { NEVER, NEVER }, .last = NEVER };
	for (int left = r->n; left && st == TT_OK; )
		st = take_turns(r, all, &left);
	if (st != TT_OK)
		return st;
	result.best = first_of(all, r->n);
	result.seconds = result.best < 0 ? 0 : all[result.best].best;
	for (int i = 0; i < r->n; i++)
		result.disturbed |= !is_settled(&all[i]);
	*out = result;
	return TT_OK;
}
