/* Streams of a text go on from batch to batch, and states with them: as in PyTorch's
 * word_language_model, whoever the workers are, and wherever a run was stopped. */
#include "support/support.h"
#include "support/answers.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tutti/data.h>
#include <tutti/learner.h>

#include "distribute/sync/sync.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"

#define LAST "checkpoints/last.safetensors"
#define BEST "checkpoints/best.safetensors"

/* ---- texts ---- */

/* A text of n letters out of four, and its vocabulary, in the folder where all happens. */
static void write_text(const char *name, int n)
{
	FILE *f = fopen(name, "w");
	uint32_t noise = 1;

	assert_non_null(f);
	for (int i = 0; i < n; i++) {
		noise = noise * 1664525 + 1013904223;
		fputc("abcd"[(noise >> 16) % 4], f);
	}
	assert_int_equal(fclose(f), 0);
	f = fopen("vocab", "w");
	assert_non_null(f);
	fputs("a\nb\nc\nd\n", f);
	assert_int_equal(fclose(f), 0);
}

static int make_texts(void **state)
{
	(void)state;
	if (chdir(test_temp_dir()) != 0)
		return -1;
	write_text("31", 31);
	write_text("121", 121);
	write_text("200", 200);
	return 0;
}

#define SPEC(train, valid, layers, batch, more) \
	"name: carry\n" \
	"data: {train: 'text:" train "&vocab=vocab', valid: 'text:" valid "&vocab=vocab',\n" \
	"       shuffle: no, carry: yes}\n" \
	"model:\n" \
	"  inputs: {tokens: {shape: [-1], type: i32}}\n" \
	"  layers: [embedding: {rows: 5, dim: 3}, " layers ", dense: {out: 5}]\n" \
	"train: {batch: " batch ", threads: 1, tune_kernels: no, top_k: 2, " more "}\n"

static const char torch_lstm[] =
	SPEC("31?length=5", "31?length=10", "lstm: {hidden: 4, num_layers: 2}", "2",
	     "epochs: 2, eval_batch: 1, optimizer: {kind: sgd, lr: 0.5}");

/* ---- PyTorch ---- */

/* Written by tests/golden/carry.py. */
static int golden(const char *word, int i, float *out, int room)
{
	char name[40];

	snprintf(name, sizeof name, i < 0 ? "%s" : "%s.%d", word, i);
	return answers_read(test_source("tests/golden/carry.txt"), name, out, room);
}

static double loss_of(const tt_model *m, const char *uri)
{
	tt_source *source;
	tt_session *s;
	tt_metrics out = TT_SIZED(tt_metrics);

	assert_ok(tt_source_open(&source, uri));
	assert_ok(tt_session_new(&s, m, TT_SESSION_OPTS(.threads = 1, .batch = 7)));
	assert_ok(tt_session_evaluate(s, source, &out));
	tt_free(out.confusion);
	tt_session_free(&s);
	tt_source_close(&source);
	return out.loss;
}

static void begin_alike(tt_model *m)
{
	for (size_t i = 0; i < m->param_count; i++)
		m->params[i] = 0.4f * answers_input((int64_t)i);
}

static void losses_and_parameters_follow_pytorch(void **state)
{
	tt_model *m = tiny_model(torch_lstm, NULL);
	float params[1024], loss;
	double sum = 0;
	tt_trainer *t;
	int more = 1;

	(void)state;
	begin_alike(m);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 1)));
	assert_int_equal(tt_trainer_progress(t)->epoch_steps, 3);
	for (int step = 0; more; step++) {
		assert_ok(tt_trainer_step(t, &more));
		golden("loss", step, &loss, 1);
		sum = step % 3 ? sum + (double)loss : (double)loss;
		assert_near(tt_trainer_progress(t)->loss, sum / (step % 3 + 1), 2e-6);
		assert_int_equal(golden("params", step, params, 1024), m->param_count);
		assert_floats_near(m->params, params, m->param_count, 2e-6);
	}
	golden("whole", -1, &loss, 1);
	assert_near(tt_trainer_progress(t)->valid_loss, loss, 2e-6);
	assert_near(loss_of(m, "text:31?length=30&vocab=vocab"), loss, 2e-6);
	assert_near(loss_of(m, "text:31?length=7&vocab=vocab"), loss, 2e-6);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* ---- the state at a seam ---- */

