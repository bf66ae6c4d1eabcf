/* lanes_square.h -- sixteen rows of sixteen numbers become columns. */
#ifndef LANES_LANES_SQUARE_H
#define LANES_LANES_SQUARE_H

#include <string.h>

#include "compute/exec/cpu/lanes/lanes_vec.h"

/* Four rounds of a perfect shuffle of row i with row i + 8. */
INLINE void square_turn(vec row[LANES])
{
	vec next[LANES];

	for (int round = 0; round < 4; round++) {
#pragma GCC unroll 8
		for (int i = 0; i < LANES / 2; i++) {
			vec p = row[i], q = row[i + LANES / 2];

			next[2 * i] = __builtin_shufflevector(p, q, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
			                                      5, 21, 6, 22, 7, 23);
			next[2 * i + 1] = __builtin_shufflevector(p, q, 8, 24, 9, 25, 10, 26, 11, 27,
			                                          12, 28, 13, 29, 14, 30, 15, 31);
		}
		memcpy(row, next, sizeof next);
	}
}

/* Rows that are not aligned to vectors: memcpy. */
INLINE void square_load(vec row[LANES], const float *from, int64_t stride)
{
	for (int i = 0; i < LANES; i++)
		memcpy(&row[i], from + i * stride, sizeof row[i]);
}

INLINE void square_store(const vec row[LANES], float *to, int64_t stride)
{
	for (int i = 0; i < LANES; i++)
		memcpy(to + i * stride, &row[i], sizeof row[i]);
}

#endif
