/* register.h -- the rows of all plugs that can be linked in. */
#ifndef PLUG_REGISTER_H
#define PLUG_REGISTER_H

#include "sys/plug.h"

extern const struct plug onednn_plug, openblas_plug, mpi_plug;

/* How many are linked in.  Programs that link the archive name this symbol, so that it is there. */
extern const int plug_register;

#endif
