/* study.h -- what a study knows: all its trials, in the order in which they were asked for.
 *
 * Losses are results with their sign turned where an objective is maximised: smaller is better, and
 * what is not finite is INFINITY.  Samplers and schedulers see losses alone, so a search for the
 * greatest x is to the bit the search for the least -x. */
#ifndef TUNE_STUDY_H
#define TUNE_STUDY_H

#include "base/rng.h"
#include "lab/tune/space.h"

struct point { int64_t step; double loss; };          /* of the first objective */

struct trial {
	int64_t             number, parent, budget, step;
	enum tt_trial_state state;
	double             *x;             /* [params]                                   */
	double             *result;        /* [objectives], as told; NAN: none           */
	double             *loss;          /* [objectives]                               */
	int                 has_result, seen;      /* seen: by the sampler       */
	struct point       *point;         /* by step, ascending                         */
	int                 n_points, cap_points;
	tt_value           *value;
	int                 n_values;
	int                 bracket, rung; /* the scheduler's                            */
	int64_t             slot;          /* the sampler's                              */
};

struct tt_study {
	struct arena            arena;
	tt_space               *space;
	const struct sampler   *sampler;
	const struct scheduler *scheduler;
	void                   *sampler_opts, *scheduler_opts;
	void                   *sampler_state, *scheduler_state;   /* of the arena        */
	enum tt_direction      *direction; /* [n_objectives]                             */
	int                     n_objectives;
	int64_t                 limit;     /* trials; INT64_MAX: none                    */
	uint64_t                seed;
	struct trial          **trial;     /* [count]                                    */
	int64_t                 count, cap, running;
	struct trial           *spare;     /* made, and then nothing was to be tried     */
	struct trial          **ranked;    /* [cap]: room for study_ranked               */
};

/* Random numbers of one trial. */
void study_rng(const struct tt_study *s, const struct trial *t, struct rng *r);

/* All parameters from the i-th on that are there and have no value yet: at random. */
void study_fill(const struct tt_study *s, struct trial *t, struct rng *r);

/* A trial whose loss says something: completed, paused or pruned, with a result. */
int  study_counts(const struct trial *t);

/* Those that count, the best first: completed ones before those that were stopped, which are by
 * how far they got; then by loss; of several objectives by fronts, and in a front those with most
 * room around them first (NSGA-II, Deb 2002); of equals the first.  Room of the study's, until the
 * next call.  *n: how many. */
struct trial **study_ranked(struct tt_study *s, int64_t *n);

/* Is a better than b, by the order above but for room?  -1: yes, 1: b is, 0: neither. */
int  study_compare(const struct tt_study *s, const struct trial *a, const struct trial *b);

/* Is a better than b in one objective and worse in none, however far they got? */
int  study_beats(const struct tt_study *s, const struct trial *a, const struct trial *b);

/* The study ends a trial: its place is told. */
tt_status study_close_trial(struct tt_study *s, struct trial *t, enum tt_trial_state state);

#endif
