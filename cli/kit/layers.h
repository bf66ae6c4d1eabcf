/* layers.h -- the layers of a model as a table: kind, shape, parameters, operations. */
#ifndef KIT_LAYERS_H
#define KIT_LAYERS_H

#include "kit/json.h"
#include "learn/nn/model.h"

tt_status layers_print(const tt_model *m, int64_t batch);
/* The same as key "layers" of the open object. */
tt_status layers_json(const tt_model *m, int64_t batch, struct json *j);

#endif
