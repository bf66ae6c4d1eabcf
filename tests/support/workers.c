#include "support/workers.h"

#include "support/support.h"
#include "support/tiny.h"

#include "learn/nn/model.h"
#include "learn/train/trainer_own.h"

const char workers_mlp[] =
	"name: mlp\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=11&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 8, activation: relu}\n"
	"    - dropout: {p: 0.2}\n"
	"    - dense: {name: fc2, out: 3}\n"
	"train: {epochs: 3, batch: 10, threads: 1, tune_kernels: no, top_k: 2,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.001}}\n";

const char workers_conv[] =
	"name: conv\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       augment: {crop: 1, flip: yes}}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 4, kernel: 3, padding: 1, activation: relu}\n"
	"    - maxpool: {kernel: 2}\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 3}\n"
	"train: {epochs: 2, batch: 12, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: adam, lr: 0.01, eps: 0.001}}\n";

const char workers_wide[] =
	"name: wide\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 41, activation: relu}\n"
	"    - dropout: {p: 0.5}\n"
	"    - dense: {name: fc2, out: 50, bias: no, activation: tanh}\n"
	"    - dense: {name: fc3, out: 3}\n"
	"train: {epochs: 4, batch: 15, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.001}}\n"
	"distribute: {factors: yes}\n";

const char workers_deep[] =
	"name: deep\n"
	"data: {train: 'synth:objects?size=8&count=37&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 24, kernel: 3, padding: 1, activation: relu}\n"
	"    - maxpool: {kernel: 4}\n"
	"    - conv2d: {name: conv2, out: 40, kernel: 3, padding: 1, activation: relu}\n"
	"    - conv2d: {name: conv3, out: 30, kernel: 2, bias: no, activation: relu}\n"
	"    - flatten\n"
	"    - dense: {name: fc, out: 3}\n"
	"train: {epochs: 3, batch: 12, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.05, momentum: 0.9}}\n"
	"distribute: {factors: yes}\n";

tt_model *workers_trained(const char *text, int workers, const tt_trainer_opts *more,
                          tt_progress *out)
{
	tt_trainer_opts o = more ? *more : (tt_trainer_opts){ .size = sizeof o };
	tt_model *m = tiny_model(text, NULL);
	tt_trainer *t;

	o.workers = workers;
	assert_ok(tt_trainer_new(&t, m, &o));
	assert_ok(tt_trainer_run(t));
	if (out)
		*out = *tt_trainer_progress(t);
	tt_trainer_free(&t);
	return m;
}

void workers_check_equal(const tt_trainer *t)
{
	local_workers_settle(t->group);
	for (int i = 1; i < local_workers_size(t->group); i++)
		assert_memory_equal(trainer_peer(t, i)->model->params, t->model->params,
		                    t->model->param_count * sizeof(float));
}

static const char *const overlap_word[] = { "none", "backward", "forward" };

tt_model *workers_overlapped(const char *text, const char *const set[4], int how, int workers)
{
	tt_model *m = tiny_model(text, "distribute.bucket_bytes", "256", "train.epochs", "8",
	                         "distribute.algorithm", "ring", "distribute.overlap",
	                         overlap_word[how], set[0], set[1], set[2],
	                         set[3], NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers)));
	assert_ok(tt_trainer_run(t));
	workers_check_equal(t);
	tt_trainer_free(&t);
	return m;
}

void workers_stop_at(void *stop, enum tt_event e, const tt_progress *p, const char *text)
{
	const struct workers_stop *s = stop;

	(void)text;
	if (e == TT_EVENT_STEP && p->step == s->step)
		tt_trainer_stop(s->t);
}

const char *const workers_rule[WORKERS_RULES][2] = {
	{ "allreduce", "1" }, { "average", "3" }, { "average", "0" }, { "easgd", "2" },
	{ "eamsgd", "2" },
};

tt_model *workers_of_rule(size_t i)
{
	return tiny_model(workers_mlp, "distribute.strategy", workers_rule[i][0],
	                  "distribute.period", workers_rule[i][1], "train.epochs", "6",
	                  "train.optimizer.momentum", "0",
	                  "distribute.delta", "0.5", "train.checkpoint.every_steps", "2", NULL);
}
