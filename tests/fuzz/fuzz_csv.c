/* Any bytes as a table, with settings drawn from the first byte: refused, or all that was
 * read is in its bounds. */
#include <math.h>
#include <stdlib.h>

#include "data/readers/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct csv *c, int later)
{
	for (size_t i = 0; i < c->rows * c->columns; i++)
		if (!isfinite(c->x[i]))
			abort();
	for (size_t i = 0; c->label && i < c->rows; i++)
		if (c->label[i] < -later || c->label[i] >= c->classes)
			abort();
	for (size_t i = 0; c->value && i < c->rows; i++)
		if (!isfinite(c->value[i]) && !later)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const labels[] = { NULL, "none", "0", "kind" };
	struct csv_opts o = {0};
	struct csv c = {0};

	if (size > 0) {
		o.label = labels[data[0] & 3];
		o.bad_rows = (data[0] >> 2 & 3) == 3 ? CSV_BAD_LATER
		           : (data[0] >> 4 & 3) == 3 ? CSV_BAD_SKIP : CSV_BAD_ERROR;
		o.task = (data[0] >> 2 & 3) % 3;
		o.header = (data[0] >> 4 & 3) % 3;
		o.separator = data[0] >> 6;
		data++;
		size--;
	}
	if (csv_parse(&c, &(struct bytes){ data, size, "fuzz" }, &o) == TT_OK)
		check(&c, o.bad_rows == CSV_BAD_LATER);
	csv_release(&c);
	return 0;
}
