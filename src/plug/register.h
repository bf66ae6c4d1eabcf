/* register.h -- the list of what is linked in; its rows come from cmake/libraries.cmake. */
#ifndef PLUG_REGISTER_H
#define PLUG_REGISTER_H

#include "sys/plug.h"

/* How many are linked in.  Programs that link the archive name this symbol, so that it is there. */
extern const int plug_register;

#endif
