/* packed.h -- products with a matrix that is used many times, packed once.
 *
 *   c[rows][cols] = a[rows][k] b[k][cols]
 *
 * b lies in panels of 64 columns.  An element of c is added up in the order of k whatever else is
 * computed beside it, so its bits depend neither on the number of rows nor on threads. */
#ifndef CPU_PACKED_H
#define CPU_PACKED_H

#include <stddef.h>
#include <stdint.h>

#define PACKED_PANEL 64

struct packed { int64_t k, cols; };

int64_t packed_width(const struct packed *p);        /* cols, filled up: a row of c */
size_t  packed_floats(const struct packed *p);

void packed_from_rows(const struct packed *p, const float *b, float *to);      /* b[k][cols] */
void packed_from_columns(const struct packed *p, const float *b, float *to);   /* b[cols][k] */

/* a: where each of the rows begins; c: [rows][packed_width]. */
void packed_times(const struct packed *p, const float *const *a, int64_t rows, const float *b,
                  float *c);

#endif
