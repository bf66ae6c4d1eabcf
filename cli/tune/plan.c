#include "tune/plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tutti/observer.h>
#include <tutti/plug.h>
#include <tutti/run.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/shell.h"
#include "kit/metrics.h"
#include "kit/specfile.h"
#include "tune/words.h"

/* ---- parameters ---- */

static tt_status add_param(struct plan *p, const char *pair)
{
	const char *eq = strchr(pair, '=');
	char *name;

	if (!eq || eq == pair)
		return err_set(TT_EINVAL, "--param wants NAME=RANGE, such as train.optimizer.lr=log:1e-4.."
		               "1e-1, not '%s'", pair);
	if (!(name = arena_strdup(p->arena, pair)))
		return TT_ENOMEM;
	name[eq - pair] = '\0';
	return tt_space_add(p->space, name, eq + 1);
}

static tt_status read_params(struct plan *p)
{
	tt_status st = tt_space_new(&p->space);

	for (int i = 0; st == TT_OK && i < p->args->param.n; i++)
		st = add_param(p, p->args->param.v[i]);
	if (st == TT_OK && !tt_space_count(p->space))
		return err_set(TT_EINVAL, "nothing to search: name parameters by --param NAME=RANGE");
	return st;
}

/* ---- metrics ---- */

#define METRICS_MOST 256
static tt_status no_direction(const char *name)
{
	const char *words[METRICS_MOST + 1] = { "seconds" }, *near;
	int n = 1;

	for (int i = 0; i < tt_metric_count() && n < METRICS_MOST; i++) {
		tt_metric m = TT_SIZED(tt_metric);

		if (tt_metric_get(i, &m) == TT_OK && m.better)
			words[n++] = m.name;
	}
	near = str_nearest(name, words);
	return err_set(TT_EINVAL, "--metric %s: is more of it better (max:%s) or less (min:%s)?"
	               "%s%s%s", name, name, name, near ? " Or did you mean '" : "", near ? near : "",
	               near ? "'?" : "");
}

static tt_status add_metric(struct plan *p, const char *word)
{
	const int min = strncmp(word, "min:", 4) == 0, max = strncmp(word, "max:", 4) == 0;
	const char *name = min || max ? word + 4 : word;
	const int better = min || strcmp(word, "seconds") == 0 ? -1 : max ? 1 : metric_better(name);

	if (!*name)
		return err_set(TT_EINVAL, "--metric wants [min:|max:]NAME, not '%s'", word);
	if (!better)
		return no_direction(name);
	if (p->metrics == PLAN_METRICS)
		return err_set(TT_EINVAL, "--metric: at most %d", PLAN_METRICS);
	p->direction[p->metrics] = better > 0 ? TT_MAXIMIZE : TT_MINIMIZE;
	p->metric[p->metrics++] = name;
	return TT_OK;
}

static tt_status read_metrics(struct plan *p)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < p->args->metric.n; i++)
		st = add_metric(p, p->args->metric.v[i]);
	if (st != TT_OK || p->metrics)
		return st;
	if (!p->spec)
		return err_set(TT_EINVAL, "what does the command print that is to be better?  Say --metric "
		               "max:NAME or min:NAME");
	return add_metric(p, "valid.accuracy");
}

/* ---- rows of tables, and their options ---- */

/* "asha:max=9,factor=3" is the row asha with {max: 9, factor: 3}. */
static tt_status read_row(struct plan *p, const char *word, const char **name, const char **options)
{
	const size_t n = strcspn(word, ":");
	struct str s = {0};
	tt_status st;

	str_add_bytes(&s, word, n);
	if ((st = str_status(&s)) == TT_OK && !(*name = arena_strdup(p->arena, s.p ? s.p : "")))
		st = TT_ENOMEM;
	s.len = 0;
	str_add(&s, "{");
	for (const char *c = word + n + (word[n] == ':'); *c; c++)
		str_add_bytes(&s, *c == '=' ? ": " : *c == ',' ? ", " : c, *c == '=' || *c == ',' ? 2 : 1);
	str_add(&s, "}");
	if (st == TT_OK && (st = str_status(&s)) == TT_OK && !(*options = arena_strdup(p->arena, s.p)))
		st = TT_ENOMEM;
	str_release(&s);
	return st;
}

