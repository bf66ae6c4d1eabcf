/* Any bytes as an ONNX file: a model, or refused. */
#include "learn/onnx/in/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tt_model *m = NULL;

	if (onnx_read_bytes(&m, "fuzz", data, size) == TT_OK)
		tt_model_free(&m);
	return 0;
}
