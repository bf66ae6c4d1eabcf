/* calls.c -- trials that are calls of a function, one after the other. */
#include <stdio.h>

#include "base/mem.h"
#include "lab/pool/state.h"
#include "sys/thread.h"

#define GROUP_SECONDS 0.02              /* what one sync of the journal holds */

tt_status tt_search_report(tt_search *s, int64_t trial, int64_t step, const double *values,
                           enum tt_verdict *out)
{
	struct lines_report r = { .step = step };
	enum tt_verdict v;
	tt_status st;

	if (!s || !values || !out)
		return err_null(__func__);
	if (trial < 0 || trial >= tt_study_count(s->study))
		return err_set(TT_EINVAL, "there is no trial %lld", (long long)trial);
	for (int i = 0; i < s->o.n_objectives; i++)
		r.value[i] = values[i];
	if ((st = event_tell(s, trial, &r, &v)) == TT_OK)
		*out = v;
	return st;
}

static int still_runs(const tt_search *s, int64_t trial)
{
	tt_trial t = TT_SIZED(tt_trial);

	return tt_study_trial(s->study, trial, &t) == TT_OK && t.state == TT_TRIAL_RUNNING;
}

static tt_status finish(tt_search *s, int64_t trial, tt_status st, const double *values)
{
	char why[ERR_MAX];

	if (!still_runs(s, trial))
		return TT_OK;
	if (st == TT_OK)
		return event_end(s, trial, TT_TRIAL_COMPLETED, values);
	snprintf(why, sizeof why, "%s", tt_last_error());
	return drive_crashed(s, trial, why);
}

static tt_status call(tt_search *s, const tt_suggestion *g)
{
	double values[LINES_VALUES];
	struct known *k = search_known(s, g->trial);
	tt_attempt a = { sizeof a, g, s->study, "", NULL, 0 };
	double began;
	tt_status st;

	if (!k)
		return TT_ENOMEM;
	a.number = ++k->attempts;
	s->running = 1;
	search_hear(s, TT_SEARCH_BEGAN, g->trial, NULL);
	began = thread_seconds();
	st = s->o.objective(s->o.ctx, s, &a, values);
	s->running = 0;
	s->known[g->trial].seconds += thread_seconds() - began;
	return finish(s, g->trial, st, values);
}

tt_status drive_calls(tt_search *s)
{
	tt_suggestion g;
	tt_status st = TT_OK;

	while (st == TT_OK && !s->done) {
		if (s->o.stop && s->o.stop(s->o.ctx))
			return err_set(TT_ESTOPPED, "stopped");
		if ((st = search_next(s, &g)) == TT_OK && g.trial >= 0)
			st = call(s, &g);
		journal_sync(&s->journal, GROUP_SECONDS);
	}
	return st;
}
