/* doing.h -- one line about what takes long before there is anything else to see.
 *
 * The library says what it is at (tt_runtime.doing); what lasts less than a second is not worth a
 * line.  One line for the process, on stderr. */
#ifndef PRINT_DOING_H
#define PRINT_DOING_H

#include "print/progress.h"

/* From now on; before any work of the library.  PROGRESS_QUIET: nothing is said. */
void doing_show(enum progress_talk talk);

#endif
