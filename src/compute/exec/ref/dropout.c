/* dropout.c -- dropout element by element; exec/dropout.h says which are kept. */
#include "compute/exec/ref/ref.h"

#include "base/rng.h"
#include "compute/exec/host/dropout.h"

/* The 16-bit number of element e of sample s. */
static uint32_t number_at(const struct ref_args *a, int64_t s, int64_t e)
{
	const uint32_t counter[4] = { (uint32_t)(e / 8), a->node->attr.stream, (uint32_t)s,
	                              (uint32_t)a->run->step };
	uint32_t word[4];

	rng_philox(rng_key(a->run->seed, RNG_DROPOUT), counter, word);
	return word[e % 8 / 2] >> (e % 2 ? 16 : 0) & 0xffff;
}

/* Survivors grow so that the mean stays; with p = 1 there are none. */
static float survivor_scale(const struct ref_args *a)
{
	return 1 / (1 - a->node->attr.p);
}

/* x[N,..] -> y[N,..], mask[N,..] */
void ref_dropout(const struct ref_args *a)
{
	const struct tensor_desc *d = ref_in(a, 0);
	int64_t per_sample = ref_inner(d, 0), n = tensor_count(d);
	uint32_t threshold = dropout_threshold(a->node->attr.p);
	float scale = survivor_scale(a);
	const float *x = a->in[0];
	float *y = a->out[0];
	uint8_t *mask = a->out[1];

	for (int64_t i = 0; i < n; i++) {
		int64_t s = a->run->sample + i / per_sample * a->run->sample_stride;
		int keep = number_at(a, s, i % per_sample) >= threshold;

		y[i] = x[i] * (keep ? scale : 0);        /* a NaN stays */
		if (mask)
			mask[i] = (uint8_t)keep;
	}
}

/* dy, mask -> dx */
void ref_dropout_dx(const struct ref_args *a)
{
	int64_t n = tensor_count(ref_in(a, 0));
	float scale = survivor_scale(a);
	const float *dy = a->in[0];
	const uint8_t *mask = a->in[1];
	float *dx = a->out[0];

	for (int64_t i = 0; i < n; i++)
		dx[i] = dy[i] * (mask[i] ? scale : 0);
}
