/* launch.h -- the options by which `tutti train` becomes several workers, and what people read of
 * it: tutti/launch.h does the work. */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include <stdio.h>

#include <tutti/launch.h>

#include "base/arena.h"
#include "kit/flags.h"

struct launch_args {
	const char *hosts, *launcher, *workers;        /* as they were typed */
	const char *rendezvous, *secret;
	int64_t     rank, world, local, restarts;
	int         quiet;
};

/* ---- being one of several ---- */

/* *out is NULL if this process is alone.  TT_EINVAL: options that do not go together.  `a` stays
 * where it is until all have met. */
tt_status launch_find(const struct launch_args *a, tt_worker **out);
/* All have met. */
void      launch_joined(const struct launch_args *a, const tt_group *g);
/* Which worker is where.  Collective; rank 0 prints. */
tt_status launch_show_group(tt_group *g, int threads, FILE *f);

/* ---- starting them ---- */

struct launch_plan {
	const struct launch_args *args;
	const struct words *line;        /* the command line as it was typed         */
	const char *run, *log;           /* the run folder; its log, NULL: nothing is to be run */
	int         resume;              /* the first start goes on, too             */
	int         workers, threads;    /* of the spec                              */
	double      timeout;
};

/* What would run where, and how it would be started; *code is only set if it fails. */
tt_status launch_show(const struct launch_plan *p, struct arena *a, FILE *f, int *code);
/* Start and wait; *code is the exit code. */
tt_status launch_run(const struct launch_plan *p, struct arena *a, int *code);
/* Compute threads of each worker, where `workers` threads of this process share `asked` ones. */
void      launch_threads(int asked, int workers, int *most, int *least);

#endif
