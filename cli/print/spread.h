/* spread.h -- what several measurements of one kind say together: the mean of each number, and its
 * deviation as of a sample: what another one may differ by. */
#ifndef PRINT_SPREAD_H
#define PRINT_SPREAD_H

#include <tutti/session.h>

#include "print/json.h"

#define SPREAD_ROWS 48

struct spread_row { char name[24]; int n, shown; double mean, square; };
struct spread { int measured, rows; struct spread_row row[SPREAD_ROWS]; };

void spread_add(struct spread *s, const tt_evaluation *e);
void spread_print(const struct spread *s);              /* those that are shown of one */
void spread_json(const struct spread *s, struct json *j);       /* "metrics": all       */

#endif
