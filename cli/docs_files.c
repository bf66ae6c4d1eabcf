/* The same tables as files: man page, Markdown, completion, spec reference. */
#include "docs.h"

#include <string.h>

#include "print/entries.h"
#include "print/options_text.h"

/* ---- man page ---- */

/* Plain text as roff: backslashes and hyphens escaped, no line a request by accident. */
static void roff(const char *s, struct str *out)
{
	int start = 1;

	for (; *s; s++) {
		if (start && (*s == '.' || *s == '\''))
			str_add(out, "\\&");
		if (*s == '\\')
			str_add(out, "\\e");
		else if (*s == '-')
			str_add(out, "\\-");
		else
			str_add_bytes(out, s, 1);
		start = *s == '\n';
	}
}

/* Paragraphs of a text are divided by empty lines. */
static void roff_text(const char *s, struct str *out)
{
	const char *gap;
	struct str  part = { 0 };

	for (; (gap = strstr(s, "\n\n")) != NULL; s = gap + 2) {
		str_add_bytes(&part, s, (size_t)(gap + 1 - s));
		roff(part.p ? part.p : "", out);
		str_add(out, ".PP\n");
		str_release(&part);
	}
	roff(s, out);
}

static void roff_flags(const struct flag *rows, struct str *out)
{
	struct str usage = { 0 };

	for (; rows->kind != FLAG_END; rows++) {
		if (rows->hidden)
			continue;
		str_add(out, ".TP\n.B ");
		if (rows->letter)
			str_addf(out, "\\-%c, ", rows->letter);
		flag_usage(rows, &usage);
		roff(usage.p ? usage.p : "", out);
		str_release(&usage);
		str_add(out, "\n");
		roff(rows->help, out);
		if (rows->def) {
			str_add(out, " (");
			roff(rows->def, out);
			str_add(out, ")");
		}
		str_add(out, "\n");
	}
}

static void roff_verb(const struct verb *v, struct str *out)
{
	str_addf(out, ".SS tutti %s [OPTIONS] ", v->name);
	roff(v->args, out);
	str_add(out, "\n");
	roff_text(v->text, out);
	roff_flags(v->flags, out);
	for (const struct example *e = v->examples; e->line; e++) {
		str_add(out, ".PP\n");
		if (*e->what) {
			roff(e->what, out);
			str_add(out, ":\n");
		}
		str_add(out, ".PP\n.RS 4\n.nf\n");
		roff(e->line, out);
		str_add(out, "\n.fi\n.RE\n");
	}
}

void docs_man(const struct verb *const *all, struct str *out)
{
	str_add(out, ".\\\" Made by `tutti help --man` from the table of verbs: do not edit.\n"
	             ".TH TUTTI 1 \"\" \"tutti " TT_VERSION "\" \"User Commands\"\n"
	             ".SH NAME\ntutti \\- train neural nets and use them\n"
	             ".SH SYNOPSIS\n.B tutti\n.I VERB\n[OPTIONS] ...\n"
	             ".SH DESCRIPTION\n"
	             "Trains neural nets described by a YAML file on images and tables, measures them "
	             "and asks\nthem for predictions.  Results go to standard output, talk to standard "
	             "error.\n.SH VERBS\n");
	for (const struct verb *const *v = all; *v; v++)
		roff_verb(*v, out);
	str_add(out, ".SH OPTIONS OF EVERY VERB\n");
	roff_flags(common_flags, out);
	str_add(out, ".SH EXIT STATUS\n");
	for (const struct exit_row *r = exit_rows; r->meaning; r++) {
		str_addf(out, ".TP\n.B %d%s\n", r->code, r->code == TT_EXIT_SIGNAL ? " + n" : "");
		roff(r->code == TT_EXIT_SIGNAL ? strchr(r->meaning, ':') + 2 : r->meaning, out);
		str_add(out, "\n");
	}
	str_add(out, ".SH ENVIRONMENT\n.TP\n.B TUTTI_DATA\nthe folder of data sets, as the specs in "
	             "examples/ use it\n.TP\n.B XDG_CACHE_HOME\nwhere measured kernel choices are "
	             "remembered, in tutti/kernels.txt (~/.cache)\n");
}

/* ---- Markdown ---- */

static void markdown_flags(const struct flag *rows, struct str *out)
{
	struct str usage = { 0 };

	for (; rows->kind != FLAG_END; rows++) {
		if (rows->hidden)
			continue;
		str_add(out, "| ");
		if (rows->letter)
			str_addf(out, "`-%c`, ", rows->letter);
		flag_usage(rows, &usage);
		str_add(out, "`");
		for (const char *c = usage.p ? usage.p : ""; *c; c++)
			str_addf(out, "%s%c", *c == '|' ? "\\" : "", *c);
		str_addf(out, "` | %s | ", rows->help);
		str_release(&usage);
		if (rows->def)
			str_addf(out, "`%s`", rows->def);
		str_add(out, " |\n");
	}
}

