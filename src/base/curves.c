#include "base/curves.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Places in pixels. */
enum { PANEL_W = 440, PICTURE_H = 320, LEFT = 58, RIGHT = 18, TOP = 70, BOTTOM = 44, TICKS = 5,
       LEGEND_Y = TOP - 14, LEGEND_ROW = 18, TITLE_W = 87, DOT = 4, LETTER_W = 7,
       TITLE_LETTER_W = 8 };

struct axis { double lo, hi, step; };
struct frame { double x0, x1, y0, y1; struct axis x, y; };     /* y0 is the lower edge */

static const char style[] =
	"<style>"
	"svg{font:12px system-ui,sans-serif;color:#24292f;background:#fff}"
	"text{fill:currentColor}.t{font-size:14px;font-weight:600}.m{opacity:.65}"
	".g{stroke:currentColor;stroke-opacity:.13}.a{stroke:currentColor;stroke-opacity:.45}"
	".l{fill:none;stroke-width:1.8;stroke-linejoin:round}"
	".c0{stroke:#0969da}.d0{fill:#0969da}.c1{stroke:#cf5a00}.d1{fill:#cf5a00}"
	".c2{stroke:#1a7f37}.d2{fill:#1a7f37}.c3{stroke:#8250df}.d3{fill:#8250df}"
	".c4{stroke:#cf222e}.d4{fill:#cf222e}.c5{stroke:#1b7c83}.d5{fill:#1b7c83}"
	".c6{stroke:#9a6700}.d6{fill:#9a6700}.c7{stroke:#bf3989}.d7{fill:#bf3989}"
	".c8{stroke:#57606a}.d8{fill:#57606a}.c9{stroke:#4d6600}.d9{fill:#4d6600}"
	"@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}"
	".c0{stroke:#58a6ff}.d0{fill:#58a6ff}.c1{stroke:#ffa657}.d1{fill:#ffa657}"
	".c2{stroke:#56d364}.d2{fill:#56d364}.c3{stroke:#d2a8ff}.d3{fill:#d2a8ff}"
	".c4{stroke:#ff7b72}.d4{fill:#ff7b72}.c5{stroke:#39c5cf}.d5{fill:#39c5cf}"
	".c6{stroke:#e3b341}.d6{fill:#e3b341}.c7{stroke:#ff9bce}.d7{fill:#ff9bce}"
	".c8{stroke:#8c959f}.d8{fill:#8c959f}.c9{stroke:#b5c95a}.d9{fill:#b5c95a}}"
	"</style>";

/* ---- text ---- */

static void add_escaped(struct str *s, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '<': str_add(s, "&lt;"); break;
		case '>': str_add(s, "&gt;"); break;
		case '&': str_add(s, "&amp;"); break;
		default:
			if ((unsigned char)*text >= ' ')
				str_add_bytes(s, text, 1);
		}
}

/* Tenths of a pixel, with a point whatever the locale. */
static void add_px(struct str *s, double v)
{
	long t = lround(v * 10);

	str_addf(s, "%s%ld.%ld", t < 0 ? "-" : "", labs(t) / 10, labs(t) % 10);
}

static void add_value(struct str *s, double v, enum curve_unit unit)
{
	str_add_number(s, unit == CURVE_PERCENT ? round(v * 1e4) / 100 : v);
	if (unit == CURVE_PERCENT)
		str_add(s, " %");
}

/* Three significant digits are enough for a legend. */
static double rounded(double v)
{
	double scale = v != 0 ? pow(10, 2 - floor(log10(fabs(v)))) : 1;

	return isfinite(scale) && scale > 0 ? round(v * scale) / scale : v;
}

/* ---- axes ---- */

/* The step 1, 2 or 5 times a power of ten that gives about TICKS of them. */
static struct axis nice_axis(double lo, double hi)
{
	struct axis a = { lo, hi, 0 };
	double raw, power, part;

	if (!(hi > lo)) {
		a.lo -= 0.5;
		a.hi += 0.5;
	}
	raw = (a.hi - a.lo) / TICKS;
	power = pow(10, floor(log10(raw)));
	part = raw / power;
	a.step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
	a.lo = floor(a.lo / a.step) * a.step;
	a.hi = ceil(a.hi / a.step) * a.step;
	return a;
}

static void widen(double v, double *lo, double *hi)
{
	*lo = fmin(*lo, v);
	*hi = fmax(*hi, v);
}

/* The range of all lines; a loss that comes near zero starts there. */
static void fit_axes(const struct panel *p, struct frame *f)
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
	f->x = nice_axis(x_lo, x_hi > x_lo ? x_hi : x_lo + 1);
	f->x.hi = x_hi > x_lo ? x_hi : x_lo + 1;
	f->y = nice_axis(y_lo, y_hi);
	if (p->unit == CURVE_PERCENT && f->y.hi > 1)
		f->y.hi = fmax(y_hi, 1);
}

static double px_x(const struct frame *f, double x)
{
	return f->x0 + (x - f->x.lo) / (f->x.hi - f->x.lo) * (f->x1 - f->x0);
}

static double px_y(const struct frame *f, double y)
{
	return f->y0 + (y - f->y.lo) / (f->y.hi - f->y.lo) * (f->y1 - f->y0);
}

static void add_line(struct str *s, const char *class, const double end[4])
{
	static const char *const key[] = { "x1", "y1", "x2", "y2" };

	str_addf(s, "<line class=\"%s\"", class);
	for (int i = 0; i < 4; i++) {
		str_addf(s, " %s=\"", key[i]);
		add_px(s, end[i]);
		str_add(s, "\"");
	}
	str_add(s, "/>\n");
}

