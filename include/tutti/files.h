/* files.h -- models in files of other tools: out, and in.
 *
 *   tt_file_write(m, "safetensors", "net.safetensors", TT_FILE_F32);
 *   tt_file_read(&m, "net.onnx");
 *
 * A checkpoint of tutti's own is tt_model_save's and tt_model_load's affair. */
#ifndef TUTTI_FILES_H
#define TUTTI_FILES_H

#include <tutti/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How numbers are written; parameters are f32 always. */
enum tt_file_type { TT_FILE_F32, TT_FILE_BF16 };

typedef struct tt_file_format {
	uint32_t    size;              /* of this struct; yours to set: TT_SIZED(tt_file_format)    */
	const char *name, *help;       /* "keras"; static                                           */
	int         reads;             /* may it be given to tt_file_read?                          */
	int         types;             /* it can hold so many of tt_file_type                      */
} tt_file_format;
TT_API int       tt_file_formats(void);
TT_API tt_status tt_file_format_get(int i, tt_file_format *out);

/* Write a model in a format, by its name.  The file is there whole or not at all.  TT_ESUPPORT
 * names the first layer that the format cannot hold, or says what is not built in. */
TT_API tt_status tt_file_write(const tt_model *m, const char *format, const char *path,
                               enum tt_file_type type);

/* A model with its spec, from a file whose name says what it is.  The model has not seen data: what
 * preprocessing it expects a Keras file does not say; of an ONNX file, nodes in front that scale,
 * subtract and divide become data.mean and data.std.  TT_ESUPPORT names the first layer that tutti
 * has not got; TT_EFORMAT: the file is damaged, or lies. */
TT_API tt_status tt_file_read(tt_model **out, const char *path);

#ifdef __cplusplus
}
#endif
#endif
