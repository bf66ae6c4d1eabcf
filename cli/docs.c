/* Help for people at a terminal. */
#include "docs.h"

#include <tutti/observer.h>

#include <string.h>

#include "print/entries.h"
#include "print/options_text.h"

void docs_overview(const struct verb *const *all, struct str *out)
{
	str_add(out, "usage: tutti VERB [OPTIONS] ...\n\n"
	             "Trains neural nets and uses them.  Verbs:\n\n");
	for (const struct verb *const *v = all; *v; v++)
		str_addf(out, "  %-9s %s\n", (*v)->name, (*v)->summary);
	str_add(out, "\n`tutti help VERB` explains one; `tutti help spec`, `layers`, `sources`, "
	             "`strategies`,\n`metrics` and `exit` explain what a spec can say, its layers, "
	             "where data come from,\nhow workers stay together, what is measured, and exit "
	             "codes; `tutti help conv2d`\nexplains one layer.\n\n"
	             "A first try:\n\n  tutti train examples/demo.yaml\n");
}

static void add_examples(const struct verb *v, struct str *out)
{
	str_add(out, "\nExamples:\n");
	for (const struct example *e = v->examples; e->line; e++) {
		str_addf(out, "\n  %s\n", e->line);
		if (*e->what)
			str_addf(out, "      %s\n", e->what);
	}
}

void docs_verb(const struct verb *v, struct str *out)
{
	str_addf(out, "usage: tutti %s [OPTIONS]%s%s\n\n%s", v->name, *v->args ? " " : "", v->args,
	         v->text);
	str_add(out, "\nOptions:\n");
	flags_help(v->flags, out);
	flags_help(common_flags, out);
	add_examples(v, out);
}

void docs_spec(struct str *out)
{
	str_add(out, "The keys of a spec, with their types and defaults (docs/spec.md has more):\n\n");
	options_help(tt_options_spec(), 0, out);
}

int docs_own_options(const tt_options *t)
{
	tt_option o;
	int first = 0;

	while (entries_next_option(t, first, &o) &&
	       (strcmp(o.name, "name") == 0 || strcmp(o.name, "from") == 0 ||
	        strcmp(o.name, "share") == 0))
		first++;
	return first;
}

static int first_of_group(int i, const char *group)
{
	tt_entry e;

	for (int k = 0; k < i && entries_next(TT_LAYERS, k, &e); k++)
		if (strcmp(e.group, group) == 0)
			return 0;
	return 1;
}

void docs_each_kind(void (*f)(const tt_entry *k, const char *new_group, struct str *out),
                    struct str *out)
{
	tt_entry first, e;

	for (int i = 0; entries_next(TT_LAYERS, i, &first); i++) {
		if (!first_of_group(i, first.group))
			continue;
		f(&first, first.group, out);
		for (int k = i + 1; entries_next(TT_LAYERS, k, &e); k++)
			if (strcmp(e.group, first.group) == 0)
				f(&e, NULL, out);
	}
}

void docs_layer(const tt_entry *k, struct str *out)
{
	str_addf(out, "%s: %s\n", k->name, k->help);
	options_help(k->options, docs_own_options(k->options), out);
}

static void add_kind(const tt_entry *k, const char *new_group, struct str *out)
{
	if (new_group)
		str_addf(out, "\n---- %s ----\n", new_group);
	str_add(out, "\n");
	docs_layer(k, out);
}

void docs_layers(struct str *out)
{
	str_add(out, "A layer is written `kind: {settings}`.  Every kind also takes `name`, and `from`:"
	             " the name\nof the layer it reads (the one before), and `share`: the name of an "
	             "earlier layer whose\nparameters it uses (its own).\n");
	docs_each_kind(add_kind, out);
}

void docs_source(const tt_entry *k, struct str *out)
{
	str_addf(out, "%s\n", k->help);
	options_help(k->options, 0, out);
}

void docs_sources(struct str *out)
{
	tt_entry e;

	str_add(out, "A source is SCHEME:PLACE with settings after '?', divided by '&'.\n");
	for (int i = 0; entries_next(TT_SOURCES, i, &e); i++) {
		str_add(out, "\n");
		docs_source(&e, out);
	}
}

static void add_rows(enum tt_catalog table, struct str *out)
{
	tt_entry e;

	for (int i = 0; entries_next(table, i, &e); i++)
		str_addf(out, "  %-14s %s\n", e.name, e.help);
}

void docs_strategies(struct str *out)
{
	str_add(out, "By which workers stay together: `tutti train --strategy NAME`, or "
	             "distribute.strategy in the spec.\n\n");
	add_rows(TT_STRATEGIES, out);
	str_add(out, "\n`tutti help spec` has the settings, below distribute.\n");
}

void docs_samplers(struct str *out)
{
	str_add(out, "What a search tries next: `tutti tune --sampler NAME:KEY=VALUE,...`\n\n");
	add_rows(TT_SAMPLERS, out);
}

void docs_schedulers(struct str *out)
{
	str_add(out, "Who says how far a trial goes: `tutti tune --scheduler NAME:KEY=VALUE,...`\n\n");
	add_rows(TT_SCHEDULERS, out);
}

void docs_metrics(struct str *out)
{
	str_add(out, "The numbers that a training tells, in metrics.csv, TensorBoard and to "
	             "observers.  Those of a\nvalidation can be watched (train.monitor) and asked for "
	             "(train.metrics); `tutti eval` has them all.\n\n");
	for (int i = 0; i < tt_metric_count(); i++) {
		tt_metric m = TT_SIZED(tt_metric);

		if (tt_metric_get(i, &m) == TT_OK)
			str_addf(out, "  %-24s %s%s%s\n", m.name, m.unit, *m.unit ? ", " : "", m.help);
	}
}

void docs_exit_codes(struct str *out)
{
	for (const struct exit_row *r = exit_rows; r->meaning; r++)
		if (r->code == TT_EXIT_SIGNAL)
			str_addf(out, "  %s\n", r->meaning);
		else
			str_addf(out, "  %-3d  %s\n", r->code, r->meaning);
}

const struct topic help_topics[] = {
	{ "spec", docs_spec },
	{ "layers", docs_layers },
	{ "sources", docs_sources },
	{ "strategies", docs_strategies },
	{ "metrics", docs_metrics },
	{ "samplers", docs_samplers },
	{ "schedulers", docs_schedulers },
	{ "exit", docs_exit_codes },
	{ NULL, NULL },
};
