#include "learn/train/monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define KEY "train.monitor"

/* What a training knows of its own epochs. */
static const struct { const char *name; int row; } own[] = {
	{ "loss", SCORE_LOSS }, { "accuracy", SCORE_ACCURACY },
};
#define OWN ((int)(sizeof own / sizeof *own))

static int rises(const struct monitor *w)
{
	return score_rows[w->row].better > 0;
}

/* ---- what to watch ---- */

/* Validation before training, accuracy before loss. */
static void take_best_there_is(struct monitor *w, const struct monitor_has *has)
{
	const int classes = has->valid ? has->valid->classes : has->classes;

	w->split = has->valid ? MONITOR_VALIDATION : MONITOR_TRAINING;
	w->row = classes ? SCORE_ACCURACY : SCORE_LOSS;
}

static tt_status unknown(const char *monitor)
{
	const char *words[OWN + SCORES_MAX + 1] = { NULL }, *near;
	int n = 0;

	for (int i = 0; i < OWN; i++)
		words[n++] = own[i].name;
	for (int i = 0; i < score_row_count; i++)
		words[n++] = score_rows[i].name;
	near = str_nearest(monitor, words);
	return err_set(TT_ESPEC, KEY ": '%.60s' is no number of a training (loss, accuracy) or "
	               "validation (valid.loss, valid.accuracy, valid.f1, ...)%s%s%s", monitor,
	               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static tt_status take_own(struct monitor *w, int row, const struct monitor_has *has)
{
	w->split = MONITOR_TRAINING;
	w->row = row;
	if (row == SCORE_ACCURACY && !has->classes)
		return err_set(TT_ESPEC, KEY ": 'accuracy' needs classes, but this model gives values: "
		               "watch a loss");
	return TT_OK;
}

static tt_status take_valid(struct monitor *w, const char *name, const struct monitor_has *has)
{
	const int row = scores_find(name, has->valid ? has->valid->k : 0);

	if (row < 0)
		return unknown(name);
	w->split = MONITOR_VALIDATION;
	w->row = row;
	if (!has->valid)
		return err_set(TT_ESPEC, KEY ": '%s' needs data.valid, which this spec does not have",
		               name);
	return scores_check_row(row, has->valid, KEY);
}

static tt_status find(struct monitor *w, const char *name, const struct monitor_has *has)
{
	for (int i = 0; i < OWN; i++)
		if (strcmp(own[i].name, name) == 0)
			return take_own(w, own[i].row, has);
	return take_valid(w, name, has);
}

static void set_name(struct monitor *w, const struct monitor_has *has)
{
	if (w->split == MONITOR_VALIDATION)
		scores_name(&score_rows[w->row], has->valid->k, w->name, sizeof w->name);
	else
		snprintf(w->name, sizeof w->name, "%s", own[w->row == SCORE_ACCURACY].name);
}

tt_status monitor_init(struct monitor *w, const char *monitor, const struct monitor_has *has)
{
	struct monitor made = { .best = NAN, .tie = NAN, .low = NAN };
	tt_status st = TT_OK;

	made.either = !monitor || !*monitor || strcmp(monitor, "auto") == 0;
	if (made.either)
		take_best_there_is(&made, has);
	else
		st = find(&made, monitor, has);
	if (st != TT_OK)
		return st;
	set_name(&made, has);
	*w = made;
	return TT_OK;
}

int monitor_valid(const struct monitor *w)
{
	return w->split == MONITOR_VALIDATION;
}

int monitor_is_special(const struct monitor *w)
{
	return w->row != SCORE_LOSS && w->row != SCORE_ACCURACY;
}

/* ---- looking ---- */

void monitor_text(const struct monitor *w, struct str *out)
{
	if (w->either && rises(w))
		str_addf(out, "neither %s nor %s has improved on %.6g and %.6g", w->name,
		         w->split == MONITOR_VALIDATION ? score_rows[SCORE_LOSS].name : own[0].name,
		         w->best, w->low);
	else
		str_addf(out, "%s has not improved on %.6g", w->name, w->best);
	str_addf(out, " for %d looks", w->waited);
}

void monitor_forget(struct monitor_seen *seen)
{
	for (int split = 0; split < 2; split++)
		for (int i = 0; i < SCORES_MAX; i++)
			seen->split[split][i] = NAN;
}

/* Not a number is no progress; anything is, against nothing.  The loss is the one over the same
 * samples. */
int monitor_look(struct monitor *w, const struct monitor_seen *seen)
{
	const double v = seen->split[w->split][w->row], loss = seen->split[w->split][SCORE_LOSS];
	const double gain = rises(w) ? v - w->best : w->best - v;
	const int more = !isnan(v) && (isnan(w->best) || gain > w->min_delta);
	const int tie = rises(w) && v == w->best && loss < w->tie;
	const int better_tie = tie && w->tie - loss > w->min_delta;
	const int lower = w->either && !isnan(loss) && (isnan(w->low) || w->low - loss > w->min_delta);

	if (more || tie) {
		w->best = v;
		w->tie = loss;
	}
	if (lower)
		w->low = loss;
	w->waited = more || better_tie || lower ? 0 : w->waited + 1;
	return more || tie;
}

int monitor_stop(const struct monitor *w)
{
	return w->patience > 0 && w->waited >= w->patience;
}
