/* sheet.h -- a contact sheet: many samples on one picture, each with its class's name. */
#ifndef WRITERS_SHEET_H
#define WRITERS_SHEET_H

#include <tutti/data.h>

#include "base/str.h"

#define SHEET_MAX 10000            /* samples on one sheet */

/* Append the first n samples, `columns` beside each other, as a PNG to *out.
 * TT_ESUPPORT: samples that are no pictures. */
tt_status sheet_render(const tt_source *source, int64_t n, int columns, struct str *out);

/* The same into a file. */
tt_status sheet_write(const char *path, const tt_source *source, int64_t n, int columns);

#endif
