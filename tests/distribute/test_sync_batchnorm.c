/* Batch norms shared by all workers: what one worker with the whole batch would compute, however
 * the batch is dealt out, beside gradients that travel at the same time. */
#include "distribute/coll/coll.h"
#include "support/support.h"
#include "support/ranks.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "compute/exec/device.h"
#include "compute/exec/program.h"
#include "compute/pass/pass.h"
#include "learn/nn/model.h"
#include "learn/train/trainer_own.h"

/* ---- golden values of the literature: rank 0 has {0, 2}, rank 1 {4, 4, 4, 4} ---- */

struct golden { float x[2][4], gamma_beta[2], buffers[2][2], y[2][4]; };

static tt_status make_program(int64_t n, struct device *const *devices, struct program **out)
{
	const struct tensor_desc x = tensor_desc_make(DTYPE_F32, 4, (const int64_t[]){ n, 1, 1, 1 });
	const struct tensor_desc c = tensor_desc_make(DTYPE_F32, 1, (const int64_t[]){ 1 });
	const struct ir_attr a = { .eps = 1e-12f, .momentum = 1, .ranks = 2 };
	struct ir_value *in[5];
	struct ir_graph *g;
	struct ir_node *bn;
	tt_status st;

	if ((st = ir_graph_new(&g)) != TT_OK)
		return st;
	in[0] = ir_input(g, "x", &x);
	in[1] = ir_param(g, "weight", &c, 0);
	in[2] = ir_param(g, "bias", &c, 1);
	in[3] = ir_buffer(g, "running_mean", &c, 0);
	in[4] = ir_buffer(g, "running_var", &c, 1);
	g->param_count = g->buffer_count = 2;
	if (!(bn = ir_emit(g, IR_BATCHNORM, "bn", in, 5, &a)))
		return TT_EINTERNAL;
	ir_output(g, bn->out[0]);
	if ((st = pass_sync_batchnorm(g)) != TT_OK)
		return st;
	return program_new(out, g, &(struct program_opts){ .devices = devices });
}

static tt_status gather(void *ctx, const float *mine, size_t n, float *all)
{
	return comm_allgather(ctx, mine, n * sizeof *mine, all);
}

static void normalise(struct comm *c, void *ctx)
{
	struct golden *g = ctx;
	const int64_t n = c->rank ? 4 : 2;
	struct device_list devices;
	struct program *p = NULL;

	rank_ok(device_list_open_known(&devices));
	rank_ok(make_program(n, devices.dev, &p));
	program_bind(p, g->gamma_beta, NULL, g->buffers[c->rank]);
	program_set_input(p, 0, g->x[c->rank]);
	rank_ok(program_run(p, &(struct program_run){ .gather = gather, .ctx = c }));
	memcpy(g->y[c->rank], program_output(p, 0), (size_t)n * sizeof(float));
	program_free(&p);
	device_list_close(&devices);
}

static void moments_are_weighted_by_samples(void **state)
{
	struct golden g = { .x = { { 0, 2 }, { 4, 4, 4, 4 } }, .gamma_beta = { 1, 0 } };

	(void)state;
	ranks_run((struct ranks){ .n = 2 }, normalise, &g);
	for (int r = 0; r < 2; r++) {
		assert_near(g.buffers[r][0], 3, 1e-6);                     /* not 2.5 */
		assert_near(g.buffers[r][1], 2.8, 1e-6);                   /* unbiased */
	}
	assert_near(g.y[0][0], (0 - 3) / sqrt(2.3333333), 1e-5);       /* biased: 7/3, not 0.5 */
	assert_near(g.y[0][1], (2 - 3) / sqrt(2.3333333), 1e-5);
	for (int i = 0; i < 4; i++)
		assert_near(g.y[1][i], (4 - 3) / sqrt(2.3333333), 1e-5);
}

/* ---- trainings ---- */

