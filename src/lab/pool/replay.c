/* replay.c -- a journal's events, one after the other, make of a new study the one that was
 * left. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "lab/pool/state.h"

struct event { tt_search *s; const struct node *node; int line; };

#define bad(e, ...) \
	err_at(err_set(TT_EFORMAT, __VA_ARGS__), "%s:%d", (e)->s->journal.path.p, (e)->line)

static tt_status number(const struct event *e, const char *key, int64_t *out)
{
	const struct node *n = node_get(e->node, key);

	if (n && node_int(n, INT64_MIN, INT64_MAX, out) == TT_OK)
		return TT_OK;
	return bad(e, "no whole number \"%s\"", key);
}

static tt_status trial_of(const struct event *e, int64_t *out)
{
	tt_status st = number(e, "trial", out);

	if (st == TT_OK && (*out < 0 || *out >= tt_study_count(e->s->study)))
		return bad(e, "trial %lld was never asked for", (long long)*out);
	if (st == TT_OK && !search_known(e->s, *out))
		return TT_ENOMEM;
	return st;
}

static int is_word(const struct event *e, const char *key, const char *want)
{
	const struct node *n = node_get(e->node, key);

	return n && n->kind == NODE_TEXT && strcmp(n->text, want) == 0;
}

static tt_status other(const struct event *e, const char *what)
{
	return bad(e, "%s is not what this search would have done: the journal is of another version "
	           "or was changed", what);
}

static tt_status reals(const struct event *e, double v[LINES_VALUES])
{
	const struct node *n = node_get(e->node, "values"), *c;
	int i = 0;

	for (c = n && n->kind == NODE_LIST ? n->child : NULL; c && i < LINES_VALUES; c = c->next, i++)
		if (node_absent(c) || node_double(c, &v[i]) != TT_OK)
			v[i] = NAN;
	return i == e->s->o.n_objectives && !c ? TT_OK : bad(e, "%d values of %d metrics", i,
	                                                     e->s->o.n_objectives);
}

/* ---- events ---- */

static tt_status on_study(struct event *e)
{
	const struct node *about = node_get(e->node, "about");
	int64_t version;
	tt_status st = number(e, "version", &version);

	if (st != TT_OK)
		return st;
	if (version > JOURNAL_VERSION)
		return bad(e, "version %lld of a journal: a newer tutti wrote it", (long long)version);
	e->s->version = (int)version;
	if (about && about->kind == NODE_TEXT && strcmp(about->text, e->s->o.about) == 0)
		return TT_OK;
	return err_set(TT_EINVAL, "%s: begun with other settings: %.300s; now: %.300s",
	               e->s->journal.path.p, about && about->text ? about->text : "", e->s->o.about);
}

static tt_status on_ask(struct event *e)
{
	tt_suggestion g = TT_SIZED(tt_suggestion);
	const struct node *v;
	int64_t trial, budget;
	tt_status st;

	if ((st = number(e, "trial", &trial)) != TT_OK || (st = number(e, "budget", &budget)) != TT_OK)
		return st;
	if ((st = tt_study_ask(e->s->study, &g)) != TT_OK)
		return st;
	if (g.trial < 0 || !is_word(e, "what", ask_words[g.what]) || trial != g.trial ||
	    budget != g.budget)
		return other(e, "what is asked");
	v = node_get(e->node, "values");
	v = v ? v->child : NULL;
	for (int i = 0; i < g.n; i++, v = v->next) {
		tt_value own = TT_SIZED(tt_value);

		if ((st = tt_study_value(e->s->study, g.trial, i, &own)) != TT_OK)
			return st;
		if (!v || v->kind != NODE_TEXT || strcmp(v->key, own.name) != 0 ||
		    strcmp(v->text, own.text) != 0)
			return other(e, own.name);
	}
	return search_known(e->s, g.trial) ? TT_OK : TT_ENOMEM;
}

static tt_status on_start(struct event *e)
{
	int64_t trial, pid, born, at;
	struct known *k;
	tt_status st;

	if ((st = trial_of(e, &trial)) != TT_OK || (st = number(e, "pid", &pid)) != TT_OK ||
	    (st = number(e, "born", &born)) != TT_OK || (st = number(e, "at", &at)) != TT_OK)
		return st;
	k = &e->s->known[trial];
	k->attempts++;
	k->pid = (pid_t)pid;
	k->born = born;
	k->at = at;
	return TT_OK;
}

static tt_status on_tell(struct event *e)
{
	struct lines_report r;
	enum tt_verdict v;
	int64_t trial;
	tt_status st;

	if ((st = trial_of(e, &trial)) != TT_OK || (st = number(e, "step", &r.step)) != TT_OK ||
	    (st = reals(e, r.value)) != TT_OK)
		return st;
	st = tt_study_tell(e->s->study, trial, r.step, r.value, e->s->o.n_objectives, &v);
	if (st != TT_OK)
		return bad(e, "%s", tt_last_error());
	if (!is_word(e, "verdict", verdict_words[v]))
		return other(e, "the verdict");
	e->s->known[trial].step = r.step;
	e->s->ended += v == TT_STOP || v == TT_COMPLETE;
	return TT_OK;
}

static tt_status on_lost(struct event *e)
{
	int64_t trial;
	const tt_status st = trial_of(e, &trial);

	if (st == TT_OK)
		e->s->known[trial].crashes++;
	return st;
}

static tt_status on_end(struct event *e)
{
	const int has_values = node_get(e->node, "values") != NULL;
	double v[LINES_VALUES], at;
	int64_t trial;
	int state = 0;
	tt_status st = trial_of(e, &trial);

	if (st == TT_OK && has_values)
		st = reals(e, v);
	if (st != TT_OK)
		return st;
	while (state_words[state] && !is_word(e, "state", state_words[state]))
		state++;
	if (tt_study_end(e->s->study, trial, (enum tt_trial_state)state, has_values ? v : NULL,
	                 has_values ? e->s->o.n_objectives : 0) != TT_OK)
		return bad(e, "%s", tt_last_error());
	e->s->ended++;
	if (node_get(e->node, "at") && node_double(node_get(e->node, "at"), &at) == TT_OK)
		e->s->before = at;
	return TT_OK;
}

tt_status replay_event(void *search, const struct node *node, int line)
{
	static const struct { const char *word; tt_status (*f)(struct event *e); } rows[] = {
		{ "study", on_study }, { "ask", on_ask }, { "start", on_start }, { "tell", on_tell },
		{ "lost", on_lost }, { "end", on_end },
	};
	struct event e = { search, node, line };

	if (!e.s->version && !is_word(&e, "event", "study"))
		return bad(&e, "the first line is no study");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (is_word(&e, "event", rows[i].word))
			return rows[i].f(&e);
	return TT_OK;                           /* of a later version that says more */
}
