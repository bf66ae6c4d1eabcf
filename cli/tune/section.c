#include "tune/section.h"

#include <tutti/catalog.h>

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "kit/expand.h"

#define SPEC_MOST ((size_t)8 << 20)
#define TRIALS 20

struct section {
	const struct node *params, *metric;
	const char        *sampler, *scheduler;
	int64_t            trials, seed, slots;
};

#define T struct section
static const struct option section_options[] = {
	OPT_NODE (T, params, "map of names to ranges or lists"),
	OPT_NODE (T, metric, "[min:|max:]NAME, or a list of them"),
	OPT_TEXT (T, sampler, NULL, "who says what is tried next"),
	OPT_TEXT (T, scheduler, NULL, "who says how far a trial goes"),
	OPT_INT64(T, trials, "0", 0, 1e9, "how many"),
	OPT_INT64(T, seed, "0", 0, 0x1p62, "of what is tried"),
	OPT_INT64(T, slots, "0", 0, 4096, "trials at once"),
	OPT_END
};
#undef T

static tt_status append(struct arena *a, struct flag_list *l, const char *word)
{
	const char **v = arena_alloc(a, (size_t)(l->n + 1) * sizeof *v);

	if (!v || !word)
		return TT_ENOMEM;
	if (l->n)
		memcpy(v, l->v, (size_t)l->n * sizeof *v);
	v[l->n] = word;
	*l = (struct flag_list){ v, l->n + 1, l->n + 1 };
	return TT_OK;
}

/* "32,64,128" of a list, else the text. */
static tt_status range_of(struct arena *a, const struct node *n, const char **out)
{
	const char *text = "";

	if (n->kind == NODE_TEXT) {
		*out = n->text;
		return TT_OK;
	}
	for (const struct node *c = n->child; c; c = c->next) {
		if (n->kind != NODE_LIST || c->kind != NODE_TEXT)
			return node_err(n, TT_ESPEC, "%s: a range such as 0.1..0.9, or a list of values",
			                n->key ? n->key : "params");
		if (!(text = arena_printf(a, "%s%s%s", text, *text ? "," : "", c->text)))
			return TT_ENOMEM;
	}
	*out = text;
	return TT_OK;
}

static int is_given(const struct flag_list *l, const char *name)
{
	const size_t n = strlen(name);

	for (int i = 0; i < l->n; i++)
		if (strncmp(l->v[i], name, n) == 0 && l->v[i][n] == '=')
			return 1;
	return 0;
}

static tt_status add_params(struct arena *a, const struct node *map, struct tune_args *o)
{
	const char *range;
	tt_status st = TT_OK;

	if (map && map->kind != NODE_MAP)
		return node_err(map, TT_ESPEC, "params is a map of names to ranges");
	for (const struct node *n = map ? map->child : NULL; n && st == TT_OK; n = n->next)
		if (!is_given(&o->param, n->key) && (st = range_of(a, n, &range)) == TT_OK)
			st = append(a, &o->param, arena_printf(a, "%s=%s", n->key, range));
	return st;
}

static tt_status add_metrics(struct arena *a, const struct node *n, struct tune_args *o)
{
	tt_status st = TT_OK;

	if (o->metric.n || node_absent(n))
		return TT_OK;
	if (n->kind == NODE_TEXT)
		return append(a, &o->metric, n->text);
	for (n = n->child; n && st == TT_OK; n = n->next)
		st = n->kind == NODE_TEXT ? append(a, &o->metric, n->text) :
		     node_err(n, TT_ESPEC, "metric is a name, or a list of names");
	return st;
}

static tt_status fill(struct arena *a, const struct node *tune, struct tune_args *o)
{
	struct section s = {0};
	tt_status st;

	if ((st = options_default(section_options, a, &s)) != TT_OK ||
	    (st = options_read(section_options, a, tune, &s)) != TT_OK ||
	    (st = add_params(a, s.params, o)) != TT_OK || (st = add_metrics(a, s.metric, o)) != TT_OK)
		return st;
	o->sampler = o->sampler ? o->sampler : s.sampler;
	o->scheduler = o->scheduler ? o->scheduler : s.scheduler;
	o->trials = o->trials ? o->trials : s.trials;
	o->seed = o->seed ? o->seed : s.seed;
	o->slots = o->slots ? o->slots : s.slots;
	return TT_OK;
}

tt_status section_parse(struct arena *a, const char *name, const char *text,
                        struct tune_args *o)
{
	struct node *root = NULL, *tune;
	tt_status st = node_parse_yaml(a, name, text, strlen(text), &root);

	if (st != TT_OK)
		return st;
	tune = root->kind == NODE_MAP ? node_get(root, "tune") : NULL;
	if (node_absent(tune))
		return TT_OK;
	return tune->kind == NODE_MAP ? fill(a, tune, o) :
	       node_err(tune, TT_ESPEC, "tune is a map: params, metric, sampler ...");
}

static tt_status from_spec(struct arena *a, const char *spec, struct tune_args *o)
{
	struct expansion e = {0};
	char *text = NULL;
	size_t size;
	tt_status st;

	if ((st = file_read_all(spec, SPEC_MOST, &text, &size)) == TT_OK &&
	    (st = expand_text(spec, text, NULL, NULL, &e)) == TT_OK)
		st = section_parse(a, spec, e.text.p, o);
	expansion_release(&e);
	mem_free(text);
	return st;
}

/* A sampler that goes through lists has as many trials as they make. */
static int64_t usual_trials(const char *sampler)
{
	return strncmp(sampler, "grid", 4) == 0 || strncmp(sampler, "launch", 6) == 0 ? 0 : TRIALS;
}

/* As many as have cores here; elsewhere nobody knows. */
static int64_t usual_slots(const struct tune_args *o)
{
	const int64_t cores = strcmp(o->launcher, "local") == 0 ? tt_cores() / o->threads : 1;

	return cores > 1 ? cores : 1;
}

tt_status section_read(struct arena *a, const char *spec, struct tune_args *o)
{
	tt_status st = spec ? from_spec(a, spec, o) : TT_OK;

	if (st != TT_OK)
		return st;
	o->sampler = o->sampler ? o->sampler : "random";
	o->scheduler = o->scheduler ? o->scheduler : "none";
	o->trials = o->trials ? o->trials : usual_trials(o->sampler);
	o->seed = o->seed ? o->seed : 1;
	o->slots = o->slots ? o->slots : usual_slots(o);
	return TT_OK;
}
