/* events_own.h -- what the files of this folder share. */
#ifndef EVENTS_EVENTS_OWN_H
#define EVENTS_EVENTS_OWN_H

#include "base/file.h"
#include "base/str.h"
#include "learn/events/events.h"

struct events {
	struct file_log *log;
	struct str       path;
	struct str       record;      /* room for the head, then the Event       */
	size_t           summary;     /* where the open summary begins; 0: none  */
	int              values;      /* in it                                   */
};

/* Field numbers of the messages, as TensorFlow's event.proto and summary.proto have them. */
enum { EVENT_WALL_TIME = 1, EVENT_STEP = 2, EVENT_FILE_VERSION = 3, EVENT_GRAPH_DEF = 4,
       EVENT_SUMMARY = 5, EVENT_SESSION_LOG = 7 };
enum { SUMMARY_VALUE = 1 };
enum { VALUE_TAG = 1, VALUE_NUMBER = 2, VALUE_IMAGE = 4, VALUE_TENSOR = 8, VALUE_METADATA = 9 };
enum { METADATA_PLUGIN = 1 };
enum { PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
enum { TENSOR_DTYPE = 1, TENSOR_SHAPE = 2, TENSOR_CONTENT = 4 };
enum { SHAPE_DIM = 2 };
enum { DIM_SIZE = 1 };
enum { TF_FLOAT = 1, TF_DOUBLE = 2 };

/* Start the record of an event; frame and append it. */
void      events_start(struct events *e, int64_t step);
tt_status events_append(struct events *e);

/* A value of the open summary: tag, then metadata that names its plugin, then what the caller adds
 * before events_value_close. */
size_t events_value_open(struct events *e, const char *tag);
void   events_value_close(struct events *e, size_t at);
void   events_plugin(struct events *e, const char *plugin, const struct str *content);

#endif
