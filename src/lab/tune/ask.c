/* ask.c -- the dialogue: what is tried next, what was told, what has ended. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "lab/tune/rows.h"

/* ---- a trial is made ---- */

static double *numbers(struct arena *a, int n)
{
	double *v = arena_alloc(a, (size_t)n * sizeof *v);

	for (int i = 0; v && i < n; i++)
		v[i] = NAN;
	return v;
}

static tt_status make_spare(tt_study *s)
{
	struct trial *t = s->spare;

	if (!t) {
		t = arena_alloc(&s->arena, sizeof *t);
		if (!t || !(t->x = numbers(&s->arena, s->space->n)) ||
		    !(t->result = numbers(&s->arena, s->n_objectives)) ||
		    !(t->loss = numbers(&s->arena, s->n_objectives)))
			return TT_ENOMEM;
		s->spare = t;
	}
	t->number = s->count;
	t->parent = t->slot = -1;
	t->budget = t->step = 0;
	t->state = TT_TRIAL_RUNNING;
	t->bracket = t->rung = 0;
	for (int i = 0; i < s->space->n; i++)
		t->x[i] = NAN;
	for (int k = 0; k < s->n_objectives; k++)
		t->loss[k] = INFINITY;
	return TT_OK;
}

static tt_status make_room(tt_study *s)
{
	const int64_t cap = s->cap ? 2 * s->cap : 64;
	struct trial **v;

	if (s->count < s->cap)
		return TT_OK;
	v = mem_realloc(s->ranked, (size_t)cap * sizeof *v);
	if (!v)
		return TT_ENOMEM;
	s->ranked = v;
	v = mem_realloc(s->trial, (size_t)cap * sizeof *v);
	if (!v)
		return TT_ENOMEM;
	s->trial = v;
	s->cap = cap;
	return TT_OK;
}

static tt_status write_values(tt_study *s, struct trial *t)
{
	t->n_values = 0;
	t->value = arena_alloc(&s->arena, (size_t)s->space->n * sizeof *t->value);
	if (!t->value)
		return TT_ENOMEM;
	for (int i = 0; i < s->space->n; i++) {
		const struct param *p = &s->space->param[i];

		if (isnan(t->x[i]))
			continue;
		t->value[t->n_values] = (tt_value){
			.size = sizeof(tt_value), .name = p->name, .kind = p->kind,
			.text = param_text(p, &s->arena, t->x[i]), .number = param_number(p, t->x[i]),
		};
		if (!t->value[t->n_values++].text)
			return TT_ENOMEM;
	}
	return TT_OK;
}

/* ---- ask ---- */

static void suggest(const struct trial *t, enum tt_ask what, tt_suggestion *o)
{
	o->what = what;
	o->trial = t->number;
	o->parent = what == TT_ASK_NEW ? t->parent : -1;
	o->budget = t->budget;
	o->n = t->n_values;
}

static struct trial *resumed(tt_study *s)
{
	struct trial *t = s->sampler->resume ? s->sampler->resume(s) : NULL;

	if (!t && s->scheduler->resume)
		t = s->scheduler->resume(s);
	if (t) {
		t->state = TT_TRIAL_RUNNING;
		s->running++;
	}
	return t;
}

static tt_status begin(tt_study *s, enum tt_ask *what)
{
	tt_status st;

	*what = TT_ASK_DONE;
	if (s->count >= s->limit)
		return TT_OK;
	if ((st = make_room(s)) != TT_OK || (st = make_spare(s)) != TT_OK)
		return st;
	*what = s->scheduler->begin ? s->scheduler->begin(s, s->spare) : TT_ASK_NEW;
	if (*what == TT_ASK_NEW)
		st = s->sampler->ask(s, s->spare, what);
	if (st != TT_OK || *what != TT_ASK_NEW)
		return st;
	if ((st = write_values(s, s->spare)) != TT_OK)
		return st;
	s->trial[s->count++] = s->spare;
	s->spare = NULL;
	s->running++;
	if (s->scheduler->began)
		s->scheduler->began(s, s->trial[s->count - 1]);
	return TT_OK;
}

