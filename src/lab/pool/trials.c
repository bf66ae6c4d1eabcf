/* trials.c -- which trial runs next. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lab/pool/state.h"

tt_status search_enqueue(tt_search *s, int64_t trial)
{
	struct known *k = search_known(s, trial);

	if (!k)
		return TT_ENOMEM;
	if (k->waits)
		return TT_OK;
	if (s->queued == s->cap_queue &&
	    !search_grow((void **)&s->queue, &s->cap_queue, sizeof *s->queue))
		return TT_ENOMEM;
	s->queue[s->queued++] = trial;
	k->waits = 1;
	return TT_OK;
}

/* ---- folders ---- */

tt_status tt_search_trial_dir(const tt_search *s, int64_t trial, char **out)
{
	struct str path = {0};
	tt_status st;

	if (!s || !out)
		return err_null(__func__);
	str_addf(&path, "%s/trial-%05lld", s->o.dir, (long long)trial);
	if ((st = str_status(&path)) == TT_OK)
		*out = path.p;
	else
		str_release(&path);
	return st;
}

tt_status search_make_dir(const tt_search *s, int64_t trial, char **out)
{
	char *path;
	tt_status st = tt_search_trial_dir(s, trial, &path);

	if (st != TT_OK)
		return st;
	if ((st = file_mkdirs(path)) == TT_OK)
		*out = path;
	else
		mem_free(path);
	return st;
}

/* ---- what is next? ---- */

/* An earlier process of the trial may still be on its way out. */
static int is_alive(const tt_search *s, int64_t trial)
{
	for (int i = 0; s->slot && i < s->o.slots; i++)
		if (s->slot[i].used && s->slot[i].trial == trial)
			return 1;
	return 0;
}

tt_status search_again(tt_search *s, int64_t trial, tt_suggestion *out)
{
	tt_trial t = TT_SIZED(tt_trial);
	const tt_status st = tt_study_trial(s->study, trial, &t);

	if (st == TT_OK)
		*out = (tt_suggestion){ sizeof *out, t.step ? TT_ASK_RESUME : TT_ASK_NEW, trial, t.parent,
		                        t.budget, t.n };
	return st;
}

static tt_status from_queue(tt_search *s, tt_suggestion *out)
{
	for (int64_t i = 0; i < s->queued; i++) {
		const int64_t trial = s->queue[i];

		if (is_alive(s, trial))
			continue;
		memmove(s->queue + i, s->queue + i + 1, (size_t)(s->queued - i - 1) * sizeof *s->queue);
		s->queued--;
		s->known[trial].waits = 0;
		return search_again(s, trial, out);
	}
	return TT_OK;
}

tt_status search_next(tt_search *s, tt_suggestion *out)
{
	tt_status st;

	*out = (tt_suggestion){ .size = sizeof *out, .what = TT_ASK_WAIT, .trial = -1 };
	if ((st = from_queue(s, out)) != TT_OK || out->trial >= 0 || s->waits || s->done)
		return st;
	if ((st = tt_study_ask(s->study, out)) != TT_OK)
		return st;
	s->waits = out->what == TT_ASK_WAIT;            /* of which the study keeps nothing */
	s->done = out->what == TT_ASK_DONE;
	if (out->trial < 0)
		return TT_OK;
	if ((st = event_ask(s, out)) != TT_OK || !is_alive(s, out->trial))
		return st;
	st = search_enqueue(s, out->trial);             /* when its last process has gone */
	out->what = TT_ASK_WAIT;
	out->trial = -1;
	return st;
}
