/* study.c -- a study is made: its rows are found, their options read, the space is checked. */
#include "lab/tune/study.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "base/str.h"
#include "lab/tune/rows.h"

void study_rng(const struct tt_study *s, const struct trial *t, struct rng *r)
{
	rng_init(r, rng_key(s->seed, RNG_TUNE), (uint64_t)t->number, 0);
}

void study_fill(const struct tt_study *s, struct trial *t, struct rng *r)
{
	for (int i = 0; i < s->space->n; i++)
		if (isnan(t->x[i]) && space_has(s->space, i, t->x))
			t->x[i] = param_random(&s->space->param[i], r);
}

/* ---- rows by name ---- */

#define ROWS_MOST 32

static tt_status no_row(const char *what, const char *name, const char *const *names)
{
	const char *near = str_nearest(name, names);

	return err_set(TT_EINVAL, "there is no %s \"%s\"%s%s%s", what, name,
	               near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static tt_status find_sampler(const char *name, const struct sampler **out)
{
	const char *names[ROWS_MOST] = {0};

	for (int i = 0; samplers[i]; i++) {
		names[i] = samplers[i]->name;
		if (!strcmp(names[i], name)) {
			*out = samplers[i];
			return TT_OK;
		}
	}
	return no_row("sampler", name, names);
}

static tt_status find_scheduler(const char *name, const struct scheduler **out)
{
	const char *names[ROWS_MOST] = {0};

	for (int i = 0; schedulers[i]; i++) {
		names[i] = schedulers[i]->name;
		if (!strcmp(names[i], name)) {
			*out = schedulers[i];
			return TT_OK;
		}
	}
	return no_row("scheduler", name, names);
}

/* ---- options ---- */

struct settings { const char *row, *text; const struct option *options; size_t size; };

static tt_status read_settings(struct arena *a, const struct settings *o, void **out)
{
	static const struct option none[] = { OPT_END };
	const struct option *table = o->options ? o->options : none;
	struct node *root = NULL;
	tt_status st;

	*out = arena_alloc(a, o->size + 1);
	if (!*out)
		return TT_ENOMEM;
	if ((st = options_default(table, a, *out)) != TT_OK || !o->text || !*o->text)
		return st;
	if ((st = node_parse_yaml(a, o->row, o->text, strlen(o->text), &root)) != TT_OK)
		return st;
	if (node_absent(root))
		return TT_OK;
	if (root->kind != NODE_MAP)
		return err_set(TT_ESPEC, "options of %s: %s is no map", o->row, o->text);
	return options_read(table, a, root, *out);
}

static tt_status read_rows(tt_study *s, const tt_study_opts *o)
{
	struct settings sampler, scheduler;
	tt_status st;

	if ((st = find_sampler(o->sampler ? o->sampler : "random", &s->sampler)) != TT_OK ||
	    (st = find_scheduler(o->scheduler ? o->scheduler : "none", &s->scheduler)) != TT_OK)
		return st;
	sampler = (struct settings){ s->sampler->name, o->sampler_options, s->sampler->options,
	                             s->sampler->size };
	scheduler = (struct settings){ s->scheduler->name, o->scheduler_options,
	                               s->scheduler->options, s->scheduler->size };
	if ((st = read_settings(&s->arena, &sampler, &s->sampler_opts)) != TT_OK)
		return st;
	return read_settings(&s->arena, &scheduler, &s->scheduler_opts);
}

/* ---- what fits together ---- */

static tt_status check_repeats(const tt_study *s)
{
	for (int i = 0; i < s->space->n && !s->sampler->repeats; i++) {
		const struct param *p = &s->space->param[i];

		for (int a = 1; a < p->count; a++)
			for (int b = 0; b < a && p->count <= 1000; b++)
				if (!strcmp(p->choice[a], p->choice[b]))
					return err_set(TT_EINVAL, "parameter %s: %s is there twice", p->name,
					               p->choice[a]);
	}
	return TT_OK;
}

static tt_status check(const tt_study *s)
{
	if (s->space->n == 0)
		return err_set(TT_EINVAL, "the space has no parameter");
	if (s->sampler->single && s->n_objectives > 1)
		return err_set(TT_EINVAL, "sampler %s knows one objective, there are %d", s->sampler->name,
		               s->n_objectives);
	if (s->sampler->paces && s->scheduler != &scheduler_none)
		return err_set(TT_EINVAL, "sampler %s sets budgets itself: no scheduler %s beside it",
		               s->sampler->name, s->scheduler->name);
	return check_repeats(s);
}

/* ---- made of copies ---- */

static tt_status copy_space(tt_study *s, const tt_space *from)
{
	tt_status st = tt_space_new(&s->space);

	for (int i = 0; st == TT_OK && i < from->n; i++)
		st = tt_space_add(s->space, from->param[i].name, from->param[i].range);
	return st;
}

static tt_status copy_objectives(tt_study *s, const tt_study_opts *o)
{
	if (!o->objectives || o->n_objectives < 1)
		return err_set(TT_EINVAL, "a study needs an objective");
	s->n_objectives = o->n_objectives;
	s->direction = arena_alloc(&s->arena, (size_t)o->n_objectives * sizeof *s->direction);
	if (!s->direction)
		return TT_ENOMEM;
	for (int i = 0; i < o->n_objectives; i++) {
		if (!o->objectives[i] || !*o->objectives[i])
			return err_set(TT_EINVAL, "objective %d has no name", i);
		s->direction[i] = o->directions ? o->directions[i] : TT_MINIMIZE;
		if (s->direction[i] != TT_MINIMIZE && s->direction[i] != TT_MAXIMIZE)
			return err_set(TT_EINVAL, "objective %s: %d is no direction", o->objectives[i],
			               (int)s->direction[i]);
	}
	return TT_OK;
}

static tt_status make(tt_study *s, const tt_space *space, const tt_study_opts *o)
{
	tt_status st;

	if (o->trials < 0)
		return err_set(TT_EINVAL, "%lld trials", (long long)o->trials);
	s->limit = o->trials ? o->trials : INT64_MAX;
	s->seed = o->seed;
	if ((st = copy_objectives(s, o)) != TT_OK || (st = copy_space(s, space)) != TT_OK ||
	    (st = read_rows(s, o)) != TT_OK || (st = check(s)) != TT_OK)
		return st;
	if (s->scheduler->open && (st = s->scheduler->open(s)) != TT_OK)
		return st;
	return s->sampler->open ? s->sampler->open(s) : TT_OK;
}

tt_status tt_study_new(tt_study **out, const tt_space *space, const tt_study_opts *o)
{
	tt_study_opts own;
	tt_study *s;
	tt_status st;

	if (!out || !space)
		return err_null(__func__);
	if ((st = sized_options(&own, sizeof own, o, "tt_study_opts")) != TT_OK)
		return st;
	s = mem_calloc(1, sizeof *s);
	if (!s)
		return TT_ENOMEM;
	if ((st = make(s, space, &own)) != TT_OK) {
		tt_study_free(&s);
		return st;
	}
	*out = s;
	return TT_OK;
}

void tt_study_free(tt_study **s)
{
	if (!s || !*s)
		return;
	for (int64_t i = 0; i < (*s)->count; i++)
		mem_free((*s)->trial[i]->point);
	mem_free((*s)->trial);
	mem_free((*s)->ranked);
	tt_space_free(&(*s)->space);
	arena_release(&(*s)->arena);
	mem_free(*s);
	*s = NULL;
}
