/* sources.h -- data sets opened while something else goes on.
 *
 * Opening may mean to inflate or decode all of a set; a net can be compiled meanwhile.  The errors
 * of the helper thread come home at wait. */
#ifndef TRAIN_SOURCES_H
#define TRAIN_SOURCES_H

#include <tutti/data.h>

#include "sys/thread.h"

struct opening {
	const char    *key, *uri;         /* "data.train" for messages; borrowed until wait */
	struct thread *thread;            /* NULL: nothing is under way */
	tt_source     *source;
	tt_status      status;
	char           text[ERR_MAX];
};

/* uri NULL or "": nothing to open, wait gives NULL. */
tt_status opening_start(struct opening *o, const char *key, const char *uri);
tt_status opening_wait(struct opening *o, tt_source **out);
void      opening_cancel(struct opening *o);              /* wait and close; idle is fine */

#endif
