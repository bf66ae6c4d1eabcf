/* rows.c -- the numbers of a validation, one row each: observers, monitor and eval take them from
 * here by name. */
#include "learn/score/scores.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double mean(const struct scores *s, double sum)
{
	return s->sums.weight > 0 ? sum / s->sums.weight : NAN;
}

static double loss(const struct scores *s)     { return metrics_loss(&s->sums); }
static double accuracy(const struct scores *s) { return metrics_accuracy(&s->sums); }
static double top_k(const struct scores *s)    { return metrics_top_k(&s->sums); }

/* ---- of classes ---- */

/* Nothing of nothing counts as 0, as zero_division has it. */
static double part(double of, double all)
{
	return all > 0 ? of / all : 0;
}

static double precision_of(const struct metrics_class *c) { return part(c->right, c->answered); }
static double recall_of(const struct metrics_class *c)    { return part(c->right, c->truth); }
static double f1_of(const struct metrics_class *c)
{
	return part(2 * c->right, c->truth + c->answered);
}
static double iou_of(const struct metrics_class *c)
{
	return part(c->right, c->truth + c->answered - c->right);
}

typedef double class_fn(const struct metrics_class *c);
struct classes { const struct metrics_class *v; int n; };

static struct classes classes_of(const struct scores *s)
{
	if (s->what.kind == SCORES_LABELS)
		return (struct classes){ s->label, s->shares ? 0 : s->what.width };
	return (struct classes){ s->sums.class, s->sums.class ? s->sums.classes : 0 };
}

/* Over the classes that occur, in the truth or among the answers; over all labels. */
static double macro(const struct scores *s, class_fn *f)
{
	const struct classes c = classes_of(s);
	double sum = 0;
	int n = 0;

	for (int i = 0; i < c.n; i++) {
		if (s->what.kind != SCORES_LABELS && !(c.v[i].truth + c.v[i].answered > 0))
			continue;
		sum += f(&c.v[i]);
		n++;
	}
	return n ? sum / n : NAN;
}

/* Of all classes as if they were one. */
static double micro(const struct scores *s, class_fn *f)
{
	const struct classes c = classes_of(s);
	struct metrics_class all = { 0, 0, 0 };

	for (int i = 0; i < c.n; i++) {
		all.truth += c.v[i].truth;
		all.answered += c.v[i].answered;
		all.right += c.v[i].right;
	}
	return c.n && all.truth + all.answered > 0 ? f(&all) : NAN;
}

/* Of two classes the second is the one that is looked for (average='binary'); else macro. */
static double plain(const struct scores *s, class_fn *f)
{
	const struct classes c = classes_of(s);

	return c.n == 2 && s->what.kind != SCORES_LABELS ? f(&c.v[1]) : macro(s, f);
}

static double precision(const struct scores *s)       { return plain(s, precision_of); }
static double recall(const struct scores *s)          { return plain(s, recall_of); }
static double f1(const struct scores *s)              { return plain(s, f1_of); }
static double precision_macro(const struct scores *s) { return macro(s, precision_of); }
static double recall_macro(const struct scores *s)    { return macro(s, recall_of); }
static double f1_macro(const struct scores *s)        { return macro(s, f1_of); }
static double precision_micro(const struct scores *s) { return micro(s, precision_of); }
static double recall_micro(const struct scores *s)    { return micro(s, recall_of); }
static double f1_micro(const struct scores *s)        { return micro(s, f1_of); }
static double mean_iou(const struct scores *s)        { return macro(s, iou_of); }

/* ---- of probabilities ---- */

static double log_loss(const struct scores *s)
{
	if (s->what.kind != SCORES_YES_NO && s->what.answers != ANSWERS_SOFTMAX)
		return NAN;
	return s->what.loss_is_log ? metrics_loss(&s->sums) : mean(s, s->log_loss);
}

static double perplexity(const struct scores *s)
{
	return exp(log_loss(s));
}

static double bits(const struct scores *s)
{
	return log_loss(s) / log(2);
}

enum area { AREA_ROC, AREA_PR };

/* Over the columns that have one: their class occurs, and is not all there is. */
static double mean_area(const struct scores *s, enum area a)
{
	double sum = 0;
	int n = 0;

	if (!s->area || s->shares)
		return NAN;
	for (int i = 0; i < s->what.width; i++) {
		const double area = a == AREA_ROC ? s->area[i].roc : s->area[i].pr;

		if (isnan(area))
			continue;
		sum += area;
		n++;
	}
	return n ? sum / n : NAN;
}

/* Of two columns the second is the one that is looked for, as in `plain`. */
static double area_of(const struct scores *s, enum area a)
{
	if (s->area && s->what.kind == SCORES_CLASSES && s->what.width == 2)
		return a == AREA_ROC ? s->area[1].roc : s->area[1].pr;
	return mean_area(s, a);
}

static double roc_auc(const struct scores *s) { return area_of(s, AREA_ROC); }
static double pr_auc(const struct scores *s)  { return area_of(s, AREA_PR); }

/* ---- of values: the mean over the outputs ---- */

