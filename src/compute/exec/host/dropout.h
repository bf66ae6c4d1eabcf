/* dropout.h -- which elements a dropout keeps: a pure function of (seed, step, stream, sample,
 * element).
 *
 *   key     = rng_key(seed, RNG_DROPOUT)
 *   counter = { element / 8, stream, sample, step }, low 32 bits each
 *   Philox's four words are eight 16-bit numbers, low half first; element e reads number e % 8
 *   and is kept when that is at least round(p * 65536).
 *
 * `sample` is the place in the global batch, `element` the place within the sample, so the mask
 * does not depend on threads, on workers or on how the batch is split.  Safe from any thread. */
#ifndef HOST_DROPOUT_H
#define HOST_DROPOUT_H

#include <stdint.h>

#include "compute/exec/run.h"

struct dropout {
	float                     p;           /* share of zeros                     */
	uint32_t                  stream;      /* which dropout of the net           */
	const struct run_context *run;         /* borrowed                           */
};

/* Numbers below this are dropped: 0 .. 65536. */
uint32_t dropout_threshold(float p);

/* Write mask[samples * per_sample]: 1 keep, 0 drop, for local samples `first` and on. */
void dropout_mask(const struct dropout *d, int64_t first, int64_t samples, int64_t per_sample,
                  uint8_t *mask);

#endif
