/* memory_source.h -- a reader whose columns all lie in memory.
 *
 *   column 0 data:  | sample 0 | sample 1 | ...             image u8
 *   column 1 data:  | 5 | 0 | ...                           label i32
 *   owned:          the blocks of memory that data points into, if they are the reader's
 *
 * MNIST, CIFAR-10, tables and small image folders end up here once they are parsed; so do columns
 * of a caller, which are borrowed. */
#ifndef READERS_MEMORY_SOURCE_H
#define READERS_MEMORY_SOURCE_H

#include "data/reader.h"

#define MEMORY_BLOCKS (2 * BATCH_COLUMNS + 4)  /* data, offsets, what else there is */

/* A sample that cannot be read, and what is said of it. */
struct bad_sample { int64_t index; const char *why; };

struct memory_source {
	struct reader  reader;
	const void    *data[BATCH_COLUMNS];
	const int64_t *offsets[BATCH_COLUMNS];      /* of ragged ones                    */
	void          *owned[MEMORY_BLOCKS];        /* freed at close                    */
	const struct bad_sample *bad;               /* [bads] ascending, in the arena    */
	int64_t        bads;
	const char    *const *id;                   /* [count][reader.ids]; NULL: none   */
	struct arena   arena;
};

/* A source of `count` samples without data yet.  *schema is taken, on an error as well. */
tt_status memory_source_new(struct memory_source **out, const struct reader_ops *ops,
                            struct schema *schema, int64_t count);

/* The slots of its reader_ops. */
void        memory_source_close(struct reader *r);
tt_status   memory_source_read(const struct reader *r, int64_t first, int64_t n,
                               struct cells *cells);
const void *memory_source_peek(const struct reader *r, int column, int64_t index);
const char *memory_source_id(const struct reader *r, int k, int64_t index);

#endif
