/* data.h -- where samples come from.
 *
 * A source is a set of samples with labels, named by a URI:
 *   mnist:DIR  cifar10:DIR  images:DIR  images:FILE.tar[.xz|.gz]  csv:FILE  synth:NAME
 * with settings after '?': mnist:DIR?split=test, csv:FILE?label=price,
 * synth:objects?size=32&count=10000.  A source is immutable once open; all functions here are
 * safe from any thread. */
#ifndef TUTTI_DATA_H
#define TUTTI_DATA_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/column.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_source tt_source;

enum tt_sample_type { TT_SAMPLE_U8, TT_SAMPLE_F32 };

typedef struct tt_source_info {
	uint32_t            size;          /* of this struct                                   */
	int64_t             count;         /* samples                                          */
	int                 ndim;          /* 3: channels, height, width; 1: features          */
	int64_t             shape[4];      /* of one sample, row-major (CHW)                   */
	enum tt_sample_type type;          /* how tt_source_read stores x                      */
	enum tt_target_kind target;
	int                 classes;       /* TT_TARGET_CLASS: how many; else 0                */
	int                 values;        /* TT_TARGET_VALUES: how many per sample; else 0    */
	const char *const  *class_names;   /* borrowed from the source; NULL if it has none    */
} tt_source_info;

/* Open a source.  *out is owned by the caller.  TT_ENOENT: no such file or scheme;
 * TT_EFORMAT: a damaged file, named with the place of the damage. */
TT_API tt_status tt_source_open(tt_source **out, const char *uri);
TT_API void      tt_source_close(tt_source **s);                 /* NULL is fine; sets *s = NULL */

/* Shape, type and count of its samples; borrowed from the source; NULL of NULL. */
TT_API const tt_source_info *tt_source_describe(const tt_source *s);

/* Read sample `index` into x (prod(shape) elements of type) and its target: class index, or
 * `values` floats.  label and values may be NULL. */
TT_API tt_status tt_source_read(const tt_source *s, int64_t index, void *x, int32_t *label,
                                float *values);

#ifdef __cplusplus
}
#endif
#endif
