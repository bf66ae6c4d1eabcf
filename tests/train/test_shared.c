/* Layers that use the parameters of others: these lie once in a model, their gradient is the sum of
 * what all readers give, and all that is done with parameters is done to them once. */
#include "support/support.h"
#include "support/tiny.h"

#include <string.h>

#include <tutti/learner.h>
#include <tutti/report.h>
#include <tutti/session.h>
#include <tutti/train.h>

#include "distribute/sync/sync.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

#define SAMPLES 24
#define LONGEST 9
#define WORDS 11

/* A language model whose scores are products with the vectors of its words. */
#define NET(scores) \
	"name: tied\n" \
	"model: {inputs: {words: {shape: [-1], type: i32}},\n" \
	"        layers: [embedding: {name: table, rows: 11, dim: 6, init: normal},\n" \
	"                 dense: {name: body, out: 6, activation: tanh}, " scores "]}\n" \
	"train: {epochs: 2, batch: 8, threads: 1, tune_kernels: no, seed: 3,\n" \
	"        optimizer: {kind: sgd, lr: 0.3}}\n"
static const char tied[] = NET("dense: {name: scores, out: 11, share: table}");
static const char apart[] = NET("dense: {name: scores, out: 11}");

static struct rows {
	int64_t offsets[SAMPLES + 1], words[SAMPLES * LONGEST];
	int32_t next[SAMPLES * LONGEST];
} rows;

static int make_rows(void **state)
{
	(void)state;
	for (int i = 0; i < SAMPLES; i++) {
		rows.offsets[i + 1] = rows.offsets[i] + i * 5 % LONGEST + 1;
		for (int64_t k = rows.offsets[i]; k < rows.offsets[i + 1]; k++) {
			rows.words[k] = (i * 3 + k * 7) % WORDS;
			rows.next[k] = k % 5 == 4 ? -1 : (int32_t)((rows.words[k] + 7) % WORDS);
		}
	}
	return 0;
}

struct columns { tt_column c[2]; const tt_column *at[2]; tt_batch batch; };

static const tt_batch *texts(struct columns *s, int n)
{
	s->c[0] = *TT_COLUMN(.name = "words", .ndim = 1, .shape = { -1 }, .type = TT_I64,
	                     .data = rows.words, .offsets = rows.offsets);
	s->c[1] = *TT_COLUMN(.name = "next", .ndim = 1, .shape = { -1 }, .type = TT_I32,
	                     .data = rows.next, .offsets = rows.offsets);
	s->at[0] = &s->c[0];
	s->at[1] = &s->c[1];
	s->batch = *TT_BATCH(.columns = 2, .column = s->at, .n = n);
	return &s->batch;
}

static tt_source *source(struct columns *s)
{
	const tt_batch *b = texts(s, SAMPLES);
	tt_source *made;

	assert_ok(tt_source_from_memory(&made, TT_SCHEMA(.columns = b->columns, .column = b->column,
	                                .target = "next", .kind = TT_TARGET_PLACES,
	                                .classes = WORDS), b->n));
	return made;
}

static const struct param *find(const tt_model *m, const char *name)
{
	for (int i = 0; i < m->n_params; i++)
		if (strcmp(m->param[i].name, name) == 0)
			return &m->param[i];
	return NULL;
}

static int place(const tt_model *m, const char *name)
{
	const struct param *p = find(m, name);

	assert_non_null(p);
	return (int)(p - m->param);
}

static void copy(tt_model *to, const char *name, const tt_model *from, const char *of)
{
	const struct param *p = find(to, name), *q = find(from, of);

	assert_int_equal(p->count, q->count);
	memcpy(to->params + p->offset, from->params + q->offset, p->count * sizeof *to->params);
}

/* ---- the model ---- */

static void a_model_has_them_once(void **state)
{
	tt_model *m = tiny_model(tied, NULL);
	tt_report *r;
	int64_t counted = 0;

	(void)state;
	assert_int_equal(m->param_count, 11 * 6 + 6 * 6 + 6 + 11);
	assert_int_equal(m->n_params, 4);
	assert_non_null(find(m, "table.weight"));
	assert_non_null(find(m, "scores.bias"));
	assert_null(find(m, "scores.weight"));
	assert_ok(tt_report_new(&r, m, TT_REPORT_OPTS(.batch = 2)));
	for (int i = 0; i < tt_report_describe(r)->layers; i++) {
		tt_report_layer l = TT_SIZED(tt_report_layer);

		assert_ok(tt_report_get_layer(r, i, &l));
		counted += l.parameters;
	}
	assert_int_equal(counted, m->param_count);
	tt_report_free(&r);
	tt_model_free(&m);
}

