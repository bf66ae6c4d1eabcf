/* The real thing, small: one epoch over MNIST teaches an MLP more than 95 % of the test digits. */
#include "support/support.h"

#include <tutti/session.h>
#include <tutti/train.h>

static void mnist_is_learnt_in_one_epoch(void **state)
{
	const char *data = test_data_dir();
	char uri[1200], run[1100];
	tt_metrics metrics = TT_SIZED(tt_metrics);
	tt_session *p;
	tt_trainer *t;
	tt_source *test;
	tt_model *m;
	tt_spec *s;

	(void)state;
	if (!data)
		test_skip("no data sets: set TUTTI_DATA");
	snprintf(run, sizeof run, "%s/run", test_temp_dir());
	assert_ok(tt_spec_load(&s, test_source("examples/mlp.yaml")));
	snprintf(uri, sizeof uri, "mnist:%s/mnist", data);
	assert_ok(tt_spec_set(s, "data.train", uri));
	snprintf(uri, sizeof uri, "mnist:%s/mnist?split=test", data);
	assert_ok(tt_spec_set(s, "data.valid", uri));
	assert_ok(tt_spec_set(s, "train.epochs", "1"));
	assert_ok(tt_spec_set(s, "train.threads", "1"));
	assert_ok(tt_spec_set(s, "train.tune_kernels", "no"));
	assert_ok(tt_model_new(&m, s));
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = run)));
	assert_ok(tt_trainer_run(t));
	printf("%.2f %% of the test digits, %.0f images/s\n",
	       100 * tt_trainer_progress(t)->valid_accuracy,
	       tt_trainer_progress(t)->samples_per_second);
	assert_true(tt_trainer_progress(t)->valid_accuracy > 0.95);
	assert_ok(tt_source_open(&test, uri));
	assert_ok(tt_session_new(&p, m, TT_SESSION_OPTS(.threads = 1)));
	assert_ok(tt_session_evaluate(p, test, &metrics));
	assert_int_equal(metrics.samples, 10000);
	assert_near(metrics.accuracy, tt_trainer_progress(t)->valid_accuracy, 1e-3);
	assert_true(metrics.top_k > 0.99);
	tt_free(metrics.confusion);
	tt_session_free(&p);
	tt_source_close(&test);
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mnist_is_learnt_in_one_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
