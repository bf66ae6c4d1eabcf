/* verbs.c -- the table. */
#include "verbs.h"

#define X(name) &verb_##name,
const struct verb *const verbs[] = { VERBS(X) NULL };
#undef X
