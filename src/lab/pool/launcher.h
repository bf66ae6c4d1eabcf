/* launcher.h -- what runs a trial's command: words before its own. */
#ifndef POOL_LAUNCHER_H
#define POOL_LAUNCHER_H

#include "base/err.h"

struct tt_command;

struct launcher {
	const char *name, *help;
	/* Add the words that stand before the trial's. */
	void      (*before)(struct tt_command *c, int threads);
};
extern const struct launcher launchers[];         /* to a NULL name */

/* Add those of the row `name`, or, if there is none, of the words that it is. */
tt_status launcher_before(const char *name, int threads, struct tt_command *c);

#endif
