/* options_text.h -- tables of options as text: for people at a terminal, and as Markdown. */
#ifndef PRINT_OPTIONS_TEXT_H
#define PRINT_OPTIONS_TEXT_H

#include <tutti/catalog.h>

#include "base/str.h"

/* "name  type  default  help", a line for each row from `first` on; dotted names of groups. */
void options_help(const tt_options *t, int first, struct str *out);
/* The same as a table; prefix: what names begin with, or NULL. */
void options_markdown(const tt_options *t, int first, const char *prefix, struct str *out);

#endif
