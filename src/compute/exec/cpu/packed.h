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

/* stride: from one row of b to the next where it comes from; from columns, from one to the next. */
struct packed { int64_t k, cols, stride; };

int64_t packed_width(int64_t cols);                  /* filled up: a row of c */
size_t  packed_floats(const struct packed *p);

void packed_from_rows(const struct packed *p, const float *b, float *to);      /* b[k][cols] */
void packed_from_columns(const struct packed *p, const float *b, float *to);   /* b[cols][k] */

/* Rows and columns of b that count; the first column is that of a panel. */
struct packed_part { int64_t k_lo, k_hi, col_lo, col_hi; };
struct packed_part packed_all(const struct packed *p);

/* a: where each of the rows begins, at k_lo; c: [rows][packed_width of the part's columns]. */
struct packed_rows { const float *const *a; int64_t n; };
void packed_times(const struct packed *p, const struct packed_part *part,
                  const struct packed_rows *rows, const float *b, float *c);

#endif