static void chunks_of_a_text_say_what_the_whole_says(void **state)
{
	static const char *const layers[] = {
		"[embedding: {rows: 5, dim: 3}, rnn: {hidden: 5, num_layers: 2}, dense: {out: 5}]",
		"[embedding: {rows: 5, dim: 3}, lstm: {hidden: 5, num_layers: 2}, dense: {out: 5}]",
		("[embedding: {rows: 5, dim: 3}, repeat: {times: 2, layers: [gru: {hidden: 5}]}, "
		 "dense: {out: 5}]"),
	};
	static const char *const streams[] = { "2", "1" }, *const whole[] = {
		"text:121?length=60&vocab=vocab", "text:121?length=120&vocab=vocab" };

	(void)state;
	for (int i = 0; i < 6; i++) {
		tt_model *m = tiny_model(torch_lstm, "model.layers", layers[i / 2], "train.eval_batch",
		                         streams[i % 2], NULL);
		tt_model *apart = tiny_model(torch_lstm, "model.layers", layers[i / 2], "data.carry", "no",
		                             NULL);
		double one;

		begin_alike(m);
		begin_alike(apart);
		one = loss_of(m, whole[i % 2]);
		assert_near(loss_of(m, "text:121?length=10&vocab=vocab"), one, 1e-6);
		assert_near(loss_of(m, "text:121?length=8&vocab=vocab"), one, i % 2 ? 1e-6 : 1);
		assert_near(loss_of(apart, whole[i % 2]), one, 1e-6);
		assert_true(fabs(loss_of(apart, "text:121?length=10&vocab=vocab") - one) > 1e-5);
		tt_model_free(&m);
		tt_model_free(&apart);
	}
}

/* ---- stop and go on ---- */

/* 199 tokens in 20 samples over 6 streams: 3 batches, and a last one of two samples. */
static const char net[] =
	SPEC("200?length=10", "121?length=10", "lstm: {hidden: 6, num_layers: 2, dropout: 0.2}, "
	     "gru: {hidden: 5}", "6", "epochs: 3, optimizer: {kind: adamw, lr: 0.02}");

struct part { const char *strategy, *micro, *dir; int workers; int64_t stop; };

static tt_model *model_of(const struct part *p)
{
	return tiny_model(net, "distribute.strategy", p->strategy, "distribute.period", "2",
	                  "train.micro_batch", p->micro, "train.optimizer.kind",
	                  strcmp(p->strategy, "eamsgd") == 0 ? "sgd" : "adamw", NULL);
}

/* From where it stands to `stop`, or to the end. */
static tt_model *train(const struct part *p)
{
	tt_model *m = model_of(p);
	struct workers_stop stop = { NULL, p->stop };
	tt_trainer *t;
	tt_status st;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = p->dir, .resume =
	                         p->dir ? "auto" : NULL, .workers = p->workers,
	                         .observe = workers_stop_at, .observe_ctx = &stop)));
	stop.t = t;
	st = tt_trainer_run(t);
	assert_true(st == TT_ESTOPPED || st == TT_OK);
	if (!p->stop)
		assert_int_equal(tt_trainer_progress(t)->step, 12);
	tt_trainer_free(&t);
	return m;
}

static const char *fresh(char buf[80])
{
	static int n;

	snprintf(buf, 80, "run-%d", n++);
	return buf;
}

static void run(struct part p)
{
	tt_model *m = train(&p);

	tt_model_free(&m);
}

static void check_stops(struct part p)
{
	static const int64_t stops[][2] = { { 1, 6 }, { 11, 0 } };
	char whole[80], parts[80];

	p.dir = fresh(whole);
	run(p);
	for (int i = 0; i < 2; i++) {
		p.dir = fresh(parts);
		for (int k = 0; k < 2 && stops[i][k]; k++) {
			p.stop = stops[i][k];
			run(p);
		}
		p.stop = 0;
		run(p);
		test_same_files(whole, parts, LAST, p.strategy);
		test_same_files(whole, parts, BEST, p.strategy);
	}
}

static void every_strategy_goes_on_in_the_middle_of_a_text(void **state)
{
	(void)state;
	check_stops((struct part){ "allreduce", "4", NULL, 1, 0 });
	for (int i = 0; sync_strategies[i]; i++)
		if (!sync_strategies[i]->in_process)
			check_stops((struct part){ sync_words[i], i % 2 ? "0" : "1", NULL, 2 + i % 2, 0 });
}

static void near(const tt_model *a, const tt_model *b)
{
	assert_floats_near(a->params, b->params, a->param_count, 2e-5);
}

