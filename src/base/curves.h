/* curves.h -- learning curves as one SVG picture.
 *
 *   +-- loss --------+  +-- accuracy ----+
 *   |  axes, grid,   |  |                |     a panel per kind of number, a line per split
 *   +----------------+  +----------------+
 *
 * Self-contained; light or dark as the viewer likes it.  Pure: points in, text out. */
#ifndef BASE_CURVES_H
#define BASE_CURVES_H

#include "base/series.h"
#include "base/svg.h"

#define CURVES_MAX_LINES 10
struct panel {
	const char          *title;
	const char          *x_label;                    /* NULL: the picture's         */
	enum curve_unit      unit;
	const char          *name[CURVES_MAX_LINES];     /* NULL-terminated unless full */
	const struct series *line[CURVES_MAX_LINES];     /* empty ones are left out     */
	const double        *value;                      /* [lines] beside the names; NULL: where each
	                                                  * line stands now             */
};

/* title may hold any text; x_label names what series' x counts. */
struct picture { const char *title, *x_label; const struct panel *panel; int n_panels; };
void curves_draw(const struct picture *pic, struct str *out);

#endif
