/* Any bytes as a Keras architecture: a spec that can be written down, or refused. */
#include "learn/keras/keras.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tt_spec *s = NULL;
	char *text = NULL;

	if (keras_parse_config("fuzz", (const char *)data, size, &s) == TT_OK &&
	    tt_spec_text(s, &text) == TT_OK)
		tt_free(text);
	tt_spec_free(&s);
	return 0;
}