/* Rungs of budgets end where a trial of the spec does, unless somebody says otherwise. */
static tt_status add_max(struct plan *p, const tt_spec *spec)
{
	static const char *const rungs[] = { "asha", "halving", "hyperband" };
	const char *o = p->scheduler_options, *epochs;
	tt_status st;

	for (size_t i = 0; i < sizeof rungs / sizeof *rungs; i++) {
		if (strcmp(p->scheduler, rungs[i]) != 0 || strstr(o, "max: "))
			continue;
		if ((st = specfile_text(p->arena, spec, "train.epochs", &epochs)) != TT_OK)
			return st;
		p->scheduler_options = arena_printf(p->arena, "{max: %s%s%s", epochs,
		                                    o[1] == '}' ? "" : ", ", o + 1);
		return p->scheduler_options ? TT_OK : TT_ENOMEM;
	}
	return TT_OK;
}

static tt_status read_rows(struct plan *p)
{
	struct specfile f = {0};
	tt_status st = read_row(p, p->args->sampler, &p->sampler, &p->sampler_options);

	if (st == TT_OK)
		st = read_row(p, p->args->scheduler, &p->scheduler, &p->scheduler_options);
	if (st != TT_OK || !p->spec || (st = specfile_load(&f, p->spec, &p->args->set)) != TT_OK)
		return st;
	if ((st = tt_spec_resolve(f.spec)) == TT_OK)
		st = add_max(p, f.spec);
	specfile_release(&f);
	return st;
}

/* ---- a spec ---- */

/* One of its values, as a text. */
static const char *some_value(const tt_param *q, char text[64])
{
	if (q->count)
		return q->choices[0];
	snprintf(text, 64, q->kind == TT_PARAM_INT ? "%.0f" : "%.17g", q->min);
	return text;
}

/* A spec of its own with one parameter set: keys that are none are named here. */
static tt_status check_key(struct plan *p, const tt_param *q)
{
	struct specfile f = {0};
	char text[64], why[ERR_MAX];
	tt_status st = specfile_load(&f, p->spec, &p->args->set);

	if (st != TT_OK)
		return st;
	if ((st = tt_spec_resolve(f.spec)) == TT_OK && !q->parent &&
	    ((st = tt_spec_set(f.spec, q->name, some_value(q, text))) != TT_OK ||
	     (st = tt_spec_resolve(f.spec)) != TT_OK)) {
		snprintf(why, sizeof why, "%s", tt_last_error());
		st = err_set(TT_EINVAL, "--param %s: %s", q->name, why);
	}
	specfile_release(&f);
	return st;
}

static tt_status check_spec(struct plan *p)
{
	tt_param q = TT_SIZED(tt_param);
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < tt_space_count(p->space); i++)
		if ((st = tt_space_get(p->space, i, &q)) == TT_OK)
			st = check_key(p, &q);
	return st;
}

/* ---- a command ---- */

static tt_status check_used(const struct plan *p, const char *used)
{
	tt_param q = TT_SIZED(tt_param);

	for (int i = 0; i < tt_space_count(p->space); i++)
		if (!used[i] && tt_space_get(p->space, i, &q) == TT_OK)
			return err_set(TT_EINVAL, "--param %s: the command does not ask for it; write {%s} "
			               "where its value belongs", q.name, q.name);
	return TT_OK;
}

static tt_status check_command(struct plan *p)
{
	char *used = arena_alloc(p->arena, (size_t)tt_space_count(p->space) + 1);
	tt_status st = used ? TT_OK : TT_ENOMEM;

	for (int i = 0; st == TT_OK && i < p->command.n; i++)
		st = words_check(p->command.v[i], p->space, used);
	return st == TT_OK ? check_used(p, used) : st;
}

/* ---- all of it ---- */