static void workers_and_micro_batches_share_out_the_streams(void **state)
{
	tt_model *one = train(&(struct part){ "allreduce", "0", NULL, 1, 0 });

	(void)state;
	for (int workers = 1; workers <= 7; workers += 3) {
		const char *size = workers == 7 ? "0" : workers == 4 ? "1" : "4";
		tt_model *many = train(&(struct part){ "allreduce", size, NULL, workers, 0 });

		near(many, one);
		tt_model_free(&many);
	}
	tt_model_free(&one);
}

/* Streams are the batch's, whoever has them. */
static void another_number_of_workers_goes_on_with_the_same_streams(void **state)
{
	tt_model *one = train(&(struct part){ "allreduce", "0", NULL, 1, 0 }), *other;
	char dir[80];

	(void)state;
	fresh(dir);
	run((struct part){ "allreduce", "0", dir, 3, 6 });
	run((struct part){ "allreduce", "0", dir, 1, 7 });
	other = train(&(struct part){ "allreduce", "0", dir, 2, 0 });
	near(other, one);
	tt_model_free(&one);
	tt_model_free(&other);
}

/* ---- what does not go with it ---- */

static tt_status begin(const char *dir, const char *key, const char *value, int workers)
{
	tt_model *m = tiny_model(net, key, value, NULL);
	tt_trainer *t = NULL;
	tt_status st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir, .workers = workers,
	                              .resume = dir ? "auto" : NULL));

	tt_trainer_free(&t);
	tt_model_free(&m);
	return st;
}

static void what_does_not_go_with_it_is_refused(void **state)
{
	static const struct { const char *key, *value, *says; int workers; } bad[] = {
		{ "data.shuffle", "yes", "set data.shuffle: no", 1 },
		{ "data.split.valid", "0.2", "data.split", 1 },
		{ "model.layers.1", "lstm: {hidden: 4, bidirectional: yes}", "from their end", 1 },
		{ "model.layers.1", "attention: {heads: 3}", "states of one size", 1 },
		{ "model.layers.1", "positions: {max: 64}", "states of one size", 1 },
		{ "data.augment.flip", "yes", "are for images", 1 },
		{ "distribute.strategy", "hogwild", "streams are a worker's own", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (begin(NULL, bad[i].key, bad[i].value, bad[i].workers) == TT_OK)
			fail_msg("%s: %s was taken", bad[i].key, bad[i].value);
		assert_error(bad[i].says);
	}
}

/* Who is handed batches does not know which of them goes on in which. */
static void learners_and_combiners_know_of_no_streams(void **state)
{
	tt_model *m = tiny_model(net, "distribute.strategy", "ensemble", "distribute.combine", "net",
	                         NULL);
	tt_learner *l = NULL;
	tt_trainer *t = NULL;

	(void)state;
	assert_status(tt_learner_new(&l, m, NULL), TT_ESUPPORT);
	assert_error("data.carry");
	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)), TT_ESUPPORT);
	assert_error("data.carry: distribute.combine: net");
	tt_model_free(&m);
}

static void other_streams_are_not_gone_on_with(void **state)
{
	char dir[80], ended[80];
	struct ckpt *c;

	(void)state;
	fresh(dir);
	run((struct part){ "allreduce", "0", dir, 1, 6 });
	assert_status(begin(dir, "train.batch", "5", 1), TT_ESHAPE);
	assert_error("holds the states of streams as 6x29");
	assert_status(begin(dir, "data.carry", "no", 1), TT_ESPEC);
	assert_error("was written with data.carry: yes");
	run((struct part){ "allreduce", "0", fresh(ended), 1, 0 });
	assert_ok(begin(ended, "data.carry", "no", 1));         /* between epochs there are none */
	assert_ok(ckpt_open(&c, test_path(ended, LAST)));
	assert_null(ckpt_find(c, "tutti.carry"));
	ckpt_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(losses_and_parameters_follow_pytorch),
		cmocka_unit_test(chunks_of_a_text_say_what_the_whole_says),
		cmocka_unit_test(every_strategy_goes_on_in_the_middle_of_a_text),
		cmocka_unit_test(workers_and_micro_batches_share_out_the_streams),
		cmocka_unit_test(another_number_of_workers_goes_on_with_the_same_streams),
		cmocka_unit_test(what_does_not_go_with_it_is_refused),
		cmocka_unit_test(learners_and_combiners_know_of_no_streams),
		cmocka_unit_test(other_streams_are_not_gone_on_with),
	};

	return cmocka_run_group_tests(tests, make_texts, NULL);
}
