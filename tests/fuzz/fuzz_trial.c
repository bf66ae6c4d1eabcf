/* Any bytes as what a trial prints: each report is of a step from 1 on, and however the bytes are
 * cut the same reports come. */
#include <math.h>
#include <stdlib.h>

#include "lab/pool/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum { int64_t n, steps; double values; };

static void add(void *ctx, const struct lines_report *r)
{
	struct sum *s = ctx;

	if (r->step < 1)
		abort();
	s->n++;
	s->steps += r->step % 1000;
	s->values += isfinite(r->value[0]) ? fmod(r->value[0], 1000) : 1;
}

static struct sum listen(const char *text, size_t size, size_t piece)
{
	static const char *const names[] = { "a", "b" };
	struct lines l = { .name = names, .n = 2, .optional = 2 };
	struct sum s = {0};

	for (size_t i = 0; i < size; i += piece)
		lines_take(&l, text + i, size - i < piece ? size - i : piece, add, &s);
	lines_finish(&l, add, &s);
	lines_release(&l);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sum whole = listen((const char *)data, size, size + 1);
	const struct sum bytes = listen((const char *)data, size, 3);

	if (whole.n != bytes.n || whole.steps != bytes.steps || whole.values != bytes.values)
		abort();
	return 0;
}
