#include "compute/exec/ref/ref.h"

#include "compute/exec/ref/kernels.h"

const ref_fn ref_kernel[IR_OP_COUNT] = {
#define OP(NAME, name, imin, imax, out, text) [IR_##NAME] = ref_##name,
#include "compute/ir/ops.def"
#undef OP
};
