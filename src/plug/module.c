/* module.c -- a plug as a shared object: compiled once for each, with PLUG_ROW its row. */
#include "plug/register.h"

extern const struct plug        PLUG_ROW;
extern const struct plug *const tutti_plug;
const struct plug *const tutti_plug = &PLUG_ROW;
