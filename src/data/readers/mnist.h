/* mnist.h -- IDX, the format of MNIST: a type, up to four sizes, the numbers.
 *
 *   00 00 08 03 | 00 00 ea 60 | 00 00 00 1c | 00 00 00 1c | pixels ...
 *         |  +-- dimensions: sizes follow, big-endian
 *         +----- 08: unsigned bytes, the only type MNIST and its kin use */
#ifndef READERS_MNIST_H
#define READERS_MNIST_H

#include "base/err.h"
#include "data/image/bytes.h"

#define IDX_DIMS 4

struct idx {
	int            ndim;
	uint32_t       dim[IDX_DIMS];
	const uint8_t *data;           /* borrowed from the bytes parsed */
	size_t         size;
};

/* TT_EFORMAT names the file and what is wrong with it. */
tt_status idx_parse(const struct bytes *in, struct idx *out);

/* Unpack gzip; *out (owned, mem_free) holds at most `max` bytes. */
tt_status gzip_inflate(const struct bytes *in, size_t max, uint8_t **out, size_t *size);

#endif
