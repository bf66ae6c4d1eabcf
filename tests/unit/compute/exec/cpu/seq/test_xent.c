/* Cross-entropy over many rows is the definition's within rounding, its gradient to the bit:
 * weights, smoothing, what is not finite, labels that are no class, several threads. */
#include "support/support.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "compute/exec/cpu/seq/xent.h"
#include "compute/exec/ref/ref.h"
#include "sys/thread.h"

enum { ROWS = 67, CLASSES = 97, ALL = ROWS * CLASSES };

static float logits[ALL], weight[ROWS], prob[ALL], want_prob[ALL], dx[ALL], want_dx[ALL];
static int32_t label[ROWS];
static const float seed = 0.25F;

static void fill(void)
{
	for (int i = 0; i < ALL; i++)
		logits[i] = (float)(i * 7919 % 401 - 200) / 25;
	for (int i = 0; i < ROWS; i++) {
		label[i] = i * 31 % CLASSES;
		weight[i] = (float)(i % 4) / 2;
	}
}

struct made { struct ir_value x, label; struct ir_value *in[2]; struct ir_node node; };

static void make(struct made *m, enum ir_op op, float smoothing)
{
	*m = (struct made){ 0 };
	m->x.desc = tensor_desc_make(DTYPE_F32, 2, (const int64_t[]){ ROWS, CLASSES });
	m->in[0] = m->in[1] = &m->x;
	m->node = (struct ir_node){ .op = op, .attr = { .smoothing = smoothing }, .in = m->in,
	                            .n_in = op == IR_XENT ? 3 : 4, .n_out = op == IR_XENT ? 2 : 1 };
}

static void run(float smoothing, int threads, double bound)
{
	static double scratch[ROWS];
	float loss = 0, want = 0;
	struct made f, b;

	make(&f, IR_XENT, smoothing);
	make(&b, IR_XENT_DX, smoothing);
	assert_true(xent_scratch(&f.node) <= sizeof scratch);
	thread_set_count(threads);
	ref_kernel[IR_XENT](&(struct ref_args){ .node = &f.node,
		.in = (const void *[]){ logits, label, weight },
		.out = (void *[]){ &want, want_prob } });
	xent_forward(&f.node, &(struct xent){ logits, label, weight, &loss, prob, scratch });
	if (isnan(want))
		assert_true(isnan(loss));
	else
		assert_true(fabs((double)loss - (double)want) <= bound * fabs((double)want));
	for (int i = 0; i < ALL; i++)
		assert_true(isnan(want_prob[i]) ? isnan(prob[i])
		            : fabsf(prob[i] - want_prob[i]) <= 1e-6F * want_prob[i] + 1e-30F);
	ref_kernel[IR_XENT_DX](&(struct ref_args){ .node = &b.node,
		.in = (const void *[]){ want_prob, label, &seed, weight },
		.out = (void *[]){ want_dx } });
	memcpy(dx, want_prob, sizeof dx);
	xent_backward(&b.node, &(struct xent_dx){ dx, label, &seed, weight, dx });
	for (int i = 0; i < ALL; i++)
		assert_true(isnan(want_dx[i]) ? isnan(dx[i]) : dx[i] == want_dx[i]);
	thread_set_count(1);
}

static void many_rows_are_as_defined(void **state)
{
	(void)state;
	fill();
	for (int threads = 1; threads <= 3; threads += 2) {
		run(0, threads, 1e-6);
		run(0.1F, threads, 1e-6);
	}
}

/* -inf is fine where nothing is asked; a NaN is not lost; a label that is no class makes NaN. */
static void what_is_not_finite_is_as_defined(void **state)
{
	(void)state;
	fill();
	logits[5 * CLASSES + 7] = -INFINITY;
	run(0, 1, 1e-6);
	logits[6 * CLASSES + 8] = NAN;
	run(0, 1, 0);
	fill();
	label[3] = CLASSES;
	run(0, 1, 0);
	fill();
	label[4] = -1;                  /* weighs nothing, but must not look good */
	run(0.1F, 1, 0);
}

/* Few numbers are left to the definition, whose bits they have. */
static void few_rows_are_not_for_it(void **state)
{
	struct made m;

	(void)state;
	make(&m, IR_XENT, 0);
	assert_false(xent_pays(&m.node));
	m.x.desc.dim[0] = 3200;
	assert_true(xent_pays(&m.node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_rows_are_as_defined),
		cmocka_unit_test(what_is_not_finite_is_as_defined),
		cmocka_unit_test(few_rows_are_not_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
