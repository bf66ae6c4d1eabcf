/* act.c -- see act.h.  Every function is a loop over numbers that the compiler makes vectors of. */
#include "compute/exec/cpu/act.h"

#include <math.h>

#include "sys/thread.h"
#include "compute/exec/cpu/bf16.h"
#include "compute/exec/cpu/exp.h"

#define LANES 16
#define GRAIN 65536                     /* numbers that are not worth another thread */

INLINE float relu(float x, float alpha)
{
	(void)alpha;
	return x <= 0 ? 0 : x;
}

INLINE float elu(float x, float alpha)
{
	return x > 0 ? x : alpha * (exp_negative(x > 0 ? 0 : x) - 1);
}

INLINE float sigmoid(float x, float alpha)
{
	(void)alpha;
	return exp_sigmoid(x);
}

INLINE float tanh_of(float x, float alpha)
{
	(void)alpha;
	return exp_tanh(x);
}

INLINE float relu6(float x, float alpha)
{
	(void)alpha;
	return x < 0 ? 0 : x > 6 ? 6 : x;
}

INLINE float hardsigmoid(float x, float alpha)
{
	(void)alpha;
	return x <= -3 ? 0 : x >= 3 ? 1 : x * (1 / 6.0f) + 0.5f;
}

INLINE float hardswish(float x, float alpha)
{
	(void)alpha;
	return x <= -3 ? 0 : x >= 3 ? x : x * (x + 3) * (1 / 6.0f);
}

struct job { const struct act *a; const void *x; void *y; };

#define KERNEL(NAME)                                                                           \
	SIMD static void NAME##_f32(void *ctx, int64_t lo, int64_t hi)                          \
	{                                                                                       \
		const struct job *j = ctx;                                                      \
		const float *x = j->x, alpha = j->a->alpha;                                     \
		float *y = j->y;                                                                \
                                                                                                \
		IN_PLACE                                                                        \
		for (int64_t i = lo; i < hi; i++)                                               \
			y[i] = NAME(x[i], alpha);                                               \
	}                                                                                       \
	SIMD static void NAME##_bf16(void *ctx, int64_t lo, int64_t hi)                         \
	{                                                                                       \
		const struct job *j = ctx;                                                      \
		const uint16_t *x = j->x;                                                       \
		const float alpha = j->a->alpha;                                                \
		uint16_t *y = j->y;                                                             \
                                                                                                \
		IN_PLACE                                                                        \
		for (int64_t i = lo; i < hi; i++)                                               \
			y[i] = bf16_of(NAME(bf16_value(x[i]), alpha));                           \
	}
KERNEL(relu)
KERNEL(elu)
KERNEL(sigmoid)
KERNEL(tanh_of)
KERNEL(relu6)
KERNEL(hardsigmoid)
KERNEL(hardswish)

typedef void some_fn(void *ctx, int64_t lo, int64_t hi);

static const struct { some_fn *f32, *bf16; } kernels[] = {
	[ACT_RELU] = { relu_f32, relu_bf16 },          [ACT_ELU] = { elu_f32, elu_bf16 },
	[ACT_SIGMOID] = { sigmoid_f32, sigmoid_bf16 }, [ACT_TANH] = { tanh_of_f32, tanh_of_bf16 },
	[ACT_RELU6] = { relu6_f32, relu6_bf16 },
	[ACT_HARDSWISH] = { hardswish_f32, hardswish_bf16 },
	[ACT_HARDSIGMOID] = { hardsigmoid_f32, hardsigmoid_bf16 },
};

int act_knows(enum ir_act act)
{
	return (size_t)act < sizeof kernels / sizeof *kernels && kernels[act].f32;
}

void act_forward(const struct act *a, const float *x, float *y)
{
	struct job j = { a, x, y };

	thread_for(a->n, GRAIN, kernels[a->act].f32, &j);
}

void act_forward_bf16(const struct act *a, const uint16_t *x, uint16_t *y)
{
	struct job j = { a, x, y };

	thread_for(a->n, GRAIN, kernels[a->act].bf16, &j);
}

/* ---- sums ---- */

SIMD static void add_relu(void *ctx, int64_t lo, int64_t hi)
{
	const struct act_sum *s = ctx;
	const float *a = s->a, *b = s->b;
	float *y = s->y;

	IN_PLACE
	for (int64_t i = lo; i < hi; i++)
		y[i] = relu(a[i] + b[i], 0);
}

SIMD static void add_relu_bf16(void *ctx, int64_t lo, int64_t hi)
{
	const struct act_sum *s = ctx;
	const uint16_t *a = s->a, *b = s->b;
	uint16_t *y = s->y;

	IN_PLACE
	for (int64_t i = lo; i < hi; i++)
		y[i] = bf16_of(relu(bf16_value(a[i]) + bf16_value(b[i]), 0));
}

void act_add_relu(const struct act_sum *s)
{
	struct act_sum all = *s;

	thread_for(s->n, GRAIN, add_relu, &all);
}

void act_add_relu_bf16(const struct act_sum *s)
{
	struct act_sum all = *s;

	thread_for(s->n, GRAIN, add_relu_bf16, &all);
}

/* ---- softmax ---- */

struct rows { const float *x; float *y; int64_t width; };

/* Sixteen at a time, then what is left.  The largest may overlook a NaN: the sum does not. */
INLINE float largest(const float *x, int64_t n)
{
	float part[LANES], most;
	int64_t j = 0;

	for (int l = 0; l < LANES; l++)
		part[l] = -INFINITY;
	for (; j + LANES <= n; j += LANES)
		for (int l = 0; l < LANES; l++)
			part[l] = x[j + l] > part[l] ? x[j + l] : part[l];
	most = part[0];
	for (int l = 1; l < LANES; l++)
		most = part[l] > most ? part[l] : most;
	for (; j < n; j++)
		most = x[j] > most ? x[j] : most;
	return most;
}

INLINE float sum_of(const float *x, int64_t n)
{
	float part[LANES] = { 0 }, sum = 0;
	int64_t j = 0;

	for (; j + LANES <= n; j += LANES)
		for (int l = 0; l < LANES; l++)
			part[l] += x[j + l];
	for (; j < n; j++)
		sum += x[j];
	for (int l = 0; l < LANES; l++)
		sum += part[l];
	return sum;
}

SIMD static void softmax_some(void *ctx, int64_t lo, int64_t hi)
{
	const struct rows *r = ctx;

	for (int64_t i = lo; i < hi; i++) {
		const float *x = r->x + i * r->width, most = largest(x, r->width);
		float *y = r->y + i * r->width, share;

		IN_PLACE
		for (int64_t j = 0; j < r->width; j++)
			y[j] = exp_negative(x[j] - most);
		share = 1 / sum_of(y, r->width);
		for (int64_t j = 0; j < r->width; j++)
			y[j] *= share;
	}
}

void act_softmax(const float *x, int64_t rows, int64_t width, float *y)
{
	struct rows r = { x, y, width };

	thread_for(rows, GRAIN / 8 / width + 1, softmax_some, &r);
}
