/* nth_device.h -- a device that prefers its n-th variant: so that none is tried by luck alone.
 *
 *   struct nth_device n;  nth_device_init(&n, real, 2);  ... opts.devices = { &n.base, reference }
 *
 * Where a node has fewer variants its best is taken.  Below 0: each node has a variant of its own,
 * drawn by that number.  The real device is borrowed. */
#ifndef SUPPORT_NTH_DEVICE_H
#define SUPPORT_NTH_DEVICE_H

#include "compute/exec/device.h"

struct nth_device {
	struct device     base;
	struct device_ops ops;
	struct stream_ops stream;
	struct device    *real;
	int               nth;
	int               most;        /* variants that one node had, so far */
};

void nth_device_init(struct nth_device *x, struct device *real, int nth);

#endif
