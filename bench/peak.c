/* peak.c -- what one core could do at best: the ruler that docs/performance.md measures with.
 *
 *   f32 fma        independent fused multiply-adds, registers only
 *   bf16 dot       VDPBF16PS: two bf16 products added to an f32, where the CPU has it
 *   read, update   memory bandwidth out of 16 KiB ... 256 MiB: a sum, and p -= c*g as in sgd
 *
 * Prints the best of several short runs each: anything slower was disturbed.  Pin it to a core. */
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 15
#define LANES 16                /* floats in the widest vector; narrower cores split it */

typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Twelve sums, each waiting only for itself.  Written out, so that every compiler keeps them in
 * registers; without -ffast-math none may merge them. */
#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define CHAINS 12

#define HIDE(x) __asm__("" : "+x"(x))       /* the compiler may no longer know its value */

static volatile float sink;     /* results end here, so that computing them is not in vain */

__attribute__((target("avx512f,fma"))) static double fma512(long n)
{
	__m512 a = _mm512_set1_ps(1.0f), b = _mm512_set1_ps(1e-9f), all = a;

	HIDE(a);
#define START(k) __m512 s##k = _mm512_set1_ps(k);
#define STEP(k)  s##k = _mm512_fmadd_ps(a, b, s##k);
#define ADD(k)   all = _mm512_add_ps(all, s##k);
	EACH(START)
	for (long i = 0; i < n; i++) {
		EACH(STEP)
	}
	EACH(ADD)
#undef START
#undef STEP
#undef ADD
	sink = _mm512_reduce_add_ps(all);
	return 2.0 * 16 * CHAINS * (double)n;
}

__attribute__((target("avx2,fma"))) static double fma256(long n)
{
	__m256 a = _mm256_set1_ps(1.0f), b = _mm256_set1_ps(1e-9f), all = a;

	HIDE(a);
#define START(k) __m256 s##k = _mm256_set1_ps(k);
#define STEP(k)  s##k = _mm256_fmadd_ps(a, b, s##k);
#define ADD(k)   all = _mm256_add_ps(all, s##k);
	EACH(START)
	for (long i = 0; i < n; i++) {
		EACH(STEP)
	}
	EACH(ADD)
#undef START
#undef STEP
#undef ADD
	sink = _mm256_cvtss_f32(all);
	return 2.0 * 8 * CHAINS * (double)n;
}

__attribute__((target("avx512f,avx512bf16"))) static double dot512(long n)
{
	__m512bh a = (__m512bh)_mm512_set1_epi32(0x3f803f80), b = a;        /* ones */
	__m512 all = _mm512_setzero_ps();

#define START(k) __m512 s##k = _mm512_set1_ps(k);
#define STEP(k)  s##k = _mm512_dpbf16_ps(s##k, a, b);
#define ADD(k)   all = _mm512_add_ps(all, s##k);
	EACH(START)
	for (long i = 0; i < n; i++) {
		EACH(STEP)
	}
	EACH(ADD)
#undef START
#undef STEP
#undef ADD
	sink = _mm512_reduce_add_ps(all);
	return 2.0 * 32 * CHAINS * (double)n;
}

/* GFLOP/s of the fastest run. */
static double rate(double (*f)(long))
{
	double best = 0;

	f(1000000);
	for (int r = 0; r < RUNS; r++) {
		double start = seconds();
		double flops = f(4000000);
		double now = flops / (seconds() - start) * 1e-9;

		best = now > best ? now : best;
	}
	return best;
}

/* Sixteen sums: enough loads in flight for every cache. */
static void read_all(float *restrict p, float *restrict g, size_t n)
{
	lanes s[16] = { 0 }, all = { 0 };

	(void)g;
	for (size_t i = 0; i < n; i += 16 * LANES)
		for (int k = 0; k < 16; k++)
			s[k] += *(const lanes *)(p + i + k * LANES);
	for (int k = 0; k < 16; k++)
		all += s[k];
	sink = all[0];
}

static void update_all(float *restrict p, float *restrict g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] -= 1e-9f * g[i];
}

/* GB/s of the fastest run over `bytes` in all; `touched`: bytes moved per element. */
static double bandwidth(void (*f)(float *restrict, float *restrict, size_t), size_t bytes,
			int arrays, double touched)
{
	size_t n = bytes / sizeof(float) / (size_t)arrays;
	size_t times = ((size_t)64 << 20) / bytes + 1;
	float *p = aligned_alloc(64, bytes);
	double best = 0;

	if (!p)
		return 0;
	memset(p, 0, bytes);
	for (int r = 0; r < RUNS; r++) {
		double start = seconds(), now;

		for (size_t t = 0; t < times; t++)
			f(p, p + (arrays - 1) * n, n);
		now = touched * (double)n * (double)times / (seconds() - start) * 1e-9;
		best = now > best ? now : best;
	}
	free(p);
	return best;
}

int main(void)
{
	static const size_t size[] = { 16 << 10, 512 << 10, 8 << 20, 256 << 20 };
	static const char *const label[] = { "16 KiB", "512 KiB", "8 MiB", "256 MiB" };

	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f"))
		printf("f32 fma, 512 bits   %8.1f GFLOP/s\n", rate(fma512));
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		printf("f32 fma, 256 bits   %8.1f GFLOP/s\n", rate(fma256));
	if (__builtin_cpu_supports("avx512bf16"))
		printf("bf16 dot, 512 bits  %8.1f GFLOP/s\n", rate(dot512));
	for (int i = 0; i < 4; i++)
		printf("read %-8s       %8.1f GB/s    update %8.1f GB/s\n", label[i],
		       bandwidth(read_all, size[i], 1, 4), bandwidth(update_all, size[i], 2, 12));
	return 0;
}
