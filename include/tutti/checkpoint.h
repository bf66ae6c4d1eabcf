/* checkpoint.h -- what is in a checkpoint: tensors and metadata, without a model.
 *
 * Checkpoints are safetensors files, which other tools read as well.  Names that begin with
 * "tutti." are the training's own (optimizer, place); the others are the model's.  The file is
 * read and checked when it is opened; everything is borrowed until it is closed.  Numbers of types
 * that tutti lacks are converted: F64, F16 and F8 to f32, whole ones to s32, or to f32 where one is
 * too large; BOOL is u8.  Safe to read from any thread. */
#ifndef TUTTI_CHECKPOINT_H
#define TUTTI_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_checkpoint tt_checkpoint;

typedef struct tt_checkpoint_tensor {
	uint32_t    size;            /* of this struct: TT_SIZED(tt_checkpoint_tensor)        */
	const char *name;            /* "conv1.weight", "tutti.optim.momentum"                */
	const char *type;            /* "f32", "bf16", "s32", "u8"                            */
	int         ndim;
	int64_t     shape[5];
	const void *data;            /* packed, row-major, little-endian                      */
	size_t      bytes;
} tt_checkpoint_tensor;

typedef struct tt_checkpoint_meta {
	uint32_t    size;            /* of this struct: TT_SIZED(tt_checkpoint_meta)          */
	const char *key, *value;     /* "tutti.step", "1875"                                  */
} tt_checkpoint_meta;

/* *out is owned.  TT_EFORMAT: not a checkpoint, or damaged: what and where. */
TT_API tt_status tt_checkpoint_open(tt_checkpoint **out, const char *path);
TT_API void      tt_checkpoint_close(tt_checkpoint **c);

TT_API int       tt_checkpoint_tensors(const tt_checkpoint *c);          /* 0 of NULL      */
TT_API tt_status tt_checkpoint_tensor_get(const tt_checkpoint *c, int i, tt_checkpoint_tensor *out);
TT_API int       tt_checkpoint_metas(const tt_checkpoint *c);            /* 0 of NULL      */
TT_API tt_status tt_checkpoint_meta_get(const tt_checkpoint *c, int i, tt_checkpoint_meta *out);
/* The value of a key; NULL if there is none. */
TT_API const char *tt_checkpoint_value(const tt_checkpoint *c, const char *key);

#ifdef __cplusplus
}
#endif
#endif
