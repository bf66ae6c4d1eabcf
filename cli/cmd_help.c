/* cmd_help.c -- tutti help: verbs and topics, and the files that are made from the tables. */
#include <stdio.h>
#include <string.h>

#include "docs.h"
#include "print/entries.h"

struct help_args {
	struct common common;
	int           man, markdown, spec_reference;
	const char   *completion;
};

static const char *const shells[] = { "bash", "zsh", NULL };

#define AT(field) offsetof(struct help_args, field)
static const struct flag help_flags[] = {
	{ "man",        0, FLAG_YES,  AT(man), .hidden = 1, .help = "the man page" },
	{ "markdown",   0, FLAG_YES,  AT(markdown), .hidden = 1, .help = "docs/cli.md" },
	{ "spec-reference", 0, FLAG_YES, AT(spec_reference), .hidden = 1, .help = "docs/spec.md" },
	{ "completion", 0, FLAG_TEXT, AT(completion), "SHELL", .words = shells, .help =
	  "print the completion script of a shell, to be sourced" },
	{ .kind = FLAG_END },
};

static const struct example help_examples[] = {
	{ "tutti help train", "explain a verb" },
	{ "tutti help layers", "the layers a model can be made of" },
	{ "tutti help conv2d", "one of them" },
	{ "tutti help csv", "what a table can be told (`tutti help sources` lists all sources)" },
	{ "eval \"$(tutti help --completion bash)\"", "complete words in this shell" },
	{ NULL, NULL },
};

#define NAMES_MAX 256

static tt_status nothing_called(const struct call *c, const char *word)
{
	const char *names[NAMES_MAX + 1], *near;
	tt_entry e;
	int n = 0;

	for (int i = 0; c->verbs[i] && n < NAMES_MAX; i++)
		names[n++] = c->verbs[i]->name;
	for (int i = 0; help_topics[i].name && n < NAMES_MAX; i++)
		names[n++] = help_topics[i].name;
	for (int i = 0; n < NAMES_MAX && entries_next(TT_LAYERS, i, &e); i++)
		names[n++] = e.name;
	for (int i = 0; n < NAMES_MAX && entries_next(TT_SOURCES, i, &e); i++)
		names[n++] = e.name;
	names[n] = NULL;
	near = str_nearest(word, names);
	return err_set(TT_EINVAL, "no verb, topic, layer or source '%.80s'; %s%s%s", word,
	               near ? "did you mean '" : "`tutti help` lists verbs and topics",
	               near ? near : "", near ? "'?" : "");
}

static tt_status explain(const struct call *c, const char *word, struct str *out)
{
	tt_entry e;

	for (const struct topic *t = help_topics; t->name; t++)
		if (strcmp(t->name, word) == 0) {
			t->write(out);
			return TT_OK;
		}
	for (const struct verb *const *v = c->verbs; *v; v++)
		if (strcmp((*v)->name, word) == 0) {
			docs_verb(*v, out);
			return TT_OK;
		}
	for (int i = 0; entries_next(TT_LAYERS, i, &e); i++)
		if (strcmp(e.name, word) == 0) {
			docs_layer(&e, out);
			return TT_OK;
		}
	for (int i = 0; entries_next(TT_SOURCES, i, &e); i++)
		if (strcmp(e.name, word) == 0) {
			docs_source(&e, out);
			return TT_OK;
		}
	return nothing_called(c, word);
}

static tt_status choose(const struct call *c, struct str *out)
{
	const struct help_args *o = c->opts;

	if (c->args.n)
		return explain(c, c->args.v[0], out);
	if (o->man)
		docs_man(c->verbs, out);
	else if (o->markdown)
		docs_markdown(c->verbs, out);
	else if (o->spec_reference)
		docs_spec_reference(out);
	else if (o->completion)
		(o->completion == shells[0] ? docs_bash : docs_zsh)(c->verbs, out);
	else
		docs_overview(c->verbs, out);
	return TT_OK;
}

static tt_status run_help(struct call *c)
{
	struct str out = { 0 };
	tt_status  st = choose(c, &out);

	if (st == TT_OK)
		st = str_status(&out);
	if (st == TT_OK)
		fputs(out.p ? out.p : "", stdout);
	str_release(&out);
	return st;
}

const struct verb verb_help = {
	.name = "help", .max_args = 1,
	.args = "[VERB|spec|layers|LAYER|sources|SOURCE|strategies|exit]",
	.summary = "explain a verb or a topic",
	.text =
	"Without a word it lists the verbs.  With one it explains that verb, topic, layer or\n"
	"source.\n",
	.examples = help_examples, .flags = help_flags, .opts_size = sizeof(struct help_args),
	.run = run_help,
};
