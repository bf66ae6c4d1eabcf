/* bench_buckets.c -- sequences of unequal length, shuffled (data.buckets: no) and sorted (auto).
 *
 *     bench_buckets KERNEL_CACHE [SAMPLES [SIGMA]]
 *
 * Trains a GRU classifier on sequences whose lengths are drawn log-normal (median 30), turn by turn
 * with and without, and prints tokens a second of each: epochs after the first, whose steps make
 * the programs.  Uses the public face only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <tutti/train.h>

#define TURNS 3
#define WORDS 2000
#define MOST  1000

static const char spec_text[] =
	"name: buckets\n"
	"model: {inputs: {words: {shape: [-1], type: i32}},\n"
	"        layers: [embedding: {rows: 2000, dim: 64}, gru: {hidden: 128, output: last},\n"
	"                 dense: {out: 2}]}\n"
	"train: {epochs: 4, batch: 32, threads: 1, seed: 1, optimizer: {kind: adam, lr: 0.001}}\n";

struct texts { int64_t n, *offsets; int32_t *word, *label; };

static uint32_t next(uint32_t *noise)
{
	*noise = *noise * 1664525 + 1013904223;
	return *noise >> 8;
}

static int make(struct texts *t, double sigma)
{
	uint32_t noise = 11;

	t->offsets = calloc((size_t)t->n + 1, sizeof *t->offsets);
	t->label = calloc((size_t)t->n, sizeof *t->label);
	t->word = malloc((size_t)t->n * MOST * sizeof *t->word);
	for (int64_t i = 0; t->offsets && t->label && t->word && i < t->n; i++) {
		double normal = -6, length;

		for (int k = 0; k < 12; k++)
			normal += (double)next(&noise) / (1 << 24);
		length = exp(log(30) + sigma * normal);
		length = length < 1 ? 1 : length > MOST ? MOST : length;
		t->offsets[i + 1] = t->offsets[i] + (int64_t)length;
		t->label[i] = (int32_t)(next(&noise) % 2);
		for (int64_t k = t->offsets[i]; k < t->offsets[i + 1]; k++)
			t->word[k] = (int32_t)(next(&noise) % (WORDS / 2)) * 2 + t->label[i];
	}
	return t->offsets && t->label && t->word;
}

static tt_status open_texts(const struct texts *t, tt_source **out)
{
	const tt_column word = { .size = sizeof word, .name = "words", .type = TT_I32, .ndim = 1,
	                         .shape = { -1 }, .data = t->word, .offsets = t->offsets };
	const tt_column label = { .size = sizeof label, .name = "label", .type = TT_I32,
	                          .data = t->label };
	const tt_column *const columns[] = { &word, &label };

	return tt_source_from_memory(out, TT_SCHEMA(.columns = 2, .column = columns, .target = "label",
	                             .kind = TT_TARGET_CLASS, .classes = 2), t->n);
}

static tt_status train(const tt_source *s, const char *buckets, const char *cache, double *rate)
{
	tt_spec *spec = NULL;
	tt_model *m = NULL;
	tt_trainer *t = NULL;
	tt_status st;

	if ((st = tt_spec_parse(&spec, "buckets", spec_text)) == TT_OK &&
	    (st = tt_spec_set(spec, "data.buckets", buckets)) == TT_OK &&
	    (st = tt_model_new(&m, spec)) == TT_OK &&
	    (st = tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .kernel_cache = cache))) == TT_OK &&
	    (st = tt_trainer_run(t)) == TT_OK)
		*rate = tt_trainer_progress(t)->mean_samples_per_second;
	tt_trainer_free(&t);
	tt_model_free(&m);
	tt_spec_free(&spec);
	return st;
}

int main(int argc, char **argv)
{
	struct texts t = { .n = argc > 2 ? atoll(argv[2]) : 2000 };
	tt_source *s = NULL;
	double rate[2];

	if (argc < 2 || argc > 4 || t.n < 1) {
		fputs("usage: bench_buckets KERNEL_CACHE [SAMPLES [SIGMA]]\n", stderr);
		return 2;
	}
	if (!make(&t, argc > 3 ? atof(argv[3]) : 0.8) || open_texts(&t, &s) != TT_OK)
		return EXIT_FAILURE;
	for (int i = 0; i < TURNS; i++) {
		const double tokens = (double)t.offsets[t.n] / (double)t.n;

		if (train(s, "no", argv[1], &rate[0]) != TT_OK ||
		    train(s, "auto", argv[1], &rate[1]) != TT_OK) {
			fprintf(stderr, "bench_buckets: %s\n", tt_last_error());
			return EXIT_FAILURE;
		}
		printf("no %.0f  auto %.0f tokens/s  %.2f times\n", tokens * rate[0], tokens * rate[1],
		       rate[1] / rate[0]);
	}
	tt_source_close(&s);
	free(t.offsets);
	free(t.label);
	free(t.word);
	return EXIT_SUCCESS;
}
