/* climb.h -- to the next top of a smooth function in a box, by NLopt's L-BFGS (Nocedal 1980).  The
 * same on every machine: it calls no BLAS. */
#ifndef SAMPLERS_CLIMB_H
#define SAMPLERS_CLIMB_H

#include "base/err.h"

struct climb {
	double      (*f)(void *ctx, const double *x, double *slope);    /* slope [n] */
	void         *ctx;
	int           n;
	const double *lo, *hi;          /* [n]; equal ones do not move */
	int           evaluations;      /* at most                     */
};

/* From x on, which becomes the best place that was seen; *value: what f is there. */
tt_status climb(const struct climb *c, double *x, double *value);

#endif