tt_status tt_study_ask(tt_study *s, tt_suggestion *out)
{
	tt_suggestion o = { .trial = -1, .parent = -1 };
	enum tt_ask what;
	struct trial *t;
	tt_status st;

	if (!s || !out)
		return err_null(__func__);
	if ((t = resumed(s))) {
		suggest(t, TT_ASK_RESUME, &o);
	} else {
		if ((st = begin(s, &what)) != TT_OK)
			return st;
		if (what == TT_ASK_NEW)
			suggest(s->trial[s->count - 1], what, &o);
		else
			o.what = s->running ? TT_ASK_WAIT : TT_ASK_DONE;
	}
	return sized_give(out, &o, sizeof o, "tt_suggestion");
}

/* ---- tell ---- */

static tt_status check_values(const tt_study *s, const double *values, int n)
{
	if (n == s->n_objectives && values)
		return TT_OK;
	return err_set(TT_EINVAL, "%d values, but there are %d objectives", values ? n : 0,
	               s->n_objectives);
}

static tt_status find(const tt_study *s, int64_t trial, struct trial **out)
{
	if (trial < 0 || trial >= s->count)
		return err_set(TT_EINVAL, "there are %lld trials, no number %lld", (long long)s->count,
		               (long long)trial);
	*out = s->trial[trial];
	return TT_OK;
}

static double loss_of(const tt_study *s, int k, double value)
{
	const int max = s->direction[k] == TT_MAXIMIZE;

	return !isfinite(value) ? INFINITY : max ? -value : value;
}

/* Where one is not finite the whole is the worst there is. */
static void take(const tt_study *s, struct trial *t, const double *values)
{
	int bad = 0;

	for (int k = 0; k < s->n_objectives; k++) {
		t->result[k] = values[k];
		t->loss[k] = loss_of(s, k, values[k]);
		bad |= !isfinite(values[k]);
	}
	for (int k = 0; bad && k < s->n_objectives; k++)
		t->loss[k] = INFINITY;
	t->has_result = 1;
}

/* Into its place by step; what was told of this step before is forgotten. */
static tt_status note(struct trial *t, int64_t step, double loss)
{
	int i = t->n_points;

	while (i > 0 && t->point[i - 1].step > step)
		i--;
	if (i > 0 && t->point[i - 1].step == step) {
		t->point[i - 1].loss = loss;
		return TT_OK;
	}
	if (t->n_points == t->cap_points) {
		const int cap = t->cap_points ? 2 * t->cap_points : 16;
		struct point *p = mem_realloc(t->point, (size_t)cap * sizeof *p);

		if (!p)
			return TT_ENOMEM;
		t->point = p;
		t->cap_points = cap;
	}
	memmove(t->point + i + 1, t->point + i, (size_t)(t->n_points - i) * sizeof *t->point);
	t->point[i] = (struct point){ step, loss };
	t->n_points++;
	return TT_OK;
}

static tt_status show(tt_study *s, struct trial *t)
{
	if (t->seen || !s->sampler->seen)
		return TT_OK;
	t->seen = 1;
	return s->sampler->seen(s, t);
}

tt_status study_close_trial(tt_study *s, struct trial *t, enum tt_trial_state state)
{
	tt_status st = TT_OK;

	s->running -= t->state == TT_TRIAL_RUNNING;
	t->state = state;
	if (s->scheduler->ended)
		st = s->scheduler->ended(s, t);
	return st != TT_OK ? st : show(s, t);
}

static tt_status follow(tt_study *s, struct trial *t, enum tt_verdict v)
{
	switch (v) {
	case TT_PAUSE:
		s->running--;
		t->state = TT_TRIAL_PAUSED;
		return show(s, t);
	case TT_STOP:
		return study_close_trial(s, t, TT_TRIAL_PRUNED);
	case TT_COMPLETE:
		return study_close_trial(s, t, TT_TRIAL_COMPLETED);
	default:
		return TT_OK;
	}
}

tt_status tt_study_tell(tt_study *s, int64_t trial, int64_t step, const double *values, int n,
                        enum tt_verdict *out)
{
	enum tt_verdict v = TT_GO_ON;
	struct trial *t;
	tt_status st;

