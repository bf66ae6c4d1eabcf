/* plain.h -- texts from outside, made fit to be printed.  Knows nothing but bytes. */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

/* What would move a terminal's cursor, and what is no UTF-8, becomes '?', in place; tabs and ends
 * of lines stay.  1: something did. */
int plain_make(char *text);

#endif
