/* types.h -- ONNX's words and numbers that both ways need. */
#ifndef ONNX_TYPES_H
#define ONNX_TYPES_H

#define ONNX_CLASSES "class_names"      /* in the metadata: a list of texts, as JSON */
#define ONNX_FEATURES "feature_names"   /* the same, of each input that has names    */
#define ONNX_RECIPE "recipe"            /* how cells of a table become features      */
/* Of tutti's own files, so that all of it comes back: */
#define ONNX_SIGNATURE "tutti.signature" /* as in a checkpoint                       */
#define ONNX_LOSS "tutti.loss"          /* what the net was trained with             */

/* ONNX's numbers for types. */
enum onnx_type {
	ONNX_FLOAT = 1, ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_UINT16 = 4, ONNX_INT16 = 5, ONNX_INT32 = 6,
	ONNX_INT64 = 7, ONNX_BOOL = 9, ONNX_FLOAT16 = 10, ONNX_DOUBLE = 11, ONNX_BFLOAT16 = 16
};
enum { ONNX_ATTR_FLOAT = 1, ONNX_ATTR_INT = 2, ONNX_ATTR_TEXT = 3, ONNX_ATTR_FLOATS = 6,
       ONNX_ATTR_INTS = 7, ONNX_ATTR_TEXTS = 8 };

#endif
