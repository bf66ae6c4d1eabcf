#include "base/curves.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/svg.h"

/* Places in pixels. */
enum { PANEL_W = 440, PICTURE_H = 320, LEFT = 58, RIGHT = 18, TOP = 70, BOTTOM = 44,
       LEGEND_Y = TOP - 14, LEGEND_ROW = 18, TITLE_W = 87, DOT = 4, LETTER_W = 7,
       TITLE_LETTER_W = 8 };

/* ---- axes ---- */

static void widen(double v, double *lo, double *hi)
{
	*lo = fmin(*lo, v);
	*hi = fmax(*hi, v);
}

/* The range of all lines; a loss that comes near zero starts there. */
static void fit_axes(const struct panel *p, struct svg_frame *f)
{
	double x_lo = 0, x_hi = 0, y_lo = DBL_MAX, y_hi = -DBL_MAX;

	for (int l = 0; l < CURVES_MAX_LINES && p->name[l]; l++)
		for (int i = 0; i < p->line[l]->n; i++) {
			widen(p->line[l]->p[i].x, &x_lo, &x_hi);
			widen(p->line[l]->p[i].y, &y_lo, &y_hi);
		}
	if (y_lo > y_hi)
		y_lo = 0, y_hi = 1;
	if (p->unit == CURVE_PLAIN && y_lo > 0 && y_lo < 0.5 * y_hi)
		y_lo = 0;
	f->x = svg_axis(x_lo, x_hi > x_lo ? x_hi : x_lo + 1);
	f->x.hi = x_hi > x_lo ? x_hi : x_lo + 1;
	f->y = svg_axis(y_lo, y_hi);
	if (p->unit == CURVE_PERCENT && f->y.hi > 1)
		f->y.hi = fmax(y_hi, 1);
}

/* ---- lines ---- */

static void draw_line(const struct series *line, int color, const struct svg_frame *f,
                      struct str *s)
{
	const struct point *last = &line->p[line->n - 1];

	str_addf(s, "<polyline class=\"l c%d\" points=\"", color);
	for (int i = 0; i < line->n; i++) {
		str_add(s, i ? " " : "");
		svg_px(s, svg_x(f, line->p[i].x));
		str_add(s, ",");
		svg_px(s, svg_y(f, line->p[i].y));
	}
	str_add(s, "\"/>\n");
	svg_dot(s, svg_x(f, last->x), svg_y(f, last->y), (struct svg_look){ 3, 'd', color });
}

/* Where the next entry of a legend begins: beside the panel's title, then below it. */
struct pen { double x; int row; };

/* A line's name and its value. */
static void add_entry(const struct panel *p, int l, struct str *s)
{
	const struct series *line = p->line[l];

	svg_escaped(s, p->name[l]);
	str_add(s, " ");
	svg_value(s, svg_rounded(p->value ? p->value[l] : line->p[line->n - 1].y), p->unit);
}

/* How wide line l's entry is.  It is written at the end of s and taken away again, so that too
 * little memory fails the picture, not its looks. */
static double entry_width(const struct panel *p, int l, struct str *s)
{
	const size_t before = s->len;
	size_t letters;

	add_entry(p, l, s);
	letters = s->len - before;
	if (s->p)
		s->p[s->len = before] = '\0';
	return DOT + 9 + LETTER_W * (double)letters;
}

/* The place of an entry, before the pen is moved on behind it. */
static struct pen place_entry(struct pen *pen, double left, double width)
{
	const double room = PANEL_W - LEFT - RIGHT;
	struct pen at;

	if (pen->x + width > left + room)
		*pen = (struct pen){ left + DOT, pen->row + 1 };
	at = *pen;
	pen->x += width + 17;
	return at;
}

static struct pen first_entry(const struct panel *p, double left)
{
	const double title = TITLE_LETTER_W * (double)(strlen(p->title) + 1) + DOT;

	return (struct pen){ left + fmax(title, TITLE_W), 0 };
}

/* How many rows of legend lie below the title. */
static int legend_rows(const struct panel *p, struct str *s)
{
	struct pen pen = first_entry(p, LEFT);

	for (int l = 0; l < CURVES_MAX_LINES && p->name[l]; l++)
		if (p->line[l]->n)
			place_entry(&pen, LEFT, entry_width(p, l, s));
	return pen.row;
}

/* A dot, the line's name and where it stands now. */
static void draw_entry(const struct panel *p, int l, struct pen at, struct str *s)
{
	const double y = LEGEND_Y + LEGEND_ROW * at.row;

	svg_dot(s, at.x, y - DOT, (struct svg_look){ 4, 'd', l });
	svg_text_open(s, at.x + 9, y, "");
	add_entry(p, l, s);
	str_add(s, "</text>\n");
}

/* Where a panel stands: its left edge, and how far its legend pushes it down. */
struct place { double left, down; };

static void draw_panel(const struct panel *p, const char *x_label, struct place at, struct str *s)
{
	struct svg_frame f = { .x0 = at.left + LEFT, .x1 = at.left + PANEL_W - RIGHT,
	                   .y0 = PICTURE_H - BOTTOM + at.down, .y1 = TOP + at.down, .unit = p->unit };
	struct pen pen = first_entry(p, f.x0);

	fit_axes(p, &f);
	svg_text(s, f.x0, LEGEND_Y, "class=\"t\"", p->title);
	svg_frame_draw(s, &f);
	for (int l = 0; l < CURVES_MAX_LINES && p->name[l]; l++)
		if (p->line[l]->n) {
			draw_line(p->line[l], l, &f, s);
			draw_entry(p, l, place_entry(&pen, f.x0, entry_width(p, l, s)), s);
		}
	svg_text(s, 0.5 * (f.x0 + f.x1), PICTURE_H - 10 + at.down, "text-anchor=\"middle\" class=\"m\"",
	         p->x_label ? p->x_label : x_label);
}

void curves_draw(const struct picture *pic, struct str *out)
{
	int w = PANEL_W * pic->n_panels, rows = 0, h;

	for (int i = 0; i < pic->n_panels; i++) {
		const int below = legend_rows(&pic->panel[i], out);

		rows = below > rows ? below : rows;
	}
	h = PICTURE_H + LEGEND_ROW * rows;
	svg_open(out, w, h);
	svg_text(out, LEFT, 26, "class=\"t\"", pic->title);
	for (int i = 0; i < pic->n_panels; i++)
		draw_panel(&pic->panel[i], pic->x_label,
		           (struct place){ (double)i * PANEL_W, LEGEND_ROW * rows }, out);
	svg_close(out);
}
