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
	if (a->kind == ANSWER_SPELT)
		return 0;
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
		text_printf(a->to, "  P(%s) %.6g", a->shares[i], v);
	else
		fprintf(a->to, "  %.6g", v);
}

static void text_add(struct answers *a, const char *sample, const struct truth *t,
                     const float *out)
{
	char number[16], name[NAME_TEXT];

	for (int i = 0; i < a->ids; i++)
		text_printf(a->to, "%s%s", i ? " " : "", a->id[i]);
	text_printf(a->to, "%s", a->ids ? "" : sample);
	if (a->kind == ANSWER_SPELT)
		text_printf(a->to, "  %s", text_name(a->spelt, name));
	for (int i = 0; i < shown(a); i++) {
		int c = a->order[i];

		if (a->kind == ANSWER_CLASSES)
			text_printf(a->to, "  %s (%.2f %%)", text_name(names_get(a->names, c, number), name),
			            100 * (double)out[c]);
		else
			text_value(a, c, (double)out[c]);
	}
	if (t->class)
		text_printf(a->to, "  in truth %s", text_name(t->class, name));
	else if (t->n)
		fputs("  in truth", a->to);
	for (int i = 0; i < t->n; i++)
		fprintf(a->to, " %.6g", (double)t->values[i]);
	putc('\n', a->to);
}

static tt_status text_end(struct answers *a)
{
	(void)a;
	return TT_OK;
}

/* ---- CSV ---- */

static void csv_text(struct answers *a, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		text_printf(a->to, "%s", s);
		return;
	}
	putc('"', a->to);
	for (const char *quote; (quote = strchr(s, '"')); s = quote + 1)
		text_printf(a->to, "%.*s\"\"", (int)(quote - s), s);
	text_printf(a->to, "%s\"", s);
}

static void csv_share(struct answers *a, const char *class)
{
	struct str s = { 0 };

	str_addf(&s, "P(%s)", class);
	csv_text(a, s.p ? s.p : "");
	str_release(&s);
}

static void csv_begin(struct answers *a)
{
	for (int i = 0; i < a->ids; i++) {
		csv_text(a, a->id_names[i]);
		putc(',', a->to);
	}
	fputs(a->ids ? "truth" : "sample,truth", a->to);
	if (a->kind == ANSWER_SPELT)
		fputs(",answer", a->to);
	for (int i = 1; i <= shown(a); i++)
		if (a->shares) {
			putc(',', a->to);
			csv_share(a, a->shares[i - 1]);
		} else if (a->kind == ANSWER_CLASSES)
			fprintf(a->to, ",class_%d,probability_%d", i, i);
		else
			fprintf(a->to, ",value_%d", i);
	putc('\n', a->to);
}

/* One cell; several numbers stand in it side by side. */
static void csv_truth(struct answers *a, const struct truth *t)
{
	if (t->class)
		csv_text(a, t->class);
	for (int i = 0; i < t->n; i++)
		fprintf(a->to, "%s%.9g", i ? " " : "", (double)t->values[i]);
}

static void csv_add(struct answers *a, const char *sample, const struct truth *t,
                    const float *out)
{
	char name[16];

	for (int i = 0; i < a->ids; i++) {
		csv_text(a, a->id[i]);
		putc(',', a->to);
	}
	if (!a->ids) {
		csv_text(a, sample);
		putc(',', a->to);
	}
	csv_truth(a, t);
	if (a->kind == ANSWER_SPELT) {
		putc(',', a->to);
		csv_text(a, a->spelt);
	}
	for (int i = 0; i < shown(a); i++) {
		putc(',', a->to);
		if (a->kind == ANSWER_CLASSES) {
			csv_text(a, names_get(a->names, a->order[i], name));
			putc(',', a->to);
		}
		fprintf(a->to, "%.9g", (double)out[a->order[i]]);
	}
	putc('\n', a->to);
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

static void json_ids(struct answers *a)
{
	json_open(&a->json, "ids", '{');
	for (int i = 0; i < a->ids; i++)
		json_text(&a->json, a->id_names[i], a->id[i]);
	json_close(&a->json, '}');
}

static void json_add(struct answers *a, const char *sample, const struct truth *t,
                     const float *out)
{
	json_open(&a->json, NULL, '{');
	json_text(&a->json, "sample", sample);
	if (a->ids)
		json_ids(a);
	json_truth(a, t);
	if (a->kind == ANSWER_CLASSES) {
		add_classes(a, out);
	} else if (a->kind == ANSWER_SPELT) {
		json_text(&a->json, "answer", a->spelt);
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
	return json_print_to(&a->json, a->to);
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
	if (a->kind != ANSWER_CLASSES)
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
