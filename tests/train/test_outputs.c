/* Several outputs: training makes the weighted sum of their losses small, tells each by name, and
 * all else sees the last layer alone. */
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <tutti/learner.h>
#include <tutti/session.h>
#include <tutti/train.h>

#include "base/file.h"
#include "base/mem.h"
#include "distribute/sync/sync.h"
#include "learn/nn/loss.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

static const char net[] =
	"name: heads\n"
	"data: {train: 'synth:objects?size=8&count=40&classes=3&gray=yes',\n"
	"       valid: 'synth:objects?size=8&count=20&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten: {name: flat}\n"
	"    - dense: {name: body, out: 9, activation: tanh}\n"
	"    - dense: {name: side, out: 3}\n"
	"    - dense: {name: deep, out: 7, activation: tanh, from: body}\n"
	"    - dense: {name: last, out: 3}\n"
	"  outputs: {aux: {from: side, weight: 0.3}}\n"
	"train: {epochs: 2, batch: 16, threads: 1, tune_kernels: no, tensorboard: {every_steps: 1},\n"
	"        optimizer: {kind: sgd, lr: 0.2}}\n";

static tt_model *trained(tt_model *m, int workers, tt_progress *out, double parts[2])
{
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers)));
	assert_ok(tt_trainer_run(t));
	*out = *tt_trainer_progress(t);
	assert_int_equal(out->losses, 2);
	assert_string_equal(out->loss_name[0], "main");
	assert_string_equal(out->loss_name[1], "aux");
	memcpy(parts, out->loss_part, 2 * sizeof *parts);
	tt_trainer_free(&t);
	return m;
}

static void the_loss_is_the_weighted_sum(void **state)
{
	tt_progress p;
	double parts[2];
	tt_model *m = trained(tiny_model(net, NULL), 1, &p, parts);
	tt_metrics x = TT_SIZED(tt_metrics);
	tt_session *s;
	tt_source *valid;

	(void)state;
	assert_near(p.loss, parts[0] + 0.3 * parts[1], 1e-6);
	assert_true(parts[1] > 0 && fabs(parts[0] - parts[1]) > 1e-6);
	/* What is validated is the last layer's loss alone. */
	assert_ok(tt_source_open(&valid,
	                         "synth:objects?size=8&count=20&classes=3&gray=yes&split=test"));
	assert_ok(tt_session_new(&s, m, NULL));
	assert_ok(tt_session_evaluate(s, valid, &x));
	assert_near(x.loss, p.valid_loss, 1e-7);
	tt_session_free(&s);
	tt_source_close(&valid);
	tt_free(x.confusion);
	tt_model_free(&m);
}

/* Without its head in the sum a layer of it stays as it was. */
static void an_output_of_weight_0_teaches_nothing(void **state)
{
	tt_progress p;
	double parts[2];
	tt_model *before = tiny_model(net, NULL), *m, *plain;
	tt_trainer *t;

	(void)state;
	m = trained(tiny_model(net, "model.outputs.aux.weight", "0", NULL), 1, &p, parts);
	plain = tiny_model(net, NULL);
	plain->n_outputs = 0;
	assert_ok(tt_trainer_new(&t, plain, NULL));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	for (int i = 0; i < m->n_params; i++) {
		const struct param *q = &m->param[i];
		const tt_model *same = strncmp(q->name, "side", 4) == 0 ? before : plain;

		assert_floats_near(m->params + q->offset, same->params + q->offset, q->count, 1e-6);
	}
	tt_model_free(&m);
	tt_model_free(&plain);
	tt_model_free(&before);
}

static void workers_and_parts_of_a_batch_learn_the_same(void **state)
{
	tt_progress p, q;
	double parts[2], other[2];
	tt_model *one = trained(tiny_model(net, NULL), 1, &p, parts);

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_model *m = tiny_model(net, "train.micro_batch", i == 0 ? "3" : "0", NULL);

		trained(m, i == 0 ? 1 : i + 1, &q, other);
		assert_floats_near(one->params, m->params, one->param_count, 3e-6);
		assert_near(q.loss, p.loss, 1e-6);
		assert_near(other[0], parts[0], 1e-6);
		assert_near(other[1], parts[1], 1e-6);
		tt_model_free(&m);
	}
	tt_model_free(&one);
}

static void every_strategy_tells_them(void **state)
{
	(void)state;
	for (int i = 0; sync_words[i]; i++) {
		tt_model *m = tiny_model(net, "distribute.strategy", sync_words[i],
		                         "distribute.period", "2", NULL);
		tt_progress p;
		double parts[2];

		trained(m, 2, &p, parts);
		if (!(fabs(p.loss - parts[0] - 0.3 * parts[1]) < 1e-5))
			fail_msg("%s: %g is not %g + 0.3 * %g", sync_words[i], p.loss, parts[0], parts[1]);
		tt_model_free(&m);
	}
}

/* ---- a run folder ---- */

static char *read_file(const char *dir, const char *name)
{
	char path[400], *text;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_ok(file_read_all(path, (size_t)1 << 24, &text, &n));
	return text;
}

/* Rows of losses alone: speed is another each time. */
static void keep_losses(char *text)
{
	char *to = text;

	for (char *row = text, *end; (end = strchr(row, '\n')); row = end + 1) {
		*end = '\0';
		if (!strstr(row, "loss"))
			continue;
		memmove(to, row, (size_t)(end - row));
		to += end - row;
		*to++ = '\n';
	}
	*to = '\0';
}

