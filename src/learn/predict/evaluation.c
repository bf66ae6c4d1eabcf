#include "learn/predict/evaluation.h"

#include <math.h>

#include "base/mem.h"
#include "base/sized.h"

struct tt_evaluation {
	tt_metrics    metrics;                     /* its confusion is the scores'             */
	struct scores scores;
	int           row[SCORES_MAX], rows;       /* those that are known                     */
	char          numbered[24];                /* the name of the one with a K             */
	struct series curve[RANKING_CURVES];       /* that were drawn last                     */
	int           class[RANKING_CURVES];       /* of which they are; -1: none              */
};

/* ---- life ---- */

static void list_rows(tt_evaluation *e)
{
	for (int i = 0; i < score_row_count; i++)
		if ((e->scores.what.rows >> i & 1) && !isnan(score_rows[i].value(&e->scores)))
			e->row[e->rows++] = i;
	scores_name(&score_rows[SCORE_TOP_K], e->scores.what.k, e->numbered, sizeof e->numbered);
}

tt_status evaluation_run(tt_evaluation **out, const struct evaluator_opts *o)
{
	tt_evaluation *e = mem_calloc(1, sizeof *e);
	struct evaluator *run = NULL;
	tt_status st;

	if (!e)
		return TT_ENOMEM;
	if ((st = evaluator_new(&run, o)) == TT_OK && (st = evaluator_run(run, &e->metrics)) == TT_OK)
		evaluator_hand_over(run, &e->scores);
	evaluator_free(&run);
	if (st != TT_OK) {
		mem_free(e);
		return st;
	}
	for (int c = 0; c < RANKING_CURVES; c++)
		e->class[c] = -1;
	list_rows(e);
	*out = e;
	return TT_OK;
}

void tt_evaluation_free(tt_evaluation **e)
{
	if (!e || !*e)
		return;
	scores_release(&(*e)->scores);
	mem_free(*e);
	*e = NULL;
}

/* ---- its numbers ---- */

const tt_metrics *tt_evaluation_metrics(const tt_evaluation *e)
{
	return e ? &e->metrics : NULL;
}

int tt_evaluation_count(const tt_evaluation *e)
{
	return e ? e->rows : 0;
}

/* Without the split: there is but one. */
static const char *name_of(const tt_evaluation *e, int row)
{
	return (row == SCORE_TOP_K ? e->numbered : score_rows[row].name) + sizeof "valid." - 1;
}

tt_status tt_evaluation_get(const tt_evaluation *e, int i, tt_score *out)
{
	tt_score s = { .size = sizeof s };
	const struct score_row *r;

	if (!e)
		return err_null(__func__);
	if (i < 0 || i >= e->rows)
		return err_set(TT_EINVAL, "score %d: this evaluation has %d", i, e->rows);
	r = &score_rows[e->row[i]];
	s.name = name_of(e, e->row[i]);
	s.help = r->help;
	s.value = r->value(&e->scores);
	s.better = r->better;
	s.shown = scores_shown(&e->scores.what, e->row[i]);
	return sized_give(out, &s, sizeof s, "tt_score");
}

int tt_evaluation_classes(const tt_evaluation *e)
{
	return e ? scores_classes(&e->scores) : 0;
}

static tt_status check_class(const tt_evaluation *e, int class)
{
	const int n = scores_classes(&e->scores);

	if (class >= 0 && class < n)
		return TT_OK;
	return err_set(TT_EINVAL, "class %d: this evaluation has %d", class, n);
}

tt_status tt_evaluation_class(const tt_evaluation *e, int class, tt_class_score *out)
{
	tt_class_score s = { .size = sizeof s };
	struct class_scores c;
	tt_status st;

	if (!e)
		return err_null(__func__);
	if ((st = check_class(e, class)) != TT_OK)
		return st;
	c = scores_of_class(&e->scores, class);
	s.weight = c.truth;
	s.precision = c.precision;
	s.recall = c.recall;
	s.f1 = c.f1;
	s.iou = c.iou;
	s.roc_auc = c.roc_auc;
	s.pr_auc = c.pr_auc;
	return sized_give(out, &s, sizeof s, "tt_class_score");
}

/* ---- curves ---- */

static tt_status draw(tt_evaluation *e, int class, enum tt_curve_kind kind)
{
	static const enum ranking_curve of_kind[] = {
		[TT_CURVE_ROC] = RANKING_ROC, [TT_CURVE_PRECISION_RECALL] = RANKING_PR,
	};
	tt_status st = TT_OK;

	if (e->class[kind] != class)
		st = scores_draw(&e->scores, scores_column(&e->scores, class), of_kind[kind],
		                 &e->curve[kind]);
	e->class[kind] = st == TT_OK ? class : -1;
	return st;
}

tt_status tt_evaluation_curve(tt_evaluation *e, int class, enum tt_curve_kind kind, tt_curve *out)
{
	tt_curve c = { .size = sizeof c };
	struct class_scores s;
	tt_status st;

	if (!e)
		return err_null(__func__);
	if ((unsigned)kind > TT_CURVE_PRECISION_RECALL)
		return err_set(TT_EINVAL, "there is no curve %d", (int)kind);
	if ((st = check_class(e, class)) != TT_OK)
		return st;
	s = scores_of_class(&e->scores, class);
	c.area = kind == TT_CURVE_ROC ? s.roc_auc : s.pr_auc;
	if (!isnan(c.area)) {
		if ((st = draw(e, class, kind)) != TT_OK)
			return st;
		c.point = (const double (*)[2])(const void *)e->curve[kind].p;
		c.n = e->curve[kind].n;
	}
	return sized_give(out, &c, sizeof c, "tt_curve");
}
