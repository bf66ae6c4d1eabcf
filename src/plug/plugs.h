/* plugs.h -- the one list of what this build was linked with. */
#ifndef PLUG_PLUGS_H
#define PLUG_PLUGS_H

#include "base/err.h"
#include "distribute/comm/comm.h"

struct device;
struct device_ops;

/* Compute devices in order of preference; the reference device stands last.  NULL-terminated. */
const struct device_ops *const *plug_devices(void);

/* This process as one of the ranks that an MPI launcher started (plug/mpi/export.h); comm_close it.
 * TT_ESUPPORT if this build has no MPI. */
tt_status plug_mpi_comm(struct comm **out, double timeout, enum comm_transport transport);

/* A row per library: name, version or PLUG_ABSENT, what it serves. */
#define PLUG_ABSENT "not built in"
struct plug_info { const char *name, *version, *serves; };
int plug_list(struct plug_info *out, int max);

#endif
