/* origins.h -- which of a model's numbers come from another one's file, which not, and why. */
#ifndef PRINT_ORIGINS_H
#define PRINT_ORIGINS_H

#include <tutti/model.h>

#include <stdio.h>

#include "print/json.h"

void      origins_print(const tt_origins *o, FILE *f);
/* The same as a member of an open object. */
void      origins_json(const tt_origins *o, struct json *j);

#endif
