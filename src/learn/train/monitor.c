#include "learn/train/monitor.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const struct {
	const char *name;
	int         needs, rises;
} row[] = {
	[WATCH_LOSS]           = { "loss", 0, 0 },
	[WATCH_ACCURACY]       = { "accuracy", WATCH_HAS_CLASSES, 1 },
	[WATCH_VALID_LOSS]     = { "valid_loss", WATCH_HAS_VALID, 0 },
	[WATCH_VALID_ACCURACY] = { "valid_accuracy", WATCH_HAS_VALID | WATCH_HAS_CLASSES, 1 },
};
#define ROWS ((int)(sizeof row / sizeof *row))

/* Validation before training, accuracy before loss. */
static enum monitor_number best_there_is(int has)
{
	int n = ROWS - 1;

	while ((row[n].needs & has) != row[n].needs ||
	       (n == WATCH_ACCURACY && (has & WATCH_HAS_VALID)))
		n--;
	return (enum monitor_number)n;
}

static tt_status unknown(const char *monitor)
{
	const char *words[ROWS + 1] = { NULL }, *near;

	for (int i = 0; i < ROWS; i++)
		words[i] = row[i].name;
	near = str_nearest(monitor, words);
	return err_set(TT_ESPEC, "train.early_stop.monitor: '%s' is none of loss, accuracy, "
	               "valid_loss, valid_accuracy%s%s%s", monitor, near ? "; did you mean '" : "",
	               near ? near : "", near ? "'?" : "");
}

static tt_status find(const char *monitor, int has, enum monitor_number *out)
{
	for (int i = 0; i < ROWS; i++) {
		if (strcmp(row[i].name, monitor) != 0)
			continue;
		if (row[i].needs & ~has & WATCH_HAS_VALID)
			return err_set(TT_ESPEC, "train.early_stop.monitor: '%s' needs data.valid, which "
			               "this spec does not have", monitor);
		if (row[i].needs & ~has)
			return err_set(TT_ESPEC, "train.early_stop.monitor: '%s' needs classes, but this "
			               "model gives values: watch a loss", monitor);
		*out = (enum monitor_number)i;
		return TT_OK;
	}
	return unknown(monitor);
}

static int is_auto(const char *monitor)
{
	return !monitor || !*monitor || strcmp(monitor, "auto") == 0;
}

tt_status monitor_init(struct monitor *w, const char *monitor, int has)
{
	enum monitor_number n = best_there_is(has);
	tt_status st = TT_OK;

	if (!is_auto(monitor))
		st = find(monitor, has, &n);
	if (st == TT_OK)
		*w = (struct monitor){ .number = n, .best = NAN, .tie = NAN, .low = NAN,
		                       .either = is_auto(monitor) };
	return st;
}

const char *monitor_name(const struct monitor *w)
{
	return row[w->number].name;
}

int monitor_valid(const struct monitor *w)
{
	return (row[w->number].needs & WATCH_HAS_VALID) != 0;
}

/* The loss over the same samples. */
static enum monitor_number beside(const struct monitor *w)
{
	return monitor_valid(w) ? WATCH_VALID_LOSS : WATCH_LOSS;
}

void monitor_text(const struct monitor *w, struct str *out)
{
	const int both = w->either && row[w->number].rises;

	if (both)
		str_addf(out, "neither %s nor %s has improved on %.6g and %.6g", row[w->number].name,
		         row[beside(w)].name, w->best, w->low);
	else
		str_addf(out, "%s has not improved on %.6g", row[w->number].name, w->best);
	str_addf(out, " for %d looks", w->waited);
}

static double number(enum monitor_number n, const tt_progress *p)
{
	switch (n) {
	case WATCH_LOSS:           return p->loss;
	case WATCH_ACCURACY:       return p->accuracy;
	case WATCH_VALID_LOSS:     return p->valid_loss;
	case WATCH_VALID_ACCURACY: return p->valid_accuracy;
	}
	return NAN;
}

/* Not a number is no progress; anything is, against nothing. */
int monitor_look(struct monitor *w, const tt_progress *p)
{
	const double v = number(w->number, p), loss = number(beside(w), p);
	const double gain = row[w->number].rises ? v - w->best : w->best - v;
	const int more = !isnan(v) && (isnan(w->best) || gain > w->min_delta);
	const int tie = row[w->number].rises && v == w->best && loss < w->tie;
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
