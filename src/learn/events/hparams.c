/* hparams.c -- the messages of TensorBoard's hparams plugin (plugin_data.proto and api.proto).
 *
 * Each of its three records is a summary value without numbers: a tag, and the message as the
 * plugin's content.  Readers drop values without a tensor, so an empty one comes along. */
#include "learn/events/events.h"

#include <time.h>

#include "learn/events/events_own.h"
#include "learn/events/proto.h"

enum { DATA_VERSION = 1, DATA_EXPERIMENT = 2, DATA_START = 3, DATA_END = 4 };
enum { EXPERIMENT_CREATED = 3, EXPERIMENT_HPARAM = 4, EXPERIMENT_METRIC = 5 };
enum { HPARAM_NAME = 1, HPARAM_TYPE = 4 };
enum { METRIC_NAME = 1, METRIC_NAME_TAG = 2 };
enum { START_HPARAM = 1, START_SECONDS = 5 };
enum { END_STATUS = 1, END_SECONDS = 2 };
enum { MAP_KEY = 1, MAP_VALUE = 2 };
enum { ANY_NUMBER = 2, ANY_TEXT = 3, ANY_FLAG = 4 };

/* By event_setting_kind: DATA_TYPE_FLOAT64, _STRING, _BOOL. */
static const int hparam_type[] = { [SETTING_NUMBER] = 3, [SETTING_TEXT] = 1, [SETTING_FLAG] = 2 };

static void add_hparam_info(struct str *s, const struct event_setting *p)
{
	size_t at = proto_open(s, EXPERIMENT_HPARAM);

	proto_text(s, HPARAM_NAME, p->name);
	proto_int(s, HPARAM_TYPE, hparam_type[p->kind]);
	proto_close(s, at);
}

static void add_metric_info(struct str *s, const char *tag)
{
	size_t at = proto_open(s, EXPERIMENT_METRIC), name = proto_open(s, METRIC_NAME);

	proto_text(s, METRIC_NAME_TAG, tag);
	proto_close(s, name);
	proto_close(s, at);
}

static void add_hparam(struct str *s, const struct event_setting *p)
{
	size_t at = proto_open(s, START_HPARAM), value;

	proto_text(s, MAP_KEY, p->name);
	value = proto_open(s, MAP_VALUE);
	switch (p->kind) {
	case SETTING_NUMBER: proto_double(s, ANY_NUMBER, p->number); break;
	case SETTING_TEXT:   proto_text(s, ANY_TEXT, p->text); break;
	case SETTING_FLAG:   proto_int(s, ANY_FLAG, p->number != 0); break;
	}
	proto_close(s, value);
	proto_close(s, at);
}

/* Add the value that carries a plugin message; content is emptied for the next. */
static void add_message(struct events *e, const char *tag, struct str *content)
{
	size_t at = events_value_open(e, tag), tensor, shape;
	struct str *s = &e->record;

	events_plugin(e, "hparams", content);
	tensor = proto_open(s, VALUE_TENSOR);
	proto_int(s, TENSOR_DTYPE, TF_FLOAT);
	shape = proto_open(s, TENSOR_SHAPE);
	proto_close(s, shape);
	proto_bytes(s, TENSOR_CONTENT, "\0\0\0\0", 4);
	proto_close(s, tensor);
	events_value_close(e, at);
	e->record.failed |= content->failed;
	content->len = 0;
}

static void add_experiment(struct str *s, const struct event_setting *p, int n,
                           const char *const *metrics)
{
	size_t at;

	proto_int(s, DATA_VERSION, 0);
	at = proto_open(s, DATA_EXPERIMENT);
	proto_double(s, EXPERIMENT_CREATED, (double)time(NULL));
	for (int i = 0; i < n; i++)
		add_hparam_info(s, &p[i]);
	for (; *metrics; metrics++)
		add_metric_info(s, *metrics);
	proto_close(s, at);
}

static void add_session(struct str *s, const struct event_setting *p, int n)
{
	size_t at;

	proto_int(s, DATA_VERSION, 0);
	at = proto_open(s, DATA_START);
	for (int i = 0; i < n; i++)
		add_hparam(s, &p[i]);
	proto_double(s, START_SECONDS, (double)time(NULL));
	proto_close(s, at);
}

tt_status events_settings(struct events *e, const struct event_setting *s, int n,
                          const char *const *metrics)
{
	struct str content = {0};
	tt_status st;

	events_begin(e, 0);
	add_experiment(&content, s, n, metrics);
	add_message(e, "_hparams_/experiment", &content);
	add_session(&content, s, n);
	add_message(e, "_hparams_/session_start_info", &content);
	st = events_end(e);
	str_release(&content);
	return st;
}

tt_status events_finish(struct events *e, enum event_end how)
{
	struct str content = {0};
	tt_status st;
	size_t at;

	proto_int(&content, DATA_VERSION, 0);
	at = proto_open(&content, DATA_END);
	proto_int(&content, END_STATUS, how);
	proto_double(&content, END_SECONDS, (double)time(NULL));
	proto_close(&content, at);
	events_begin(e, 0);
	add_message(e, "_hparams_/session_end_info", &content);
	st = events_end(e);
	str_release(&content);
	return st;
}
