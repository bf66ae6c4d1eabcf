/* sobol.c -- points that leave no hole: Sobol's sequence with the direction numbers of Joe and Kuo
 * (2008), shifted digitally by random bits per dimension.
 *
 * The i-th trial is the i-th point, so trials that run at the same time are as good as one after
 * the other.  2^k trials fill a space evenly. */
#include "lab/tune/rows.h"

#define BITS 32

struct sobol_opts { int scramble; };

#define T struct sobol_opts
static const struct option sobol_options[] = {
	OPT_ENUM(T, scramble, "yes", option_no_yes, "shift each dimension by random bits"),
	OPT_END
};
#undef T

static const struct { unsigned char degree, inner; uint32_t first[9]; } table[] = {
#include "lab/tune/samplers/sobol.def"
};
#define DIMENSIONS ((int)(sizeof table / sizeof *table) + 1)

/* The direction numbers of a dimension, with the point before the comma. */
static void directions(int dimension, uint32_t v[BITS])
{
	const int degree = dimension ? table[dimension - 1].degree : 0;

	for (int i = 0; i < BITS; i++) {
		if (!dimension || i < degree) {
			v[i] = (dimension ? table[dimension - 1].first[i] : 1u) << (BITS - 1 - i);
			continue;
		}
		v[i] = v[i - degree] ^ (v[i - degree] >> degree);
		for (int k = 1; k < degree; k++)
			if ((table[dimension - 1].inner >> (degree - 1 - k)) & 1)
				v[i] ^= v[i - k];
	}
}

/* By the bits of i's Gray code, as everybody does. */
static uint32_t point(const uint32_t v[BITS], uint64_t i)
{
	const uint64_t gray = i ^ (i >> 1);
	uint32_t x = 0;

	for (int k = 0; k < BITS; k++)
		if ((gray >> k) & 1)
			x ^= v[k];
	return x;
}

static tt_status open(struct tt_study *s)
{
	uint32_t (*v)[BITS];

	if (s->space->n > DIMENSIONS)
		return err_set(TT_EINVAL, "sampler sobol knows %d parameters, there are %d", DIMENSIONS,
		               s->space->n);
	v = arena_alloc(&s->arena, (size_t)s->space->n * sizeof *v);
	if (!v)
		return TT_ENOMEM;
	for (int i = 0; i < s->space->n; i++)
		directions(i, v[i]);
	s->sampler_state = v;
	return TT_OK;
}

static tt_status ask(struct tt_study *s, struct trial *t, enum tt_ask *what)
{
	const struct sobol_opts *o = s->sampler_opts;
	uint32_t (*v)[BITS] = s->sampler_state;
	struct rng r;

	rng_init(&r, rng_key(s->seed, RNG_TUNE), 0, 1);
	for (int i = 0; i < s->space->n; i++) {
		const uint32_t shift = o->scramble ? rng_u32(&r) : 0;
		const uint32_t x = point(v[i], (uint64_t)t->number) ^ shift;

		if (space_has(s->space, i, t->x))
			t->x[i] = param_at(&s->space->param[i], x / 4294967296.0);
	}
	*what = TT_ASK_NEW;
	return TT_OK;
}

const struct sampler sampler_sobol = {
	.name = "sobol", .open = open, .ask = ask, .options = sobol_options,
	.size = sizeof(struct sobol_opts),
	.help = "points that leave no hole, 2^k trials best (Sobol 1967; Joe and Kuo 2008)",
};
