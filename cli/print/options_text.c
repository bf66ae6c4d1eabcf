#include "print/options_text.h"

#include <float.h>
#include <string.h>

#include "print/entries.h"

/* Width of the first columns of the help text. */
#define NAME_WIDTH    26
#define KIND_WIDTH    8
#define DEFAULT_WIDTH 10

static const char *const kinds[] = {
	[TT_OPTION_INT] = "int", [TT_OPTION_NUMBER] = "number", [TT_OPTION_TEXT] = "text",
	[TT_OPTION_WORD] = "word", [TT_OPTION_NUMBERS] = "numbers", [TT_OPTION_TREE] = "tree",
	[TT_OPTION_GROUP] = "group",
};

static void add_words(const tt_option *o, const char *between, struct str *out)
{
	for (int i = 0; o->words[i]; i++)
		str_addf(out, "%s%s", i ? between : "", o->words[i]);
}

/* ---- the text of --help ---- */

static void help_rows(const tt_options *t, int first, const char *prefix, struct str *out)
{
	tt_option o;

	for (int i = first; entries_next_option(t, i, &o); i++) {
		struct str name = {0};

		str_addf(&name, "%s%s", prefix, o.name);
		if (o.group) {
			str_add(&name, ".");
			help_rows(o.group, 0, name.p ? name.p : prefix, out);
		} else {
			str_addf(out, "  %-*s %-*s %-*s %s", NAME_WIDTH, name.p ? name.p : o.name,
			         KIND_WIDTH, kinds[o.type], DEFAULT_WIDTH, o.def ? o.def : "-", o.help);
			if (o.words) {
				str_add(out, " (");
				add_words(&o, ", ", out);
				str_add(out, ")");
			}
			str_add(out, "\n");
		}
		out->failed |= name.failed;
		str_release(&name);
	}
}

void options_help(const tt_options *t, int first, struct str *out)
{
	help_rows(t, first, "", out);
}

/* ---- the table of the spec reference ---- */

/* A bar would end the cell. */
static void add_cell(const char *text, struct str *out)
{
	for (; *text; text++)
		if (*text == '|')
			str_add(out, "\\|");
		else
			str_add_bytes(out, text, 1);
}

static void add_bounds(const tt_option *o, struct str *out)
{
	int is_number = o->type == TT_OPTION_INT || o->type == TT_OPTION_NUMBER;

	if (o->words) {
		str_add(out, "`");
		add_words(o, "`, `", out);
		str_add(out, is_number ? "`, or " : "`");
	}
	if (o->words && !is_number)
		return;
	if (is_number && o->min > -DBL_MAX && o->max < DBL_MAX) {
		str_addf(out, "%g … %g", o->min, o->max);
	} else if (is_number && o->min > -DBL_MAX) {
		str_addf(out, "≥ %g", o->min);
	}
}

static void markdown_row(const tt_option *o, const char *name, struct str *out)
{
	str_addf(out, "| `%s` | %s | ", name, kinds[o->type]);
	if (o->def && *o->def) {
		str_add(out, "`");
		add_cell(o->def, out);
		str_add(out, "`");
	}
	str_add(out, " | ");
	add_bounds(o, out);
	str_add(out, " | ");
	add_cell(o->help, out);
	str_add(out, " |\n");
}

static void markdown_rows(const tt_options *t, int first, const char *prefix, struct str *out)
{
	tt_option o;

	for (int i = first; entries_next_option(t, i, &o); i++) {
		struct str name = {0};

		str_addf(&name, "%s%s%s", prefix, *prefix ? "." : "", o.name);
		if (o.group)
			markdown_rows(o.group, 0, name.p ? name.p : prefix, out);
		else
			markdown_row(&o, name.p ? name.p : o.name, out);
		out->failed |= name.failed;
		str_release(&name);
	}
}

void options_markdown(const tt_options *t, int first, const char *prefix, struct str *out)
{
	str_add(out, "| key | type | default | values | meaning |\n|---|---|---|---|---|\n");
	markdown_rows(t, first, prefix ? prefix : "", out);
}
