/* plan.h -- what a search is made of: the words of the command line, checked. */
#ifndef TUNE_PLAN_H
#define TUNE_PLAN_H

#include <tutti/search.h>

#include "base/arena.h"
#include "kit/flags.h"

#define PLAN_METRICS 16

struct tune_args {
	struct common    common;
	struct flag_list param, metric, set;
	const char      *sampler, *scheduler, *out, *launcher, *timeout;
	int64_t          trials, seed, slots, tries, threads;
	int              resume;
};

struct plan {
	const struct tune_args *args;
	struct arena   *arena;
	const char     *spec;                   /* NULL: a command             */
	struct words    command;                /* its words, with {NAME}      */
	const char     *program;                /* this one                    */
	tt_space       *space;
	const char     *metric[PLAN_METRICS];
	enum tt_direction direction[PLAN_METRICS];
	int             metrics;
	const char     *sampler, *sampler_options, *scheduler, *scheduler_options;
	struct str      about;                  /* all that decides, as JSON   */
	const char     *dir, *store;            /* store NULL: trainings choose */
};

/* Read and check all of it, before anything starts. */
tt_status plan_make(struct plan *p);
void      plan_release(struct plan *p);

/* The words of a trial's command line. */
tt_status plan_command(const struct plan *p, const tt_attempt *a, tt_command *out);
/* The command that does again what a trial did, for people. */
tt_status plan_line(const struct plan *p, const tt_study *s, const tt_trial *t, struct str *out);

#endif
