/* sources.h -- data sets opened while something else goes on.
 *
 * Opening may mean to inflate or decode all of a set; a net can be compiled meanwhile.  The errors
 * of the helper thread come home at wait. */
#ifndef TRAIN_SOURCES_H
#define TRAIN_SOURCES_H

#include "data/reader.h"
#include "sys/thread.h"

struct opening {
	const char    *key, *uri;         /* "data.train" for messages; borrowed until wait */
	struct known_columns known;       /* of the net; borrowed as well                   */
	struct thread *thread;            /* NULL: nothing is under way */
	tt_source     *source;
	tt_status      status;
	char           text[ERR_MAX];
};

/* Zero but for key, uri and known.  uri NULL or "": nothing to open, wait gives NULL. */
tt_status opening_start(struct opening *o);
void      opening_settle(struct opening *o);              /* nothing is under way any more */
/* Once more, where it was opened before the net knew its data and these say something else. */
void      opening_correct(struct opening *o, const struct known_columns *known);
tt_status opening_wait(struct opening *o, tt_source **out);
void      opening_cancel(struct opening *o);              /* wait and close; idle is fine */

#endif
