#include "print/entries.h"

#include <stddef.h>

int entries_next(enum tt_catalog c, int i, tt_entry *out)
{
	*out = (tt_entry)TT_SIZED(tt_entry);
	return i < tt_catalog_count(c) && tt_catalog_get(c, i, out) == TT_OK;
}

int entries_next_option(const tt_options *t, int i, tt_option *out)
{
	*out = (tt_option)TT_SIZED(tt_option);
	return i < tt_options_count(t) && tt_options_get(t, i, out) == TT_OK;
}

void entries_names(enum tt_catalog c, const char **out, int max)
{
	tt_entry e;
	int n = 0;

	while (n < max && entries_next(c, n, &e))
		out[n++] = e.name;
	out[n] = NULL;
}
