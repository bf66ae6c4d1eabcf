/* arrange.h -- which sample stands where in an epoch: a pure function.
 *
 *   places of an epoch   0 ... batch - 1 | batch ... 2 batch - 1 | ...        what leases lend out
 *   shuffled             rng_permute(seed, epoch)
 *   by length            |<---- window: `buckets` batches ---->|<---- ...
 *                        the shuffled samples of a window are sorted by length and cut into its
 *                        batches, which then change places: little of a batch is padding, and no
 *                        epoch goes from short to long
 *
 * It depends on (seed, epoch, batch) alone, not on ranks or on what was asked before.  The last,
 * short batch of a window stays the last; which lengths it has is drawn like all others.  With
 * DEAL_PARTS each rank sorts what it has.
 *
 * Safe from any thread; each needs a room of its own, which holds the window that it was in. */
#ifndef DATA_ARRANGE_H
#define DATA_ARRANGE_H

#include "base/rng.h"
#include "data/loader.h"
#include "data/reader.h"

struct arrange {
	const struct reader *reader;
	struct loader_opts   o;
	struct rng_key       shuffle, parts, batches;
	int32_t             *length;         /* [count] of the samples; NULL: no buckets     */
	int64_t              window;         /* batches in one                               */
	int64_t              streams;        /* of a text, side by side; 0: samples are apart */
	struct loader_padding padding;
};

/* Samples of a window from the shortest on. */
struct arrange_room { int64_t *sample, *spare, n, epoch, window; };

/* Reads how long samples are, where they go into buckets.  The reader is borrowed, o's data too.
 * TT_ESPEC, TT_ESUPPORT: buckets are wanted of what has none.  Release after an error as well. */
tt_status arrange_init(struct arrange *d, const struct reader *r, const struct loader_opts *o);
void      arrange_release(struct arrange *d);
tt_status arrange_room_init(const struct arrange *d, struct arrange_room *room);
void      arrange_room_release(struct arrange_room *room);

/* The samples of this rank at the places of a lease into index; how many. */
int       arrange_choose(const struct arrange *d, struct arrange_room *room, const struct lease *p,
                       int64_t *index);

#endif
