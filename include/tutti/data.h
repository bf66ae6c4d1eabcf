/* data.h -- where samples come from.
 *
 * A source is a set of samples, each with a value in every column: mostly one input and one target.
 * It is named by a URI:
 *   mnist:DIR  cifar10:DIR  images:DIR  images:FILE.{zip,tar,tar.xz,...}  csv:FILE  text:FILE
 *   text:DIR  synth:NAME
 * with settings after '?': mnist:DIR?split=test, csv:FILE?label=price,
 * synth:objects?size=32&count=10000; or it is made from the caller's columns or function.  A source
 * is immutable once open; all functions here are safe from any thread. */
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

/* What stands in a column of a table. */
enum tt_cells {
	TT_CELLS_NUMERIC,
	TT_CELLS_CATEGORY,   /* one of some words: a feature for each, or a number for an embedding */
	TT_CELLS_BOOLEAN,    /* yes and no, true and false ...: 1 and 0                             */
	TT_CELLS_DATE,       /* "2026-01-31", with a time or not: days since 1970                   */
	TT_CELLS_TEXT,       /* other words; no feature                                             */
	TT_CELLS_ID,         /* the name of a row; no feature, but told with its answer             */
	TT_CELLS_WEIGHT,
	TT_CELLS_IGNORED,
	TT_CELLS_TARGET
};
typedef struct tt_table_column {
	uint32_t      size;          /* of this struct; yours to set: TT_SIZED(tt_table_column)     */
	const char   *name;          /* in the header, or its number                                */
	enum tt_cells kind;
	int64_t       missing;       /* cells that hold nothing                                     */
	int64_t       values;        /* of a category: different ones in the training data          */
	int64_t       unseen;        /* cells with categories that are none of those                */
} tt_table_column;

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
	const char         *left_out;      /* what is there, but no sample, by reason, one line
	                                    * for people; borrowed; NULL if it is nothing      */
	const char         *unseen;        /* categories that training has not seen, one line for
	                                    * people; borrowed; NULL if there are none         */
	int                 table_columns; /* of a table: how many it has; else 0              */
	int                 ids;           /* names that each sample has                       */
	const char *const  *id_names;      /* [ids] of their columns; borrowed                 */
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

/* The i-th column of the table that it is; name is borrowed.  TT_EINVAL: there is none. */
TT_API tt_status tt_source_table_column(const tt_source *s, int i, tt_table_column *out);
/* The k-th name that sample `index` has in an id column; borrowed from the source.  NULL: none. */
TT_API const char *tt_source_id(const tt_source *s, int k, int64_t index);

/* Every column: names, types, shapes, which is the target; borrowed from the source. */
TT_API const tt_schema *tt_source_schema(const tt_source *s);

/* Samples first to first + n - 1, every column, ragged ones too, as they are, in one block that is
 * the caller's: tt_free(*out).  What tt_session_predict and tt_learner_step take; no weights.
 * TT_EINVAL: the source has not got them. */
TT_API tt_status tt_source_batch(const tt_source *s, int64_t first, int64_t n, tt_batch **out);

/* A source of `count` samples that lie in memory.  columns: data (and offsets) of each column of
 * the schema, in its order, all borrowed until the source is closed; the schema is copied.
 *
 *   float x[150][4];  int32_t kind[150];
 *   const tt_column *column[] = {
 *       TT_COLUMN(.name = "x", .type = TT_F32, .ndim = 1, .shape = { 4 }, .data = x),
 *       TT_COLUMN(.name = "kind", .type = TT_I32, .data = kind) };
 *   tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = column, .target = "kind",
 *                                       .kind = TT_TARGET_CLASS, .classes = 3), 150);
 *
 * TT_EINVAL names the column that is not whole; TT_EFORMAT a class or weight out of bounds. */
TT_API tt_status tt_source_from_memory(tt_source **out, const tt_schema *schema, int64_t count);

/* What a source can do, so that nobody asks it for more. */
enum tt_access {
	TT_ACCESS_INDEX,     /* any sample at any time                                              */
	TT_ACCESS_FORWARD    /* one after the other, from any place or from the start of a shard:
	                      * shuffling moves whole shards, and one thread reads                  */
};

/* Samples first to first + n - 1: set data (and offsets) of each column, which is described
 * already.  What they point to is read before the next call of read, or, with `threads`, before the
 * next one of the same thread.  Not TT_OK ends the run with that status. */
typedef tt_status tt_read_fn(void *ctx, int64_t first, int64_t n, tt_column *const *column);

typedef struct tt_callback {
	uint32_t       size;
	tt_read_fn    *read;
	void          *ctx;
	void         (*close)(void *ctx);  /* called once, when the source is closed (nothing)      */
	enum tt_access access;
	const int64_t *shard;              /* FORWARD: [shards + 1] first samples, from 0 to count;
	                                    * copied (all samples are one shard)                    */
	int64_t        shards;
	int            threads;            /* 1: read may run in several threads at once (one call
	                                    * at a time, in the loader's threads)                   */
} tt_callback;
#define TT_CALLBACK(...) (&(tt_callback){ .size = sizeof(tt_callback), __VA_ARGS__ })

/* A source of `count` samples that a function gives.  The schema and *c are copied; on an error
 * close is not called. */
TT_API tt_status tt_source_from_callback(tt_source **out, const tt_schema *schema, int64_t count,
                                         const tt_callback *c);

/* ---- pictures: samples of u8 [1 or 3, height, width] ---- */

/* How a picture is read; what is 0 is the default. */
enum tt_orientation {
	TT_ORIENTATION_EXIF,               /* upright, as its EXIF data says                        */
	TT_ORIENTATION_STORED              /* as it lies in the file: what images: does by itself   */
};
enum tt_gray16 {
	TT_GRAY16_CLIP,                    /* of gray with 16 bits all above 255 is white (Pillow)  */
	TT_GRAY16_SCALE                    /* divided by 256                                        */
};
typedef struct tt_image_opts {
	uint32_t            size;
	enum tt_orientation orientation;
	enum tt_gray16      gray16;
	const char         *background;    /* "white", "black" or "RRGGBB" behind transparent pixels
	                                    * (NULL: they are taken for opaque)                     */
} tt_image_opts;
#define TT_IMAGE_OPTS(...) (&(tt_image_opts){ .size = sizeof(tt_image_opts), __VA_ARGS__ })

/* Has a file the name of an image (.jpg, .png ...)?  NULL has not. */
TT_API int       tt_image_is_named(const char *path);

/* Decode a picture file into out[shape], scaled to that size.  The pixels are those of Pillow's
 * convert("RGB") (3 planes) or convert("L") (1).  TT_EFORMAT: damaged, or of no known format. */
TT_API tt_status tt_image_read(const char *path, const int64_t shape[3], uint8_t *out);
TT_API tt_status tt_image_read_as(const char *path, const int64_t shape[3],
                                  const tt_image_opts *opts, uint8_t *out);
/* Draw n samples, one from each of n equal parts of the source (always the same), `columns` beside
 * each other, each with its class's name, as a PNG file.  TT_ESUPPORT: samples that are no
 * pictures. */
TT_API tt_status tt_source_sheet(const tt_source *s, int64_t n, int columns, const char *path);
/* Write the same n samples (0: all) as PNG files, a folder per class; images:DIR reads them back.
 * DIR must not exist yet: it appears whole or not at all.  TT_ESUPPORT: no classes, no pictures. */
TT_API tt_status tt_source_export(const tt_source *s, int64_t n, const char *dir);

#ifdef __cplusplus
}
#endif
#endif
