/* session_own.h -- what the files of a session share.  Private to them. */
#ifndef PREDICT_SESSION_OWN_H
#define PREDICT_SESSION_OWN_H

#include <tutti/session.h>

#include "learn/predict/feed.h"
#include "sys/lock.h"

#define SIZES_MAX 64

struct tt_session {
	tt_model             *model;        /* a copy                                            */
	struct engine        *engine;
	struct constants     *constants;    /* prepared weights, of all purposes                 */
	struct program_cache *answers, *losses, *steps;
	int                   batch, top_k;
	int64_t               size[SIZES_MAX];  /* warmed, ascending; none: whatever comes       */
	int                   n_sizes;
	struct lock           lock;
	struct tt_context    *idle;         /* guarded by lock                                   */
};

struct tt_context {
	tt_session           *session;
	struct program_cache *programs;
	struct program_inputs inputs;
	float                *room;         /* for a batch that is filled up: [rows, sample]      */
	int64_t               rows;
	tt_context           *next;
};

/* A context that nobody uses, and back. */
tt_status session_take(tt_session *s, tt_context **out);
void      session_give(tt_context *c);
/* c->room is for so many samples of the first input at least. */
tt_status session_make_room(tt_context *c, int64_t rows);

/* rows of x are computed as a batch of `size`, the rest of which is filled up. */
struct chunk { int64_t rows, size; };
struct chunk session_chunk(int64_t left, int64_t batch);
/* One program run; the first columns of b are the net's inputs. */
tt_status session_run_batch(tt_context *c, const tt_batch *b, struct program **p);

#endif