/* Two residual blocks as in resnet20, small: 10 + 10 + 1 samples an epoch. */
static const char resnet[] =
	"name: resnet\n"
	"data: {train: 'synth:objects?size=8&count=21&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=11&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 16, kernel: 3, padding: 1, bias: no}\n"
	"    - batchnorm: {name: bn1, activation: relu}\n"
	"    - residual:\n"
	"        name: block1\n"
	"        activation: relu\n"
	"        body:\n"
	"          - conv2d: {name: conv1, out: 16, kernel: 3, padding: 1, bias: no}\n"
	"          - batchnorm: {name: bn1, activation: relu}\n"
	"          - conv2d: {name: conv2, out: 16, kernel: 3, padding: 1, bias: no}\n"
	"          - batchnorm: {name: bn2}\n"
	"    - residual:\n"
	"        name: block2\n"
	"        activation: relu\n"
	"        body:\n"
	"          - conv2d: {name: conv1, out: 20, kernel: 3, padding: 1, stride: 2, bias: no}\n"
	"          - batchnorm: {name: bn1, activation: relu}\n"
	"          - conv2d: {name: conv2, out: 20, kernel: 3, padding: 1, bias: no}\n"
	"          - batchnorm: {name: bn2}\n"
	"        shortcut:\n"
	"          - conv2d: {out: 20, kernel: 1, stride: 2, bias: no}\n"
	"          - batchnorm\n"
	"    - globalpool\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 3}\n"
	"train: {epochs: 2, batch: 10, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.02, momentum: 0.9}}\n"
	"distribute: {sync_batchnorm: yes, bucket_bytes: 2048, timeout: 20}\n";

/* Lists of numbers, where a lone sample has no variance of its own. */
static const char rows[] =
	"name: rows\n"
	"data: {train: 'synth:objects?size=8&count=14&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 16}\n"
	"    - batchnorm: {name: bn1, activation: relu}\n"
	"    - dense: {name: fc2, out: 3}\n"
	"train: {epochs: 2, batch: 6, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.02, momentum: 0.9}}\n"
	"distribute: {sync_batchnorm: yes, bucket_bytes: 256, timeout: 20}\n";

static tt_model *trained_so(const char *text, int workers, const char *batch, const char *piece)
{
	tt_model *m = tiny_model(text, "train.batch", batch, "train.micro_batch", piece, NULL);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = workers)));
	assert_ok(tt_trainer_run(t));
	for (int i = 1; i < workers; i++) {
		const tt_model *peer = trainer_peer(t, i)->model;

		local_workers_settle(t->group);
		assert_memory_equal(peer->params, m->params, m->param_count * sizeof(float));
		assert_memory_equal(peer->buffers, m->buffers, m->buffer_count * sizeof(float));
	}
	tt_trainer_free(&t);
	return m;
}

static tt_model *trained(const char *text, int workers)
{
	return trained_so(text, workers, text == rows ? "6" : "10", "0");
}

static void same_as_one(const char *text, const int *workers)
{
	tt_model *one = trained(text, 1), *m;

	for (; *workers; workers++) {
		m = trained(text, *workers);
		assert_floats_near(m->params, one->params, m->param_count, 1e-4);
		assert_floats_near(m->buffers, one->buffers, m->buffer_count, 1e-4);
		tt_model_free(&m);
	}
	tt_model_free(&one);
}

static void any_number_of_workers_makes_one_batch(void **state)
{
	(void)state;
	same_as_one(resnet, (const int[]){ 2, 3, 4, 0 });
}

/* 6 samples for 4 workers: 2, 2, 1, 1; then a last batch of 2: two of them have none; of 7 one
 * never has any. */
static void one_sample_or_none_is_enough(void **state)
{
	(void)state;
	same_as_one(rows, (const int[]){ 4, 7, 0 });
}

/* Norms see what all ranks compute at once.  Of 8 samples for three ranks the last has two, in
 * three pieces: the first is empty. */
static void microbatch_of_all_workers_make_one_piece(void **state)
{
	static const struct { const char *text, *batch, *one, *each; int workers; } at[] = {
		{ resnet, "12", "6", "3", 2 }, { rows, "8", "3", "1", 3 }, { rows, "12", "4", "2", 2 },
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_model *one = trained_so(at[i].text, 1, at[i].batch, at[i].one);
		tt_model *many = trained_so(at[i].text, at[i].workers, at[i].batch, at[i].each);

		assert_floats_near(many->params, one->params, one->param_count, 1e-4);
		assert_floats_near(many->buffers, one->buffers, one->buffer_count, 1e-4);
		tt_model_free(&one);
		tt_model_free(&many);
	}
}

