/* shapes.h -- ten plane figures as signed distances: below 0 inside, 0 on the edge.
 *
 * A figure lies within the unit circle around its centre, v upwards.  Knows nothing of
 * pixels, colours or labels. */
#ifndef READERS_SHAPES_H
#define READERS_SHAPES_H

#define SHAPES 10

struct shape {
	const char *name;
	/* d[i] of the point (u[i], v[i]), n of them */
	void (*distance)(const float *restrict u, const float *restrict v, int n, float *restrict d);
};

extern const struct shape shapes[SHAPES];     /* sorted by name */

#endif
