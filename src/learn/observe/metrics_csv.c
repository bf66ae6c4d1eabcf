#include "learn/observe/metrics_csv.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/observe/observers.h"
#include "learn/observe/run_dir.h"

#define MAX_FILE ((size_t)1 << 30)
#define FIELDS 5

static const char header[] = "step,epoch,split,name,value\n";
static const char *const splits[] = { "train", "valid" };

struct csv {
	struct file_log *file;
	struct str       rows;           /* to be appended */
};

int metrics_csv_has(const char *split, size_t split_len)
{
	for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
		if (strlen(splits[i]) == split_len && memcmp(splits[i], split, split_len) == 0)
			return 1;
	return 0;
}

/* ---- rows out ---- */

static void add_row(struct csv *c, const tt_progress *p, const char *full, double v)
{
	size_t len;
	const char *name = metric_name(full, &len);

	if (!metrics_csv_has(full, len))
		return;
	str_addf(&c->rows, "%lld,%d,%.*s,%s,", (long long)p->step, p->epoch, (int)len, full, name);
	if (isfinite(v))
		str_add_number(&c->rows, v);
	else
		str_add(&c->rows, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
	str_add(&c->rows, "\n");
}

static tt_status append_rows(struct csv *c)
{
	tt_status st = str_status(&c->rows);

	if (st == TT_OK && c->rows.len)
		st = file_log_append(c->file, c->rows.p, c->rows.len);
	c->rows.len = 0;
	return st;
}

static tt_status on_event(void *ctx, const tt_observation *o)
{
	struct csv *c = ctx;

	for (int i = 0; i < o->metrics; i++)
		add_row(c, o->progress, o->name[i], o->value[i]);
	return append_rows(c);
}

/* ---- rows in ---- */

/* Cut a row into its fields, in place; 0 if it is no row of a step up to `last`. */
static int cut(char *row, int64_t last, char *field[FIELDS])
{
	char *end;
	int n = 0;

	for (char *at = row; n < FIELDS; at = end + 1) {
		field[n++] = at;
		if (!(end = strchr(at, ',')))
			break;
		*end = '\0';
	}
	return n == FIELDS && isdigit((unsigned char)field[0][0]) &&
	       strtoll(field[0], NULL, 10) <= last;
}

static void join(char *field[FIELDS])
{
	for (int i = 1; i < FIELDS; i++)
		field[i][-1] = ',';
}

void metrics_csv_parse(char *text, int64_t last, csv_metric_fn *f, void *ctx)
{
	char *field[FIELDS];

	for (char *row = text, *end; (end = strchr(row, '\n')); row = end + 1) {
		struct csv_metric m;

		*end = '\0';                    /* a last row without its end was never finished */
		if (!cut(row, last, field))
			continue;
		m = (struct csv_metric){ strtoll(field[0], NULL, 10), field[2], field[3], NAN };
		if (!str_to_double(field[4], &m.value))
			m.value = NAN;
		f(ctx, &m);
	}
}

tt_status metrics_csv_each(const char *path, int64_t last, csv_metric_fn *f, void *ctx)
{
	char *text;
	size_t size;
	tt_status st;

	if ((st = file_read_all(path, MAX_FILE, &text, &size)) != TT_OK)
		return st;
	metrics_csv_parse(text, last, f, ctx);
	mem_free(text);
	return TT_OK;
}

/* ---- an earlier part of the run ---- */

static tt_status keep_rows(struct csv *c, const char *path, int64_t last)
{
	char *text, *field[FIELDS];
	size_t size;
	tt_status st;

	if ((st = file_read_all(path, MAX_FILE, &text, &size)) != TT_OK)
		return st;
	for (char *row = text, *end; (end = strchr(row, '\n')); row = end + 1) {
		*end = '\0';
		if (!cut(row, last, field))
			continue;
		join(field);
		str_addf(&c->rows, "%s\n", row);
	}
	mem_free(text);
	return TT_OK;
}

/* Rows of steps that the resumed run does again would stand there twice. */
static tt_status rewrite(struct csv *c, const char *path, int64_t resumed)
{
	tt_status st;

	str_add(&c->rows, header);
	if (resumed && (st = keep_rows(c, path, resumed)) != TT_OK)
		return st;
	if ((st = str_status(&c->rows)) == TT_OK)
		st = file_write_all(path, c->rows.p, c->rows.len);
	c->rows.len = 0;
	return st;
}

/* A new file begins as a log: no wait for the disk before the first step. */
static tt_status prepare_file(struct csv *c, const char *path, int64_t resumed)
{
	int there = file_exists(path);
	tt_status st = there ? rewrite(c, path, resumed) : TT_OK;

	if (st == TT_OK)
		st = file_log_open(&c->file, path, FILE_LINKS_REFUSED);
	if (st == TT_OK && !there)
		st = file_log_append(c->file, header, strlen(header));
	return st;
}

/* ---- life ---- */

static void close_csv(void *ctx)
{
	struct csv *c = ctx;

	file_log_close(&c->file);
	str_release(&c->rows);
	mem_free(c);
}

tt_status observer_metrics_csv(tt_observer *out, const struct observer_opts *o)
{
	struct csv *c = mem_calloc(1, sizeof *c);
	struct str path = {0};
	tt_status st;

	if (!c)
		return TT_ENOMEM;
	if ((st = run_dir_path(&path, o->dir, TT_RUN_METRICS)) == TT_OK)
		st = prepare_file(c, path.p, o->resumed);
	str_release(&path);
	if (st == TT_OK)
		*out = *TT_OBSERVER(.ctx = c, .event = on_event, .close = close_csv);
	else
		close_csv(c);
	return st;
}
