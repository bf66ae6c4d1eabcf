#include "train/outcomes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "train/changed.h"

#define FILE_MAX ((size_t)16 << 20)
static const char head[] = "variant,seed,best,monitor,loss,seconds,parameters,name\n";

struct outcome *outcome_of(const struct outcomes *o, int variant, int64_t seed)
{
	return &o->of[variant * o->seeds + seed];
}

static const char *path_of(const struct outcomes *o, const char *name)
{
	return arena_printf(o->arena, "%s/%s", o->dir, name);
}

/* A name as the last cell of a line: quoted, and one line whatever a table's column is called. */
static const char *name_cell(const struct outcomes *o, int variant)
{
	struct str s = { 0 };
	const char *out = NULL;

	str_add(&s, "\"");
	for (const char *p = o->all->v[variant].name; *p; p++)
		str_addf(&s, "%s%c", *p == '"' ? "\"" : "", *p == '\n' || *p == '\r' ? ' ' : *p);
	str_add(&s, "\"");
	if (str_status(&s) == TT_OK)
		out = arena_strdup(o->arena, s.p);
	str_release(&s);
	return out;
}

tt_status outcome_write(struct outcomes *o, int variant, int64_t seed)
{
	const struct outcome *r = outcome_of(o, variant, seed);
	const char *name = name_cell(o, variant);
	struct str s = { 0 };
	tt_status st;

	if (!name)
		return TT_ENOMEM;
	str_addf(&s, "%d,%lld,%.17g,%s,%.17g,%.3f,%lld,%s\n", variant,
	         (long long)(o->first_seed + seed), r->best, o->monitor, r->loss, r->seconds,
	         (long long)r->parameters, name);
	if ((st = str_status(&s)) == TT_OK)
		st = file_log_append(o->log, s.p, s.len);
	str_release(&s);
	return st;
}

static tt_status read_line(struct outcomes *o, char *line, int number)
{
	const char *name = NULL;
	char *cell[8], *end;
	int n = 0;
	int64_t variant, seed;
	struct outcome r = { .done = 1 };

	while (n < 7 && (cell[n] = strsep(&line, ",")))
		n++;
	variant = n == 7 && line ? strtol(cell[0], &end, 10) : -1;
	seed = variant >= 0 ? strtoll(cell[1], &end, 10) - o->first_seed : -1;
	if (variant >= 0 && variant < o->all->n && !(name = name_cell(o, (int)variant)))
		return TT_ENOMEM;
	if (!name || strcmp(line, name) != 0)
		return err_set(TT_EINVAL, "%s/" OUTCOMES_FILE ":%d is of another ablation: name another "
		               "folder with --out", o->dir, number);
	if (seed < 0 || seed >= o->seeds)
		return TT_OK;
	if (!str_to_double(cell[2], &r.best) || !str_to_double(cell[4], &r.loss) ||
	    !str_to_double(cell[5], &r.seconds))
		return err_set(TT_EFORMAT, "%s/" OUTCOMES_FILE ":%d: no result", o->dir, number);
	r.parameters = strtoll(cell[6], &end, 10);
	o->monitor = arena_strdup(o->arena, cell[3]);
	*outcome_of(o, (int)variant, seed) = r;
	return o->monitor ? TT_OK : TT_ENOMEM;
}

static tt_status read_text(struct outcomes *o, char *text, const char *path)
{
	char *at, *end;
	int number = 1;
	tt_status st = TT_OK;

	if (strncmp(text, head, strlen(head)) != 0)
		return err_set(TT_EFORMAT, "%s is no list of results", path);
	for (at = text; st == TT_OK && (end = strchr(at, '\n')); at = end + 1, number++) {
		*end = '\0';
		if (number > 1)
			st = read_line(o, at, number);
	}
	if (st == TT_OK && *at)                 /* cut by a crash: no result */
		st = file_log_cut(o->log, (uint64_t)(at - text));
	return st;
}

/* An empty one is what a crash may have left before there was a first line. */
static tt_status read_all(struct outcomes *o, const char *path, int *empty)
{
	char *text = NULL;
	size_t size;
	tt_status st = file_read_all(path, FILE_MAX, &text, &size);

	if (st == TT_OK && strlen(text) != size)
		st = err_set(TT_EFORMAT, "%s is no list of results", path);
	else if (st == TT_OK && size)
		st = read_text(o, text, path);
	*empty = st == TT_OK && !size;
	mem_free(text);
	return st;
}

/* Results of unlike settings are not to be compared: they must not come to lie in one list. */
static tt_status keep_spec(const struct outcomes *o, const char *path, const tt_spec *spec)
{
	char *text;
	tt_status st;

	if (file_exists(path))
		return changed_refuse(path, spec);
	if ((st = tt_spec_text(spec, &text)) != TT_OK)
		return st;
	st = file_write_all(path, text, strlen(text));
	tt_free(text);
	return st == TT_OK ? st : err_at(st, "%s", o->dir);
}

tt_status outcomes_open(struct outcomes *o, const tt_spec *spec)
{
	const char *path = path_of(o, OUTCOMES_FILE), *own = path_of(o, "spec.yaml");
	int empty;
	tt_status st;

	o->of = mem_calloc((size_t)o->all->n * (size_t)o->seeds, sizeof *o->of);
	if (!o->of || !path || !own)
		return TT_ENOMEM;
	if ((st = file_mkdirs(o->dir)) != TT_OK ||
	    (st = file_log_open(&o->log, path, FILE_LINKS_REFUSED)) != TT_OK ||
	    (st = file_log_hold(o->log)) != TT_OK || (st = read_all(o, path, &empty)) != TT_OK ||
	    (st = keep_spec(o, own, spec)) != TT_OK)
		return st;
	o->fresh = empty;
	return empty ? file_log_append(o->log, head, strlen(head)) : TT_OK;
}

void outcomes_close(struct outcomes *o, tt_status ended)
{
	static const char *const own[] = { "spec.yaml", OUTCOMES_FILE };
	const int nothing = ended != TT_OK && ended != TT_ESTOPPED && o->fresh && !o->begun;
	const char *path;

	if (nothing) {
		for (size_t i = 0; i < sizeof own / sizeof *own; i++)
			if ((path = path_of(o, own[i])))
				remove(path);
		remove(o->dir);
	}
	file_log_close(&o->log);
	mem_free(o->of);
	o->of = NULL;
}
