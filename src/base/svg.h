/* svg.h -- the pieces of a picture: texts, lines, dots, axes; light or dark as the viewer likes.
 *
 * Classes: c0 .. c9 colour a stroke and d0 .. d9 a filling, t is a title, m a muted text, g a line
 * of the grid, a an axis, l a line without filling, o0 an outline, b a bar in the background.
 * Pure; texts may hold anything; a str that has failed stays so. */
#ifndef BASE_SVG_H
#define BASE_SVG_H

#include "base/str.h"

enum curve_unit { CURVE_PLAIN, CURVE_PERCENT };          /* 0.93, or 93 % */

void svg_open(struct str *s, int w, int h);
void svg_close(struct str *s);
void svg_escaped(struct str *s, const char *text);
void svg_px(struct str *s, double v);             /* tenths, with a point whatever the locale */
double svg_rounded(double v);                      /* three digits, enough for a legend */
void svg_value(struct str *s, double v, enum curve_unit unit);
void svg_line(struct str *s, const char *class, const double end[4]);   /* x1 y1 x2 y2         */
/* rest: attributes, as they are.  Close it by "</text>\n". */
void svg_text_open(struct str *s, double x, double y, const char *rest);
void svg_text(struct str *s, double x, double y, const char *rest, const char *text);
struct svg_look { int r; char class; int color; };       /* radius; "d0": class d, colour 0 */
void svg_dot(struct str *s, double x, double y, struct svg_look look);

/* ---- axes ---- */

struct svg_axis { double lo, hi, step; };

/* About lo to hi, by the step 1, 2 or 5 times a power of ten that gives about five of them. */
struct svg_axis svg_axis(double lo, double hi);
/* Whole multiples of the step, so that 0.1 + 0.2 is printed as 0.3. */
double          svg_tick(const struct svg_axis *a, int i);
int             svg_ticks(const struct svg_axis *a);

/* A place for points: pixels and what they stand for; y0 is the lower edge. */
struct svg_frame { double x0, x1, y0, y1; struct svg_axis x, y; enum curve_unit unit; };
double          svg_x(const struct svg_frame *f, double x);
double          svg_y(const struct svg_frame *f, double y);
void            svg_frame_draw(struct str *s, const struct svg_frame *f);   /* grid and numbers */

#endif
