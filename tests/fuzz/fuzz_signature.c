/* Any text as the signature in a checkpoint: refused, or one that the model of three classes can
 * have, which is written as text that reads as the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "learn/nn/model.h"
#include "learn/nn/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char spec[] = "model: {input: [2], layers: [{dense: {out: 3}}]}\n";

static tt_model *model(void)
{
	static tt_model *m;
	tt_spec *s;

	if (m)
		return m;
	if (tt_spec_parse(&s, "fuzz", spec) != TT_OK || tt_model_new(&m, s) != TT_OK)
		abort();
	tt_spec_free(&s);
	return m;
}

static void check(const struct signature *s)
{
	struct str first = {0}, second = {0};
	struct signature *again;

	for (int i = 0; i < s->view.means; i++)
		if (!isfinite(s->view.mean[i]))
			abort();
	for (int i = 0; i < s->view.stds; i++)
		if (!(s->view.std[i] > 0) || !isfinite(s->view.std[i]))
			abort();
	signature_write(s, &first);
	if (signature_read(&again, model(), first.p, "again") != TT_OK)
		abort();
	signature_write(again, &second);
	if (strcmp(first.p, second.p) != 0)
		abort();
	signature_free(&again);
	str_release(&first);
	str_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_calloc(size + 1, 1);
	struct signature *s;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	if (signature_read(&s, model(), text, "fuzz") == TT_OK) {
		check(s);
		signature_free(&s);
	}
	mem_free(text);
	return 0;
}
