/* str.h -- a text that grows.
 *
 * Invariant: p is NULL or NUL-terminated at p[len].  Zero-initialise, add,
 * str_release.  A failed add sets `failed` and keeps the old text, so a long
 * chain of adds needs one check at its end.  Knows nothing but bytes. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct str {
	char  *p;
	size_t len, cap;
	int    failed;          /* an add ran out of memory */
};

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *p, size_t n);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_add_json(struct str *s, const char *text);   /* quoted and escaped; NULL gives null     */
void str_add_number(struct str *s, double v);         /* shortest that reads back; NaN gives null */
tt_status str_status(const struct str *s);            /* TT_ENOMEM if an add failed              */
void str_release(struct str *s);

/* Read a finite decimal number that fills s, whatever the locale; 1 if it is one. */
int str_to_double(const char *s, double *out);

/* The word of `words` (NULL-terminated) nearest to `wrong` by edit distance, or
 * NULL if none is near enough to be what the user meant. */
const char *str_nearest(const char *wrong, const char *const *words);

int str_is_utf8(const char *text);
int str_ends_with(const char *s, const char *tail);

#endif