typedef double spread_fn(const struct score_spread *p);

static double mae_of(const struct score_spread *p)  { return p->off / p->weight; }
static double mse_of(const struct score_spread *p)  { return p->off_square / p->weight; }
static double rmse_of(const struct score_spread *p) { return sqrt(mse_of(p)); }

/* Of targets that are all alike: 1 if they were met, else 0. */
static double r2_of(const struct score_spread *p)
{
	if (p->square > 0)
		return 1 - p->off_square / p->square;
	return p->off_square > 0 ? 0 : 1;
}

static double over_outputs(const struct scores *s, spread_fn *f)
{
	double sum = 0;

	if (!s->spread || !(s->sums.weight > 0) || (s->what.kind == SCORES_LABELS && !s->shares))
		return NAN;
	for (int i = 0; i < s->what.width; i++)
		sum += f(&s->spread[i]);
	return sum / s->what.width;
}

static double mae(const struct scores *s)  { return over_outputs(s, mae_of); }
static double mse(const struct scores *s)  { return over_outputs(s, mse_of); }
static double rmse(const struct scores *s) { return over_outputs(s, rmse_of); }
/* Of one sample nothing is explained. */
static double r2(const struct scores *s)
{
	return s->sums.samples > 1 ? over_outputs(s, r2_of) : NAN;
}

/* ---- of labels that are spelt ---- */

static double token_error(const struct scores *s)
{
	return s->sums.labels > 0 ? s->sums.wrong / s->sums.labels : NAN;
}

/* ---- the table ---- */

#define CLASSED  (SCORES_CLASSES | SCORES_YES_NO)
#define COUNTED  (CLASSED | SCORES_LABELS)
#define NUMBERED (SCORES_VALUES | SCORES_LABELS)

/* In the order in which they are written down. */
const struct score_row score_rows[] = {
	[SCORE_LOSS] = { "valid.loss", SCORES_ANY, SCORES_ANY, NEEDS_SUMS, -1, loss,
	  "mean over the validation data" },
	[SCORE_ACCURACY] = { "valid.accuracy", CLASSED | SCORES_SPELT, CLASSED | SCORES_SPELT,
	  NEEDS_SUMS, 1, accuracy,
	  "part of the validation samples that were right" },
	[SCORE_TOP_K] = { "valid.top_K", CLASSED, CLASSED, NEEDS_SUMS, 1, top_k,
	  "part of them whose K best answers held the right one (train.top_k)" },
	{ "valid.precision", COUNTED, COUNTED, NEEDS_SUMS, 1, precision,
	  "part of the answers of a class that were right: of the second of two classes; of more, the "
	  "mean over them" },
	{ "valid.recall", COUNTED, COUNTED, NEEDS_SUMS, 1, recall,
	  "part of the samples of a class that were found, likewise" },
	{ "valid.f1", COUNTED, COUNTED, NEEDS_SUMS, 1, f1,
	  "harmonic mean of precision and recall, likewise" },
	{ "valid.precision_macro", COUNTED, 0, NEEDS_SUMS, 1, precision_macro,
	  "precision, the mean over the classes" },
	{ "valid.recall_macro", COUNTED, 0, NEEDS_SUMS, 1, recall_macro,
	  "recall, the mean over the classes: balanced accuracy" },
	{ "valid.f1_macro", COUNTED, 0, NEEDS_SUMS, 1, f1_macro, "F1, the mean over the classes" },
	{ "valid.precision_micro", COUNTED, 0, NEEDS_SUMS, 1, precision_micro,
	  "precision of all classes as if they were one" },
	{ "valid.recall_micro", COUNTED, 0, NEEDS_SUMS, 1, recall_micro,
	  "recall of all classes as if they were one" },
	{ "valid.f1_micro", COUNTED, 0, NEEDS_SUMS, 1, f1_micro,
	  "F1 of all classes as if they were one" },
	{ "valid.mean_iou", COUNTED, 0, NEEDS_SUMS, 1, mean_iou,
	  "right answers of a class over all that were of it or answered so, the mean over classes" },
	{ "valid.roc_auc", COUNTED, COUNTED, NEEDS_KEPT, 1, roc_auc,
	  "area under the ROC curve: of the second of two classes; of more, each against the rest, the "
	  "mean over them" },
	{ "valid.pr_auc", COUNTED, COUNTED, NEEDS_KEPT, 1, pr_auc,
	  "area under the precision-recall curve (average precision), likewise" },
	{ "valid.log_loss", CLASSED, 0, NEEDS_LOGS, -1, log_loss,
	  "mean of -log of the probability of the right class" },
	{ "valid.perplexity", CLASSED, SCORES_TEXT, NEEDS_LOGS, -1, perplexity, "exp of the log loss" },
	{ "valid.bits_per_token", CLASSED, SCORES_TEXT, NEEDS_LOGS, -1, bits,
	  "the log loss to the base of 2: of a text of characters, bits per character" },
	{ "valid.mae", NUMBERED, NUMBERED, NEEDS_SUMS, -1, mae, "mean absolute error" },
	{ "valid.mse", NUMBERED, 0, NEEDS_SUMS, -1, mse, "mean squared error" },
	{ "valid.rmse", NUMBERED, NUMBERED, NEEDS_SUMS, -1, rmse, "root of the mean squared error" },
	{ "valid.r2", NUMBERED, NUMBERED, NEEDS_SUMS, 1, r2,
	  "part of the variance of the targets that is explained" },
	{ "valid.token_error", SCORES_SPELT, SCORES_SPELT, NEEDS_SUMS, -1, token_error,
	  "labels to put in, take out or exchange in what is spelt, of all that there are: the "
	  "character or word error rate" },
};
#define ROWS ((int)(sizeof score_rows / sizeof *score_rows))
_Static_assert(sizeof score_rows / sizeof *score_rows <= SCORES_MAX, "there is room for all rows");
const int score_row_count = ROWS;

