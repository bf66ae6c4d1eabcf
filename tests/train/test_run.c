/* What a trainer promises while it runs: events, stops, errors, memory. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"

struct seen {
	char        order[256];              /* a letter per event: see letters */
	int         n;
	tt_trainer *stop_at_step;            /* NULL: never */
	int64_t     step;
	char        note[256], end[512];
	tt_progress last;
};

static const char letters[] = {
	[TT_EVENT_START] = 'S', [TT_EVENT_STEP] = '.', [TT_EVENT_EPOCH] = 'E', [TT_EVENT_VALID] = 'V',
	[TT_EVENT_CHECKPOINT] = 'C', [TT_EVENT_NOTE] = 'N', [TT_EVENT_END] = '!',
};

static void see(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	struct seen *s = ctx;

	assert_true(s->n < (int)sizeof s->order - 1);
	s->order[s->n++] = letters[e];
	s->last = *p;
	if (e == TT_EVENT_NOTE)
		snprintf(s->note, sizeof s->note, "%s", text);
	if (e == TT_EVENT_END)
		snprintf(s->end, sizeof s->end, "%s", text);
	if (e == TT_EVENT_STEP && s->stop_at_step && p->step == s->step)
		tt_trainer_stop(s->stop_at_step);
}

/* test_path's own memory is soon used again. */
static const char *run_dir(void)
{
	static char dir[1024];

	snprintf(dir, sizeof dir, "%s/deep/run", test_temp_dir());
	return dir;
}

static void run_tells_what_happens_in_order(void **state)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	struct seen s = {0};
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = run_dir(),
	                                                .observe = see, .observe_ctx = &s)));
	assert_ok(tt_trainer_run(t));
	/* An epoch: four steps, validation, the epoch, best (at first) and last. */
	assert_memory_equal(s.order, "S....VECC....VE", 15);
	assert_string_equal(s.order + s.n - 2, "C!");
	assert_string_equal(s.end, "finished");
	assert_int_equal(s.last.step, 8);
	assert_int_equal(s.last.steps, 8);
	assert_int_equal(s.last.epoch_steps, 4);
	assert_true(isfinite(s.last.loss) && isfinite(s.last.valid_loss));
	assert_true(s.last.accuracy >= 0 && s.last.accuracy <= 1);
	assert_true(isnan(s.last.grad_norm));
	assert_true(s.last.samples_per_second > 0);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void run_folder_holds_all_that_a_run_is(void **state)
{
	static const char *const names[] = {
		"spec.yaml", "environment.json", "log.txt", "metrics.csv", "curves.svg",
		"checkpoints/last.safetensors", "checkpoints/best.safetensors",
	};
	const char *dir = run_dir();
	tt_model *m = tiny_model(tiny_conv, NULL), *again;
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir, .environment = "{}")));
	assert_ok(tt_trainer_run(t));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_true(file_exists(test_path(dir, names[i])));
	assert_int_equal(test_count_files(dir), 8);       /* these, one event file, and the lock */
	assert_ok(tt_model_load(&again, test_path(dir, "checkpoints/last.safetensors")));
	assert_memory_equal(again->params, m->params, m->param_count * sizeof(float));
	tt_model_free(&again);
	tt_trainer_free(&t);
	tt_model_free(&m);
	assert_int_equal(test_count_files(dir), 7);
}

/* A run folder that others can write to: nothing of theirs that a name leads to is changed. */
static void links_in_a_run_folder_lead_nowhere(void **state)
{
	/* To nothing yet, and to a file: what is appended to is refused, what is written anew takes
	 * the place of the link. */
	static const struct { const char *name; tt_status ends[2]; } file[] = {
		{ "log.txt", { TT_EIO, TT_EIO } }, { "metrics.csv", { TT_EIO, TT_OK } },
		{ "lock", { TT_EIO, TT_EIO } }, { "spec.yaml", { TT_OK, TT_OK } },
		{ "curves.svg", { TT_OK, TT_OK } }, { "environment.json", { TT_OK, TT_OK } },
		{ "checkpoints/last.safetensors", { TT_OK, TT_OK } },
		{ "checkpoints/best.safetensors", { TT_OK, TT_OK } },
	};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof file / sizeof *file; i++) {
		const int there = i % 2;
		char dir[1000], theirs[1200], *text;
		tt_model *m = tiny_model(tiny_conv, "train.epochs", "1", NULL);
		tt_trainer *t = NULL;
		tt_status st;
		size_t n;

		snprintf(dir, sizeof dir, "%s/links-%zu", test_temp_dir(), i);
		assert_ok(file_mkdirs(test_path(dir, "checkpoints")));
		snprintf(theirs, sizeof theirs, "%s.theirs", dir);
		if (there)
			assert_ok(file_write_all(theirs, "mine\n", 5));
		assert_int_equal(symlink(theirs, test_path(dir, file[i / 2].name)), 0);
		st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir, .environment = "{}"));
		if (st == TT_OK)
			st = tt_trainer_run(t);
		if (st != file[i / 2].ends[there])
			fail_msg("%s, %d: %s", file[i / 2].name, there, tt_status_text(st));
		tt_trainer_free(&t);
		assert_int_equal(file_exists(theirs), there);
		if (there) {
			assert_ok(file_read_all(theirs, 0, &text, &n));
			assert_string_equal(text, "mine\n");
			mem_free(text);
		}
		tt_model_free(&m);
	}
}

