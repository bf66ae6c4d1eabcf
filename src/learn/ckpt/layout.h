/* layout.h -- what reading and writing safetensors must agree on.  Private to ckpt/. */
#ifndef CKPT_LAYOUT_H
#define CKPT_LAYOUT_H

#include "learn/ckpt/ckpt.h"

#define CKPT_PREFIX      8                      /* u64, little-endian: bytes of JSON          */
#define CKPT_HEADER_MAX  100000000              /* the format's own bound                     */
#define CKPT_META        "__metadata__"

/* The format's word for a type ("F32"), and back; NULL and -1 for what we do not keep. */
const char *ckpt_dtype_word(enum dtype t);
int         ckpt_dtype(const char *word);

#endif
