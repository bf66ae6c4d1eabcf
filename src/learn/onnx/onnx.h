/* onnx.h -- ONNX models, in and out. */
#ifndef ONNX_ONNX_H
#define ONNX_ONNX_H

#include <tutti/files.h>

#include "learn/files/format.h"

extern const struct file_format file_onnx;

#endif
