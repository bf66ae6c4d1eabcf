/* cmd_info.c -- tutti info and tutti version: what this program is and runs on. */
#include <stdio.h>

#include <tutti/plug.h>

#include "print/entries.h"
#include "print/json.h"
#include "print/machine.h"
#include "kit/table.h"
#include "verbs.h"

static const struct flag no_flags[] = { { .kind = FLAG_END } };

static const struct example info_examples[] = {
	{ "tutti info", "the processor, the libraries and devices of this build" },
	{ "tutti info --json", "the same for a program" },
	{ NULL, NULL },
};

static void print_libraries(void)
{
	tt_plug      p = { .size = sizeof p };
	struct table t;

	table_init(&t, "llll");
	for (int i = 0; i < tt_plug_count(); i++)
		if (tt_plug_get(i, &p) == TT_OK)
			table_add(&t, "  %s\t%s\t%s\t%s", p.name, p.version ? p.version : "missing",
			          p.serves ? p.serves : "", p.why ? p.why : p.from);
	printf("libraries\n");
	table_print(&t, stdout);
	table_release(&t);
}

static void print_info(const struct machine *m)
{
	tt_entry e;
	char     n[NUMBER_TEXT];

	printf("tutti       %s\n", tt_version());
	printf("host        %s, %s\n", m->host, m->system);
	printf("processor   %s, %d cores to use\n", m->cpu, m->cores);
	printf("vectors     %s\n", m->instructions[0] ? m->instructions : "none known");
	printf("memory      %s\n", text_bytes(m->memory, n));
	printf("devices    ");
	for (int i = 0; entries_next(TT_DEVICES, i, &e); i++)
		printf(" %s", e.name);
	printf("  (in order of preference)\n");
	print_libraries();
}

static tt_status print_json(const struct machine *m)
{
	struct json j = { 0 };
	tt_entry    e;

	json_open(&j, NULL, '{');
	machine_json(m, &j);
	json_open(&j, "devices", '[');
	for (int i = 0; entries_next(TT_DEVICES, i, &e); i++)
		json_text(&j, NULL, e.name);
	json_close(&j, ']');
	json_close(&j, '}');
	return json_print(&j);
}

static tt_status run_info(struct call *c)
{
	const struct common *o = c->opts;
	struct machine       m;
	tt_status            st = machine_describe(c->arena, &m);

	if (st != TT_OK)
		return st;
	if (o->json)
		return print_json(&m);
	print_info(&m);
	return TT_OK;
}

static tt_status run_version(struct call *c)
{
	const struct common *o = c->opts;
	struct json          j = { 0 };

	if (!o->json) {
		printf("tutti %s\n", tt_version());
		return TT_OK;
	}
	json_open(&j, NULL, '{');
	json_text(&j, "version", tt_version());
	json_close(&j, '}');
	return json_print(&j);
}

const struct verb verb_info = {
	.name = "info", .args = "", .summary = "what this program was built with and runs on",
	.text =
	"Prints the processor with the instruction sets that matter, the compute devices in order of\n"
	"preference, and the libraries that were found when tutti was built.\n",
	.examples = info_examples, .flags = no_flags, .opts_size = sizeof(struct common),
	.run = run_info,
};

const struct verb verb_version = {
	.name = "version", .args = "", .summary = "the version of this program",
	.text = "Prints the version.\n",
	.examples = (const struct example[]){ { "tutti version", "" }, { NULL, NULL } },
	.flags = no_flags, .opts_size = sizeof(struct common), .run = run_version,
};
