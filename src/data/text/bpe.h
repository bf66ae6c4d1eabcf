/* bpe.h -- byte pair encoding: neighbours that are one token (Sennrich et al. 2016).
 *
 *   l o w e r   --(l o: 0) (lo w: 1) (e r: 2)-->   low er
 *
 * Of all pairs that stand side by side the one with the least rank is merged first, of equal ones
 * the leftmost.  A long piece costs n log n. */
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bpe_merge { uint32_t left, right, rank; int32_t id; };

/* Merges found by their pair.  Zero-initialise, add, release. */
struct bpe {
	struct bpe_merge *slot;         /* [slots] id -1: free */
	size_t            slots, n;
};

/* The next merge, of rank n; one that is there already gets that rank, too. */
tt_status bpe_add(struct bpe *b, uint32_t left, uint32_t right, int32_t id);
void      bpe_release(struct bpe *b);

/* What merging long pieces needs; zero-initialise, release. */
struct bpe_work { struct bpe_link *link; struct bpe_heap_item *heap; size_t room, items; };
void bpe_work_release(struct bpe_work *w);

/* Merge *n > 0 tokens where they lie. */
tt_status bpe_apply(const struct bpe *b, struct bpe_work *w, int32_t *id, size_t *n);

#endif
