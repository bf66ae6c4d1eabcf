/* search.c -- a search comes, goes on where another was left, and goes. */
#include <tutti/search.h>

#include <signal.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "lab/pool/state.h"
#include "sys/thread.h"

#define TRIES 3
#define SLOTS_MOST 4096

/* ---- options ---- */

static tt_status check(const tt_search_opts *o)
{
	if (!o->dir || !*o->dir)
		return err_set(TT_EINVAL, "a search needs a folder");
	if (!o->command == !o->objective)
		return err_set(TT_EINVAL, "a search wants a command or an objective");
	if (!o->objectives || o->n_objectives < 1 || o->n_objectives > LINES_VALUES)
		return err_set(TT_EINVAL, "%d metrics: a search has 1 to %d", o->n_objectives,
		               LINES_VALUES);
	if (o->slots < 0 || o->slots > SLOTS_MOST || o->tries < 0 || !(o->timeout >= 0))
		return err_set(TT_EINVAL, "%d slots, %d tries, a timeout of %g seconds", o->slots, o->tries,
		               o->timeout);
	return TT_OK;
}

static tt_status copy_names(tt_search *s)
{
	s->name = arena_alloc(&s->arena, (size_t)s->o.n_objectives * sizeof *s->name);
	for (int i = 0; s->name && i < s->o.n_objectives; i++)
		if (!(s->name[i] = arena_strdup(&s->arena, s->o.objectives[i])))
			return TT_ENOMEM;
	return s->name ? TT_OK : TT_ENOMEM;
}

static tt_status copy_texts(tt_search *s)
{
	const char **const text[] = { &s->o.dir, &s->o.about, &s->o.launcher };
	static const char *const usual[] = { "", "", "local" };

	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		if (!(*text[i] = arena_strdup(&s->arena, *text[i] ? *text[i] : usual[i])))
			return TT_ENOMEM;
	return copy_names(s);
}

static void fill_in(tt_search_opts *o)
{
	o->slots = o->slots && o->command ? o->slots : 1;
	o->tries = o->tries ? o->tries : TRIES;
	o->threads = o->threads > 0 ? o->threads : 1;
}

/* ---- where the journal ends ---- */

/* A process that an earlier search has left behind, its group with it. */
static void end_left_over(const struct known *k)
{
	if (k->pid > 1 && k->born && job_born(k->pid) == k->born)
		kill(-k->pid, SIGKILL);
}

static tt_status adopt(tt_search *s)
{
	enum tt_verdict verdict = TT_GO_ON;
	tt_status st = TT_OK;

	for (int64_t i = 0; st == TT_OK && i < tt_study_count(s->study); i++) {
		tt_trial t = TT_SIZED(tt_trial);

		if ((st = tt_study_trial(s->study, i, &t)) != TT_OK || t.state != TT_TRIAL_RUNNING)
			continue;
		if (s->known[i].attempts) {
			end_left_over(&s->known[i]);
			st = search_read_late(s, i, &verdict);
		}
		if (st == TT_OK && verdict == TT_GO_ON)
			st = search_enqueue(s, i);
		verdict = TT_GO_ON;
	}
	return st;
}

/* ---- life ---- */

/* A full disk: people make room, or stop us. */
static int wait_for_room(void *ctx, int first, const char *why)
{
	tt_search *s = ctx;

	if (first)
		search_hear(s, TT_SEARCH_NOTE, -1, why);
	return s->o.stop && !s->o.stop(s->o.ctx);
}

static tt_status open_journal(tt_search *s)
{
	const enum journal_way way = s->o.resume ? JOURNAL_RESUME : JOURNAL_NEW;
	tt_status st;

	s->journal.full = wait_for_room;
	s->journal.ctx = s;
	if ((st = file_mkdirs(s->o.dir)) != TT_OK ||
	    (st = journal_open(&s->journal, s->o.dir, way, replay_event, s)) != TT_OK)
		return st;
	if (!s->version)
		return event_study(s);
	return adopt(s);
}

static tt_status make(tt_search *s, tt_study *study, const tt_search_opts *o)
{
	tt_status st;

	s->o = *o;
	s->study = study;
	s->made = thread_seconds();
	s->journal.lock = -1;
	fill_in(&s->o);
	if (tt_study_count(study))
		return err_set(TT_EINVAL, "a search begins with a new study");
	if ((st = copy_texts(s)) != TT_OK)
		return st;
	if (!(s->slot = mem_calloc((size_t)s->o.slots, sizeof *s->slot)))
		return TT_ENOMEM;
	return open_journal(s);
}

tt_status tt_search_new(tt_search **out, tt_study *study, const tt_search_opts *o)
{
	tt_search_opts own;
	tt_search *s;
	tt_status st;

	if (!out || !study)
		return err_null(__func__);
	if ((st = sized_options(&own, sizeof own, o, "tt_search_opts")) != TT_OK ||
	    (st = check(&own)) != TT_OK)
		return st;
	if (!(s = mem_calloc(1, sizeof *s)))
		return TT_ENOMEM;
	if ((st = make(s, study, &own)) == TT_OK)
		*out = s;
	else
		tt_search_free(&s);
	return st;
}

tt_status tt_search_run(tt_search *s)
{
	tt_status st;

	if (!s)
		return err_null(__func__);
	s->done = s->waits = 0;
	st = s->o.command ? drive_processes(s) : drive_calls(s);
	return st == TT_OK ? journal_sync(&s->journal, 0) : st;
}

void tt_search_free(tt_search **s)
{
	if (!s || !*s)
		return;
	for (int i = 0; (*s)->slot && i < (*s)->o.slots; i++)
		if ((*s)->slot[i].used) {
			job_close(&(*s)->slot[i].job);
			lines_release(&(*s)->slot[i].lines);
		}
	journal_close(&(*s)->journal);
	mem_free((*s)->slot);
	mem_free((*s)->known);
	mem_free((*s)->queue);
	arena_release(&(*s)->arena);
	mem_free(*s);
	*s = NULL;
}
