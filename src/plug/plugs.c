/* plugs.c -- the one list of what this build was linked with.  Only this file is compiled with
 * TT_HAVE_*: a new plug is a folder, a row in each table, and nothing else. */
#include "plug/plugs.h"

#include <stddef.h>

#include "compute/exec/ref/ref.h"

#ifdef TT_HAVE_ONEDNN
#include "plug/onednn/export.h"
#endif

#ifdef TT_HAVE_MPI
#include "plug/mpi/export.h"
#endif

#ifdef TT_HAVE_OPENBLAS
#include "plug/openblas/export.h"
#endif

static const struct device_ops *const devices[] = {
#ifdef TT_HAVE_ONEDNN
	&onednn_device,
#endif
#ifdef TT_HAVE_OPENBLAS
	&openblas_device,
#endif
	&ref_device,
	NULL
};

#ifndef TT_HAVE_ONEDNN
static const char *onednn_version(void) { return PLUG_ABSENT; }
#endif
#ifndef TT_HAVE_OPENBLAS
static const char *openblas_version(void) { return PLUG_ABSENT; }
#endif

#ifndef TT_HAVE_MPI
static const char *mpi_version(void) { return PLUG_ABSENT; }

static tt_status mpi_comm_open(struct comm **out, double timeout, enum comm_transport transport)
{
	(void)out;
	(void)timeout;
	(void)transport;
	return err_set(TT_ESUPPORT,
	               "this tutti was built without MPI: install libopenmpi-dev and build "
	               "again, or use --workers on one machine");
}
#endif

tt_status plug_mpi_comm(struct comm **out, double timeout, enum comm_transport transport)
{
	return mpi_comm_open(out, timeout, transport);
}

const struct device_ops *const *plug_devices(void) { return devices; }

int plug_list(struct plug_info *out, int max)
{
	const struct plug_info infos[] = {
		{ "onednn", onednn_version(), "compute on CPUs" },
		{ "openblas", openblas_version(), "dense layers on CPUs, where it is faster" },
		{ "mpi", mpi_version(), "ranks on many machines" },
		{ "ref", "built in", "every operation in plain C: the definition" },
	};
	int n = (int)(sizeof infos / sizeof *infos);

	for (int i = 0; i < n && i < max; i++)
		out[i] = infos[i];
	return n < max ? n : max;
}
