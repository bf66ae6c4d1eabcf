#include "compute/exec/ref/ref.h"

const ref_fn ref_kernel[IR_OP_COUNT] = {
#define OP(NAME, name, ...) [IR_##NAME] = ref_##name,
#include "compute/ir/ops.def"
#undef OP
};
