/* lines.h -- what a trial prints, byte by byte, and the metrics in it.
 *
 *   epoch=3 loss=0.41, accuracy=0.87        {"step": 3, "accuracy": 0.87}        anything else
 *
 * Pure.  Whatever comes is bounded: of a line too long nothing is read. */
#ifndef POOL_LINES_H
#define POOL_LINES_H

#include <stdint.h>

#include "base/str.h"

#define LINES_VALUES 16                 /* metrics that are looked for, at most */

struct lines_report { int64_t step; double value[LINES_VALUES]; };
typedef void lines_fn(void *ctx, const struct lines_report *r);

struct lines {                          /* zeroed, with name and n: ready                    */
	const char *const  *name;           /* [n] metrics that are looked for                   */
	int                 n;
	int                 optional;       /* bit i: without name[i] a report is whole, too     */
	struct str          line, seen;     /* seen: names of other metrics, for who looks       */
	int                 skipping;       /* the line is too long                              */
	int                 from_zero;      /* the trial counts its steps from 0 on              */
	unsigned            have;           /* bit i: value[i] is known for the step             */
	int64_t             reports;
	struct lines_report now;            /* being gathered; what is missing is NAN            */
};

void lines_take(struct lines *l, const char *p, size_t n, lines_fn *f, void *ctx);
/* The trial has ended: its last line may have no end. */
void lines_finish(struct lines *l, lines_fn *f, void *ctx);
void lines_release(struct lines *l);

#endif
