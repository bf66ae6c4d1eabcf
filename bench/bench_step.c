/* bench_step.c -- tutti's side of versus-pytorch: one net, one batch size, one process.
 *
 *     bench_step --spec=examples/cnn6.yaml --batch=64 --threads=1 --data=FILE --mode=train
 *
 * It walks the trainer's path of a step (program, ready ranges, optimizer) over batches that lie in
 * memory, and takes orders on stdin, answered by one line of JSON each:
 *
 *     run K       do K steps                {"seconds": s}
 *     memory      peak resident memory      {"peak_kib": n}
 *     profile     time per program step     a table on stderr, {} on stdout
 *     quit
 *
 * The first line says what it is.  The data file holds batches: of each all that the program reads,
 * in its order (learn/nn/model.h), but for the seed of the gradients. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "sys/thread.h"
#include "compute/exec/device.h"
#include "compute/exec/tuning_cache.h"
#include "learn/nn/model.h"
#include "optim/optim.h"

#define DATA_LIMIT ((size_t)1 << 31)
#define INPUTS     (2 * NET_INPUTS_MAX + 3)

struct args {
	const char *spec, *data, *cache;
	int         batch, length, threads, mode, precision, profile;
};

enum mode { MODE_TRAIN, MODE_INFER };
static const char *const mode_words[] = { "train", "infer", NULL };
static const char *const precision_words[] = { "f32", "bf16", NULL };

static const struct option arg_rows[] = {
	OPT_TEXT(struct args, spec, NULL, "the net"),
	OPT_TEXT(struct args, data, NULL, "file of batches"),
	OPT_TEXT(struct args, cache, NULL, "file of measured kernels (none: the library's choice)"),
	OPT_INT(struct args, batch, "64", 1, 65536, "samples per step"),
	OPT_INT(struct args, length, "64", 1, 65536, "of sequences, where the net reads some"),
	OPT_INT(struct args, threads, "1", 1, 4096, "compute threads"),
	OPT_ENUM(struct args, mode, "train", mode_words, "what a step is"),
	OPT_ENUM(struct args, precision, "f32", precision_words, "of the computation"),
	OPT_ENUM(struct args, profile, "no", option_no_yes, "keep the time of every kernel"),
	OPT_END
};

struct job {
	struct args          args;
	tt_model            *model;
	struct device_list   devices;
	struct kernel_cache *cache;
	struct program      *program;
	struct optim        *optim;
	float               *grads;
	float               *data;
	int                  inputs, reads; /* in the file; of these the program reads; behind: seed */
	size_t               words[INPUTS], from[INPUTS], at[INPUTS];   /* in the file, in memory */
	size_t               batches, words_all, stride; /* of a batch, there and there       */
	float                seed;          /* of the gradients: 1 / targets                  */
	int64_t              step;
};

/* The same for every net and for the peer: what is measured is time, not learning. */
static const struct optim_opts sgd = {
	.kind = OPTIM_SGD, .lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4, .decay_norms = 1,
};

static tt_status read_args(int argc, char **argv, struct arena *a, struct args *out)
{
	tt_status st = options_default(arg_rows, a, out);

	for (int i = 1; i < argc && st == TT_OK; i++) {
		char *name = argv[i] + 2, *value = strchr(argv[i], '=');

		if (strncmp(argv[i], "--", 2) != 0 || !value)
			return err_set(TT_EINVAL, "%s: arguments are written --name=value", argv[i]);
		*value++ = '\0';
		st = options_set(arg_rows, a, out, name, value);
	}
	if (st == TT_OK && (!out->spec || !out->data))
		st = err_set(TT_EINVAL, "--spec=FILE and --data=FILE are needed");
	return st;
}