static void run_without_a_folder_writes_nothing(void **state)
{
	tt_model *m = tiny_model(tiny_conv, NULL);
	uint64_t before = file_write_count();
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(file_write_count(), before);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void stop_leaves_a_checkpoint_and_can_go_on(void **state)
{
	const char *dir = run_dir();
	tt_model *m = tiny_model(tiny_conv, NULL);
	struct seen s = { .step = 2 };
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir, .observe = see,
	                                                .observe_ctx = &s)));
	s.stop_at_step = t;
	assert_status(tt_trainer_run(t), TT_ESTOPPED);
	assert_error("after step 2");
	assert_string_equal(s.order, "S..C!");
	assert_true(file_exists(test_path(dir, "checkpoints/last.safetensors")));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, 8);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static int when_asked_often(void *ctx)
{
	int *left = ctx;

	return (*left)-- <= 0;
}

/* As a signal while kernels are being measured. */
static void making_a_trainer_can_be_stopped(void **state)
{
	const char *dir = test_path(run_dir(), "never");
	int64_t live = mem_live();

	(void)state;
	for (int asked = 0; asked < 12; asked += 3) {
		tt_model *m = tiny_model(tiny_conv, "train.tune_kernels", "yes", NULL);
		tt_trainer *t = NULL;
		int left = asked;

		assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir,
			.stop = when_asked_often, .stop_ctx = &left)), TT_ESTOPPED);
		assert_null(t);
		assert_false(file_exists(dir));
		tt_model_free(&m);
		assert_int_equal(mem_live(), live);
	}
}

