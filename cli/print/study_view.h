/* study_view.h -- what the parts of a search's picture share; study_svg.c and study_axes.c draw. */
#ifndef PRINT_STUDY_VIEW_H
#define PRINT_STUDY_VIEW_H

#include <math.h>

#include "base/svg.h"
#include "print/study_svg.h"

/* Places in pixels. */
enum { PANEL_W = 440, PANEL_H = 320, LEFT = 58, RIGHT = 18, TOP = 70, BOTTOM = 44,
       TITLE_Y = TOP - 14, COORDINATES_H = 340, LETTER_W = 7 };

struct mark {                              /* a trial with a result that is finite */
	int64_t             trial;
	enum tt_trial_state state;
	double              y, second;         /* by the first objective and the second */
	int                 best;              /* none before it is better              */
	int                 place;             /* of the completed ones: 0 is the best  */
	int                 front;             /* no other is better in everything      */
};

struct view {
	const struct study_picture *of;
	struct str  *out;
	struct mark *mark;
	int64_t      n, completed;
	double      *x;                        /* [n][params]: as drawn; NAN: absent    */
	double      *share;                    /* [params]                              */
	int         *order;                    /* [params]: what explains most first    */
	int          params;
};

/* Fill a view whose study and number of parameters are set. */
tt_status study_collect(struct view *v);
void      study_view_release(struct view *v);

/* An axis from the best to where most are: a few wild ones do not flatten the rest, and stand at
 * its end. */
tt_status study_fit(const struct view *v, struct svg_axis *y);
static inline double study_inside(const struct svg_axis *a, double v)
{
	return fmax(a->lo, fmin(a->hi, v));
}

/* The end of a name says most: of train.optimizer.lr as much as there is room for, in pixels. */
const char *study_short_name(const char *name, double room);

/* Parallel coordinates below the panels: an axis for each of the parameters that explain most, then
 * the metric. */
tt_status study_axes_draw(const struct view *v, double width);

#endif