static void open_text(struct str *s, double x, double y, const char *rest)
{
	str_add(s, "<text x=\"");
	add_px(s, x);
	str_add(s, "\" y=\"");
	add_px(s, y);
	str_addf(s, "\" %s>", rest);
}

/* Ticks are whole multiples of the step, so that 0.1 + 0.2 is printed as 0.3. */
static double tick(const struct axis *a, int i)
{
	double k = round(a->lo / a->step) + i;

	return a->step < 1 ? k / round(1 / a->step) : k * a->step;
}

static int ticks(const struct axis *a)
{
	return (int)floor((a->hi - a->lo) / a->step + 1e-9) + 1;
}

static void draw_axes(const struct panel *p, const struct frame *f, struct str *s)
{
	for (int i = 0; i < ticks(&f->y); i++) {
		double v = tick(&f->y, i), y = px_y(f, v);

		add_line(s, "g", (double[]){ f->x0, y, f->x1, y });
		open_text(s, f->x0 - 8, y + 4, "text-anchor=\"end\" class=\"m\"");
		add_value(s, v, p->unit);
		str_add(s, "</text>\n");
	}
	for (int i = 0; i < ticks(&f->x); i++) {
		double v = tick(&f->x, i), x = px_x(f, v);

		add_line(s, "g", (double[]){ x, f->y0, x, f->y1 });
		open_text(s, x, f->y0 + 17, "text-anchor=\"middle\" class=\"m\"");
		str_add_number(s, v);
		str_add(s, "</text>\n");
	}
	add_line(s, "a", (double[]){ f->x0, f->y0, f->x1, f->y0 });
	add_line(s, "a", (double[]){ f->x0, f->y0, f->x0, f->y1 });
}

/* ---- lines ---- */

static void draw_line(const struct series *line, int color, const struct frame *f, struct str *s)
{
	const struct point *last = &line->p[line->n - 1];

	str_addf(s, "<polyline class=\"l c%d\" points=\"", color);
	for (int i = 0; i < line->n; i++) {
		str_add(s, i ? " " : "");
		add_px(s, px_x(f, line->p[i].x));
		str_add(s, ",");
		add_px(s, px_y(f, line->p[i].y));
	}
	str_add(s, "\"/>\n<circle r=\"3\" cx=\"");
	add_px(s, px_x(f, last->x));
	str_add(s, "\" cy=\"");
	add_px(s, px_y(f, last->y));
	str_addf(s, "\" class=\"d%d\"/>\n", color);
}

/* Where the next entry of a legend begins: beside the panel's title, then below it. */
struct pen { double x; int row; };

/* A line's name and its value. */
static void add_entry(const struct panel *p, int l, struct str *s)
{
	const struct series *line = p->line[l];

	add_escaped(s, p->name[l]);
	str_add(s, " ");
	add_value(s, rounded(p->value ? p->value[l] : line->p[line->n - 1].y), p->unit);
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

	str_add(s, "<circle r=\"4\" cx=\"");
	add_px(s, at.x);
	str_add(s, "\" cy=\"");
	add_px(s, y - DOT);
	str_addf(s, "\" class=\"d%d\"/>\n", l);
	open_text(s, at.x + 9, y, "");
	add_entry(p, l, s);
	str_add(s, "</text>\n");
}

/* Where a panel stands: its left edge, and how far its legend pushes it down. */
struct place { double left, down; };

static void draw_panel(const struct panel *p, const char *x_label, struct place at, struct str *s)
{
	struct frame f = { .x0 = at.left + LEFT, .x1 = at.left + PANEL_W - RIGHT,
	                   .y0 = PICTURE_H - BOTTOM + at.down, .y1 = TOP + at.down };
	struct pen pen = first_entry(p, f.x0);

	fit_axes(p, &f);
	open_text(s, f.x0, LEGEND_Y, "class=\"t\"");
	add_escaped(s, p->title);
	str_add(s, "</text>\n");
	draw_axes(p, &f, s);
	for (int l = 0; l < CURVES_MAX_LINES && p->name[l]; l++)
		if (p->line[l]->n) {
			draw_line(p->line[l], l, &f, s);
			draw_entry(p, l, place_entry(&pen, f.x0, entry_width(p, l, s)), s);
		}
	open_text(s, 0.5 * (f.x0 + f.x1), PICTURE_H - 10 + at.down,
	          "text-anchor=\"middle\" class=\"m\"");
	add_escaped(s, p->x_label ? p->x_label : x_label);
	str_add(s, "</text>\n");
}

void curves_draw(const struct picture *pic, struct str *out)
{
	int w = PANEL_W * pic->n_panels, rows = 0, h;

	for (int i = 0; i < pic->n_panels; i++) {
		const int below = legend_rows(&pic->panel[i], out);

		rows = below > rows ? below : rows;
	}
	h = PICTURE_H + LEGEND_ROW * rows;
	str_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
	         "height=\"%d\" role=\"img\">\n%s\n", w, h, w, h, style);
	open_text(out, LEFT, 26, "class=\"t\"");
	add_escaped(out, pic->title);
	str_add(out, "</text>\n");
	for (int i = 0; i < pic->n_panels; i++)
		draw_panel(&pic->panel[i], pic->x_label,
		           (struct place){ (double)i * PANEL_W, LEGEND_ROW * rows }, out);
	str_add(out, "</svg>\n");
}