static void early_stop_ends_when_nothing_gets_better(void **state)
{
	/* A learning rate of nothing: the second look is the first without progress. */
	tt_model *m = tiny_model(tiny_mlp, "train.optimizer.lr", "0", "train.epochs", "50",
	                         "train.early_stop.patience", "3", "train.early_stop.monitor", "loss",
	                         "data.shuffle", "no", NULL);
	struct seen s = {0};
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.observe = see, .observe_ctx = &s)));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(tt_trainer_progress(t)->step, 4 * 3);
	assert_contains(s.note, "early stop: loss");
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void check_nan(const char *kind, const char *clip)
{
	const char *dir = run_dir();
	tt_model *m = tiny_model(tiny_mlp, "train.optimizer.kind", kind,
	                         "train.optimizer.momentum", "0", "train.optimizer.lr", "1e30",
	                         "train.optimizer.clip_norm", clip,
	                         "train.epochs", "20", NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	assert_status(tt_trainer_run(t), TT_ENAN);
	assert_error("learning rate 1e+30");
	assert_error("last good checkpoint: none");
	assert_error("smaller train.optimizer.lr");
	assert_false(file_exists(test_path(dir, "checkpoints/last.safetensors")));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void loss_that_is_not_finite_names_step_rate_and_the_way_out(void **state)
{
	(void)state;
	check_nan("sgd", "0");
	check_nan("sgd", "1e30");
}

static void parameters_that_are_not_finite_never_reach_a_checkpoint(void **state)
{
	const char *dir = run_dir();
	const char *last = test_path(dir, "last.safetensors");
	tt_model *m = tiny_model(tiny_mlp, NULL);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	assert_ok(tt_trainer_checkpoint(t, last));
	m->params[3] = NAN;
	assert_status(tt_trainer_checkpoint(t, last), TT_ENAN);
	assert_error(last);
	tt_trainer_free(&t);
	tt_model_free(&m);
	assert_ok(tt_model_load(&m, last));
	assert_true(isfinite(m->params[3]));
	tt_model_free(&m);
}

/* All allocations of the run between the second epoch's first step and its last: none. */
static void check_allocations(const char *text)
{
	tt_model *m = tiny_model(text, "train.epochs", "3", "train.valid_every", "0",
	                         "data.prefetch", "2", NULL);
	const char *dir = run_dir();
	tt_trainer *t;
	uint64_t before;
	int64_t epoch;
	int more;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	epoch = tt_trainer_progress(t)->epoch_steps;
	for (int64_t i = 0; i < epoch + 1; i++)
		assert_ok(tt_trainer_step(t, &more));
	before = mem_count();
	for (int64_t i = 0; i < epoch - 2; i++)
		assert_ok(tt_trainer_step(t, &more));
	assert_int_equal(mem_count(), before);
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void steps_allocate_nothing_after_the_first(void **state)
{
	(void)state;
	check_allocations(tiny_conv);
	check_allocations(tiny_mlp);
}

static void numbered_checkpoints_are_kept_as_many_as_asked_for(void **state)
{
	const char *dir = run_dir();
	tt_model *m = tiny_model(tiny_mlp, "train.checkpoint.every_steps", "1", "train.checkpoint.keep",
	                         "2", NULL);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir)));
	assert_ok(tt_trainer_run(t));
	assert_int_equal(test_count_files(test_path(dir, "checkpoints")), 2 + 2);
	assert_true(file_exists(test_path(dir, "checkpoints/step-00000005.safetensors")));
	assert_true(file_exists(test_path(dir, "checkpoints/step-00000006.safetensors")));
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void clipping_measures_the_norm(void **state)
{
	tt_model *m = tiny_model(tiny_mlp, "train.optimizer.clip_norm", "0.5", NULL);
	tt_trainer *t;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_run(t));
	assert_true(tt_trainer_progress(t)->grad_norm > 0);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void refuse(tt_model *m, const tt_trainer_opts *o, tt_status want, const char *message)
{
	tt_trainer *t = NULL;

	assert_status(tt_trainer_new(&t, m, o), want);
	assert_null(t);
	assert_error(message);
	tt_model_free(&m);
}

static void what_cannot_be_trained_is_refused_with_the_reason(void **state)
{
	static const struct { const char *key, *value; tt_status st; const char *message; } row[] = {
		{ "data.train", "synth:objects?size=8&count=40&classes=3&gray=yes", TT_ESHAPE,
		  "3 classes, the last layer has 2 outputs" },
		{ "data.train", "synth:objects?size=9&count=40&classes=2&gray=yes", TT_ESHAPE,
		  "the samples are 1x9x9, the model wants 1x8x8" },
		{ "data.train", "synth:objects?size=8&count=40&classes=2", TT_ESHAPE, "3x8x8" },
		{ "data.valid", "synth:objects?size=8&count=9&classes=3&gray=yes", TT_ESHAPE,
		  "the model does not know the source's class 'crescent': there are arrow, circle" },
		{ "data.train", "csv:/no/such/file.csv", TT_ENOENT, "/no/such/file.csv" },
		{ "train.early_stop.monitor", "valid_loss", TT_ESPEC, "needs data.valid" },
		{ "train.early_stop.monitor", "acuracy", TT_ESPEC, "did you mean 'accuracy'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		refuse(tiny_model(tiny_mlp, row[i].key, row[i].value, NULL), NULL, row[i].st,
		       row[i].message);
	refuse(tiny_model(tiny_mlp, NULL), &(tt_trainer_opts){ 0 }, TT_EINVAL, "size is 0");
	refuse(tiny_model(tiny_mlp, NULL), TT_TRAINER_OPTS(.run_dir = "/dev/null/run"), TT_ENOENT,
	       "/dev/null");
}

/* tiny_mlp has 40 samples. */
static void a_batch_larger_than_the_data_is_told_and_not_measured(void **state)
{
	static const struct { const char *batch; int told; } row[] = { { "40", 0 }, { "64", 1 } };
	(void)state;

	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *cache = test_path(test_temp_dir(), row[i].batch);
		tt_model *m = tiny_model(tiny_mlp, "train.batch", row[i].batch, "train.tune_kernels",
		                         "yes", NULL);
		struct seen s = {0};
		char *text = NULL;
		size_t size;
		tt_trainer *t;

		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.observe = see, .observe_ctx = &s,
		                                                .kernel_cache = cache)));
		assert_ok(tt_trainer_run(t));
		if (row[i].told)
			assert_contains(s.note, "batch 64 is larger than the 40 samples of data.train");
		else
			assert_string_equal(s.note, "");
		assert_int_equal(s.last.epoch_steps, 1);
		tt_trainer_free(&t);
		tt_model_free(&m);
		assert_ok(file_read_all(cache, 1 << 20, &text, &size));
		assert_contains(text, " 40x");
		assert_null(strstr(text, " 64x"));
		mem_free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_tells_what_happens_in_order),
		cmocka_unit_test(run_folder_holds_all_that_a_run_is),
		cmocka_unit_test(links_in_a_run_folder_lead_nowhere),
		cmocka_unit_test(run_without_a_folder_writes_nothing),
		cmocka_unit_test(stop_leaves_a_checkpoint_and_can_go_on),
		cmocka_unit_test(making_a_trainer_can_be_stopped),
		cmocka_unit_test(early_stop_ends_when_nothing_gets_better),
		cmocka_unit_test(loss_that_is_not_finite_names_step_rate_and_the_way_out),
		cmocka_unit_test(parameters_that_are_not_finite_never_reach_a_checkpoint),
		cmocka_unit_test(steps_allocate_nothing_after_the_first),
		cmocka_unit_test(numbered_checkpoints_are_kept_as_many_as_asked_for),
		cmocka_unit_test(a_batch_larger_than_the_data_is_told_and_not_measured),
		cmocka_unit_test(clipping_measures_the_norm),
		cmocka_unit_test(what_cannot_be_trained_is_refused_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
