/* Any text as a spec: refused with a message, or a net whose graphs pass the verifier; written out
 * it resolves again to the same text. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const tt_spec *s)
{
	char *first, *second;
	tt_spec *again;

	if (tt_spec_text(s, &first) != TT_OK || tt_spec_parse(&again, "again", first) != TT_OK ||
	    tt_spec_resolve(again) != TT_OK || tt_spec_text(again, &second) != TT_OK)
		abort();
	if (strcmp(first, second) != 0)
		abort();
	tt_free(first);
	tt_free(second);
	tt_spec_free(&again);
}

/* Nets that would fill the memory are checked on paper only. */
static void check_graphs(const tt_spec *s)
{
	tt_model *m;

	if (tt_model_new(&m, s) != TT_OK)
		abort();
	for (enum nn_purpose p = NN_TRAIN; p <= NN_PREDICT; p++) {
		struct ir_graph *g;

		if (nn_graph(m, 3, p, &g) != TT_OK)
			continue;       /* three samples may be more than any memory holds */
		if (ir_verify(g) != TT_OK)
			abort();
		ir_graph_free(&g);
	}
	tt_model_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_calloc(size + 1, 1);
	tt_spec *s;

	memcpy(text, data, size);
	if (tt_spec_parse(&s, "fuzz", text) == TT_OK) {
		if (tt_spec_resolve(s) == TT_OK) {
			check_again(s);
			if (s->n_parameters + s->n_buffers < 1 << 20)
				check_graphs(s);
		} else if (!*tt_last_error()) {
			abort();
		}
		tt_spec_free(&s);
	}
	mem_free(text);
	return 0;
}
