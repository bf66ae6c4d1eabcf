/* events.c -- what happens is journalled, and told to the study. */
#include <math.h>
#include <string.h>

#include "lab/pool/state.h"
#include "sys/thread.h"

const char *const ask_words[] = { [TT_ASK_NEW] = "new", [TT_ASK_RESUME] = "resume", NULL };
const char *const verdict_words[] = { [TT_GO_ON] = "go on", [TT_PAUSE] = "pause",
                                      [TT_STOP] = "stop", [TT_COMPLETE] = "complete", NULL };
const char *const state_words[] = { [TT_TRIAL_RUNNING] = "running", [TT_TRIAL_PAUSED] = "paused",
                                    [TT_TRIAL_COMPLETED] = "completed",
                                    [TT_TRIAL_PRUNED] = "pruned", [TT_TRIAL_FAILED] = "failed",
                                    NULL };

static void begin(tt_search *s, const char *event)
{
	s->journal.line.len = 0;
	str_addf(&s->journal.line, "{\"event\": \"%s\"", event);
}

static void number(tt_search *s, const char *key, int64_t v)
{
	str_addf(&s->journal.line, ", \"%s\": %lld", key, (long long)v);
}

static void text(tt_search *s, const char *key, const char *v)
{
	str_addf(&s->journal.line, ", \"%s\": ", key);
	str_add_json(&s->journal.line, v);
}

static void real(tt_search *s, const char *key, double v)
{
	str_addf(&s->journal.line, ", \"%s\": ", key);
	str_add_number(&s->journal.line, isfinite(v) ? v : NAN);
}

static void reals(tt_search *s, const char *key, const double *v)
{
	str_addf(&s->journal.line, ", \"%s\": [", key);
	for (int i = 0; i < s->o.n_objectives; i++) {
		str_add(&s->journal.line, i ? ", " : "");
		str_add_number(&s->journal.line, isfinite(v[i]) ? v[i] : NAN);
	}
	str_add(&s->journal.line, "]");
}

static tt_status end(tt_search *s)
{
	str_add(&s->journal.line, "}");
	return journal_append(&s->journal);
}

tt_status event_study(tt_search *s)
{
	begin(s, "study");
	number(s, "version", JOURNAL_VERSION);
	text(s, "about", s->o.about);
	return end(s);
}

tt_status event_ask(tt_search *s, const tt_suggestion *g)
{
	begin(s, "ask");
	text(s, "what", ask_words[g->what]);
	number(s, "trial", g->trial);
	number(s, "parent", g->parent);
	number(s, "budget", g->budget);
	str_add(&s->journal.line, ", \"values\": {");
	for (int i = 0; i < g->n; i++) {
		tt_value v = TT_SIZED(tt_value);
		const tt_status st = tt_study_value(s->study, g->trial, i, &v);

		if (st != TT_OK)
			return st;
		str_add(&s->journal.line, i ? ", " : "");
		str_add_json(&s->journal.line, v.name);
		str_add(&s->journal.line, ": ");
		str_add_json(&s->journal.line, v.text);
	}
	str_add(&s->journal.line, "}");
	return end(s);
}

tt_status event_start(tt_search *s, int64_t trial)
{
	const struct known *k = &s->known[trial];

	begin(s, "start");
	number(s, "trial", trial);
	number(s, "attempt", k->attempts);
	number(s, "pid", k->pid);
	number(s, "born", k->born);
	number(s, "at", k->at);
	return end(s);
}

/* A step once told is not told again. */
tt_status event_tell(tt_search *s, int64_t trial, const struct lines_report *r,
                     enum tt_verdict *out)
{
	struct known *k = search_known(s, trial);
	tt_status st;

	*out = TT_GO_ON;
	if (!k)
		return TT_ENOMEM;
	if (r->step <= k->step)
		return TT_OK;
	if ((st = tt_study_tell(s->study, trial, r->step, r->value, s->o.n_objectives, out)) != TT_OK)
		return st;
	k->step = r->step;
	s->waits = 0;
	begin(s, "tell");
	number(s, "trial", trial);
	number(s, "step", r->step);
	reals(s, "values", r->value);
	text(s, "verdict", verdict_words[*out]);
	if ((st = end(s)) != TT_OK)
		return st;
	s->ended += *out == TT_STOP || *out == TT_COMPLETE;
	search_hear(s, TT_SEARCH_TOLD, trial, NULL);
	if (*out != TT_GO_ON)
		search_hear(s, TT_SEARCH_ENDED, trial, NULL);
	return TT_OK;
}

tt_status event_lost(tt_search *s, int64_t trial, const char *why)
{
	begin(s, "lost");
	number(s, "trial", trial);
	number(s, "attempt", s->known[trial].attempts);
	text(s, "why", why);
	return end(s);
}

tt_status event_end(tt_search *s, int64_t trial, enum tt_trial_state state, const double *values)
{
	tt_status st = tt_study_end(s->study, trial, state, values, values ? s->o.n_objectives : 0);

	if (st != TT_OK)
		return st;
	s->waits = 0;
	s->ended++;
	begin(s, "end");
	number(s, "trial", trial);
	text(s, "state", state_words[state]);
	if (values)
		reals(s, "values", values);
	real(s, "seconds", s->known[trial].seconds);
	real(s, "at", s->before + thread_seconds() - s->made);
	if ((st = end(s)) == TT_OK)
		search_hear(s, TT_SEARCH_ENDED, trial, NULL);
	return st;
}
