/* signature_match.c -- how a source is to be shown to a net, by name. */
#include "learn/nn/signature.h"

#include <stdio.h>
#include <string.h>

#include "data/numeral.h"

#define LISTED 6                /* names in a message, at most */

/* The two sides, and the plan under way. */
struct match {
	const struct signature *s;
	const tt_schema        *net, *data;
	struct view_plan       *plan;
};

/* ---- messages ---- */

static void add_names(struct str *s, const char *const *names, int64_t n)
{
	for (int64_t i = 0; i < n && i < LISTED; i++)
		str_addf(s, "%s%.40s", i ? ", " : "", names[i]);
	if (n > LISTED)
		str_addf(s, " and %lld more", (long long)(n - LISTED));
}

/* "the source has no ... 'name' ...: it has a, b, c" */
static tt_status no_such(const char *what, const char *name, const char *const *there, int64_t n)
{
	struct str s = {0};
	tt_status st;

	add_names(&s, there, n);
	st = s.failed ? TT_ENOMEM : err_set(TT_ESHAPE, "%s '%.60s': there are %s", what, name,
	                                    s.p ? s.p : "none");
	str_release(&s);
	return st;
}

static tt_status wrong_input(const struct match *m, const tt_column *want)
{
	const tt_column *there = m->data->column[schema_input(m->data, 0)];
	char a[COLUMN_TEXT], b[COLUMN_TEXT];

	return err_set(TT_ESHAPE, "the model was trained on column '%.60s' (%s), the source has none "
	               "of that name but '%.60s' (%s): give the column that name", want->name,
	               column_text(want, a), there->name, column_text(there, b));
}

/* "1x28x28" */
static void add_shape(struct str *s, const tt_column *c)
{
	for (int i = 0; i < c->ndim; i++)
		if (c->shape[i] < 0)
			str_addf(s, "%sany", i ? "x" : "");
		else
			str_addf(s, "%s%lld", i ? "x" : "", (long long)c->shape[i]);
	if (!c->ndim)
		str_add(s, "1");
}

static tt_status wrong_features(const tt_column *want, const tt_column *is)
{
	const long long has = (long long)column_row(is), wants = (long long)column_row(want);
	struct str s = {0};
	tt_status st;

	if (is->features)
		add_names(&s, is->features, is->shape[0]);
	st = s.failed ? TT_ENOMEM
		: err_set(TT_ESHAPE, "the source has %lld features%s%s%s, the model wants %lld: %lld too "
		          "%s; a model for them has model.input: [%lld]%s", has, s.p ? " (" : "",
		          s.p ? s.p : "", s.p ? ")" : "", wants,
		          has > wants ? has - wants : wants - has, has > wants ? "many" : "few", has,
		          has + 1 == wants ? "; of a table without a target: write ?label=none" : "");
	str_release(&s);
	return st;
}

static tt_status wrong_shape(const tt_column *want, const tt_column *is)
{
	struct str net = {0}, data = {0};
	tt_status st;

	add_shape(&net, want);
	add_shape(&data, is);
	st = net.failed || data.failed ? TT_ENOMEM
		: err_set(TT_ESHAPE, "the samples are %s, the model wants %s: change model.input or the "
		          "source's settings (size=, gray=)", data.p, net.p);
	str_release(&net);
	str_release(&data);
	return st;
}

/* ---- inputs ---- */

static int same_shape(const tt_column *want, const tt_column *is)
{
	if (want->ndim == 1)                    /* a net over features takes any shape */
		return column_row(want) == column_row(is);
	if (want->ndim != is->ndim)
		return 0;
	return memcmp(want->shape, is->shape, (size_t)want->ndim * sizeof *want->shape) == 0;
}

/* A number that is a name of something is none that was measured. */
static tt_status check_type(const tt_column *want, const tt_column *is)
{
	if (want->type != TT_I32 || is->type == TT_I32 || is->type == TT_I64 || is->type == TT_U8)
		return TT_OK;
	return err_set(TT_ESHAPE, "the model reads whole numbers of '%.60s', the source has %s there",
	               want->name, tt_type_name(is->type));
}

