/* keras.h -- Keras models, in and out. */
#ifndef KERAS_KERAS_H
#define KERAS_KERAS_H

#include <tutti/files.h>

#include "learn/files/format.h"

tt_status keras_read(tt_model **out, const char *path);
tt_status keras_write(const tt_model *m, const char *path, enum tt_file_type type);
/* The spec that an architecture in JSON is, without weights: for the fuzzer. */
tt_status keras_parse_config(const char *name, const char *text, size_t n, tt_spec **out);

extern const struct file_format file_keras;

#endif