	if (!s || !out)
		return err_null(__func__);
	if ((st = find(s, trial, &t)) != TT_OK || (st = check_values(s, values, n)) != TT_OK)
		return st;
	if (t->state != TT_TRIAL_RUNNING)
		return err_set(TT_EINVAL, "trial %lld is not running", (long long)trial);
	if (step < 1)
		return err_set(TT_EINVAL, "trial %lld: steps count from 1 on, not %lld", (long long)trial,
		               (long long)step);
	if ((st = note(t, step, loss_of(s, 0, values[0]))) != TT_OK)
		return st;
	if (step >= t->step) {
		t->step = step;
		take(s, t, values);
		v = s->sampler->told ? s->sampler->told(s, t) :
		    s->scheduler->told ? s->scheduler->told(s, t) : TT_GO_ON;
	}
	if ((st = follow(s, t, v)) != TT_OK)
		return st;
	*out = v;
	return TT_OK;
}

tt_status tt_study_end(tt_study *s, int64_t trial, enum tt_trial_state state, const double *values,
                       int n)
{
	struct trial *t;
	tt_status st;

	if (!s)
		return err_null(__func__);
	if ((st = find(s, trial, &t)) != TT_OK)
		return st;
	if (t->state != TT_TRIAL_RUNNING && t->state != TT_TRIAL_PAUSED)
		return err_set(TT_EINVAL, "trial %lld has ended already", (long long)trial);
	if (state != TT_TRIAL_COMPLETED && state != TT_TRIAL_PRUNED && state != TT_TRIAL_FAILED)
		return err_set(TT_EINVAL, "trial %lld: %d is no end", (long long)trial, (int)state);
	if (values || n) {
		if ((st = check_values(s, values, n)) != TT_OK)
			return st;
		take(s, t, values);
	}
	if (state == TT_TRIAL_COMPLETED && !t->has_result)
		state = TT_TRIAL_FAILED;
	return study_close_trial(s, t, state);
}

/* ---- what is known ---- */

int64_t tt_study_count(const tt_study *s) { return s ? s->count : 0; }

tt_status tt_study_trial(const tt_study *s, int64_t trial, tt_trial *out)
{
	tt_trial o = {0};
	struct trial *t;
	tt_status st;

	if (!s || !out)
		return err_null(__func__);
	if ((st = find(s, trial, &t)) != TT_OK)
		return st;
	o.trial = t->number;
	o.parent = t->parent;
	o.state = t->state;
	o.step = t->step;
	o.budget = t->budget;
	o.n = t->n_values;
	o.results = t->has_result ? t->result : NULL;
	return sized_give(out, &o, sizeof o, "tt_trial");
}

tt_status tt_study_value(const tt_study *s, int64_t trial, int i, tt_value *out)
{
	struct trial *t;
	tt_status st;

	if (!s || !out)
		return err_null(__func__);
	if ((st = find(s, trial, &t)) != TT_OK)
		return st;
	if (i < 0 || i >= t->n_values)
		return err_set(TT_EINVAL, "trial %lld has %d values, no number %d", (long long)trial,
		               t->n_values, i);
	return sized_give(out, &t->value[i], sizeof t->value[i], "tt_value");
}

static int64_t reached(const struct trial *t)
{
	return t->state == TT_TRIAL_COMPLETED ? INT64_MAX : t->step;
}

tt_status tt_study_best(const tt_study *s, int64_t *trial)
{
	const struct trial *best = NULL;

	if (!s || !trial)
		return err_null(__func__);
	for (int64_t i = 0; i < s->count; i++) {
		const struct trial *t = s->trial[i];

		if (!study_counts(t) || !isfinite(t->loss[0]))
			continue;
		if (!best || reached(t) > reached(best) ||
		    (reached(t) == reached(best) && t->loss[0] < best->loss[0]))
			best = t;
	}
	if (!best)
		return err_set(TT_ENOENT, "no trial has a result yet");
	*trial = best->number;
	return TT_OK;
}

static int is_whole(const tt_study *s, const struct trial *t)
{
	for (int k = 0; k < s->n_objectives; k++)
		if (!isfinite(t->loss[k]))
			return 0;
	return t->state == TT_TRIAL_COMPLETED;
}

int64_t tt_study_front(const tt_study *s, int64_t *trials, int64_t max)
{
	int64_t n = 0;

	for (int64_t i = 0; s && i < s->count; i++) {
		int beaten = !is_whole(s, s->trial[i]);

		for (int64_t j = 0; j < s->count && !beaten; j++)
			beaten = is_whole(s, s->trial[j]) && study_compare(s, s->trial[j], s->trial[i]) < 0;
		if (beaten)
			continue;
		if (trials && n < max)
			trials[n] = i;
		n++;
	}
	return n;
}
