/* worker.h -- this process as one of several (tutti/launch.h). */
#ifndef LAUNCH_WORKER_H
#define LAUNCH_WORKER_H

#include <tutti/launch.h>

#include "distribute/launch/environment.h"
#include "distribute/sync/options.h"

struct tt_worker {
	struct environment place;
	int    here;                     /* so many workers are to be started, from its rank on */
	int    launched;                 /* a launcher of ours says where all meet (crew.h)     */
	char   secret[4096];             /* a file; "": see secret.h                            */
	void (*waits)(void *ctx, int n, const char *ranks);
	void  *ctx;
	int    line;                     /* to its guard (supervisor.h); -1: there is none      */
};

/* Returns in the workers alone, when all have come. */
tt_status worker_join(struct tt_worker *w, const struct distribute_opts *o, tt_group **out);

#endif
