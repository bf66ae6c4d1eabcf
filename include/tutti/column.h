/* column.h -- named, typed columns, and batches of them.
 *
 * A column holds one value of each of n samples: a number, a vector, a picture, or, if ragged, a
 * list of another length for each sample.
 *
 *   image    u8  [3, 32, 32]   | sample 0 | sample 1 | ...              fixed: n * 3072 numbers
 *   label    i32 []            | 4 | 0 | ...                            a scalar: n numbers
 *   words    i32 [-1]          | 7 2 9 | 4 | 1 1 | ...                  ragged: rows are packed,
 *            offsets           0       3   4     6                      n + 1 offsets count them
 *
 * Offsets are those of Arrow's large lists: sample i has the rows offsets[i] to offsets[i + 1] - 1;
 * a row is prod(shape[1...]) numbers.  A slice keeps its offsets: offsets[0] need not be 0.
 *
 * These are plain structs: the caller fills them in and everything they point to is borrowed for
 * the call.  `size` is that of the struct as the caller knows it, so that structs can grow. */
#ifndef TUTTI_COLUMN_H
#define TUTTI_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include <tutti/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tt_type { TT_U8, TT_I32, TT_I64, TT_F16, TT_F32 };
#define TT_COLUMN_DIMS 4

/* What a column is and, in a batch, what it holds. */
typedef struct tt_column {
	uint32_t           size;
	enum tt_type       type;
	const char        *name;        /* "image"                                             */
	int                ndim;        /* dimensions of one sample; 0: a scalar               */
	int64_t            shape[TT_COLUMN_DIMS];  /* row-major; shape[0] is -1 if ragged      */
	const char *const *features;    /* [shape[0]] names of a vector's numbers (none)       */
	const void        *data;        /* packed, one sample after the other                  */
	const int64_t     *offsets;     /* ragged: [n + 1], in rows; else NULL                 */
} tt_column;
#define TT_COLUMN(...) (&(tt_column){ .size = sizeof(tt_column), __VA_ARGS__ })

/* n samples.  Columns are found by name, so that their order means nothing. */
typedef struct tt_batch {
	uint32_t                size;
	int                     columns;
	const tt_column *const *column;  /* [columns]                                          */
	int64_t                 n;       /* samples                                            */
	const float            *weight;  /* [n], not negative: how much a sample counts (1 each) */
} tt_batch;
#define TT_BATCH(...) (&(tt_batch){ .size = sizeof(tt_batch), __VA_ARGS__ })

enum tt_target_kind {
	TT_TARGET_CLASS,     /* a class index, i32 []                                     */
	TT_TARGET_VALUES,    /* numbers, f32 [] or f32 [values]                           */
	TT_TARGET_LABELS,    /* any of the classes at once, f32 [classes], each 0 or 1    */
	TT_TARGET_NONE,      /* there is nothing to predict                               */
	TT_TARGET_PLACES     /* a class index at each place of a sequence, i32 [-1] or [places];
	                      * a negative one does not count.  To a net that spells (loss
	                      * ctc) a list of labels, of a length of its own             */
};

/* The columns of a source. */
typedef struct tt_schema {
	uint32_t                size;
	int                     columns;
	const tt_column *const *column;       /* [columns], data is looked at by from_memory alone  */
	const char             *target;       /* name of the column to predict (none)              */
	const char             *weight;       /* name of the column of sample weights, f32 [] (none) */
	enum tt_target_kind     kind;         /* of the target                                     */
	int                     classes;      /* CLASS and LABELS: how many; else 0                */
	const char *const      *class_names;  /* [classes] (none)                                  */
	const char             *recipe;       /* how cells of a table became these columns, as JSON,
	                                       * so that other rows become the same (none)         */
} tt_schema;
#define TT_SCHEMA(...) (&(tt_schema){ .size = sizeof(tt_schema), __VA_ARGS__ })

TT_API size_t      tt_type_size(enum tt_type type);              /* bytes of a number; 0: no type */
TT_API const char *tt_type_name(enum tt_type type);              /* "f32"; "?": no type           */
/* The column of that name, or NULL; borrowed from the batch. */
TT_API const tt_column *tt_batch_column(const tt_batch *b, const char *name);
/* Is every column whole and every weight a number?  TT_EINVAL names the column and what is wrong
 * with it.  Calls that take a batch check it themselves. */
TT_API tt_status   tt_batch_check(const tt_batch *b);

#ifdef __cplusplus
}
#endif
#endif
