/* random.c -- every parameter on its own, uniform on its scale (Bergstra and Bengio 2012). */
#include "lab/tune/rows.h"

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	struct rng r;

	study_rng(s, t, &r);
	study_fill(s, t, &r);
	*what = TT_ASK_NEW;
	return TT_OK;
}

const struct sampler sampler_random = {
	.name = "random", .ask = ask,
	.help = "each parameter on its own, uniform on its scale (Bergstra and Bengio 2012)",
};
