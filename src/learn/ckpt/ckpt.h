/* ckpt.h -- checkpoints are safetensors files.
 *
 *   u64 header size | JSON {"name": {dtype, shape, data_offsets}, "__metadata__": {k: v}} | data
 *
 * Written whole to a temporary name, fsynced, renamed.  Any tool that knows safetensors reads
 * the parameters; tutti's own state is under names that begin with "tutti." and in metadata. */
#ifndef CKPT_CKPT_H
#define CKPT_CKPT_H

#include "compute/tensor/desc.h"

struct ckpt_tensor {
	const char        *name;
	struct tensor_desc desc;            /* F32, S32, U8, BF16                  */
	const void        *data;            /* borrowed for the call               */
	const char        *stored;          /* of one that was read: its type in the file, "F16" */
};
struct ckpt_meta { const char *key, *value; };

tt_status ckpt_write(const char *path, const struct ckpt_tensor *t, int n_tensors,
                     const struct ckpt_meta *m, int n_meta);

/* A file that was read and checked.  Types that tutti lacks are converted: numbers with a point to
 * f32, whole ones to s32, or to f32 where one does not fit. */
struct ckpt;
tt_status ckpt_open(struct ckpt **out, const char *path);
void      ckpt_close(struct ckpt **c);
int       ckpt_count(const struct ckpt *c);
const struct ckpt_tensor *ckpt_at(const struct ckpt *c, int i);
const struct ckpt_tensor *ckpt_find(const struct ckpt *c, const char *name);    /* or NULL */
const char *ckpt_meta(const struct ckpt *c, const char *key);                   /* or NULL */
int       ckpt_meta_count(const struct ckpt *c);
struct ckpt_meta ckpt_meta_at(const struct ckpt *c, int i);      /* borrowed, as all texts */
/* Parse from memory: what ckpt_open does with a file; for the fuzzer. */
tt_status ckpt_parse(struct ckpt **out, const char *name, const uint8_t *p, size_t size);

#endif
