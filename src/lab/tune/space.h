/* space.h -- parameters and their ranges.
 *
 *   x     what samplers and studies keep, a double per parameter: of DOUBLE and INT the value; of
 *         DISCRETE and CATEGORICAL which choice; NAN: it is not there in this trial
 *   unit  the same in [0, 1): by logarithm where the range says so, and every single value has an
 *         equal part of it
 *
 * Pure; a space that is not added to is safe from any thread. */
#ifndef TUNE_SPACE_H
#define TUNE_SPACE_H

#include <tutti/tune.h>

#include "base/arena.h"
#include "base/rng.h"

#define SPACE_CHOICES 10000        /* most values of a list    */
#define SPACE_PARAMS  1000         /* most parameters          */
#define SPACE_WHOLE   9e15         /* whole numbers are exact  */

struct condition { int parent, is_not, n; double *x; };    /* parent -1: none */

struct param {
	enum tt_param_kind kind;
	const char        *name, *range;       /* range: as it was written                        */
	int                log, count;
	double             lo, hi;             /* of DOUBLE, INT                                  */
	const char       **choice;             /* [count]                                         */
	double            *number;             /* [count] of DISCRETE                             */
	int               *rank, *by_rank;     /* [count] of DISCRETE: place by size, and back    */
	struct condition   when;
};

struct tt_space {
	struct arena  arena;
	struct param *param;
	int           n, cap;
};

/* Read a range (tune.h) into p, whose name is set; texts are placed in the arena. */
tt_status range_read(struct arena *a, const struct tt_space *s, const char *text, struct param *p);

/* The parameter of this name, or -1. */
int    space_find(const struct tt_space *s, const char *name);
/* Whether the i-th has a value, where those before it are x. */
int    space_has(const struct tt_space *s, int i, const double *x);

double param_cells(const struct param *p);                 /* single values; 0: a continuum   */
double param_at(const struct param *p, double unit);       /* unit may be outside of [0, 1)   */
double param_unit(const struct param *p, double x);
double param_random(const struct param *p, struct rng *r);
/* The x of a value that is written; NAN: it is none of the parameter's. */
double param_x(const struct param *p, const char *text);
double param_number(const struct param *p, double x);      /* as of tt_value                  */

/* A choice's text is the parameter's, a number's the arena's.  NULL: no memory. */
const char *param_text(const struct param *p, struct arena *a, double x);

#endif
