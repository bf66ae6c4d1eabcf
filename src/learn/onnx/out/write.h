/* write.h -- a model becomes an ONNX file. */
#ifndef ONNX_WRITE_H
#define ONNX_WRITE_H

#include <tutti/files.h>

tt_status onnx_write(const tt_model *m, const char *path, enum tt_file_type type);

#endif
