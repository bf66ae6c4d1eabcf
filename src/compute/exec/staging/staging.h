/* staging.h -- a device whose memory is not the host's: for tests.
 *
 * What a GPU asks of the plan, without one.  It runs the reference kernels, so that its numbers
 * are the reference's to the bit, but:
 *
 *   - addresses that its memory gives cannot be read or written; only its kernels and the copies of
 *     the port know where the numbers are.  Whoever follows such an address crashes;
 *   - its kernels refuse addresses of the host;
 *   - what is launched on a stream begins when somebody waits for it, on a thread of the stream:
 *     the latest that a device may begin, so that where a wait is missing, numbers are always
 *     wrong.
 *
 * It stands in no list of plugs: a test puts staging_device in front of its own. */
#ifndef STAGING_STAGING_H
#define STAGING_STAGING_H

#include "compute/exec/device.h"

extern const struct device_ops staging_device;

/* For this folder. */
extern const struct stream_ops staging_stream_ops;

tt_status staging_mem_new(struct mem **out);
void      staging_mem_free(struct mem **m);
/* Where the number at a device's address really lies; NULL: none of this memory. */
void     *staging_mem_find(struct mem *m, const void *address);

#endif
