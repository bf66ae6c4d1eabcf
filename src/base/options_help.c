#include "base/options.h"

#include <float.h>
#include <string.h>

/* Width of the first columns of the help text. */
#define NAME_WIDTH    26
#define KIND_WIDTH    8
#define DEFAULT_WIDTH 10

static const char *const kinds[] = {
	[OPTION_END] = "", [OPTION_INT] = "int", [OPTION_INT64] = "int", [OPTION_DOUBLE] = "number",
	[OPTION_TEXT] = "text", [OPTION_ENUM] = "word", [OPTION_DOUBLES] = "numbers",
	[OPTION_NODE] = "tree", [OPTION_GROUP] = "group",
};

static void add_words(const struct option *o, const char *between, struct str *out)
{
	for (int i = 0; o->words[i]; i++)
		str_addf(out, "%s%s", i ? between : "", o->words[i]);
}

/* ---- the text of --help ---- */

static void help_rows(const struct option *t, const char *prefix, struct str *out)
{
	for (; t->type != OPTION_END; t++) {
		struct str name = {0};

		str_addf(&name, "%s%s", prefix, t->name);
		if (t->type == OPTION_GROUP) {
			str_add(&name, ".");
			help_rows(t->group, name.p ? name.p : prefix, out);
		} else {
			str_addf(out, "  %-*s %-*s %-*s %s", NAME_WIDTH, name.p ? name.p : t->name,
			         KIND_WIDTH, kinds[t->type], DEFAULT_WIDTH, t->def ? t->def : "-", t->help);
			if (t->type == OPTION_ENUM) {
				str_add(out, " (");
				add_words(t, ", ", out);
				str_add(out, ")");
			}
			str_add(out, "\n");
		}
		out->failed |= name.failed;
		str_release(&name);
	}
}

void options_help(const struct option *t, struct str *out)
{
	help_rows(t, "", out);
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

static void add_bounds(const struct option *o, struct str *out)
{
	int is_number = o->type == OPTION_INT || o->type == OPTION_INT64 || o->type == OPTION_DOUBLE;

	if (o->type == OPTION_ENUM) {
		str_add(out, "`");
		add_words(o, "`, `", out);
		str_add(out, "`");
	} else if (is_number && o->min > -DBL_MAX && o->max < DBL_MAX) {
		str_addf(out, "%g … %g", o->min, o->max);
	} else if (is_number && o->min > -DBL_MAX) {
		str_addf(out, "≥ %g", o->min);
	}
}

static void markdown_row(const struct option *o, const char *name, struct str *out)
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

static void markdown_rows(const struct option *t, const char *prefix, struct str *out)
{
	for (; t->type != OPTION_END; t++) {
		struct str name = {0};

		str_addf(&name, "%s%s%s", prefix, *prefix ? "." : "", t->name);
		if (t->type == OPTION_GROUP)
			markdown_rows(t->group, name.p ? name.p : prefix, out);
		else
			markdown_row(t, name.p ? name.p : t->name, out);
		out->failed |= name.failed;
		str_release(&name);
	}
}

void options_markdown(const struct option *t, const char *prefix, struct str *out)
{
	str_add(out, "| key | type | default | values | meaning |\n|---|---|---|---|---|\n");
	markdown_rows(t, prefix ? prefix : "", out);
}
