/* numeral.h -- numbers as the names of classes: 1, 1.0, 01, +1 and 1e0 are one and the same.
 *
 *   "1.0", "01", "1e0"   -->   "1"
 *   "-0", "0.50"         -->   "0", "0.5"
 *   "9007199254740993"   -->   itself: whole numbers keep all of their digits
 */
#ifndef DATA_NUMERAL_H
#define DATA_NUMERAL_H

#include <stdint.h>

#include "base/err.h"

/* Room for the one way to write a number that is no long list of digits. */
#define NUMERAL_TEXT 32

/* The one way to write the number that the text is: into buf, or a part of the text where that is
 * as it should be.  NULL: it is no finite number. */
const char *numeral_text(const char *text, char buf[NUMERAL_TEXT]);
/* Are two texts one name: the same bytes, or the same number? */
int         numeral_same(const char *a, const char *b);
/* Is each of the n names a number?  1 of none. */
int         numeral_all(const char *const *names, int64_t n);

#endif
