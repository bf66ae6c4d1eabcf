/* err.h -- say once what went wrong.
 *
 * Who decides that something is an error calls err_set with the values that
 * show why and returns its result; callers pass the status on.  A caller that
 * knows the place (a file and line, a layer) may put it in front with err_at.
 * The text lives per thread; see tt_last_error(). */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <tutti/status.h>

#define ERR_MAX 1024

/* Remember the text; return st, so that `return err_set(...)` reads well. */
tt_status err_set(tt_status st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "place: " before the text of the error st and return st. */
tt_status err_at(tt_status st, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
