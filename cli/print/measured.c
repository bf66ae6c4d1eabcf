#include "print/measured.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "print/roc.h"
#include "kit/table.h"

#define MATRIX_MAX 11               /* classes that fit side by side on a page */

/* ---- for people ---- */

static const char *class_text(const struct measured *e, int i, char text[NAME_TEXT])
{
	return text_name(names_get(e->names, i, text), text);
}

static int64_t row_sum(const tt_metrics *m, int row)
{
	int64_t n = 0;

	for (int i = 0; i < m->classes; i++)
		n += m->confusion[row * m->classes + i];
	return n;
}

static int64_t column_sum(const tt_metrics *m, int column)
{
	int64_t n = 0;

	for (int i = 0; i < m->classes; i++)
		n += m->confusion[i * m->classes + column];
	return n;
}

/* "-": there is nothing to be a part of. */
static const char *percent(int64_t n, int64_t of, char text[NUMBER_TEXT])
{
	if (of > 0)
		snprintf(text, NUMBER_TEXT, "%.2f", 100 * (double)n / (double)of);
	return of > 0 ? text : "-";
}

/* Of many classes, such as tokens of a text, those that neither a sample nor an answer is of. */
static int is_left_out(int classes, int met)
{
	return classes > MATRIX_MAX && !met;
}

static void print_left_out(int classes, const char *and)
{
	char n[NUMBER_TEXT];

	if (classes)
		printf("%s more class%s: no sample is of %s%s\n", text_count(classes, n),
		       classes > 1 ? "es" : "", classes > 1 ? "them" : "it", and);
}

/* Per class: how many there are, how many were found, how many findings were right. */
static void print_classes(const struct measured *e)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);
	struct table      t;
	char              name[NAME_TEXT], n[NUMBER_TEXT];
	char              recall[NUMBER_TEXT], precision[NUMBER_TEXT], f1[NUMBER_TEXT];
	int               gaps = 0, absent = 0;

	table_init(&t, "lrrrr");
	table_add(&t, "class\tsamples\trecall %%\tprecision %%\tf1 %%");
	table_rule(&t);
	for (int i = 0; i < m->classes; i++) {
		int64_t right = m->confusion[i * m->classes + i];

		if (is_left_out(m->classes, row_sum(m, i) + column_sum(m, i) > 0)) {
			absent++;
			continue;
		}
		gaps += !row_sum(m, i) || !column_sum(m, i);
		table_add(&t, "%s\t%s\t%s\t%s\t%s", class_text(e, i, name),
		          text_count(row_sum(m, i), n), percent(right, row_sum(m, i), recall),
		          percent(right, column_sum(m, i), precision),
		          percent(2 * right, row_sum(m, i) + column_sum(m, i), f1));
	}
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
	if (gaps)
		printf("-: no sample is of that class (recall), or none was answered so (precision)\n");
	print_left_out(absent, ", and no answer");
}

static void add_matrix_row(const struct measured *e, int row, struct table *t)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);
	const int64_t    *count = m->confusion + row * m->classes;
	struct str        line = { 0 };
	char              name[NAME_TEXT];

	str_add(&line, class_text(e, row, name));
	for (int i = 0; i < m->classes; i++)
		str_addf(&line, "\t%lld", (long long)count[i]);
	table_add(t, "%s", line.p ? line.p : "");
	str_release(&line);
}

/* Rows are the truth, columns the answers. */
static void print_matrix(const struct measured *e)
{
	const int    classes = tt_evaluation_metrics(e->numbers)->classes;
	char         align[MATRIX_MAX + 2] = "l", name[NAME_TEXT];
	struct table t;
	struct str   head = { 0 };

	memset(align + 1, 'r', (size_t)classes);
	table_init(&t, align);
	str_add(&head, "truth \\ answer");
	for (int i = 0; i < classes; i++)
		str_addf(&head, "\t%s", class_text(e, i, name));
	table_add(&t, "%s", head.p ? head.p : "");
	table_rule(&t);
	for (int row = 0; row < classes; row++)
		add_matrix_row(e, row, &t);
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
	str_release(&head);
}

/* That of so many best answers tells something if there are more classes than these. */
static int tells(const struct measured *e, const tt_score *s)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);

	return s->shown && (strncmp(s->name, "top_", 4) != 0 || (m->k > 1 && m->k < m->classes));
}

static const char *score_text(const tt_score *s, char n[NUMBER_TEXT])
{
	if (strcmp(s->name, "accuracy") == 0 || strncmp(s->name, "top_", 4) == 0)
		snprintf(n, NUMBER_TEXT, "%.2f %%", 100 * s->value);
	else
		text_loss(s->value, n);
	return n;
}

