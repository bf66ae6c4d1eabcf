#include "learn/predict/tokens.h"

#include <math.h>
#include <stdio.h>

static int is_token(float v, int64_t rows)
{
	return v >= 0 && (double)v < (double)rows && v == floorf(v);
}

static int scaled(const struct tt_model *m)
{
	return m->signature->view.means || m->signature->view.stds;
}

static tt_status unknown(const struct tt_model *m, const struct token_batch *b, int64_t at)
{
	const tt_schema *d = &m->signature->data.view;
	const char *const *names = d->column[schema_input(d, 0)]->features;
	const int64_t row = at / m->inputs, place = at % m->inputs;
	const double v = (double)b->x[at];
	char sample[40] = "", column[80], why[120] = "is no row";

	if (names)
		snprintf(column, sizeof column, "column '%.60s'", names[place]);
	else
		snprintf(column, sizeof column, "column %lld", (long long)place);
	if (v != floor(v))
		snprintf(why, sizeof why, "is no whole number%s, so that it is no row",
		         scaled(m) ? " (data.mean and data.std are not for tokens)" : "");
	if (b->index || b->n > 1)
		snprintf(sample, sizeof sample, "sample %lld, ",
		         (long long)(b->index ? b->index[row] : row));
	return err_set(b->index ? TT_EFORMAT : TT_EINVAL, "%s%s: the token %.9g %s of embedding "
	               "'%.60s', which has the rows 0 to %lld", sample, column, v, why, m->embedding,
	               (long long)m->tokens - 1);
}

tt_status tokens_check(const struct tt_model *m, const struct token_batch *b)
{
	const int64_t numbers = m->tokens ? b->n * m->inputs : 0;

	for (int64_t i = 0; i < numbers; i++)
		if (!is_token(b->x[i], m->tokens))
			return unknown(m, b, i);
	return TT_OK;
}
