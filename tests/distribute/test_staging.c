/* Trainings on a device whose memory is not the host's give the reference's bits: alone and among
 * others, with micro-batches, with gradients that travel while backward goes on, as sums or as
 * factors, and with batch norms for which all ranks meet in the middle of a run. */
#include "compute/exec/staging/staging.h"

#include <string.h>

#include "compute/exec/ref/ref.h"
#include "learn/learner/learner.h"
#include "learn/spec/spec.h"
#include "support/ranks.h"
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

static const char norms[] =
	"name: norms\n"
	"data: {train: 'synth:objects?size=8&count=14&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - conv2d: {name: conv1, out: 4, kernel: 3, padding: 1, bias: no}\n"
	"    - batchnorm: {name: bn1, activation: relu}\n"
	"    - flatten\n"
	"    - dense: {name: fc1, out: 3}\n"
	"train: {epochs: 2, batch: 6, threads: 1, tune_kernels: no,\n"
	"        optimizer: {kind: sgd, lr: 0.02, momentum: 0.9}}\n"
	"distribute: {sync_batchnorm: yes, bucket_bytes: 256, timeout: 20}\n";

/* A training of each rank, from the same parameters. */
struct training {
	const struct device_ops *const *devices;
	const char                     *text;
	int64_t                         micro_batch;
	tt_model                       *model[8];        /* out, by rank */
};

static tt_status epoch(struct learner *l, struct loader *data, int64_t number)
{
	struct learner_result r;
	struct batch *b;
	tt_status st = loader_seek(data, number, 0);

	while (st == TT_OK && (st = loader_next(data, &b)) == TT_OK && b)
		st = learner_step(l, b, &(struct learner_at){ .epoch = number, .lr = 0.05 }, &r);
	return st;
}

static tt_status run_epochs(struct learner *l, struct comm *c, const struct tt_model *m)
{
	const struct train_opts *o = &m->spec->train;
	const struct loader_opts how = { .data = &m->spec->data, .training = 1, .batch = o->batch,
	                                 .rank = c->rank, .world = c->size, .seed = 3 };
	struct learner_result r;
	struct loader *data = NULL;
	tt_source *source;
	tt_status st = tt_source_open(&source, m->spec->data.train);

	if (st != TT_OK)
		return st;
	if ((st = learner_fit(l, tt_source_describe(source))) == TT_OK &&
	    (st = learner_start(l)) == TT_OK)
		st = loader_new(&data, source, &how);
	for (int64_t e = 0; e < 2 && st == TT_OK; e++)
		if ((st = epoch(l, data, e)) == TT_OK)
			st = learner_epoch_end(l, e == 1 ? EPOCH_LAST : EPOCH_GOES_ON, 0, &r);
	if (st == TT_OK)
		st = learner_flush(l);
	loader_free(&data);
	tt_source_close(&source);
	return st;
}

static void train_rank(struct comm *c, void *ctx)
{
	struct training *t = ctx;
	struct tt_model *m = t->model[c->rank];
	struct engine e = { .threads = 1 };
	struct learner *l = NULL;

	rank_ok(device_list_open(&e.devices, t->devices));
	engine_enter(&e);
	rank_ok(learner_new(&l, &(struct learner_opts){
		.model = m, .engine = &e, .comm = c, .distribute = &m->spec->distribute,
		.optimizer = &m->spec->train.optimizer, .seed = 3, .batch = m->spec->train.batch,
		.micro_batch = t->micro_batch, .threads = 1, .top_k = 1 }));
	if (l)
		rank_ok(run_epochs(l, c, m));
	learner_free(&l);
	device_list_close(&e.devices);
}

static void train(struct training *t, int ranks)
{
	for (int i = 0; i < ranks; i++)
		t->model[i] = tiny_model(t->text, NULL);
	ranks_run((struct ranks){ .n = ranks }, train_rank, t);
}

static void same_bits(const char *text, int ranks, int64_t micro_batch)
{
	static const struct device_ops *const ref[] = { &ref_device, NULL };
	static const struct device_ops *const staging[] = { &staging_device, &ref_device, NULL };
	struct training want = { .devices = ref, .text = text, .micro_batch = micro_batch };
	struct training got = { .devices = staging, .text = text, .micro_batch = micro_batch };

	tt_model *fresh = tiny_model(text, NULL);

	train(&want, ranks);
	train(&got, ranks);
	assert_memory_not_equal(got.model[0]->params, fresh->params,
	                        fresh->param_count * sizeof(float));
	tt_model_free(&fresh);
	for (int i = 0; i < ranks; i++) {
		tt_model *a = want.model[i], *b = got.model[i];

		assert_memory_equal(b->params, a->params, a->param_count * sizeof(float));
		assert_memory_equal(b->buffers, a->buffers, a->buffer_count * sizeof(float));
		tt_model_free(&a);
		tt_model_free(&b);
	}
}

static void one_alone(void **state)
{
	(void)state;
	same_bits(workers_mlp, 1, 0);
	same_bits(tiny_conv, 1, 0);
}

static void parts_of_a_batch(void **state)
{
	(void)state;
	same_bits(tiny_conv, 1, 5);
	same_bits(workers_mlp, 2, 3);
}

static void sums_of_ranks(void **state)
{
	(void)state;
	same_bits(workers_conv, 2, 0);
	same_bits(workers_mlp, 3, 0);
}

static void products_of_factors(void **state)
{
	(void)state;
	same_bits(workers_wide, 2, 0);
	same_bits(workers_deep, 3, 0);
}

/* Of the last batch, which has two samples, most ranks have none. */
static void norms_of_all_ranks(void **state)
{
	(void)state;
	same_bits(norms, 1, 0);
	same_bits(norms, 2, 2);
	same_bits(norms, 4, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_alone),
		cmocka_unit_test(parts_of_a_batch),
		cmocka_unit_test(sums_of_ranks),
		cmocka_unit_test(products_of_factors),
		cmocka_unit_test(norms_of_all_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
