/* read.h -- an ONNX file becomes a model. */
#ifndef ONNX_READ_H
#define ONNX_READ_H

#include <tutti/model.h>

tt_status onnx_read(tt_model **out, const char *path);
/* The same of bytes; name is for messages. */
tt_status onnx_read_bytes(tt_model **out, const char *name, const void *bytes, size_t n);

#endif
