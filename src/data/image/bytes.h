/* bytes.h -- bytes that somebody else owns, with the name they go by in messages.
 *
 * Every parser of this folder reads from memory, so that a fuzzer can feed it;
 * the name is a path, or a path and the member of an archive. */
#ifndef DATA_BYTES_H
#define DATA_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *p;
	size_t         n;
	const char    *name;
};

#endif