static void list(struct str *s, const char *key, const struct flag_list *l)
{
	str_addf(s, ", \"%s\": [", key);
	for (int i = 0; i < l->n; i++) {
		str_add(s, i ? ", " : "");
		str_add_json(s, l->v[i]);
	}
	str_add(s, "]");
}

static void pair(struct str *s, const char *key, const char *value)
{
	str_addf(s, ", \"%s\": ", key);
	str_add_json(s, value);
}

/* More trials, slots or time may be wanted of a search that goes on; these may not change. */
static tt_status write_about(struct plan *p)
{
	const struct flag_list command = { (const char **)p->command.v, p->command.n, 0 };
	struct str *s = &p->about;

	str_addf(s, "{\"seed\": %lld", (long long)p->args->seed);
	if (p->spec)
		pair(s, "spec", p->spec);
	else
		list(s, "command", &command);
	pair(s, "sampler", p->args->sampler);
	pair(s, "scheduler", p->args->scheduler);
	list(s, "param", &p->args->param);
	list(s, "metric", &p->args->metric);
	list(s, "set", &p->args->set);
	str_add(s, "}");
	return str_status(s);
}

static tt_status find_program(struct plan *p)
{
	char path[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n < 0)
		return err_set(TT_EIO, "/proc/self/exe: this program cannot be found");
	path[n] = '\0';
	return (p->program = arena_strdup(p->arena, path)) ? TT_OK : TT_ENOMEM;
}

static tt_status choose_dir(struct plan *p)
{
	struct specfile f = {0};
	const char *name = "tune";
	tt_status st;

	if ((p->dir = p->args->out))
		return TT_OK;
	if (p->spec) {
		if ((st = specfile_load(&f, p->spec, &p->args->set)) != TT_OK)
			return st;
		if ((st = tt_spec_resolve(f.spec)) == TT_OK)
			st = specfile_text(p->arena, f.spec, "name", &name);
		specfile_release(&f);
		if (st != TT_OK)
			return st;
	}
	p->dir = arena_printf(p->arena, p->spec ? "runs/%s-tune" : "runs/%s", name);
	return p->dir ? TT_OK : TT_ENOMEM;
}

/* All trials are recorded where runs beside the search would be. */
static tt_status choose_store(struct plan *p)
{
	const char *slash = strrchr(p->dir, '/'), *given = getenv("TUTTI_STORE");
	tt_plug plug = TT_SIZED(tt_plug);
	int n = 0;

	for (int i = 0; i < tt_plug_count(); i++)
		n += tt_plug_get(i, &plug) == TT_OK && strcmp(plug.kind, "store") == 0 && plug.version;
	if (!p->spec || (given && *given) || !n)
		return TT_OK;
	p->store = slash && slash > p->dir ?
	           arena_printf(p->arena, "%.*s/tutti.db", (int)(slash - p->dir), p->dir) : "tutti.db";
	return p->store ? TT_OK : TT_ENOMEM;
}

tt_status plan_make(struct plan *p)
{
	tt_status st;

	if ((st = read_params(p)) != TT_OK || (st = read_metrics(p)) != TT_OK ||
	    (st = read_rows(p)) != TT_OK ||
	    (st = p->spec ? check_spec(p) : check_command(p)) != TT_OK ||
	    (st = write_about(p)) != TT_OK || (st = find_program(p)) != TT_OK)
		return st;
	return choose_dir(p) == TT_OK ? choose_store(p) : err_status();
}

void plan_release(struct plan *p)
{
	tt_space_free(&p->space);
	str_release(&p->about);
}

/* ---- words of a trial ---- */

static void add_pair(tt_command *out, const char *key, const char *value)
{
	struct str s = {0};

	str_addf(&s, "%s=%s", key, value);
	tt_command_add(out, "--set");
	tt_command_add(out, str_status(&s) == TT_OK ? s.p : NULL);
	str_release(&s);
}

