#include "kit/metrics.h"

#include <string.h>

#include <tutti/observer.h>

int metric_better(const char *name)
{
	tt_metric m = TT_SIZED(tt_metric);

	for (int i = 0; i < tt_metric_count(); i++)
		if (tt_metric_get(i, &m) == TT_OK && strcmp(m.name, name) == 0)
			return m.better;
	return 0;
}
