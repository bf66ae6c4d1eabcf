#include "print/predictions.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "kit/table.h"

/* A format is three functions; `order` holds the places of the `n` largest numbers. */
struct prediction_form {
	const char *name;
	void (*begin)(struct answers *a);
	void (*add)(struct answers *a, const char *sample, const struct truth *t, const float *out);
	tt_status (*end)(struct answers *a);
};

static int shown(const struct answers *a)
{
	return a->kind == ANSWER_VALUES || a->top > a->width ? a->width : a->top;
}

/* ---- text ---- */

static void text_begin(struct answers *a)
{
	(void)a;
}

/* "P(yes) 0.93" */
static void text_value(const struct answers *a, int i, double v)
{
	if (a->shares)
		text_printf(stdout, "  P(%s) %.6g", a->shares[i], v);
	else
		printf("  %.6g", v);
}

static void text_add(struct answers *a, const char *sample, const struct truth *t,
                     const float *out)
{
	char name[16];

	text_printf(stdout, "%s", sample);
	for (int i = 0; i < shown(a); i++) {
		int c = a->order[i];

		if (a->kind == ANSWER_CLASSES)
			text_printf(stdout, "  %s (%.2f %%)", names_get(a->names, c, name),
			            100 * (double)out[c]);
		else
			text_value(a, c, (double)out[c]);
	}
	if (t->class || t->n)
		text_printf(stdout, "  in truth%s%s", t->class ? " " : "", t->class ? t->class : "");
	for (int i = 0; i < t->n; i++)
		printf(" %.6g", (double)t->values[i]);
	putchar('\n');
}

static tt_status text_end(struct answers *a)
{
	(void)a;
	return TT_OK;
}

/* ---- CSV ---- */

static void csv_text(const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		text_printf(stdout, "%s", s);
		return;
	}
	putchar('"');
	for (const char *quote; (quote = strchr(s, '"')); s = quote + 1)
		text_printf(stdout, "%.*s\"\"", (int)(quote - s), s);
	text_printf(stdout, "%s\"", s);
}

static void csv_share(const char *class)
{
	struct str s = { 0 };

	str_addf(&s, "P(%s)", class);
	csv_text(s.p ? s.p : "");
	str_release(&s);
}

static void csv_begin(struct answers *a)
{
	fputs("sample,truth", stdout);
	for (int i = 1; i <= shown(a); i++)
		if (a->shares) {
			putchar(',');
			csv_share(a->shares[i - 1]);
		} else if (a->kind == ANSWER_CLASSES)
			printf(",class_%d,probability_%d", i, i);
		else
			printf(",value_%d", i);
	putchar('\n');
}

/* One cell; several numbers stand in it side by side. */
static void csv_truth(const struct truth *t)
{
	if (t->class)
		csv_text(t->class);
	for (int i = 0; i < t->n; i++)
		printf("%s%.9g", i ? " " : "", (double)t->values[i]);
}

static void csv_add(struct answers *a, const char *sample, const struct truth *t,
                    const float *out)
{
	char name[16];

	csv_text(sample);
	putchar(',');
	csv_truth(t);
	for (int i = 0; i < shown(a); i++) {
		putchar(',');
		if (a->kind == ANSWER_CLASSES) {
			csv_text(names_get(a->names, a->order[i], name));
			putchar(',');
		}
		printf("%.9g", (double)out[a->order[i]]);
	}
	putchar('\n');
}

/* ---- JSON: one object on one line ---- */

static void json_begin(struct answers *a)
{
	json_open(&a->json, NULL, '{');
	if (a->shares) {
		json_open(&a->json, "probabilities_of", '[');
		for (int i = 0; i < a->width; i++)
			json_text(&a->json, NULL, a->shares[i]);
		json_close(&a->json, ']');
	}
	json_open(&a->json, "predictions", '[');
}

static void add_classes(struct answers *a, const float *out)
{
	char name[16];

	json_open(&a->json, "classes", '[');
	for (int i = 0; i < shown(a); i++) {
		json_open(&a->json, NULL, '{');
		json_text(&a->json, "class", names_get(a->names, a->order[i], name));
		json_number(&a->json, "probability", (double)out[a->order[i]]);
		json_close(&a->json, '}');
	}
	json_close(&a->json, ']');
}

static void json_truth(struct answers *a, const struct truth *t)
{
	if (t->class)
		json_text(&a->json, "truth", t->class);
	if (!t->n)
		return;
	json_open(&a->json, "truth", '[');
	for (int i = 0; i < t->n; i++)
		json_number(&a->json, NULL, (double)t->values[i]);
	json_close(&a->json, ']');
}

static void json_add(struct answers *a, const char *sample, const struct truth *t,
                     const float *out)
{
	json_open(&a->json, NULL, '{');
	json_text(&a->json, "sample", sample);
	json_truth(a, t);
	if (a->kind == ANSWER_CLASSES) {
		add_classes(a, out);
	} else {
		json_open(&a->json, "values", '[');
		for (int i = 0; i < a->width; i++)
			json_number(&a->json, NULL, (double)out[i]);
		json_close(&a->json, ']');
	}
	json_close(&a->json, '}');
}

static tt_status json_end(struct answers *a)
{
	json_close(&a->json, ']');
	json_close(&a->json, '}');
	return json_print(&a->json);
}

/* ---- all of them ---- */

static const struct prediction_form forms[] = {
	{ "text", text_begin, text_add, text_end },
	{ "csv",  csv_begin,  csv_add,  text_end },
	{ "json", json_begin, json_add, json_end },
};
const char *const prediction_formats[] = { "text", "csv", "json", NULL };

/* Fill `order`: of classes the largest first, of values as they come.  Selection is enough for
 * the few that are shown. */
static void sort_answer(struct answers *a, const float *out)
{
	for (int i = 0; i < a->width; i++)
		a->order[i] = i;
	if (a->kind == ANSWER_VALUES)
		return;
	for (int i = 0; i < shown(a); i++)
		for (int k = i + 1; k < a->width; k++)
			if (out[a->order[k]] > out[a->order[i]]) {
				int keep = a->order[i];

				a->order[i] = a->order[k];
				a->order[k] = keep;
			}
}

tt_status predictions_begin(struct answers *a, const char *format)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if (strcmp(forms[i].name, format) == 0)
			a->form = &forms[i];
	if (!a->form)
		return err_set(TT_EINVAL, "no format '%s'", format);
	if (!(a->order = mem_calloc((size_t)a->width, sizeof *a->order)))
		return TT_ENOMEM;
	a->form->begin(a);
	return TT_OK;
}

void predictions_add(struct answers *a, const char *sample, const struct truth *t,
                     const float *out)
{
	sort_answer(a, out);
	a->form->add(a, sample, t, out);
}

tt_status predictions_end(struct answers *a)
{
	return a->form->end(a);
}

void predictions_release(struct answers *a)
{
	mem_free(a->order);
	str_release(&a->json.text);
	*a = (struct answers){ 0 };
}