/* The file is the same for training and inference, which reads the first inputs alone. */
static tt_status job_inputs(struct job *j)
{
	struct ir_graph *g = NULL;
	tt_status st = nn_graph_of(j->model, &(struct nn_shape){ .batch = j->args.batch,
		.length = j->args.length, .purpose = NN_TRAIN }, &g);

	if (st != TT_OK)
		return st;
	for (int i = 0; i < g->n_values; i++) {
		const struct ir_value *v = g->value[i];
		const size_t words = (size_t)tensor_count(&v->desc);

		if (v->kind != IR_INPUT || v->index == g->n_inputs - 1)
			continue;
		j->words[v->index] = words;
		j->from[v->index] = j->words_all;
		j->at[v->index] = j->stride;
		j->words_all += words;
		j->stride += (words + 15) / 16 * 16;
	}
	j->inputs = g->n_inputs - 1;
	ir_graph_free(&g);
	return TT_OK;
}

/* Inputs start on a cache line, as the loader's do. */
static tt_status job_data(struct job *j)
{
	size_t bytes, per;
	char *raw = NULL;
	tt_status st = job_inputs(j);

	if (st != TT_OK || (st = file_read_all(j->args.data, DATA_LIMIT, &raw, &bytes)) != TT_OK)
		return st;
	per = j->words_all * sizeof(float);
	j->batches = bytes / per;
	if (j->batches == 0 || bytes % per)
		st = err_set(TT_EFORMAT, "%s: %zu bytes are no whole number of batches of %zu",
		             j->args.data, bytes, per);
	else if (!(j->data = mem_alloc_aligned(j->batches * j->stride * sizeof(float))))
		st = TT_ENOMEM;
	for (size_t i = 0; i < j->batches && st == TT_OK; i++)
		for (int k = 0; k < j->inputs; k++)
			memcpy(j->data + i * j->stride + j->at[k],
			       raw + i * per + j->from[k] * sizeof(float), j->words[k] * sizeof(float));
	mem_free(raw);
	return st;
}

static tt_status job_model(struct job *j)
{
	tt_spec *s = NULL;
	tt_status st;

	if ((st = tt_spec_load(&s, j->args.spec)) != TT_OK)
		return st;
	st = tt_model_new(&j->model, s);
	tt_spec_free(&s);
	return st;
}

static tt_status job_program(struct job *j)
{
	int train = j->args.mode == MODE_TRAIN;
	struct ir_graph *g = NULL;
	struct program_opts po = {
		.devices = j->devices.dev, .cache = j->cache, .profile = j->args.profile,
		.precision = j->args.precision ? PRECISION_BF16 : PRECISION_F32,
		.purpose = train ? PROGRAM_TRAIN : PROGRAM_INFER,
	};
	tt_status st = nn_graph_of(j->model, &(struct nn_shape){ .batch = j->args.batch,
		.length = j->args.length, .purpose = train ? NN_TRAIN : NN_PREDICT }, &g);

	if (st != TT_OK)
		return st;
	j->reads = g->n_inputs - train;
	if ((st = program_new(&j->program, g, &po)) != TT_OK)
		return st;
	if (train && !(j->grads = mem_alloc_aligned(j->model->param_count * sizeof(float))))
		return TT_ENOMEM;
	program_bind(j->program, j->model->params, j->grads, j->model->buffers);
	return j->cache ? kernel_cache_save(j->cache) : TT_OK;
}

static tt_status job_optim(struct job *j)
{
	const tt_model *m = j->model;
	struct optim_tensor *t = mem_calloc((size_t)m->n_params + 1, sizeof *t);
	tt_status st;

	if (!t)
		return TT_ENOMEM;
	for (int i = 0; i < m->n_params; i++)
		t[i] = (struct optim_tensor){ .offset = m->param[i].offset,
		                             .count = m->param[i].count, .decay = 1 };
	st = optim_new(&j->optim, &sgd, t, m->n_params);
	mem_free(t);
	return st;
}

static tt_status job_open(struct job *j)
{
	tt_status st;

	thread_set_count(j->args.threads);
	if ((st = job_model(j)) != TT_OK || (st = job_data(j)) != TT_OK)
		return st;
	j->seed = 1.0f / (float)(j->args.batch * (j->model->per_place ? j->args.length : 1));
	if ((st = device_list_open_known(&j->devices)) != TT_OK)
		return st;
	if (j->args.cache && (st = kernel_cache_open(&j->cache, j->args.cache, "bench")) != TT_OK)
		return st;
	if ((st = job_program(j)) != TT_OK)
		return st;
	return j->args.mode == MODE_TRAIN ? job_optim(j) : TT_OK;
}

