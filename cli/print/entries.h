/* entries.h -- walking what the library's catalogs hold.
 *
 *   for (int i = 0; entries_next(TT_LAYERS, i, &e); i++) ... */
#ifndef PRINT_ENTRIES_H
#define PRINT_ENTRIES_H

#include <tutti/catalog.h>

/* The i-th entry, option; 0 behind the last. */
int entries_next(enum tt_catalog c, int i, tt_entry *out);
int entries_next_option(const tt_options *t, int i, tt_option *out);
/* The names of a catalog, at most `max` and a NULL behind them; static. */
void entries_names(enum tt_catalog c, const char **out, int max);

#endif
