/* catalog.c -- the tables that the library works by, as the public structs of tutti/catalog.h. */
#include <tutti/catalog.h>

#include "base/options.h"
#include "base/sized.h"
#include "compute/exec/device.h"
#include "data/readers/registry.h"
#include "distribute/sync/sync.h"
#include "lab/tune/rows.h"
#include "learn/nn/layers/kinds.h"
#include "learn/spec/spec.h"
#include "sys/thread.h"

const char *tt_version(void)
{
	return TT_VERSION;
}

int tt_cores(void)
{
	return thread_cores();
}

/* ---- things: of each table the i-th row, 0 if there is none ---- */

static const tt_options *table(const struct option *t)
{
	return (const tt_options *)t;
}

static int count_rows(const void *const *rows)
{
	int n = 0;

	while (rows[n])
		n++;
	return n;
}

#define COUNT(rows) count_rows((const void *const *)(rows))

static int layers(void) { return COUNT(layer_kinds); }
static int sources(void) { return COUNT(readers); }
static int strategies(void) { return COUNT(sync_strategies); }
static int sampler_rows(void) { return COUNT(samplers); }
static int scheduler_rows(void) { return COUNT(schedulers); }
static int devices(void)
{
	const struct device_ops *row[DEVICE_LIST_MAX + 1];

	return device_list_known(row);
}

static void layer(int i, tt_entry *e)
{
	e->name = layer_kinds[i]->name;
	e->help = layer_kinds[i]->help;
	e->group = layer_kinds[i]->group;
	e->options = table(layer_kinds[i]->options);
}

static void source(int i, tt_entry *e)
{
	e->name = readers[i]->scheme;
	e->help = readers[i]->help;
	e->options = table(readers[i]->settings);
}

static void strategy(int i, tt_entry *e)
{
	e->name = sync_strategies[i]->name;
	e->help = sync_strategies[i]->help;
}

static void device(int i, tt_entry *e)
{
	const struct device_ops *row[DEVICE_LIST_MAX + 1];

	if (i < device_list_known(row))
		e->name = row[i]->name;
}

static void sampler(int i, tt_entry *e)
{
	e->name = samplers[i]->name;
	e->help = samplers[i]->help;
	e->options = table(samplers[i]->options);
}

static void scheduler(int i, tt_entry *e)
{
	e->name = schedulers[i]->name;
	e->help = schedulers[i]->help;
	e->options = table(schedulers[i]->options);
}

static const struct {
	int (*count)(void);
	void (*get)(int i, tt_entry *e);
} tables[] = {
	[TT_LAYERS] = { layers, layer },          [TT_SOURCES] = { sources, source },
	[TT_STRATEGIES] = { strategies, strategy }, [TT_DEVICES] = { devices, device },
	[TT_SAMPLERS] = { sampler_rows, sampler },      [TT_SCHEDULERS] = { scheduler_rows, scheduler },
};
#define TABLES (sizeof tables / sizeof *tables)

int tt_catalog_count(enum tt_catalog c)
{
	return (size_t)c < TABLES ? tables[c].count() : 0;
}

tt_status tt_catalog_get(enum tt_catalog c, int i, tt_entry *out)
{
	tt_entry e = { .size = sizeof e, .help = "", .group = "" };

	if (i < 0 || i >= tt_catalog_count(c))
		return err_set(TT_EINVAL, "catalog %d has %d entries: there is no entry %d", (int)c,
		               tt_catalog_count(c), i);
	tables[c].get(i, &e);
	return sized_give(out, &e, sizeof e, "tt_entry");
}

/* ---- options ---- */

static const enum tt_option_type type_of[] = {
	[OPTION_INT] = TT_OPTION_INT, [OPTION_INT64] = TT_OPTION_INT,
	[OPTION_DOUBLE] = TT_OPTION_NUMBER, [OPTION_TEXT] = TT_OPTION_TEXT,
	[OPTION_ENUM] = TT_OPTION_WORD, [OPTION_DOUBLES] = TT_OPTION_NUMBERS,
	[OPTION_NODE] = TT_OPTION_TREE, [OPTION_GROUP] = TT_OPTION_GROUP,
};

const tt_options *tt_options_spec(void)
{
	return table(spec_options);
}

int tt_options_count(const tt_options *t)
{
	const struct option *row = (const struct option *)t;
	int n = 0;

	while (row && row[n].type != OPTION_END)
		n++;
	return n;
}

tt_status tt_options_get(const tt_options *t, int i, tt_option *out)
{
	const struct option *row;
	tt_option o;

	if (i < 0 || i >= tt_options_count(t))
		return err_set(TT_EINVAL, "the table has %d options: there is no option %d",
		               tt_options_count(t), i);
	row = (const struct option *)t + i;
	o = (tt_option){
		.size = sizeof o, .type = type_of[row->type], .name = row->name, .help = row->help,
		.def = row->def, .min = row->min, .max = row->max, .words = row->words,
		.group = table(row->group),
	};
	return sized_give(out, &o, sizeof o, "tt_option");
}
