#include "learn/nn/init.h"

#include <math.h>

#include "base/hash.h"
#include "base/rng.h"
#include "sys/thread.h"

const char *const init_words[] = {
	"he", "glorot", "lecun", "uniform", "normal", "zeros", "torch", 0
};

#define BLOCK 4096              /* numbers from one stream: blocks are filled side by side */
#define BLOCKS_OF_A_THREAD 64   /* less is not worth starting one                          */

struct fill {
	float         *x;
	size_t         n;
	struct rng_key key;
	uint64_t       name;
	double         scale;       /* deviation of a normal, half the width of a uniform     */
	int            normal;
};

static void fill_blocks(void *ctx, int64_t first, int64_t last)
{
	struct fill *f = ctx;

	for (int64_t b = first; b < last; b++) {
		size_t lo = (size_t)b * BLOCK, hi = lo + BLOCK < f->n ? lo + BLOCK : f->n;
		struct rng r;

		rng_init(&r, f->key, f->name, (uint32_t)b);
		for (size_t i = lo; i < hi; i++)
			f->x[i] = (float)(f->scale * (f->normal ? rng_normal(&r)
			                                        : 2 * rng_uniform(&r) - 1));
	}
}

/* Scale and shape of the distribution; 0 where nothing is drawn. */
static double scale_of(const struct init *how, int *normal)
{
	double in = (double)how->fan_in, out = (double)how->fan_out;

	*normal = 0;
	switch (how->kind) {
	case INIT_HE:      *normal = 1; return sqrt(2 / in);
	case INIT_GLOROT:  return sqrt(6 / (in + out));
	case INIT_LECUN:   *normal = 1; return sqrt(1 / in);
	case INIT_UNIFORM: return 0.05;
	case INIT_NORMAL:  *normal = 1; return 0.05;
	case INIT_TORCH:   return 1 / sqrt(in);
	case INIT_UNIT:    *normal = 1; return 1;
	case INIT_ZEROS:
	case INIT_CONST:   break;
	}
	return 0;
}

void init_fill(float *x, size_t n, const struct init *how, uint64_t seed, const char *name)
{
	struct fill f = { .x = x, .n = n, .key = rng_key(seed, RNG_INIT), .name = hash_text(name) };
	float constant = how->kind == INIT_CONST ? (float)how->value : 0;

	f.scale = scale_of(how, &f.normal);
	if (f.scale > 0)
		thread_for_once((int64_t)((n + BLOCK - 1) / BLOCK), BLOCKS_OF_A_THREAD, fill_blocks, &f);
	else
		for (size_t i = 0; i < n; i++)
			x[i] = constant;
}