static const float *gradient(tt_learner *l, const tt_model *m, const char *name)
{
	tt_tensor t = TT_SIZED(tt_tensor);

	assert_ok(tt_learner_gradient(l, place(m, name), &t));
	return t.data;
}

static void their_gradient_is_the_sum(void **state)
{
	tt_model *one = tiny_model(tied, NULL), *two = tiny_model(apart, NULL);
	float sum[WORDS * 6];
	struct columns s;
	tt_learner *l, *k;

	(void)state;
	for (int i = 0; i < two->n_params; i++)
		copy(two, two->param[i].name, one,
		     strcmp(two->param[i].name, "scores.weight") ? two->param[i].name : "table.weight");
	assert_ok(tt_learner_new(&l, one, TT_LEARNER_OPTS(.batch = SAMPLES, .target = "next")));
	assert_ok(tt_learner_new(&k, two, TT_LEARNER_OPTS(.batch = SAMPLES, .target = "next")));
	assert_ok(tt_learner_step(l, texts(&s, SAMPLES), NULL, NULL));
	assert_ok(tt_learner_step(k, texts(&s, SAMPLES), NULL, NULL));
	for (int i = 0; i < WORDS * 6; i++)
		sum[i] = gradient(k, two, "table.weight")[i] + gradient(k, two, "scores.weight")[i];
	assert_floats_near(gradient(l, one, "table.weight"), sum, WORDS * 6, 1e-7);
	assert_floats_near(gradient(l, one, "scores.bias"), gradient(k, two, "scores.bias"), WORDS,
	                   1e-7);
	tt_learner_free(&l);
	tt_learner_free(&k);
	tt_model_free(&one);
	tt_model_free(&two);
}

/* The bias of scores at each place, whose weights are at rest, has the gradient that it had. */
static void a_bias_beside_frozen_weights_learns(void **state)
{
	tt_model *one = tiny_model(tied, NULL);
	tt_model *two = tiny_model(tied, "train.freeze", "[table]", NULL);
	struct columns s;
	tt_learner *l, *k;

	(void)state;
	assert_ok(tt_learner_new(&l, one, TT_LEARNER_OPTS(.batch = SAMPLES, .target = "next")));
	assert_ok(tt_learner_new(&k, two, TT_LEARNER_OPTS(.batch = SAMPLES, .target = "next")));
	assert_ok(tt_learner_step(l, texts(&s, SAMPLES), NULL, NULL));
	assert_ok(tt_learner_step(k, texts(&s, SAMPLES), NULL, NULL));
	assert_floats_near(gradient(k, two, "scores.bias"), gradient(l, one, "scores.bias"), WORDS,
	                   1e-7);
	tt_learner_free(&l);
	tt_learner_free(&k);
	tt_model_free(&one);
	tt_model_free(&two);
}

/* ---- workers, files ---- */

static tt_model *trained(tt_model *m, int workers)
{
	struct columns s;
	tt_source *from = source(&s);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = from, .valid = from,
	                                                .workers = workers)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_source_close(&from);
	return m;
}

static void workers_and_parts_of_a_batch_learn_the_same(void **state)
{
	tt_model *one = trained(tiny_model(tied, NULL), 1);

	(void)state;
	for (int i = 0; i < 3; i++) {
		tt_model *m = trained(tiny_model(tied, "train.micro_batch", i == 0 ? "3" : "0", NULL),
		                      i == 0 ? 1 : i + 1);

		assert_floats_near(one->params, m->params, one->param_count, 3e-6);
		tt_model_free(&m);
	}
	tt_model_free(&one);
}

/* Of an ensemble each member shares with itself. */
static void every_strategy_trains_them(void **state)
{
	(void)state;
	for (const struct strategy *const *s = sync_strategies; *s; s++) {
		tt_model *m = trained(tiny_model(tied, "distribute.strategy", (*s)->name,
		                                 "distribute.period", "2", NULL), 2);

		assert_int_equal(m->param_count, ((*s)->apart ? 2 : 1) * (11 * 6 + 6 * 6 + 6 + 11));
		tt_model_free(&m);
	}
}

static void a_checkpoint_has_them_once(void **state)
{
	tt_model *m = trained(tiny_model(tied, NULL), 1), *again;
	char path[300];

	(void)state;
	snprintf(path, sizeof path, "%s/tied.safetensors", test_temp_dir());
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	assert_int_equal(tt_model_tensors(again), 4);
	assert_memory_equal(again->params, m->params, m->param_count * sizeof *m->params);
	tt_model_free(&again);
	tt_model_free(&m);
}

