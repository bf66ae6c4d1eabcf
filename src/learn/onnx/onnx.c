/* onnx.c -- the row of the table of formats. */
#include "learn/onnx/onnx.h"

#include "learn/onnx/in/read.h"
#include "learn/onnx/out/write.h"

const struct file_format file_onnx = {
	.name = "onnx", .help = "the net with its weights, for onnxruntime and others (opset 17)",
	.ends = { ".onnx" }, .types = 1, .write = onnx_write, .read = onnx_read,
};