static tt_status add_values(tt_command *out, const tt_attempt *a)
{
	tt_status st = TT_OK;

	for (int i = 0; st == TT_OK && i < a->suggestion->n; i++) {
		tt_value v = TT_SIZED(tt_value);

		if ((st = tt_study_value(a->study, a->suggestion->trial, i, &v)) == TT_OK)
			add_pair(out, v.name, v.text);
	}
	return st;
}

/* A trial that has a checkpoint goes on from it; one that has a parent begins with its. */
static tt_status add_resume(tt_command *out, const char *run, const tt_attempt *a)
{
	char *own = NULL, *parent = NULL;
	struct str s = {0};
	tt_status st = tt_run_path(run, TT_RUN_LAST, &own);

	if (st == TT_OK && file_exists(own)) {
		tt_command_add(out, "--resume");
	} else if (st == TT_OK && a->parent_dir) {
		str_addf(&s, "%s/run", a->parent_dir);
		if ((st = str_status(&s)) == TT_OK &&
		    (st = tt_run_path(s.p, TT_RUN_LAST, &parent)) == TT_OK) {
			s.len = 0;
			str_addf(&s, "--resume=%s", parent);
			tt_command_add(out, s.failed ? NULL : s.p);
		}
	}
	tt_free(own);
	tt_free(parent);
	str_release(&s);
	return st;
}

static tt_status train_command(const struct plan *p, const tt_attempt *a, tt_command *out)
{
	const struct tune_args *o = p->args;
	const char *const begin[] = { p->program, "train", p->spec, "--quiet", "--report" };
	char *run = arena_printf(p->arena, "%s/run", a->dir);
	char threads[32];

	if (!run)
		return TT_ENOMEM;
	for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
		tt_command_add(out, begin[i]);
	snprintf(threads, sizeof threads, "%lld", (long long)o->threads);
	add_pair(out, "train.threads", threads);
	for (int i = 0; i < o->set.n; i++) {
		tt_command_add(out, "--set");
		tt_command_add(out, o->set.v[i]);
	}
	tt_command_add(out, "--run");
	tt_command_add(out, run);
	if (p->store) {
		tt_command_add(out, "--store");
		tt_command_add(out, p->store);
	}
	return add_values(out, a) == TT_OK ? add_resume(out, run, a) : err_status();
}

tt_status plan_command(const struct plan *p, const tt_attempt *a, tt_command *out)
{
	const tt_suggestion *g = a->suggestion;
	const struct words_facts f = { g->trial, g->budget, a->dir, a->parent_dir, g->n, a->study };
	tt_status st = TT_OK;

	if (p->spec)
		return train_command(p, a, out);
	for (int i = 0; st == TT_OK && i < p->command.n; i++) {
		struct str word = {0};

		if ((st = words_fill(p->command.v[i], &f, &word)) == TT_OK)
			tt_command_add(out, word.p);
		str_release(&word);
	}
	return st;
}

static void add_word(struct str *out, const char *word)
{
	str_add(out, out->len ? " " : "");
	shell_add(out, word);
}

tt_status plan_line(const struct plan *p, const tt_study *s, const tt_trial *t, struct str *out)
{
	const struct words_facts f = { t->trial, 0, p->dir, NULL, t->n, s };
	tt_status st = TT_OK;

	if (p->spec) {
		str_add(out, "tutti train");
		add_word(out, p->spec);
	}
	for (int i = 0; p->spec && i < p->args->set.n; i++) {
		str_add(out, " --set");
		add_word(out, p->args->set.v[i]);
	}
	for (int i = 0; p->spec && i < t->n; i++) {
		tt_value v = TT_SIZED(tt_value);
		char *both;

		if ((st = tt_study_value(s, t->trial, i, &v)) != TT_OK)
			return st;
		both = arena_printf(p->arena, "%s=%s", v.name, v.text);
		str_add(out, " --set");
		add_word(out, both ? both : "");
	}
	for (int i = 0; !p->spec && st == TT_OK && i < p->command.n; i++) {
		struct str word = {0};

		if ((st = words_fill(p->command.v[i], &f, &word)) == TT_OK)
			add_word(out, word.p);
		str_release(&word);
	}
	return st == TT_OK ? str_status(out) : st;
}
