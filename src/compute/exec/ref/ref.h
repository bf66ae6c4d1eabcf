/* ref.h -- the definition of every operation, in plain C: the table of ir/op's ref_NAME. */
#ifndef REF_REF_H
#define REF_REF_H

#include "compute/exec/device.h"
#include "compute/ir/op.h"

extern const ref_fn ref_kernel[IR_OP_COUNT];

/* Runs them: the last device of every list. */
extern const struct device_ops ref_device;

#endif