/* A sequence has places of the same shape; fixed ones are sequences of one length. */
static int same_places(const tt_column *want, const tt_column *is)
{
	const size_t behind = (size_t)(want->ndim - 1) * sizeof *want->shape;

	return is->ndim == want->ndim && memcmp(want->shape + 1, is->shape + 1, behind) == 0;
}

tt_status signature_check_samples(const struct signature *s, int n, const tt_column *samples)
{
	const tt_column *want = s->data.view.column[schema_input(&s->data.view, n)];
	tt_status st = check_type(want, samples);

	if (st != TT_OK)
		return st;
	if (column_ragged(want) ? same_places(want, samples)
	                        : !column_ragged(samples) && same_shape(want, samples))
		return TT_OK;
	return want->ndim == 1 && samples->ndim == 1 && !column_ragged(samples) && !column_ragged(want)
		? wrong_features(want, samples) : wrong_shape(want, samples);
}

static int64_t find_name(const char *const *names, int64_t n, const char *name)
{
	for (int64_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

tt_status signature_pick(const tt_column *want, const tt_column *is, int64_t *pick, int *moved)
{
	const int64_t n = want->shape[0], there = is->shape[0];

	*moved = n != there;
	for (int64_t i = 0; i < n; i++) {
		const char *name = want->features[i];

		if (pick[i] < 0 || pick[i] >= there || strcmp(is->features[pick[i]], name) != 0)
			pick[i] = find_name(is->features, there, name);
		if (pick[i] < 0)
			return no_such("the source has no feature", name, is->features, there);
		*moved |= pick[i] != i;
	}
	return TT_OK;
}

/* Where the net's features lie in the source's; NULL: in the same places. */
static tt_status pick_features(const struct match *m, const tt_column *want, const tt_column *is,
                               int64_t **out)
{
	const int64_t n = want->shape[0];
	int64_t *pick = arena_alloc(&m->plan->schema.arena, (size_t)n * sizeof *pick);
	int moved;
	tt_status st;

	if (!pick)
		return TT_ENOMEM;
	for (int64_t i = 0; i < n; i++)
		pick[i] = i;
	if ((st = signature_pick(want, is, pick, &moved)) == TT_OK)
		*out = moved ? pick : NULL;
	return st;
}

static tt_status find_input(const struct match *m, const tt_column *want, int *out)
{
	int at = schema_find(m->data, want->name);

	if (schema_input(m->data, 0) < 0)
		return err_set(TT_ESHAPE, "the source has no input column");
	if (at >= 0 && at != schema_target(m->data) && at != schema_weight(m->data))
		*out = at;
	else if (!m->s->view.known && schema_input(m->data, 1) < 0 && schema_input(m->net, 1) < 0)
		*out = schema_input(m->data, 0);
	else
		return wrong_input(m, want);
	return TT_OK;
}

static tt_status match_input(const struct match *m, int n)
{
	const tt_column *want = m->net->column[schema_input(m->net, n)], *is;
	const int place = m->plan->schema.view.columns;
	tt_column shown;
	int at;
	tt_status st = find_input(m, want, &at);

	if (st != TT_OK)
		return st;
	is = m->data->column[at];
	shown = *is;
	shown.name = want->name;
	if (want->features && is->features) {
		if ((st = pick_features(m, want, is, &m->plan->pick[place])) != TT_OK)
			return st;
		shown.shape[0] = want->shape[0];
		shown.features = want->features;
	}
	if ((st = signature_check_samples(m->s, n, &shown)) != TT_OK)
		return st;
	m->plan->from[place] = at;
	m->plan->changes |= m->plan->pick[place] || at != place || strcmp(is->name, want->name) != 0;
	return schema_add(&m->plan->schema, &shown);
}

static tt_status match_inputs(const struct match *m)
{
	tt_status st = TT_OK;

	for (int n = 0; st == TT_OK && schema_input(m->net, n) >= 0; n++)
		st = match_input(m, n);
	return st;
}

/* ---- lists of names ---- */

typedef int (*same)(const char *a, const char *b);

static int same_bytes(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

struct names { const char *const *v; int64_t n; };

static tt_status same_list(const char *what, struct names net, struct names here, same is)
{
	const char *const *a = net.v, *const *b = here.v;
	const int64_t n = net.n, m = here.n;

	if (!a || !b)
		return TT_OK;
	for (int64_t i = 0; i < n && i < m; i++)
		if (!is(a[i], b[i]))
			return err_set(TT_ESHAPE, "%s %lld is '%.60s' here and '%.60s' to the model: they must "
			               "be the same in the same order", what, (long long)i, b[i], a[i]);
	return n == m ? TT_OK : err_set(TT_ESHAPE, "there are %lld names for the model's %lld (%s)",
	                                (long long)m, (long long)n, what);
}

/* ---- targets ---- */

static const char *const kind_words[] = {
	[TT_TARGET_CLASS] = "a class", [TT_TARGET_VALUES] = "values",
	[TT_TARGET_LABELS] = "any number of classes", [TT_TARGET_NONE] = "nothing",
	[TT_TARGET_PLACES] = "a class at each place",
};

static tt_status check_kind(const struct match *m)
{
	if (!m->s->view.known || m->net->kind == m->data->kind || m->net->kind == TT_TARGET_NONE)
		return TT_OK;
	return err_set(TT_ESHAPE, "the model was trained to predict %s ('%.60s'), the source's target "
	               "'%.60s' is %s: name another column (label=) or kind (task=)",
	               kind_words[m->net->kind], m->net->target, m->data->target,
	               kind_words[m->data->kind]);
}

static tt_status stranger(const struct match *m, int class)
{
	return no_such("the model does not know the source's class", m->data->class_names[class],
	               m->net->class_names, m->net->classes);
}

/* The net's class of that name; numbers are the same however they are written. */
static int64_t find_class(const struct match *m, const char *name)
{
	const char *const *names = m->net->class_names;
	const int64_t n = m->net->classes;
	int64_t at = find_name(names, n, name);

	if (at >= 0 || !numeral_all(&name, 1) || !numeral_all(names, n))
		return at;
	for (at = 0; at < n; at++)
		if (numeral_same(names[at], name))
			return at;
	return -1;
}

static tt_status map_classes(const struct match *m, const tt_column *c)
{
	const int n = m->data->classes;
	int moved = n != m->net->classes;
	int32_t *map = arena_alloc(&m->plan->schema.arena, ((size_t)n + 1) * sizeof *map);

	if (!map)
		return TT_ENOMEM;
	for (int i = 0; i < n; i++) {
		int64_t at = find_class(m, m->data->class_names[i]);

		if (at < 0)
			return stranger(m, i);
		if (c->type == TT_U8 && at > UINT8_MAX)
			return err_set(TT_ESUPPORT, "class '%.60s' is number %lld of the model, which column "
			               "'%.60s' cannot hold: it is u8", m->data->class_names[i],
			               (long long)at, c->name);
		map[i] = (int32_t)at;
		moved |= at != i;
	}
	m->plan->class = moved ? map : NULL;
	return TT_OK;
}

/* A 0 or 1 for each class: classes that the source does not have are 0. */
static tt_status pick_labels(const struct match *m, int place)
{
	const int n = m->net->classes;
	int moved = n != m->data->classes;
	int64_t *pick = arena_alloc(&m->plan->schema.arena, (size_t)n * sizeof *pick);

	if (!pick)
		return TT_ENOMEM;
	for (int i = 0; i < m->data->classes; i++)
		if (find_name(m->net->class_names, n, m->data->class_names[i]) < 0)
			return stranger(m, i);
	for (int i = 0; i < n; i++) {
		pick[i] = find_name(m->data->class_names, m->data->classes, m->net->class_names[i]);
		moved |= pick[i] != i;
	}
	m->plan->pick[place] = moved ? pick : NULL;
	return TT_OK;
}

static int by_name(const struct match *m)
{
	return m->net->class_names && m->data->class_names && m->net->kind == m->data->kind;
}

/* Classes without names are those of the net, if they are as many: they get its names. */
static int by_place(const struct match *m)
{
	return m->net->class_names && !m->data->class_names && m->net->kind == m->data->kind &&
	       m->net->classes == m->data->classes;
}

/* The classes that the view has: the net's, if it is known which is which. */
static tt_status match_classes(const struct match *m, int place, tt_column *shown)
{
	tt_status st = TT_OK;

	if (!by_name(m))
		return TT_OK;
	if (m->data->kind == TT_TARGET_PLACES)
		return same_list("class", (struct names){ m->net->class_names, m->net->classes },
		                 (struct names){ m->data->class_names, m->data->classes }, same_bytes);
	if (m->data->kind == TT_TARGET_CLASS)
		st = map_classes(m, shown);
	else if ((st = pick_labels(m, place)) == TT_OK)
		shown->shape[0] = m->net->classes;
	m->plan->changes |= m->plan->class != NULL || m->plan->pick[place] != NULL;
	return st;
}

static tt_status match_target(const struct match *m)
{
	const int at = schema_target(m->data), place = m->plan->schema.view.columns;
	const int named = m->s->view.known && m->net->target;
	const tt_schema *classes;
	tt_column shown;
	tt_status st;

	m->plan->schema.view.kind = TT_TARGET_NONE;
	if (at < 0)
		return TT_OK;
	shown = *m->data->column[at];
	if (named)
		shown.name = m->net->target;
	if ((st = check_kind(m)) != TT_OK || (st = match_classes(m, place, &shown)) != TT_OK)
		return st;
	m->plan->from[place] = at;
	m->plan->changes |= at != place || strcmp(shown.name, m->data->target) != 0;
	classes = by_name(m) || by_place(m) ? m->net : m->data;
	m->plan->changes |= by_place(m);
	if ((st = schema_add(&m->plan->schema, &shown)) != TT_OK)
		return st;
	return schema_set_target(&m->plan->schema, &(struct schema_target){
		shown.name, m->data->kind, classes->classes, classes->class_names });
}

static tt_status match_weight(const struct match *m)
{
	static const char *const names[] = { "weight", "weights", "sample weight", NULL };
	const int at = schema_weight(m->data), place = m->plan->schema.view.columns;
	tt_column shown;
	tt_status st;

	if (at < 0)
		return TT_OK;
	shown = *m->data->column[at];
	for (int i = 0; names[i] && schema_find(&m->plan->schema.view, shown.name) >= 0; i++)
		shown.name = names[i];          /* only its place matters */
	m->plan->from[place] = at;
	m->plan->changes |= at != place;
	if ((st = schema_add(&m->plan->schema, &shown)) != TT_OK)
		return st;
	return schema_set_weight(&m->plan->schema, shown.name);
}

static tt_status finish(const struct match *m, tt_status st)
{
	if (st == TT_OK && (st = schema_set_recipe(&m->plan->schema, m->data->recipe)) == TT_OK) {
		m->plan->changes |= m->plan->schema.view.columns != m->data->columns;
		return st;
	}
	schema_release(&m->plan->schema);
	*m->plan = (struct view_plan){0};
	return st;
}

/* ---- the same names? ---- */

tt_status signature_same_names(const struct signature *s, const tt_schema *there)
{
	const tt_schema *net = &s->data.view;
	tt_status st = TT_OK;

	for (int n = 0; st == TT_OK && schema_input(net, n) >= 0 && schema_input(there, n) >= 0; n++) {
		const tt_column *a = net->column[schema_input(net, n)];
		const tt_column *b = there->column[schema_input(there, n)];

		st = same_list("feature", (struct names){ a->features, a->shape[0] },
		               (struct names){ b->features, b->shape[0] }, same_bytes);
	}
	if (st != TT_OK)
		return st;
	return same_list("class", (struct names){ net->class_names, net->classes },
	                 (struct names){ there->class_names, there->classes }, numeral_same);
}

tt_status signature_match_inputs(const struct signature *s, const tt_schema *data,
                                 struct view_plan *plan)
{
	const struct match m = { .s = s, .net = &s->data.view, .data = data, .plan = plan };

	plan->schema.view.kind = TT_TARGET_NONE;
	return finish(&m, match_inputs(&m));
}

tt_status signature_match(const struct signature *s, const tt_schema *data, struct view_plan *plan)
{
	const struct match m = { .s = s, .net = &s->data.view, .data = data, .plan = plan };
	tt_status st;

	if ((st = match_inputs(&m)) == TT_OK && (st = match_target(&m)) == TT_OK)
		st = match_weight(&m);
	return finish(&m, st);
}
