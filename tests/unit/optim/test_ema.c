/* The moving average of parameters, against torch.optim.swa_utils.AveragedModel with
 * get_ema_multi_avg_fn (PyTorch 2.15), over the same five steps. */
#include <math.h>

#include "optim/ema.h"
#include "support/support.h"

enum { COUNT = 4, STEPS = 5 };

static float param(int t, int i)
{
	return (float)((i + 1) * 0.37 / t - 0.11 * i * t);
}

static void follows_pytorch(void **state)
{
	static const struct { double decay; float want[COUNT]; } row[] = {
		{ 0.9, { 0x1.20b9bap-2F, 0x1.6ae212p-2F, 0x1.b50a68p-2F, 0x1.ff32bcp-2F } },
		{ 0.3, { 0x1.5e2930p-4F, -0x1.543c7ep-2F, -0x1.8001a4p-1F, -0x1.2af284p+0F } },
		{ 0.999, { 0x1.79da20p-2F, 0x1.40f82cp-1F, 0x1.c5034ap-1F, 0x1.2487320p+0F } },
	};

	(void)state;
	for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
		struct ema e;
		float p[COUNT];

		assert_ok(ema_init(&e, COUNT, row[k].decay));
		for (int t = 1; t <= STEPS; t++) {
			for (int i = 0; i < COUNT; i++)
				p[i] = param(t, i);
			ema_begin(&e, t);
			ema_take(&e, p, 2, COUNT, 1);           /* by ranges, from the end */
			ema_take(&e, p, 0, 2, 1);
		}
		assert_floats_near(e.v, row[k].want, COUNT, 1e-7);
		ema_swap(&e, p);
		assert_floats_near(p, row[k].want, COUNT, 1e-7);
		assert_near(e.v[3], param(STEPS, 3), 0);
		ema_release(&e);
	}
}

/* Whoever looks after every third step sees as many steps go by. */
static void steps_of_others_count(void **state)
{
	struct ema one, three;
	const float p[] = { 1, -2 }, q[] = { 3, 5 };

	(void)state;
	assert_ok(ema_init(&one, 2, 0.8));
	assert_ok(ema_init(&three, 2, 0.8));
	ema_begin(&one, 1);
	ema_begin(&three, 1);
	ema_take(&one, p, 0, 2, 1);
	ema_take(&three, p, 0, 2, 1);
	ema_begin(&one, 2);
	ema_begin(&three, 4);
	for (int i = 0; i < 3; i++)
		ema_take(&one, q, 0, 2, 1);
	ema_take(&three, q, 0, 2, 3);
	assert_floats_near(three.v, one.v, 2, 1e-6);
	ema_release(&one);
	ema_release(&three);
}

static void none_takes_no_memory(void **state)
{
	struct ema e;

	(void)state;
	assert_ok(ema_init(&e, 1000, 0));
	assert_null(e.v);
	ema_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_pytorch),
		cmocka_unit_test(steps_of_others_count),
		cmocka_unit_test(none_takes_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
