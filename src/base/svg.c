#include "base/svg.h"

#include <math.h>
#include <stdlib.h>

enum { TICKS = 5 };              /* about as many on an axis */

static const char style[] =
	"<style>"
	"svg{font:12px system-ui,sans-serif;color:#24292f;background:#fff}"
	"text{fill:currentColor}.t{font-size:14px;font-weight:600}.m{opacity:.65}"
	".o0{fill:none;stroke:currentColor;stroke-opacity:.45}.b{fill:#8c959f;fill-opacity:.25}"
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

void svg_open(struct str *s, int w, int h)
{
	str_addf(s, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
	         "height=\"%d\" role=\"img\">\n%s\n", w, h, w, h, style);
}

void svg_close(struct str *s)
{
	str_add(s, "</svg>\n");
}

void svg_escaped(struct str *s, const char *text)
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

void svg_px(struct str *s, double v)
{
	long t = isnan(v) ? 0 : lround(fmax(-1e6, fmin(1e6, v)) * 10);

	str_addf(s, "%s%ld.%ld", t < 0 ? "-" : "", labs(t) / 10, labs(t) % 10);
}

double svg_rounded(double v)
{
	double scale = v != 0 ? pow(10, 2 - floor(log10(fabs(v)))) : 1;

	return isfinite(scale) && scale > 0 ? round(v * scale) / scale : v;
}

void svg_value(struct str *s, double v, enum curve_unit unit)
{
	str_add_number(s, unit == CURVE_PERCENT ? round(v * 1e4) / 100 : v);
	if (unit == CURVE_PERCENT)
		str_add(s, " %");
}

void svg_line(struct str *s, const char *class, const double end[4])
{
	static const char *const key[] = { "x1", "y1", "x2", "y2" };

	str_addf(s, "<line class=\"%s\"", class);
	for (int i = 0; i < 4; i++) {
		str_addf(s, " %s=\"", key[i]);
		svg_px(s, end[i]);
		str_add(s, "\"");
	}
	str_add(s, "/>\n");
}

void svg_text_open(struct str *s, double x, double y, const char *rest)
{
	str_add(s, "<text x=\"");
	svg_px(s, x);
	str_add(s, "\" y=\"");
	svg_px(s, y);
	str_addf(s, "\" %s>", rest);
}

void svg_text(struct str *s, double x, double y, const char *rest, const char *text)
{
	svg_text_open(s, x, y, rest);
	svg_escaped(s, text);
	str_add(s, "</text>\n");
}

void svg_dot(struct str *s, double x, double y, struct svg_look look)
{
	str_addf(s, "<circle r=\"%d\" cx=\"", look.r);
	svg_px(s, x);
	str_add(s, "\" cy=\"");
	svg_px(s, y);
	str_addf(s, "\" class=\"%c%d\"/>\n", look.class, look.color);
}

/* ---- axes ---- */

struct svg_axis svg_axis(double lo, double hi)
{
	struct svg_axis a = { lo, hi, 0 };
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

double svg_tick(const struct svg_axis *a, int i)
{
	double k = round(a->lo / a->step) + i;

	return a->step < 1 ? k / round(1 / a->step) : k * a->step;
}

int svg_ticks(const struct svg_axis *a)
{
	return (int)fmin(2 * TICKS, floor((a->hi - a->lo) / a->step + 1e-9)) + 1;
}

double svg_x(const struct svg_frame *f, double x)
{
	return f->x0 + (x - f->x.lo) / (f->x.hi - f->x.lo) * (f->x1 - f->x0);
}

double svg_y(const struct svg_frame *f, double y)
{
	return f->y0 + (y - f->y.lo) / (f->y.hi - f->y.lo) * (f->y1 - f->y0);
}

void svg_frame_draw(struct str *s, const struct svg_frame *f)
{
	for (int i = 0; i < svg_ticks(&f->y); i++) {
		double v = svg_tick(&f->y, i), y = svg_y(f, v);

		svg_line(s, "g", (double[]){ f->x0, y, f->x1, y });
		svg_text_open(s, f->x0 - 8, y + 4, "text-anchor=\"end\" class=\"m\"");
		svg_value(s, v, f->unit);
		str_add(s, "</text>\n");
	}
	for (int i = 0; i < svg_ticks(&f->x); i++) {
		double v = svg_tick(&f->x, i), x = svg_x(f, v);

		svg_line(s, "g", (double[]){ x, f->y0, x, f->y1 });
		svg_text_open(s, x, f->y0 + 17, "text-anchor=\"middle\" class=\"m\"");
		str_add_number(s, v);
		str_add(s, "</text>\n");
	}
	svg_line(s, "a", (double[]){ f->x0, f->y0, f->x1, f->y0 });
	svg_line(s, "a", (double[]){ f->x0, f->y0, f->x0, f->y1 });
}

