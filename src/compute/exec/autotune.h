/* autotune.h -- which device and which variant runs a node. */
#ifndef EXEC_AUTOTUNE_H
#define EXEC_AUTOTUNE_H

#include "compute/exec/device.h"

struct choice { struct device *device; char variant[VARIANT_NAME]; };

/* Decide for node n, whose inputs already lie where plan p put them.  With a kernel cache in the
 * options every candidate is measured once per shape and the fastest remembered, in the file if
 * nothing disturbed the measuring; without, it is the first variant of the first device that
 * can. */
tt_status autotune(struct plan *p, const struct ir_node *n, struct choice *out);

#endif
