/* turned.h -- y[n][k] = x[n][c] w[k][c]^T + b[k], turned: y^T = w x^T.
 *
 * Weights are read once, row by row, as they are stored; x, which a few samples make small, is
 * packed instead of them.  The bits of a sample do not depend on the number of threads. */
#ifndef CPU_TURNED_H
#define CPU_TURNED_H

#include <stddef.h>
#include <stdint.h>

struct turned {
	int64_t      n, c, k;
	const float *x, *w, *b;         /* b may be NULL                                        */
	float       *y, *room;          /* turned_room floats                                   */
};

int    turned_pays(const struct turned *t);     /* of n, c and k alone */
size_t turned_room(const struct turned *t);
void   turned_run(const struct turned *t);

#endif
