/* Any text as metrics.csv: every row that is handed on is of a step that counts and lies in the
 * text, and the curve that is made of them is bounded. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/series.h"
#include "learn/observe/metrics_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAST 1000

struct seen { const char *text; size_t size; struct series curve; };

static void check(void *ctx, const struct csv_metric *m)
{
	struct seen *s = ctx;

	if (m->step < 0 || m->step > LAST || m->split < s->text || m->name < s->text ||
	    m->name + strlen(m->name) >= s->text + s->size)
		abort();
	series_add(&s->curve, (double)m->step, m->value);
	if (s->curve.n > SERIES_ROOM)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seen s;
	char *text = mem_calloc(size + 1, 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	s = (struct seen){ .text = text, .size = size };
	metrics_csv_parse(text, LAST, check, &s);
	mem_free(text);
	return 0;
}
