#include "support/support.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/host/dropout.h"
#include "compute/exec/ref/ref.h"

static const struct run_context context = { .seed = 11, .step = 1u << 20, .sample = 3,
                                            .sample_stride = 4 };

/* The mask of the reference kernel: one Philox call per element. */
static void reference_mask(const struct dropout *d, int64_t samples, int64_t per_sample,
                           uint8_t *mask)
{
	struct tensor_desc desc = tensor_desc_make(DTYPE_F32, 2,
	                                           (const int64_t[]){ samples, per_sample });
	struct ir_value x = { .desc = desc }, *in[1] = { &x };
	struct ir_node node = { .op = IR_DROPOUT, .attr = { .p = d->p, .stream = d->stream },
	                        .n_in = 1, .n_out = 2, .in = in };
	size_t n = (size_t)(samples * per_sample);
	float *data = mem_calloc(n, sizeof *data), *y = mem_calloc(n, sizeof *y);
	struct ref_args a = { .node = &node, .in = (const void *[]){ data },
	                      .out = (void *[]){ y, mask }, .run = d->run };

	assert_true(data && y);
	ref_kernel[IR_DROPOUT](&a);
	mem_free(data);
	mem_free(y);
}

/* Red if a lane, the odd end of a sample or the order of the sixteen-bit numbers is wrong. */
static void dropout_fast_mask_is_the_reference_mask(void **state)
{
	static const int64_t sizes[] = { 1, 7, 8, 9, 127, 128, 129, 1000 };
	static const float p[] = { 0, 0.1F, 0.5F, 0.999F };
	enum { SAMPLES = 3, MOST = SAMPLES * 1000 };
	uint8_t got[MOST + 1], want[MOST];

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t j = 0; j < sizeof p / sizeof *p; j++) {
			struct dropout d = { .p = p[j], .stream = (uint32_t)i, .run = &context };
			size_t n = (size_t)(SAMPLES * sizes[i]);

			got[n] = 77;
			dropout_mask(&d, 0, SAMPLES, sizes[i], got);
			reference_mask(&d, SAMPLES, sizes[i], want);
			assert_memory_equal(got, want, n);
			assert_int_equal(got[n], 77);
		}
}

/* Two workers with every second sample each draw what one worker draws. */
static void dropout_mask_does_not_depend_on_workers(void **state)
{
	enum { SAMPLES = 6, N = 50 };
	struct run_context one = { .seed = 5, .step = 9, .sample = 0, .sample_stride = 1 };
	uint8_t whole[SAMPLES * N], part[SAMPLES / 2 * N], tail[2 * N];
	struct dropout d = { .p = 0.5F, .stream = 2, .run = &one };

	(void)state;
	dropout_mask(&d, 0, SAMPLES, N, whole);
	dropout_mask(&d, 4, 2, N, tail);
	assert_memory_equal(tail, whole + 4 * N, 2 * N);
	for (int rank = 0; rank < 2; rank++) {
		struct run_context half = { .seed = 5, .step = 9, .sample = rank,
		                            .sample_stride = 2 };

		d.run = &half;
		dropout_mask(&d, 0, SAMPLES / 2, N, part);
		for (int s = 0; s < SAMPLES / 2; s++)
			assert_memory_equal(part + s * N, whole + (2 * s + rank) * N, N);
	}
}

static void dropout_mask_changes_with_seed_step_stream_and_sample(void **state)
{
	enum { N = 256, WAYS = 5 };
	struct run_context run[WAYS];
	uint8_t mask[WAYS][N];
	uint32_t stream[WAYS] = { 0, 0, 0, 0, 1 };

	(void)state;
	for (int i = 0; i < WAYS; i++)
		run[i] = (struct run_context){ .seed = 1, .step = 1, .sample = 1, .sample_stride = 1 };
	run[1].seed = 2;
	run[2].step = 2;
	run[3].sample = 2;
	for (int i = 0; i < WAYS; i++) {
		struct dropout d = { .p = 0.5F, .stream = stream[i], .run = &run[i] };

		dropout_mask(&d, 0, 1, N, mask[i]);
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(mask[i], mask[j], N);
	}
}

static void dropout_keeps_the_asked_share(void **state)
{
	enum { N = 1 << 18 };
	static const float p[] = { 0, 0.1F, 0.25F, 0.5F, 0.9F };
	uint8_t *mask = mem_alloc(N);

	(void)state;
	assert_non_null(mask);
	for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
		struct dropout d = { .p = p[i], .run = &context };
		int64_t kept = 0;

		dropout_mask(&d, 0, 1, N, mask);
		for (int e = 0; e < N; e++)
			kept += mask[e];
		assert_near((double)kept / N, 1 - p[i], 0.005);   /* five deviations at 0.5 */
	}
	mem_free(mask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dropout_fast_mask_is_the_reference_mask),
		cmocka_unit_test(dropout_mask_does_not_depend_on_workers),
		cmocka_unit_test(dropout_mask_changes_with_seed_step_stream_and_sample),
		cmocka_unit_test(dropout_keeps_the_asked_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
