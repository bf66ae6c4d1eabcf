/* desc.h -- what a tensor is: element type and shape.
 *
 * Shapes are logical and row-major (NCHW for images, OIHW for filters).  How a
 * device lays the numbers out in memory is the device's own business. */
#ifndef TENSOR_DESC_H
#define TENSOR_DESC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TENSOR_MAX_DIMS 5

enum dtype { DTYPE_F32, DTYPE_BF16, DTYPE_S32, DTYPE_U8 };

struct tensor_desc {
	enum dtype dtype;
	int        ndim;
	int64_t    dim[TENSOR_MAX_DIMS];
};

size_t      dtype_size(enum dtype t);
const char *dtype_name(enum dtype t);                            /* "f32" */

struct tensor_desc tensor_desc_make(enum dtype t, int ndim, const int64_t *dim);
int64_t tensor_count(const struct tensor_desc *d);               /* elements; 1 for a scalar */
size_t  tensor_bytes(const struct tensor_desc *d);               /* row-major                */
int     tensor_same(const struct tensor_desc *a, const struct tensor_desc *b);
/* All dims > 0 and the byte count fits; else TT_ESHAPE. */
tt_status tensor_check(const struct tensor_desc *d);
/* "64x3x32x32" into buf; returns buf. */
#define TENSOR_TEXT 96
const char *tensor_text(const struct tensor_desc *d, char buf[TENSOR_TEXT]);

#endif
