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

void      err_note(tt_status st);
tt_status err_noted(void);

/* Remember the text; give st, so that `return err_set(...)` reads well.  Both
 * are macros so that the compiler sees that what comes back is an error. */
#define err_set(st, ...) err_give(st, err_text(__VA_ARGS__))

/* Put "place: " before the text of the error st and give st. */
#define err_at(st, ...) err_give(st, err_place(__VA_ARGS__))

/* The status of this thread's last err_set or err_at, never TT_OK: for callers of
 * functions that answer an error with NULL. */
static inline tt_status err_status(void)
{
	tt_status st = err_noted();

	return st == TT_OK ? TT_EINTERNAL : st;
}

/* A public function was given NULL where something must be: `return err_null(__func__);` */
#define err_null(function) err_set(TT_EINVAL, "%s: an argument is NULL", function)

int err_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int err_place(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline tt_status err_give(tt_status st, int ignored)
{
	(void)ignored;
	err_note(st);
	return st;
}

#endif