/* Without sharing the result is another one: else the test above would show nothing. */
static void shares_of_their_own_give_another_net(void **state)
{
	tt_model *one = trained(resnet, 1), *m;
	double apart = 0;
	tt_trainer *t;

	(void)state;
	m = tiny_model(resnet, "distribute.sync_batchnorm", "no", NULL);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	for (size_t i = 0; i < m->param_count; i++)
		apart = fmax(apart, fabs((double)m->params[i] - one->params[i]));
	assert_true(apart > 1e-3);
	tt_model_free(&m);
	tt_model_free(&one);
}

/* ---- order ---- */

static void dawdle(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	(void)ctx;
	(void)text;
	if (e == TT_EVENT_STEP && p->step % 3 == 0)
		usleep(5000);
}

/* Gradients leave in pieces of 16 numbers by a thread of their own while batch norms gather on
 * another end; a rank that is late, or has no sample, changes no order. */
static void gathers_and_buckets_do_not_wait_for_each_other(void **state)
{
	(void)state;
	for (int n = 2; n <= 5; n += 3) {
		tt_model *m = tiny_model(resnet, "distribute.bucket_bytes", "64", "train.batch", "4", NULL);
		tt_trainer *t;

		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = n, .observe = dawdle)));
		assert_ok(tt_trainer_run(t));
		assert_int_equal(tt_trainer_progress(t)->step, 12);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
}

static void a_lost_worker_is_named(void **state)
{
	tt_model *m = tiny_model(resnet, NULL);
	tt_trainer *t;
	int more;

	(void)state;
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 4)));
	for (int i = 0; i < 3; i++)
		assert_ok(tt_trainer_step(t, &more));
	local_workers_settle(t->group);
	comm_abandon(trainer_peer(t, 2)->comm, "it was told to");
	assert_status(tt_trainer_step(t, &more), TT_EPEER);
	assert_error("rank 2");
	assert_error("it was told to");
	tt_trainer_free(&t);
	tt_model_free(&m);
}

/* ---- between runs ---- */

static void stop_at(void *ctx, enum tt_event e, const tt_progress *p, const char *text)
{
	(void)text;
	if (e == TT_EVENT_STEP && p->step == 2)
		tt_trainer_stop(*(tt_trainer **)ctx);
}

static void another_number_of_workers_goes_on(void **state)
{
	tt_model *whole = trained(resnet, 1), *m;
	char folder[1024];
	tt_trainer *t = NULL;

	(void)state;
	snprintf(folder, sizeof folder, "%s/run", test_temp_dir());
	m = tiny_model(resnet, NULL);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 3, .run_dir = folder,
	          .observe = stop_at, .observe_ctx = &t)));
	assert_status(tt_trainer_run(t), TT_ESTOPPED);
	tt_trainer_free(&t);
	tt_model_free(&m);
	m = tiny_model(resnet, NULL);
	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2, .run_dir = folder,
	          .resume = "auto")));
	assert_ok(tt_trainer_run(t));
	assert_floats_near(m->params, whole->params, m->param_count, 1e-4);
	assert_floats_near(m->buffers, whole->buffers, m->buffer_count, 1e-4);
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_model_free(&whole);
}

static void rules_that_do_not_sum_refuse(void **state)
{
	tt_model *m = tiny_model(resnet, "distribute.strategy", "average", NULL);
	tt_trainer *t;

	(void)state;
	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.workers = 2)), TT_ESPEC);
	assert_error("distribute.sync_batchnorm");
	tt_model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_are_weighted_by_samples),
		cmocka_unit_test(any_number_of_workers_makes_one_batch),
		cmocka_unit_test(one_sample_or_none_is_enough),
		cmocka_unit_test(microbatch_of_all_workers_make_one_piece),
		cmocka_unit_test(shares_of_their_own_give_another_net),
		cmocka_unit_test(gathers_and_buckets_do_not_wait_for_each_other),
		cmocka_unit_test(a_lost_worker_is_named),
		cmocka_unit_test(another_number_of_workers_goes_on),
		cmocka_unit_test(rules_that_do_not_sum_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
