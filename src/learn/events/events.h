/* events.h -- TensorBoard event files.
 *
 *   events.out.tfevents.<seconds>.<host>.<pid>.<n>:  record record record ...
 *   record: Event { wall_time, step, file_version | graph_def | session_log | summary }
 *   summary: value { tag, number | image | tensor, metadata { plugin } } ...
 *
 * Every event is one append of one whole record, so the file is valid however the process ends.
 * Knows nothing of learning.  Single-threaded; after its buffer has grown once, writing numbers
 * allocates nothing. */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct events;

/* Start a new file in the folder dir, which exists. */
tt_status events_open(struct events **out, const char *dir);
void      events_close(struct events **e);                 /* NULL is fine */
const char *events_path(const struct events *e);           /* borrowed     */

/* One event: begin, add values, end.  end writes nothing if nothing was added. */
void      events_begin(struct events *e, int64_t step);
void      events_number(struct events *e, const char *tag, double v);
tt_status events_end(struct events *e);

struct event_image { int width, height, channels; const void *png; size_t size; };
void events_image(struct events *e, const char *tag, const struct event_image *image);

/* The distribution of x[n] in 30 bins of equal width; what is not finite is left out. */
#define EVENTS_BINS 30
void events_histogram(struct events *e, const char *tag, const float *x, size_t n);

/* Events of their own. */
tt_status events_restart(struct events *e, int64_t step);   /* what has this step or more is void */
tt_status events_graph(struct events *e, const void *graph_def, size_t n);

/* The table of runs ("hparams"): what was chosen, which numbers to show, how it ended. */
enum event_setting_kind { SETTING_NUMBER, SETTING_TEXT, SETTING_FLAG };
struct event_setting {
	const char             *name;
	enum event_setting_kind kind;
	double                  number;       /* NUMBER; FLAG: 0 or 1 */
	const char             *text;         /* TEXT                 */
};
enum event_end { EVENT_END_GOOD = 1, EVENT_END_FAILED, EVENT_END_RUNNING };

tt_status events_settings(struct events *e, const struct event_setting *s, int n,
                          const char *const *metrics);       /* tags, NULL-terminated */
tt_status events_finish(struct events *e, enum event_end how);

#endif