static void run(const char *dir, int64_t stop_at)
{
	tt_model *m = tiny_model(net, "train.checkpoint.every_steps", "1",
	                         "train.tensorboard.every_steps", "2", NULL);
	struct workers_stop stop = { .step = stop_at };
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir, .resume = "auto",
	                         .observe = stop_at ? workers_stop_at : NULL, .observe_ctx = &stop)));
	stop.t = t;
	assert_status(tt_trainer_run(t), stop_at ? TT_ESTOPPED : TT_OK);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static void a_resumed_run_tells_the_same_losses(void **state)
{
	char whole[300], cut[300], *a, *b;

	(void)state;
	snprintf(whole, sizeof whole, "%s/whole", test_temp_dir());
	snprintf(cut, sizeof cut, "%s/cut", test_temp_dir());
	run(whole, 0);
	run(cut, 1);            /* in the midst of an epoch, and of what is written down together */
	run(cut, 0);
	a = read_file(whole, "metrics.csv");
	b = read_file(cut, "metrics.csv");
	keep_losses(a);
	keep_losses(b);
	assert_non_null(strstr(a, "train,loss.main,"));
	assert_non_null(strstr(a, "train,loss.aux,"));
	assert_string_equal(a, b);
	mem_free(a);
	mem_free(b);
	a = read_file(whole, "log.txt");
	assert_non_null(strstr(a, "(main "));
	mem_free(a);
}

/* Which losses are told may change: of those that were summed up until then none are known. */
static void a_run_goes_on_with_other_outputs(void **state)
{
	const char *path = test_path(test_temp_dir(), "heads.safetensors");
	tt_model *m = tiny_model(net, NULL);
	tt_trainer *t;
	int more;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, NULL));
	assert_ok(tt_trainer_step(t, &more));
	assert_ok(tt_trainer_checkpoint(t, path));
	tt_trainer_free(&t);
	tt_model_free(&m);
	m = tiny_model(net, "model.outputs.more", "{from: side, weight: 0.1}", NULL);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.resume = path)));
	assert_int_equal(tt_trainer_progress(t)->losses, 3);
	assert_near(tt_trainer_progress(t)->loss_part[1], 0, 0);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* ---- what is wrong ---- */

static void bad_outputs_are_named(void **state)
{
	static const struct { const char *outputs, *says; tt_status st; } bad[] = {
		{ "{}", "a map of 1 to", TT_ESPEC },
		{ "[side]", "a map of 1 to", TT_ESPEC },
		{ "{aux: {from: sida}}", "did you mean 'side'?", TT_ESPEC },
		{ "{aux: {from: body}}", "all outputs learn the same target", TT_ESHAPE },
		{ "{aux: {from: side, loss: mse}}", "mse takes another kind than model.loss", TT_ESPEC },
		{ "{aux: {from: side, loss: croses}}", "croses", TT_ESPEC },
		{ "{aux: {loss: hinge}}", "set that", TT_ESPEC },
		{ "{a: {weight: 1}, b: {weight: 2}}", "both read the last layer", TT_ESPEC },
		{ "{main: {from: side}}", "a second output is called 'main'", TT_ESPEC },
		{ "{aux: {from: side, weight: -1}}", "weight", TT_ESPEC },
		{ "{'a b': {from: side}}", "'a b' is no name", TT_ESPEC },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		tt_spec *s;

		assert_ok(tt_spec_parse(&s, "bad", net));
		assert_ok(tt_spec_set(s, "model.outputs", bad[i].outputs));
		assert_status(tt_spec_resolve(s), bad[i].st);
		assert_error(bad[i].says);
		tt_spec_free(&s);
	}
}

/* Each loss may stand aside where it takes what the main one takes. */
static void every_loss_may_be_one_of_several(void **state)
{
	static const char along[] = "[reshape: {shape: [8, 8]}, dense: {name: side, out: 3},"
		" dense: {name: last, out: 3, from: reshape1}]";

	(void)state;
	for (int i = 0; i < LOSS_KINDS; i++)
		for (int k = 0; k < LOSS_KINDS; k++) {
			const tt_status st = loss_row(i)->takes == loss_row(k)->takes ? TT_OK : TT_ESPEC;
			tt_spec *s;

			assert_ok(tt_spec_parse(&s, "losses", net));
			if (loss_row(i)->takes == TAKES_LABELS)         /* spelt along places */
				assert_ok(tt_spec_set(s, "model.layers", along));
			assert_ok(tt_spec_set(s, "model.loss", loss_words[i]));
			assert_ok(tt_spec_set(s, "model.outputs.aux.loss", loss_words[k]));
			assert_status(tt_spec_resolve(s), st);
			tt_spec_free(&s);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loss_is_the_weighted_sum),
		cmocka_unit_test(an_output_of_weight_0_teaches_nothing),
		cmocka_unit_test(workers_and_parts_of_a_batch_learn_the_same),
		cmocka_unit_test(every_strategy_tells_them),
		cmocka_unit_test(a_resumed_run_tells_the_same_losses),
		cmocka_unit_test(a_run_goes_on_with_other_outputs),
		cmocka_unit_test(bad_outputs_are_named),
		cmocka_unit_test(every_loss_may_be_one_of_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
