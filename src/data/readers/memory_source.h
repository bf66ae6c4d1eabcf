/* memory_source.h -- a reader whose u8 samples and classes all lie in memory.
 *
 *   memory: | (a file's header) | sample 0 | sample 1 | ...
 *   label:  | 5 | 0 | ...
 *
 * MNIST, CIFAR-10 and small image folders end up here once they are parsed. */
#ifndef READERS_MEMORY_SOURCE_H
#define READERS_MEMORY_SOURCE_H

#include "base/arena.h"
#include "data/reader.h"

struct memory_source {
	struct reader  reader;
	void          *memory;      /* owned                                         */
	const uint8_t *x;           /* first sample, inside memory                   */
	int32_t       *label;       /* owned, [count]                                */
	size_t         stride;      /* bytes of one sample                           */
	struct arena   names;       /* holds reader.info.class_names                 */
};

/* A resident without samples yet.  The class names of info are copied. */
tt_status memory_source_new(struct memory_source **out, const struct reader_ops *ops,
                       const tt_source_info *info);

/* The slots of its reader_ops. */
void        memory_source_close(struct reader *r);
tt_status   memory_source_read(const struct reader *r, int64_t index, void *x, int32_t *label,
                          float *values);
const void *memory_source_peek(const struct reader *r, int64_t index);

/* Copy n names (NULL: none) into an arena; *out is NULL on no names. */
tt_status reader_copy_names(struct arena *a, const char *const *names, int n,
                            const char *const **out);

#endif
