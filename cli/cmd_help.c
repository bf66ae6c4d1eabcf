/* cmd_help.c -- tutti help: verbs and topics, and the files that are made from the tables. */
#include <stdio.h>
#include <string.h>

#include "docs.h"

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
	{ "tutti help layers", "the layers a net can be made of" },
	{ "eval \"$(tutti help --completion bash)\"", "complete words in this shell" },
	{ NULL, NULL },
};

static tt_status explain(const struct call *c, const char *word, struct str *out)
{
	const struct verb *v;
	tt_status          st;

	for (const struct topic *t = help_topics; t->name; t++)
		if (strcmp(t->name, word) == 0) {
			t->write(out);
			return TT_OK;
		}
	if ((st = verbs_find(c->verbs, word, &v)) != TT_OK)
		return st;
	docs_verb(v, out);
	return TT_OK;
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
	.name = "help", .args = "[VERB|spec|layers|sources|exit]", .max_args = 1,
	.summary = "explain a verb or a topic",
	.text =
	"Without a word it lists the verbs.  With one it explains that verb or topic.\n",
	.examples = help_examples, .flags = help_flags, .opts_size = sizeof(struct help_args),
	.run = run_help,
};
