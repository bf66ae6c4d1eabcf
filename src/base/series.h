/* series.h -- a curve in bounded memory.
 *
 * Points come in the order of x.  When the room is full every two neighbours become one (their
 * mean), so a run of any length is a few hundred points, and adding one never allocates. */
#ifndef BASE_SERIES_H
#define BASE_SERIES_H

#include <stdint.h>

#define SERIES_ROOM 512

struct series {
	struct point { double x, y; } p[SERIES_ROOM];
	int    n;
	int    every;               /* points of the caller in one of ours; a power of two */
	int    pending;             /* of the caller, not yet a whole one of ours          */
	double sum_x, sum_y;        /* of the pending ones                                 */
};

void series_add(struct series *s, double x, double y);    /* a y that is not finite is left out */

#endif