static void markdown_verb(const struct verb *v, struct str *out)
{
	str_addf(out, "\n## tutti %s\n\n    tutti %s [OPTIONS]%s%s\n\n%s\n", v->name, v->name,
	         *v->args ? " " : "", v->args, v->text);
	if (v->flags->kind != FLAG_END) {
		str_add(out, "| option | meaning | default |\n|---|---|---|\n");
		markdown_flags(v->flags, out);
		str_add(out, "\n");
	}
	for (const struct example *e = v->examples; e->line; e++)
		str_addf(out, "%s%s%s    %s\n", *e->what ? "    # " : "", e->what, *e->what ? "\n" : "",
		         e->line);
}

void docs_markdown(const struct verb *const *all, struct str *out)
{
	str_add(out, "# The command line\n\n"
	             "<!-- Made by `tutti help --markdown` from the table of verbs: do not edit. "
	             "-->\n\n"
	             "Results go to stdout, talk to stderr; progress is drawn only on a terminal.\n\n"
	             "| option of every verb | meaning | default |\n|---|---|---|\n");
	markdown_flags(common_flags, out);
	for (const struct verb *const *v = all; *v; v++)
		markdown_verb(*v, out);
	str_add(out, "\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
	for (const struct exit_row *r = exit_rows; r->meaning; r++)
		if (r->code == TT_EXIT_SIGNAL)
			str_addf(out, "| 128 + n | %s |\n", strchr(r->meaning, ':') + 2);
		else
			str_addf(out, "| %d | %s |\n", r->code, r->meaning);
}

/* ---- completion ---- */

static void bash_names(const struct flag *rows, struct str *out)
{
	for (; rows->kind != FLAG_END; rows++)
		if (!rows->hidden)
			str_addf(out, " --%s", rows->name);
}

/* "train compare ...", and all else that can be explained. */
static void verb_names(const struct verb *const *all, struct str *out)
{
	for (const struct verb *const *v = all; *v; v++)
		str_addf(out, "%s%s", v == all ? "" : " ", (*v)->name);
}

static void explained_names(const struct verb *const *all, struct str *out)
{
	verb_names(all, out);
	for (const struct topic *t = help_topics; t->name; t++)
		str_addf(out, " %s", t->name);
}

static void bash_words(const struct verb *v, struct str *out)
{
	for (const struct flag *f = v->flags; f->kind != FLAG_END; f++) {
		const char *const *words = flag_words(f);

		if (!words)
			continue;
		str_addf(out, "\t%s:--%s) words=\"", v->name, f->name);
		for (const char *const *w = words; *w; w++)
			str_addf(out, "%s%s", w == words ? "" : " ", *w);
		str_add(out, "\";;\n");
	}
}

void docs_bash(const struct verb *const *all, struct str *out)
{
	str_add(out, "# Made by `tutti help --completion bash` from the table of verbs: do not edit.\n"
	             "_tutti()\n{\n\tlocal now=${COMP_WORDS[COMP_CWORD]} "
	             "before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words=\n"
	             "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\twords=\"");
	verb_names(all, out);
	str_add(out, "\"\n\telse\n\tcase $verb:$before in\n");
	for (const struct verb *const *v = all; *v; v++)
		bash_words(*v, out);
	str_add(out, "\thelp:help) words=\"");
	explained_names(all, out);
	str_add(out, "\";;\n");
	str_add(out, "\tesac\n\tfi\n"
	             "\tif [ -z \"$words\" ] && [[ $now == -* ]]; then case $verb in\n");
	for (const struct verb *const *v = all; *v; v++) {
		str_addf(out, "\t%s) words=\"", (*v)->name);
		bash_names((*v)->flags, out);
		bash_names(common_flags, out);
		str_add(out, "\";;\n");
	}
	str_add(out, "\tesac; fi\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$now\"))\n}\n"
	             "complete -o default -F _tutti tutti\n");
}

/* Inside '...[help]': a colon or bracket would end the text, a quote the word. */
static void zsh_text(const char *s, struct str *out)
{
	for (; *s; s++) {
		if (*s == '\'')
			str_add(out, "'\\'");
		else if (strchr("[]:\\", *s))
			str_add(out, "\\");
		str_add_bytes(out, s, 1);
	}
}

static void zsh_flags(const struct flag *rows, struct str *out)
{
	for (; rows->kind != FLAG_END; rows++) {
		const char *const *words = flag_words(rows);

		if (rows->hidden)
			continue;
		str_addf(out, " \\\n\t\t\t'%s--%s%s[", rows->kind == FLAG_LIST ? "*" : "", rows->name,
		         rows->kind == FLAG_YES || rows->kind == FLAG_MAYBE ? "" : "=");
		zsh_text(rows->help, out);
		str_add(out, "]");
		if (words) {
			str_add(out, ":value:(");
			for (const char *const *w = words; *w; w++)
				str_addf(out, "%s%s", w == words ? "" : " ", *w);
			str_add(out, ")");
		} else if (rows->kind != FLAG_YES && rows->kind != FLAG_MAYBE) {
			str_add(out, ":value:_files");
		}
		str_add(out, "'");
	}
}

void docs_zsh(const struct verb *const *all, struct str *out)
{
	str_add(out, "#compdef tutti\n"
	             "# Made by `tutti help --completion zsh` from the table of verbs: do not edit.\n"
	             "_tutti()\n{\n\tlocal -a verbs=(\n");
	for (const struct verb *const *v = all; *v; v++) {
		str_addf(out, "\t\t'%s:", (*v)->name);
		zsh_text((*v)->summary, out);
		str_add(out, "'\n");
	}
	str_add(out, "\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n"
	             "\tcase $words[2] in\n");
	for (const struct verb *const *v = all; *v; v++) {
		str_addf(out, "\t%s)\n\t\t_arguments '1:verb:'", (*v)->name);
		zsh_flags((*v)->flags, out);
		zsh_flags(common_flags, out);
		if (strcmp((*v)->name, "help") == 0) {
			str_add(out, " \\\n\t\t\t'2:topic:(");
			explained_names(all, out);
			str_add(out, ")';;\n");
		} else {
			str_add(out, " \\\n\t\t\t'*:file:_files';;\n");
		}
	}
	/* Found in $fpath, this file is the function's body; by eval it is a script. */
	str_add(out, "\tesac\n}\nif [[ $funcstack[1] == _tutti ]]; then\n\t_tutti \"$@\"\nelse\n"
	             "\tcompdef _tutti tutti\nfi\n");
}

/* ---- spec reference ---- */

static void reference_groups(struct str *out)
{
	const tt_options *top = tt_options_spec();
	tt_option o;

	for (int i = 0; entries_next_option(top, i, &o); i++) {
		str_addf(out, "\n## %s\n\n%s\n", o.name, o.help);
		if (!o.group)
			continue;
		str_add(out, "\n");
		options_markdown(o.group, 0, o.name, out);
	}
}

static void add_kind(const tt_entry *k, const char *new_group, struct str *out)
{
	const int own = docs_own_options(k->options);

	if (new_group)
		str_addf(out, "\n### %s\n", new_group);
	str_addf(out, "\n#### %s\n\n%s\n", k->name, k->help);
	if (own == tt_options_count(k->options))
		return;
	str_add(out, "\n");
	options_markdown(k->options, own, NULL, out);
}

static void reference_layers(struct str *out)
{
	str_add(out, "\n## Layers\n\n`model.layers` is a list; each item is `kind: {settings}`, or the "
	             "kind alone.  Every kind also takes\n`name`, and `from`: the name of the layer it "
	             "reads, or `input` (default: the layer before);\n`share`: the name of an "
	             "earlier layer whose parameters it uses (default: its own).\n");
	docs_each_kind(add_kind, out);
}

void docs_spec_reference(struct str *out)
{
	tt_entry e;

	str_add(out, "# The spec\n\n"
	             "<!-- Made by `tutti help --spec-reference` from the option tables: do not edit. "
	             "-->\n\n"
	             "A spec is one YAML file that says what to train.  Every key has the same name in "
	             "`--set KEY=VALUE`\nand in `tt_spec_set`.  An unknown key is an error that names "
	             "the nearest right one and the line.\nThe command line fills in `${NAME}` and "
	             "`${NAME:-default}` from the environment; `$${` is a plain `${`.\n");
	reference_groups(out);
	reference_layers(out);
	str_add(out, "\n## Sources\n\n`data.train` and `data.valid` are `SCHEME:PLACE`, with settings "
	             "after `?`, divided by `&`.\n");
	for (int i = 0; entries_next(TT_SOURCES, i, &e); i++) {
		str_addf(out, "\n### %s:\n\n%s\n\n", e.name, e.help);
		options_markdown(e.options, 0, NULL, out);
	}
}
