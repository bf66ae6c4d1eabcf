/* study_svg.h -- a search as a picture.
 *
 *   +-- metric over trials --+  +-- what explains it --+  +-- two metrics --+
 *   |  dots, the best so far |  |  a bar per parameter |  |  and the front  |   with two objectives
 *   +------------------------+  +----------------------+  +-----------------+
 *   +-- parallel coordinates ----------------------------+
 *   |  an axis per parameter, a line per trial           |
 *   +----------------------------------------------------+ */
#ifndef PRINT_STUDY_SVG_H
#define PRINT_STUDY_SVG_H

#include <tutti/tune.h>

#include "base/str.h"

struct study_picture {
	tt_study                *study;
	const tt_space          *space;        /* the study's                    */
	const char *const       *objective;    /* [n_objectives], the same       */
	const enum tt_direction *direction;    /* of each; NULL: all are minimised */
	int                      n_objectives;
	const char              *title;        /* may hold any text              */
};

/* The text of the picture, added to out. */
tt_status study_svg(const struct study_picture *p, struct str *out);

#endif