static void job_close(struct job *j)
{
	optim_free(&j->optim);
	program_free(&j->program);
	kernel_cache_close(&j->cache);
	device_list_close(&j->devices);
	tt_model_free(&j->model);
	mem_free(j->grads);
	mem_free(j->data);
}

/* A range of gradients is final: its parameters move at once, while both are in the cache. */
static void apply_range(void *ctx, size_t lo, size_t hi)
{
	struct job *j = ctx;

	optim_apply(j->optim, j->model->params, j->grads, lo, hi);
}

static tt_status job_step(struct job *j)
{
	const float *x = j->data + (size_t)j->step % j->batches * j->stride;
	struct program_run run = { .seed = 1, .step = (uint64_t)j->step, .sample_stride = 1 };
	tt_status st;

	for (int i = 0; i < j->reads; i++)
		program_set_input(j->program, i, x + j->at[i]);
	if (j->args.mode == MODE_TRAIN) {
		program_set_input(j->program, j->inputs, &j->seed);
		optim_begin(j->optim, sgd.lr, j->step + 1);
		run.ready = apply_range;
		run.ctx = j;
	}
	st = program_run(j->program, &run);
	j->step++;
	return st;
}

static tt_status job_run(struct job *j, int64_t steps)
{
	double start = thread_seconds(), seconds;
	tt_status st = TT_OK;

	for (int64_t i = 0; i < steps && st == TT_OK; i++)
		st = job_step(j);
	seconds = thread_seconds() - start;
	if (st == TT_OK && !isfinite(*(const float *)program_output(j->program, 0)))
		st = err_set(TT_ENAN, "the loss is not finite after %" PRId64 " steps", j->step);
	if (st == TT_OK)
		printf("{\"seconds\": %.9f}\n", seconds);
	return st;
}

static long peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static void job_profile(const struct job *j)
{
	for (int i = 0; i < program_steps(j->program); i++) {
		struct program_step_info s;

		program_step(j->program, i, &s);
		fprintf(stderr, "%-4s %-20s %-12s %-28s %-40s %8.3f ms %8.1f GFLOP/s\n",
		        s.backward ? "back" : "fore", s.layer, s.op, s.shape, s.kernel, s.ms,
		        s.ms > 0 ? s.flops / s.ms * 1e-6 : 0);
	}
	puts("{}");
}

static double job_flops(const struct job *j)
{
	double sum = 0;

	for (int i = 0; i < program_steps(j->program); i++) {
		struct program_step_info s;

		program_step(j->program, i, &s);
		sum += s.flops;
	}
	return sum;
}

static tt_status serve(struct job *j)
{
	char line[128];
	long long steps;
	tt_status st = TT_OK;

	printf("{\"parameters\": %zu, \"slab_bytes\": %zu, \"flops\": %.0f}\n",
	       j->model->param_count, program_slab_bytes(j->program), job_flops(j));
	fflush(stdout);
	while (st == TT_OK && fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0) {
		if (sscanf(line, "run %lld", &steps) == 1 && steps > 0)
			st = job_run(j, steps);
		else if (strcmp(line, "memory\n") == 0)
			printf("{\"peak_kib\": %ld}\n", peak_kib());
		else if (strcmp(line, "profile\n") == 0)
			job_profile(j);
		else
			st = err_set(TT_EINVAL, "no such order: %s", line);
		fflush(stdout);
	}
	return st;
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct job j = {0};
	tt_status st = read_args(argc, argv, &arena, &j.args);

	if (st == TT_OK)
		st = job_open(&j);
	if (st == TT_OK)
		st = serve(&j);
	if (st != TT_OK)
		fprintf(stderr, "bench_step: %s\n", tt_last_error());
	job_close(&j);
	arena_release(&arena);
	return st == TT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
