/* Any lines as the ranges of parameters p, q, r ...: refused, or a parameter whose values are
 * within its ends, and which reads its own texts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lab/tune/space.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct param *p, struct arena *a)
{
	for (int i = 0; i <= 8; i++) {
		const double x = param_at(p, i / 8.0);
		const double v = param_number(p, x);
		const char *text = param_text(p, a, x);

		if (!isfinite(v) || !text || (!p->count && (v < p->lo || v > p->hi)))
			abort();
		if (p->count && (x < 0 || x >= p->count))
			abort();
		if (p->kind != TT_PARAM_DOUBLE && isnan(param_x(p, text)))
			abort();
		if (!(param_unit(p, x) >= 0) || !(param_unit(p, x) <= 1))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_calloc(size + 1, 1), *rest = text, *line;
	struct arena a = {0};
	tt_space *s = NULL;

	if (!text || tt_space_new(&s) != TT_OK)
		abort();
	if (size)
		memcpy(text, data, size);
	for (char name[2] = "p"; *name < 'z' && (line = strsep(&rest, "\n")); (*name)++)
		if (tt_space_add(s, name, line) == TT_OK)
			check(&s->param[s->n - 1], &a);
	mem_free(text);
	arena_release(&a);
	tt_space_free(&s);
	return 0;
}
