#include "print/roc.h"

#include <math.h>
#include <stdlib.h>

#include "base/curves.h"
#include "base/file.h"
#include "base/mem.h"

const char *const roc_files[] = { "roc.svg", "precision_recall.svg", NULL };

static const struct picture_kind {
	enum tt_curve_kind kind;
	const char        *title, *x_label;
} kinds[] = {
	{ TT_CURVE_ROC, "true positive rate", "false positive rate" },
	{ TT_CURVE_PRECISION_RECALL, "precision", "recall" },
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- which classes ---- */

struct candidate { int class; double area; };

static int least_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->area != y->area ? (x->area > y->area) - (x->area < y->area) : x->class - y->class;
}

static int by_class(const void *a, const void *b)
{
	return ((const struct candidate *)a)->class - ((const struct candidate *)b)->class;
}

/* Classes that have curves; of two the first one's would be the second one's from behind. */
static int list_candidates(const struct roc *r, struct candidate *out)
{
	const int classes = tt_evaluation_classes(r->of);
	const int two = tt_evaluation_metrics(r->of)->classes == 2;
	int n = 0;

	for (int c = two; c < classes; c++) {
		tt_class_score s = TT_SIZED(tt_class_score);

		if (tt_evaluation_class(r->of, c, &s) == TT_OK && !isnan(s.roc_auc))
			out[n++] = (struct candidate){ c, s.roc_auc };
	}
	qsort(out, (size_t)n, sizeof *out, least_first);
	n = n < CURVES_MAX_LINES ? n : CURVES_MAX_LINES;
	qsort(out, (size_t)n, sizeof *out, by_class);
	return n;
}

/* ---- a picture ---- */

struct drawing {
	struct series series[CURVES_MAX_LINES];
	char          name[CURVES_MAX_LINES][16];
	double        area[CURVES_MAX_LINES];
	struct panel  panel;
};

static tt_status add_line(const struct roc *r, enum tt_curve_kind kind, int class, int line,
                          struct drawing *d)
{
	tt_curve c = TT_SIZED(tt_curve);
	tt_status st = tt_evaluation_curve(r->of, class, kind, &c);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < c.n; i++)
		series_add(&d->series[line], c.point[i][0], c.point[i][1]);
	d->area[line] = c.area;
	d->panel.line[line] = &d->series[line];
	d->panel.name[line] = names_get(r->names, class, d->name[line]);
	return TT_OK;
}

static tt_status write_picture(const struct roc *r, const struct picture *pic, const char *file)
{
	struct str path = { 0 }, svg = { 0 };
	tt_status st;

	curves_draw(pic, &svg);
	str_addf(&path, "%s/%s", r->dir, file);
	if ((st = str_status(&svg)) == TT_OK && (st = str_status(&path)) == TT_OK)
		st = file_write_all(path.p, svg.p, svg.len);
	str_release(&path);
	str_release(&svg);
	return st;
}

static tt_status draw(const struct roc *r, size_t kind, const struct candidate *v, int n)
{
	struct drawing *d = mem_calloc(1, sizeof *d);
	tt_status st = d ? TT_OK : TT_ENOMEM;

	for (int i = 0; i < n && st == TT_OK; i++)
		st = add_line(r, kinds[kind].kind, v[i].class, i, d);
	if (st == TT_OK) {
		d->panel.title = kinds[kind].title;
		d->panel.value = d->area;
		st = write_picture(r, &(struct picture){ r->model, kinds[kind].x_label, &d->panel, 1 },
		                   roc_files[kind]);
	}
	mem_free(d);
	return st;
}

static tt_status no_curves(const struct roc *r)
{
	if (!tt_evaluation_classes(r->of))
		return err_set(TT_EINVAL, "--curves: this model gives values: curves are of classes");
	return err_set(TT_EINVAL, "--curves: no class has a curve: the samples are of one class, or "
	               "too many to be sorted in 256 MB");
}

tt_status roc_write(const struct roc *r)
{
	const size_t classes = (size_t)tt_evaluation_classes(r->of);
	struct candidate *v = mem_calloc(classes + 1, sizeof *v);
	tt_status st = v ? TT_OK : TT_ENOMEM;
	int n = v ? list_candidates(r, v) : 0;

	if (st == TT_OK && !n)
		st = no_curves(r);
	if (st == TT_OK)
		st = file_mkdirs(r->dir);
	for (size_t k = 0; k < KINDS && st == TT_OK; k++)
		st = draw(r, k, v, n);
	mem_free(v);
	return st;
}
