#include "learn/events/events.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "learn/events/events_own.h"
#include "learn/events/proto.h"
#include "learn/events/record.h"

#define FILE_VERSION "brain.Event:2"

/* ---- one record ---- */

static double wall_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void start_bare(struct events *e)
{
	static const char room[RECORD_HEAD];

	e->record.len = 0;
	e->record.failed = 0;
	e->summary = 0;
	e->values = 0;
	str_add_bytes(&e->record, room, sizeof room);
}

void events_start(struct events *e, int64_t step)
{
	start_bare(e);
	proto_double(&e->record, EVENT_WALL_TIME, wall_time());
	proto_int(&e->record, EVENT_STEP, step);
}

tt_status events_append(struct events *e)
{
	tt_status st;

	record_frame(&e->record);
	if ((st = str_status(&e->record)) != TT_OK)
		return st;
	return file_log_append(e->log, e->record.p, e->record.len);
}

/* ---- the file ---- */

/* A host's name may hold anything; a file's name should not. */
static void add_host(struct str *s)
{
	char host[65] = "";

	if (gethostname(host, sizeof host - 1) != 0 || !host[0])
		strcpy(host, "localhost");
	for (char *c = host; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *c))
			*c = '_';
	str_add(s, host);
}

/* Readers sort files by name: seconds first, and a number where two start in one second. */
static tt_status name_file(struct str *path, const char *dir)
{
	long long now = (long long)time(NULL);
	tt_status st;

	for (int n = 0;; n++) {
		path->len = 0;
		str_addf(path, "%s/events.out.tfevents.%010lld.", dir, now);
		add_host(path);
		str_addf(path, ".%ld.%d", (long)getpid(), n);
		if ((st = str_status(path)) != TT_OK || !file_exists(path->p))
			return st;
	}
}

tt_status events_open(struct events **out, const char *dir)
{
	struct events *e = mem_calloc(1, sizeof *e);
	tt_status st;

	if (!e)
		return TT_ENOMEM;
	if ((st = name_file(&e->path, dir)) != TT_OK ||
	    (st = file_log_open(&e->log, e->path.p, FILE_LINKS_REFUSED)) != TT_OK)
		goto fail;
	start_bare(e);
	proto_double(&e->record, EVENT_WALL_TIME, wall_time());
	proto_text(&e->record, EVENT_FILE_VERSION, FILE_VERSION);
	if ((st = events_append(e)) != TT_OK)
		goto fail;
	*out = e;
	return TT_OK;
fail:
	events_close(&e);
	return st;
}

void events_close(struct events **e)
{
	if (!e || !*e)
		return;
	file_log_close(&(*e)->log);
	str_release(&(*e)->path);
	str_release(&(*e)->record);
	mem_free(*e);
	*e = NULL;
}

const char *events_path(const struct events *e)
{
	return e->path.p;
}

/* ---- summaries ---- */

void events_begin(struct events *e, int64_t step)
{
	events_start(e, step);
	e->summary = proto_open(&e->record, EVENT_SUMMARY);
}

tt_status events_end(struct events *e)
{
	if (!e->values && !e->record.failed)
		return TT_OK;
	proto_close(&e->record, e->summary);
	return events_append(e);
}

size_t events_value_open(struct events *e, const char *tag)
{
	size_t at = proto_open(&e->record, SUMMARY_VALUE);

	proto_text(&e->record, VALUE_TAG, tag);
	e->values++;
	return at;
}

void events_value_close(struct events *e, size_t at)
{
	proto_close(&e->record, at);
}

void events_plugin(struct events *e, const char *plugin, const struct str *content)
{
	size_t meta = proto_open(&e->record, VALUE_METADATA);
	size_t data = proto_open(&e->record, METADATA_PLUGIN);

	proto_text(&e->record, PLUGIN_NAME, plugin);
	if (content)
		proto_bytes(&e->record, PLUGIN_CONTENT, content->p, content->len);
	proto_close(&e->record, data);
	proto_close(&e->record, meta);
}