int scores_shown(const struct scores_what *w, int row)
{
	return (score_rows[row].shown & ((int)w->kind | (w->text ? SCORES_TEXT : 0))) != 0;
}

static int is_cheap(const struct scores_what *w, int row)
{
	const int needs = (int)score_rows[row].needs;

	return scores_shown(w, row) && (needs == NEEDS_SUMS || (needs == NEEDS_LOGS && w->loss_is_log));
}

uint64_t scores_all(const struct scores_what *w)
{
	uint64_t rows = 0;

	for (int i = 0; i < ROWS; i++)
		if (score_rows[i].known & w->kind)
			rows |= (uint64_t)1 << i;
	return rows;
}

uint64_t scores_cheap(const struct scores_what *w)
{
	uint64_t rows = scores_all(w);

	for (int i = 0; i < ROWS; i++)
		if (!is_cheap(w, i))
			rows &= ~((uint64_t)1 << i);
	return rows;
}

static const char *kind_text(enum scores_kind k)
{
	switch (k) {
	case SCORES_VALUES: return "values";
	case SCORES_LABELS: return "labels";
	case SCORES_SPELT:  return "lists of labels";
	default:            return "classes";
	}
}

int scores_stride(const struct scores_what *w)
{
	return 1 + w->width + (w->kind == SCORES_LABELS ? w->width : 1);
}

int scores_too_many(const struct scores_what *w)
{
	return w->samples > SCORES_MOST_BYTES / (scores_stride(w) * (int64_t)sizeof(float));
}

tt_status scores_check_row(int i, const struct scores_what *w, const char *key)
{
	const struct score_row *r = &score_rows[i];

	if (!(r->known & w->kind))
		return err_set(TT_ESPEC, "%s: '%s' needs %s, but this model gives %s", key, r->name,
		               kind_text(r->known & SCORES_VALUES ? SCORES_VALUES : r->known & CLASSED
		                         ? SCORES_CLASSES : SCORES_SPELT), kind_text(w->kind));
	if (r->needs == NEEDS_LOGS && w->kind == SCORES_CLASSES && w->answers != ANSWERS_SOFTMAX)
		return err_set(TT_ESPEC, "%s: '%s' needs probabilities, which model.loss cross_entropy "
		               "makes", key, r->name);
	if (r->needs == NEEDS_KEPT && scores_too_many(w))
		return err_set(TT_ESPEC, "%s: '%s' needs all scores at once, and %d of each of %lld "
		               "samples are more than %lld MB: choose another number, or fewer samples "
		               "in data.valid",
		               key, r->name, w->width, (long long)w->samples,
		               (long long)(SCORES_MOST_BYTES >> 20));
	return TT_OK;
}

int scores_find(const char *name, int k)
{
	static const char split[] = "valid";
	const size_t len = sizeof split - 1;
	char full[48];

	if (strncmp(name, split, len) == 0 && (name[len] == '.' || name[len] == '_'))
		name += len + 1;
	for (int i = 0; i < ROWS; i++) {
		scores_name(&score_rows[i], k, full, sizeof full);
		if (strcmp(full + len + 1, name) == 0)
			return i;
	}
	return -1;
}

void scores_name(const struct score_row *r, int k, char *out, size_t room)
{
	const size_t stem = strlen(r->name) - 1;

	if (r->name[stem] == 'K')
		snprintf(out, room, "%.*s%d", (int)stem, r->name, k);
	else
		snprintf(out, room, "%s", r->name);
}

int scores_classes(const struct scores *s)
{
	return classes_of(s).n;
}

int scores_column(const struct scores *s, int class)
{
	return s->what.kind == SCORES_YES_NO ? class - 1 : class;
}

struct class_scores scores_of_class(const struct scores *s, int class)
{
	const struct classes all = classes_of(s);
	const struct metrics_class *c = &all.v[class];
	struct class_scores out = { c->truth, precision_of(c), recall_of(c), f1_of(c), iou_of(c),
	                            NAN, NAN };
	const int column = scores_column(s, class);

	if (s->area && column >= 0) {
		out.roc_auc = s->area[column].roc;
		out.pr_auc = s->area[column].pr;
	}
	return out;
}
