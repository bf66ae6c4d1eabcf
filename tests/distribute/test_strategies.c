/* What every row of the table of strategies promises, in a training of two workers. */
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <math.h>

#include "distribute/sync/sync.h"
#include "learn/nn/model.h"
#include "learn/train/trainer_own.h"

static const char net[] =
	"name: strategies\n"
	"data: {train: 'synth:objects?size=8&count=600&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=300&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers: [flatten, dense: {out: 16, activation: relu}, batchnorm, dense: {out: 3}]\n"
	"train: {epochs: 3, batch: 16, threads: 1, tune_kernels: no, optimizer: {kind: sgd, lr: 0.1}}\n"
	"distribute: {workers: 2, period: 4}\n";

static tt_trainer *trainer(tt_model **m, const char *strategy)
{
	tt_trainer *t;

	*m = tiny_model(net, "distribute.strategy", strategy, NULL);
	assert_ok(tt_trainer_new(&t, *m, TT_TRAINER_OPTS(.workers = 2)));
	return t;
}

/* A guess has a loss of log(3). */
static void check(const tt_trainer *t, const tt_model *m, const char *name)
{
	const tt_progress *p = tt_trainer_progress(t);

	if (!(p->loss < 1.05 && p->valid_loss < 1.05))
		fail_msg("%s: loss %g, %g in validation", name, p->loss, p->valid_loss);
	for (size_t i = 0; i < m->param_count; i++)
		assert_true(isfinite(m->params[i]));
	if (p->step < p->steps)
		fail_msg("%s: %lld of %lld steps", name, (long long)p->step, (long long)p->steps);
}

static void every_strategy_learns(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		tt_model *m;
		tt_trainer *t = trainer(&m, sync_words[i]);

		assert_ok(tt_trainer_run(t));
		check(t, m, sync_words[i]);
		if (!sync_strategies[i]->apart)
			workers_check_equal(t);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

/* Stopped in the middle of an epoch, it goes on to the end. */
static void every_strategy_stops_and_goes_on(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		tt_model *m;
		tt_trainer *t = trainer(&m, sync_words[i]);
		int more;

		assert_ok(tt_trainer_steps(t, 5, &more));
		assert_true(more);
		tt_trainer_stop(t);
		assert_status(tt_trainer_run(t), TT_ESTOPPED);
		assert_ok(tt_trainer_run(t));
		check(t, m, sync_words[i]);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_strategy_learns),
		cmocka_unit_test(every_strategy_stops_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