void events_number(struct events *e, const char *tag, double v)
{
	size_t at = events_value_open(e, tag);

	proto_float(&e->record, VALUE_NUMBER, (float)v);
	events_value_close(e, at);
}

void events_image(struct events *e, const char *tag, const struct event_image *image)
{
	enum { HEIGHT = 1, WIDTH = 2, COLORSPACE = 3, ENCODED = 4 };
	size_t at = events_value_open(e, tag), in = proto_open(&e->record, VALUE_IMAGE);

	proto_int(&e->record, HEIGHT, image->height);
	proto_int(&e->record, WIDTH, image->width);
	proto_int(&e->record, COLORSPACE, image->channels);     /* 1 grey, 3 RGB: as we count */
	proto_bytes(&e->record, ENCODED, image->png, image->size);
	proto_close(&e->record, in);
	events_value_close(e, at);
}

/* ---- histograms ---- */

struct bins { double lo, hi, count[EVENTS_BINS]; int n; };

static void count_bins(struct bins *b, const float *x, size_t n)
{
	double scale;

	b->lo = DBL_MAX;
	b->hi = -DBL_MAX;
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i])) {
			b->lo = fmin(b->lo, (double)x[i]);
			b->hi = fmax(b->hi, (double)x[i]);
		}
	b->n = b->lo > b->hi ? 0 : b->lo < b->hi ? EVENTS_BINS : 1;
	if (b->n == 1) {                        /* all alike: one bin around the value */
		b->lo -= 0.5;
		b->hi += 0.5;
	}
	scale = b->n / (b->hi - b->lo);
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i])) {
			int k = (int)(((double)x[i] - b->lo) * scale);

			b->count[k < b->n ? k : b->n - 1]++;
		}
}

static void add_dim(struct str *s, int64_t size)
{
	size_t at = proto_open(s, SHAPE_DIM);

	proto_int(s, DIM_SIZE, size);
	proto_close(s, at);
}

/* Rows of left edge, right edge, count, as little-endian doubles. */
static void add_rows(struct str *s, const struct bins *b)
{
	double width = (b->hi - b->lo) / b->n;

	for (int k = 0; k < b->n; k++) {
		double row[3] = { b->lo + width * k, k + 1 < b->n ? b->lo + width * (k + 1) : b->hi,
		                  b->count[k] };

		for (int i = 0; i < 3; i++) {
			uint64_t u;
			uint8_t le[8];

			memcpy(&u, &row[i], sizeof u);
			for (int j = 0; j < 8; j++)
				le[j] = (uint8_t)(u >> (8 * j));
			str_add_bytes(s, le, sizeof le);
		}
	}
}

void events_histogram(struct events *e, const char *tag, const float *x, size_t n)
{
	struct str *s = &e->record;
	struct bins b = {0};
	size_t at, tensor, part;

	count_bins(&b, x, n);
	if (!b.n)
		return;
	at = events_value_open(e, tag);
	events_plugin(e, "histograms", NULL);
	tensor = proto_open(s, VALUE_TENSOR);
	proto_int(s, TENSOR_DTYPE, TF_DOUBLE);
	part = proto_open(s, TENSOR_SHAPE);
	add_dim(s, b.n);
	add_dim(s, 3);
	proto_close(s, part);
	part = proto_open(s, TENSOR_CONTENT);
	add_rows(s, &b);
	proto_close(s, part);
	proto_close(s, tensor);
	events_value_close(e, at);
}

/* ---- events of their own ---- */

tt_status events_restart(struct events *e, int64_t step)
{
	enum { STATUS = 1, START = 1 };
	size_t at;

	events_start(e, step);
	at = proto_open(&e->record, EVENT_SESSION_LOG);
	proto_int(&e->record, STATUS, START);
	proto_close(&e->record, at);
	return events_append(e);
}

tt_status events_graph(struct events *e, const void *graph_def, size_t n)
{
	events_start(e, 0);
	proto_bytes(&e->record, EVENT_GRAPH_DEF, graph_def, n);
	return events_append(e);
}
