/* Looking at a training from outside: any number of observers, numbers by name. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include <tutti/train.h>

/* What one observer has seen. */
struct seen {
	int       events, steps, numbered, closed;
	double    loss, valid, epoch_loss;
	int       fail_at;               /* this step ends the run; 0: none */
	int       fails;                 /* as often more as ... */
	enum tt_event fail_on;           /* ... this happens     */
	tt_status end;
};

static tt_status look(void *ctx, const tt_observation *o)
{
	struct seen *s = ctx;

	s->events++;
	s->steps += o->event == TT_EVENT_STEP;
	s->numbered += o->event == TT_EVENT_STEP && o->metrics > 0;
	for (int i = 0; i < o->metrics; i++)
		assert_false(isnan(o->value[i]));
	if (o->event == TT_EVENT_STEP && o->metrics)
		s->loss = tt_observation_value(o, "train.loss");
	if (o->event == TT_EVENT_VALID)
		s->valid = tt_observation_value(o, "valid.accuracy");
	if (o->event == TT_EVENT_EPOCH)
		s->epoch_loss = tt_observation_value(o, "epoch.loss");
	if (o->event == TT_EVENT_END)
		s->end = o->status;
	if (o->event == TT_EVENT_STEP && s->steps == s->fail_at)
		return TT_EIO;
	if (o->event == s->fail_on && s->fails-- > 0)
		return TT_EIO;
	return TT_OK;
}

static void close_it(void *ctx)
{
	((struct seen *)ctx)->closed++;
}

static tt_trainer *trainer_of(tt_model **m, struct seen *s, int n)
{
	tt_trainer *t;

	*m = tiny_model(tiny_conv, "train.epochs", "2", "train.tensorboard.every_steps", "2", NULL);
	assert_ok(tt_trainer_new(&t, *m, NULL));
	for (int i = 0; i < n; i++)
		assert_ok(tt_trainer_observe(t, TT_OBSERVER(.ctx = &s[i], .event = look,
		                                            .close = close_it)));
	return t;
}

/* Four steps an epoch, numbers every second one: also without a run folder. */
static void every_observer_is_told_numbers_by_name(void **state)
{
	struct seen s[7] = {0};
	tt_model *m;
	tt_trainer *t = trainer_of(&m, s, 7);

	(void)state;
	assert_ok(tt_trainer_run(t));
	for (int i = 0; i < 7; i++) {
		assert_int_equal(s[i].steps, 8);
		assert_int_equal(s[i].numbered, 4);
		assert_true(s[i].loss > 0 && s[i].epoch_loss > 0);
		assert_near(s[i].valid, tt_trainer_progress(t)->valid_accuracy, 0);
		assert_near(s[i].epoch_loss, tt_trainer_progress(t)->loss, 0);
		assert_int_equal(s[i].events, s[0].events);
		assert_int_equal(s[i].closed, 0);
	}
	tt_trainer_free(&t);
	for (int i = 0; i < 7; i++)
		assert_int_equal(s[i].closed, 1);
	tt_model_free(&m);
}

static void an_observers_error_ends_the_training(void **state)
{
	struct seen s[3] = { [1].fail_at = 3 };
	tt_model *m;
	tt_trainer *t = trainer_of(&m, s, 3);

	(void)state;
	assert_status(tt_trainer_run(t), TT_EIO);
	assert_int_equal(s[0].steps, 3);
	assert_int_equal(s[2].steps, 3);                 /* all are told before it ends */
	assert_int_equal(s[2].end, TT_EIO);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void assert_same(const tt_model *a, const tt_model *b)
{
	tt_tensor x = TT_SIZED(tt_tensor), y = TT_SIZED(tt_tensor);

	for (int i = 0; i < tt_model_tensors(a); i++) {
		size_t n = sizeof(float);

		assert_ok(tt_model_tensor(a, i, &x));
		assert_ok(tt_model_tensor(b, i, &y));
		for (int k = 0; k < x.ndim; k++)
			n *= (size_t)x.shape[k];
		assert_memory_equal(x.data, y.data, n);
	}
}

/* Whatever it was told of, the training stands between two steps: called again it does the rest. */
static void after_an_observers_error_the_training_goes_on(void **state)
{
	static const enum tt_event on[] = {
		TT_EVENT_START, TT_EVENT_STEP, TT_EVENT_VALID, TT_EVENT_EPOCH,
	};
	tt_model *whole;
	tt_trainer *t = trainer_of(&whole, NULL, 0);

	(void)state;
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
		struct seen s = { .fails = 1, .fail_on = on[i] };
		tt_model *m;

		t = trainer_of(&m, &s, 1);
		assert_status(tt_trainer_run(t), TT_EIO);
		assert_error("an observer ended the run after step ");
		assert_int_equal(s.end, TT_EIO);
		assert_ok(tt_trainer_run(t));
		assert_int_equal(s.end, TT_OK);
		assert_int_equal(s.steps, 8);
		assert_same(m, whole);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
	tt_model_free(&whole);
}

/* Who looks cannot change a bit. */
static void looking_changes_nothing(void **state)
{
	struct seen s[2] = {0};
	tt_model *alone, *seen;
	tt_trainer *t = trainer_of(&alone, NULL, 0), *u = trainer_of(&seen, s, 2);

	(void)state;
	assert_ok(tt_trainer_run(t));
	assert_ok(tt_trainer_run(u));
	assert_same(alone, seen);
	tt_trainer_free(&t);
	tt_trainer_free(&u);
	tt_model_free(&alone);
	tt_model_free(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_observer_is_told_numbers_by_name),
		cmocka_unit_test(an_observers_error_ends_the_training),
		cmocka_unit_test(after_an_observers_error_the_training_goes_on),
		cmocka_unit_test(looking_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