/* ---- what layers may share ---- */

static const char images[] =
	"name: images\n"
	"model: {input: [3, 4, 4], layers: [flatten]}\n"
	"train: {optimizer: {lr: 0.1}}\n";

/* parameters: of the whole; -1: it cannot be built, and the error says so. */
static const struct { const char *layers, *says; int parameters; } cases[] = {
	{ "[conv2d: {name: a, out: 3, kernel: 1}, conv2d: {name: b, out: 3, kernel: 1, share: a}]", "",
	  3 * 3 + 3 },
	{ "[conv2d: {name: a, out: 3, kernel: 1, bias: no}, "
	  "conv2d: {name: b, out: 3, kernel: 1, share: a}]", "", 3 * 3 + 3 },
	{ "[conv2d: {name: a, out: 3, kernel: 1}, conv2d: {name: b, out: 3, kernel: 1, share: a}, "
	  "conv2d: {name: c, out: 3, kernel: 1, share: b}]", "", 3 * 3 + 3 },
	{ "[sequence: {name: a, layers: [conv2d: {out: 3, kernel: 1}, batchnorm]}, "
	  "sequence: {name: b, share: a, layers: [conv2d: {out: 3, kernel: 1}, batchnorm]}]", "",
	  3 * 3 + 3 + 6 },
	{ "[residual: {name: a, body: [conv2d: {out: 3, kernel: 1}]}, "
	  "residual: {name: b, share: a, body: [conv2d: {out: 3, kernel: 1}]}]", "", 3 * 3 + 3 },
	/* Each member of a list shares with one before it in the list. */
	{ "[repeat: {name: r, times: 2, layers: [conv2d: {name: a, out: 3, kernel: 1}, "
	  "conv2d: {name: b, out: 3, kernel: 1, share: a}]}]", "", 2 * (3 * 3 + 3) },
	{ "[conv2d: {name: a, out: 4, kernel: 1}, conv2d: {name: b, out: 4, kernel: 1, share: a}]",
	  "b.weight is 4x4x1x1 and cannot be a.weight, which is 4x3x1x1", -1 },
	{ "[conv2d: {name: a, out: 3, kernel: 1}, relu: {name: b, share: a}]",
	  "shares nothing with 'a'", -1 },
	{ "[conv2d: {name: a, out: 3, kernel: 1, share: b}, conv2d: {name: b, out: 3, kernel: 1}]",
	  "names 'b', which is made later", -1 },
	{ "[conv2d: {name: a, out: 3, kernel: 1, share: a}]", "names itself", -1 },
	{ "[conv2d: {name: a, out: 3, kernel: 1, share: input}]", "which is an input", -1 },
	{ "[conv2d: {name: alfa, out: 3, kernel: 1}, conv2d: {out: 3, kernel: 1, share: alpha}]",
	  "did you mean 'alfa'?", -1 },
};

static void layers_share_what_has_the_same_name_and_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char layers[500];
		tt_spec *s;

		snprintf(layers, sizeof layers, "%.*s, flatten]", (int)strlen(cases[i].layers) - 1,
		         cases[i].layers);
		assert_ok(tt_spec_parse(&s, "shared", images));
		assert_ok(tt_spec_set(s, "model.layers", layers));
		if (cases[i].parameters >= 0) {
			tt_model *m;

			assert_ok(tt_model_new(&m, s));
			assert_int_equal(m->param_count, cases[i].parameters);
			tt_model_free(&m);
		} else {
			assert_true(tt_spec_resolve(s) != TT_OK);
			assert_error(cases[i].says);
		}
		tt_spec_free(&s);
	}
}

/* What is frozen is named by who has it. */
static void a_sharer_has_no_name_of_its_own(void **state)
{
	tt_model *m;
	tt_spec *s;

	(void)state;
	assert_ok(tt_spec_parse(&s, "tied", tied));
	assert_ok(tt_spec_set(s, "train.freeze", "['scores[.]weight']"));
	assert_status(tt_model_new(&m, s), TT_ESPEC);
	assert_error("fits no parameter of the model");
	tt_spec_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_has_them_once),
		cmocka_unit_test(their_gradient_is_the_sum),
		cmocka_unit_test(a_bias_beside_frozen_weights_learns),
		cmocka_unit_test(workers_and_parts_of_a_batch_learn_the_same),
		cmocka_unit_test(every_strategy_trains_them),
		cmocka_unit_test(a_checkpoint_has_them_once),
		cmocka_unit_test(layers_share_what_has_the_same_name_and_shape),
		cmocka_unit_test(a_sharer_has_no_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, make_rows, NULL);
}
