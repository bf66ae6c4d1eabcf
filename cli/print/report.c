#include "print/report.h"

#include <stdio.h>

#include "kit/table.h"

/* ---- layers ---- */

tt_status report_layers(const tt_report *r)
{
	const tt_report_info *info = tt_report_describe(r);
	tt_report_layer w = TT_SIZED(tt_report_layer);
	struct table t;
	char         count[NUMBER_TEXT], flops[NUMBER_TEXT];
	double       sum = 0;
	tt_status    st = TT_OK;

	table_init(&t, "lllrr");
	table_add(&t, "layer\tkind\toutput\tparameters\tFLOP");
	table_rule(&t);
	for (int i = 0; i < info->layers && (st = tt_report_get_layer(r, i, &w)) == TT_OK; i++) {
		table_add(&t, "%s\t%s\t%s\t%s\t%s", w.name, w.kind, w.output,
		          w.parameters ? text_count(w.parameters, count) : "",
		          text_si(w.flops, flops));
		sum += w.flops;
	}
	table_rule(&t);
	table_add(&t, "all\t\t\t%s\t%s", text_count(info->parameters, count), text_si(sum, flops));
	if (st == TT_OK)
		table_print(&t, stdout);
	table_release(&t);
	return st;
}

/* ---- the program ---- */

void report_memory(const tt_report *r, enum tt_report_purpose purpose)
{
	const tt_report_info *info = tt_report_describe(r);
	char planned[NUMBER_TEXT], unplanned[NUMBER_TEXT], params[NUMBER_TEXT];

	printf("\nmemory of a %s of %lld samples: %s planned (%s if nothing were shared), and %s of "
	       "parameters\n", purpose == TT_REPORT_TRAIN ? "training step" : "prediction",
	       (long long)info->batch, text_bytes((double)info->planned_bytes, planned),
	       text_bytes((double)info->unplanned_bytes, unplanned),
	       text_bytes((double)info->parameters * sizeof(float), params));
}

static void add_step(struct table *t, const tt_report_step *s, int measured)
{
	char flops[NUMBER_TEXT], ms[NUMBER_TEXT] = "", speed[NUMBER_TEXT] = "";

	if (measured) {
		snprintf(ms, sizeof ms, "%.3f", s->ms);
		if (s->flops > 0 && s->ms > 0)
			text_si(s->flops / s->ms * 1e3, speed);
	}
	table_add(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", s->layer, s->operation, s->output, s->device,
	          s->kernel, s->flops > 0 ? text_si(s->flops, flops) : "", ms, speed);
}

tt_status report_steps(const tt_report *r, enum tt_report_detail detail)
{
	const tt_report_info *info = tt_report_describe(r);
	const int measured = detail == TT_REPORT_MEASURED;
	tt_report_step s = TT_SIZED(tt_report_step);
	struct table t;
	double       flops = 0, ms = 0;
	tt_status    st = TT_OK;

	table_init(&t, measured ? "lllllrrr" : "lllllr");
	table_add(&t, "layer\toperation\toutput\tdevice\tkernel\tFLOP\tms\tFLOP/s");
	table_rule(&t);
	for (int i = 0; i < info->steps && (st = tt_report_get_step(r, i, &s)) == TT_OK; i++) {
		add_step(&t, &s, measured);
		flops += s.flops;
		ms += s.ms;
	}
	table_rule(&t);
	add_step(&t, &(tt_report_step){ .layer = "all", .operation = "", .output = "", .kernel = "",
	                                .device = "", .flops = flops, .ms = ms }, measured);
	if (st == TT_OK) {
		putchar('\n');
		table_print(&t, stdout);
		if (measured && ms > 0)
			printf("\n%.0f samples/s\n", (double)info->batch / ms * 1e3);
	}
	table_release(&t);
	return st;
}

/* ---- JSON ---- */

static tt_status json_layers(const tt_report *r, struct json *j)
{
	tt_report_layer w = TT_SIZED(tt_report_layer);
	tt_status st;

	for (int i = 0; i < tt_report_describe(r)->layers; i++) {
		if ((st = tt_report_get_layer(r, i, &w)) != TT_OK)
			return st;
		json_open(j, NULL, '{');
		json_text(j, "name", w.name);
		json_text(j, "kind", w.kind);
		json_text(j, "output", w.output);
		json_int(j, "parameters", w.parameters);
		json_number(j, "flops", w.flops);
		json_close(j, '}');
	}
	return TT_OK;
}

static tt_status json_steps(const tt_report *r, enum report_json what, struct json *j)
{
	tt_report_step s = TT_SIZED(tt_report_step);
	tt_status st;

	for (int i = 0; i < tt_report_describe(r)->steps; i++) {
		if ((st = tt_report_get_step(r, i, &s)) != TT_OK)
			return st;
		json_open(j, NULL, '{');
		json_text(j, "layer", s.layer);
		json_text(j, "operation", s.operation);
		json_text(j, "output", s.output);
		json_text(j, "device", s.device);
		json_text(j, "kernel", s.kernel);
		json_number(j, "flops", s.flops);
		if (what == REPORT_MILLISECONDS)
			json_number(j, "ms", s.ms);
		json_close(j, '}');
	}
	return TT_OK;
}

tt_status report_json(const tt_report *r, enum report_json what, struct json *j)
{
	const tt_report_info *info = tt_report_describe(r);
	tt_status st;

	json_open(j, "layers", '[');
	st = json_layers(r, j);
	json_close(j, ']');
	json_int(j, "memory_planned_bytes", info->planned_bytes);
	json_int(j, "memory_unplanned_bytes", info->unplanned_bytes);
	if (st != TT_OK || what == REPORT_MEMORY)
		return st;
	json_open(j, "steps", '[');
	st = json_steps(r, what, j);
	json_close(j, ']');
	return st;
}