static void print_scores(const struct measured *e)
{
	tt_score s = TT_SIZED(tt_score);
	char     n[NUMBER_TEXT], name[24];

	for (int i = 0; tt_evaluation_get(e->numbers, i, &s) == TT_OK; i++) {
		if (!tells(e, &s))
			continue;
		snprintf(name, sizeof name, "%s", s.name);
		for (char *c = name; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		printf("%-11s %s\n", name, score_text(&s, n));
	}
}

/* Several answers of yes or no to each sample, or too many classes: no matrix. */
static void print_labels(const struct measured *e)
{
	const int      labels = tt_evaluation_classes(e->numbers);
	tt_class_score s = TT_SIZED(tt_class_score);
	struct table   t;
	char           name[NAME_TEXT];
	int            absent = 0;

	if (!labels)
		return;
	table_init(&t, "lrrrrr");
	table_add(&t, "label\tweight\trecall %%\tprecision %%\tf1 %%\troc auc");
	table_rule(&t);
	for (int i = 0; i < labels && tt_evaluation_class(e->numbers, i, &s) == TT_OK; i++)
		if (is_left_out(labels, s.weight > 0))
			absent++;
		else
			table_add(&t, "%s\t%.6g\t%.2f\t%.2f\t%.2f\t%.4f", class_text(e, i, name),
			          s.weight, 100 * s.recall, 100 * s.precision, 100 * s.f1, s.roc_auc);
	putchar('\n');
	table_print(&t, stdout);
	table_release(&t);
	print_left_out(absent, "");
}

void measured_print(const struct measured *e)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);
	char              n[NUMBER_TEXT];

	text_printf(stdout, "source      %s\n", e->uri);
	printf("samples     %s\n", text_count(m->samples, n));
	if (tt_source_schema(e->source)->weight)
		printf("weight      %.6g: loss and accuracy are weighted; the tables below count samples\n",
		       m->weight);
	print_scores(e);
	printf("speed       %s samples/s\n", text_count(llround(m->samples_per_second), n));
	if (e->curves)
		printf("curves      %s/%s, %s\n", e->curves, roc_files[0], roc_files[1]);
}

void measured_print_classes(const struct measured *e)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);

	if (!m->confusion) {
		print_labels(e);
		return;
	}
	print_classes(e);
	if (m->classes <= MATRIX_MAX)
		print_matrix(e);
}

/* ---- for programs ---- */

static void add_confusion(const struct measured *e, struct json *j)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);
	char              name[NUMBER_TEXT];

	json_open(j, "classes", '[');
	for (int i = 0; i < m->classes; i++)
		json_text(j, NULL, names_get(e->names, i, name));
	json_close(j, ']');
	json_open(j, "confusion", '[');
	for (int row = 0; row < m->classes; row++) {
		json_open(j, NULL, '[');
		for (int i = 0; i < m->classes; i++)
			json_int(j, NULL, m->confusion[row * m->classes + i]);
		json_close(j, ']');
	}
	json_close(j, ']');
}

/* All that are known. */
static void add_scores(const struct measured *e, struct json *j)
{
	tt_score s = TT_SIZED(tt_score);

	json_open(j, "metrics", '{');
	for (int i = 0; tt_evaluation_get(e->numbers, i, &s) == TT_OK; i++)
		json_number(j, s.name, s.value);
	json_close(j, '}');
}

static void add_per_class(const struct measured *e, struct json *j)
{
	char name[NUMBER_TEXT];

	json_open(j, "per_class", '[');
	for (int i = 0; i < tt_evaluation_classes(e->numbers); i++) {
		tt_class_score s = TT_SIZED(tt_class_score);

		if (tt_evaluation_class(e->numbers, i, &s) != TT_OK)
			break;
		json_open(j, NULL, '{');
		json_text(j, "class", names_get(e->names, i, name));
		json_number(j, "weight", s.weight);
		json_number(j, "precision", s.precision);
		json_number(j, "recall", s.recall);
		json_number(j, "f1", s.f1);
		json_number(j, "iou", s.iou);
		json_number(j, "roc_auc", s.roc_auc);
		json_number(j, "pr_auc", s.pr_auc);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void measured_json(const struct measured *e, struct json *j)
{
	const tt_metrics *m = tt_evaluation_metrics(e->numbers);

	json_open(j, NULL, '{');
	json_text(j, "model", e->name);
	json_text(j, "source", e->uri);
	json_int(j, "samples", m->samples);
	json_number(j, "weight", m->weight);
	json_number(j, "loss", m->loss);
	json_number(j, "accuracy", m->accuracy);
	json_number(j, "top_k", m->top_k);
	json_int(j, "k", m->k);
	json_number(j, "samples_per_second", m->samples_per_second);
	add_scores(e, j);
	if (m->confusion)
		add_confusion(e, j);
	if (tt_evaluation_classes(e->numbers))
		add_per_class(e, j);
	json_close(j, '}');
}
