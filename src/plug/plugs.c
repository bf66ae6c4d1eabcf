/* plugs.c -- the one list of what this build was linked with.  Only this file is compiled with
 * TT_HAVE_*: a new plug is a folder, a row in each table, and nothing else. */
#include "plug/plugs.h"

#include <stddef.h>

#include "compute/exec/device.h"

#ifdef TT_HAVE_ONEDNN
#include "plug/onednn/export.h"
#endif

static const struct device_ops *const devices[] = {
#ifdef TT_HAVE_ONEDNN
	&onednn_device,
#endif
	&ref_device,
	NULL
};

#ifndef TT_HAVE_ONEDNN
static const char *onednn_version(void) { return "not built in"; }
#endif

const struct device_ops *const *plug_devices(void) { return devices; }

int plug_list(struct plug_info *out, int max)
{
	const struct plug_info infos[] = {
		{ "onednn", onednn_version(), "compute on CPUs" },
		{ "ref", "built in", "every operation in plain C: the definition" },
	};
	int n = (int)(sizeof infos / sizeof *infos);

	for (int i = 0; i < n && i < max; i++)
		out[i] = infos[i];
	return n < max ? n : max;
}
