/* shell.h -- words that a shell is to read as they are. */
#ifndef BASE_SHELL_H
#define BASE_SHELL_H

#include "base/str.h"

/* Add the word, in quotes if a shell would make something else of it. */
void shell_add(struct str *s, const char *word);

#endif
