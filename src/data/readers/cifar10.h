/* cifar10.h -- the official binary batches: records of a label and three planes.
 *
 *   | label | 1024 red | 1024 green | 1024 blue |   3,073 bytes, 10,000 times */
#ifndef READERS_CIFAR10_H
#define READERS_CIFAR10_H

#include "base/err.h"
#include "data/image/bytes.h"

#define CIFAR10_SIDE   32
#define CIFAR10_PIXELS (3 * CIFAR10_SIDE * CIFAR10_SIDE)
#define CIFAR10_RECORD (1 + CIFAR10_PIXELS)

/* Records in a file; TT_EFORMAT if it ends within one or holds none. */
tt_status cifar10_count(const struct bytes *in, size_t *out);

/* Take cifar10_count records apart into x[n][3][32][32] and label[n]. */
tt_status cifar10_parse(const struct bytes *in, uint8_t *x, int32_t *label);

#endif
