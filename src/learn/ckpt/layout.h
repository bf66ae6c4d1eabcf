/* layout.h -- what reading and writing safetensors must agree on.  Private to ckpt/. */
#ifndef CKPT_LAYOUT_H
#define CKPT_LAYOUT_H

#include "learn/ckpt/ckpt.h"

#define CKPT_PREFIX      8                      /* u64, little-endian: bytes of JSON          */
#define CKPT_HEADER_MAX  100000000              /* the format's own bound                     */
#define CKPT_META        "__metadata__"

/* A type of the format.  What tutti has no type for is converted when it is read. */
struct ckpt_type {
	const char *word;                           /* "F32"                                      */
	size_t      size;                           /* bytes of one number in the file            */
	enum dtype  as;                             /* what it is to us                           */
	/* n numbers into that; NULL: as they are. */
	void      (*convert)(const void *from, size_t n, void *to);
	/* 64 bits are more than s32 has: where one of n numbers does not fit all become f32. */
	int       (*fits)(const void *from, size_t n);
	void      (*wide)(const void *from, size_t n, void *to);
};

/* The format's word for a type ("F32"), and the row of a word; NULL for what there is not. */
/* A checkpoint made of others (shards.c).  It takes them over: parts[i] are NULL afterwards. */
tt_status ckpt_new_of(struct ckpt **out, const char *name, struct ckpt **parts, int n);
/* The tensor of a part; name is copied.  TT_ENOENT, without a text: it has none. */
tt_status ckpt_take(struct ckpt *c, int part, const char *name);
tt_status ckpt_sort(struct ckpt *c);
/* One file, whatever its name. */
tt_status ckpt_open_file(struct ckpt **out, const char *path);

const char             *ckpt_dtype_word(enum dtype t);
const struct ckpt_type *ckpt_type_find(const char *word);

#endif
