/* Batches of sequences of unlike lengths, under every row of the table of strategies: workers learn
 * what one learns, weighted by the places that count, and what fills a batch up is never learnt. */
#include "support/support.h"
#include "support/tiny.h"

#include <math.h>
#include <string.h>

#include "distribute/sync/sync.h"
#include "learn/nn/model.h"

enum { SAMPLES = 30, LONGEST = 9, ENDLESS = 40, WORDS = 11, TAGS = 4 };

static const char net[] =
	"name: lengths\n"
	"model: {inputs: {words: {shape: [-1], type: i32}},\n"
	"        layers: [embedding: {rows: 11, dim: 6},\n"
	"                 lstm: {hidden: 4, num_layers: 2, bidirectional: yes}, gru: {hidden: 6},\n"
	"                 transformer: {heads: 2, hidden: 8, causal: yes}, rnn: {hidden: 5},\n"
	"                 layernorm: {dims: 1}, dense: {out: 4}]}\n"
	"train: {epochs: 2, threads: 1, tune_kernels: no, optimizer: {kind: sgd, lr: 0.1}}\n";

/* What a strategy needs to do as one worker does: an exchange after each step.  NULL: it never
 * does, for its workers pull at one another, stay apart or do not wait. */
static const struct { const char *strategy, *period; } as_one[] = {
	{ "allreduce", "10" }, { "average", "1" }, { "easgd", NULL }, { "eamsgd", NULL },
	{ "ensemble", NULL }, { "hogwild", NULL },
};

/* Between: so many samples stand between two that count for nothing, and are longer; 0: no such. */
static tt_source *source_of(int between)
{
	static int64_t offsets[2 * SAMPLES + 1];
	static int32_t words[SAMPLES * (LONGEST + ENDLESS)], tags[SAMPLES * (LONGEST + ENDLESS)];
	const tt_column *column[] = {
		TT_COLUMN(.name = "words", .ndim = 1, .shape = { -1 }, .type = TT_I32, .data = words,
		          .offsets = offsets),
		TT_COLUMN(.name = "tags", .ndim = 1, .shape = { -1 }, .type = TT_I32, .data = tags,
		          .offsets = offsets) };
	tt_source *s;
	int n = 0;
	int64_t at = 0;

	for (int i = 0; i < SAMPLES; i++) {
		for (int k = 0; k < i * 5 % LONGEST + 1; k++, at++) {
			words[at] = (i * 3 + k * 7) % WORDS;
			tags[at] = k % 5 == 4 ? -1 : words[at] % TAGS;
		}
		offsets[++n] = at;
		if (!between || (i + 1) % between)
			continue;
		for (int k = 0; k < ENDLESS; k++, at++) {
			words[at] = k % WORDS;
			tags[at] = -1;
		}
		offsets[++n] = at;
	}
	assert_ok(tt_source_from_memory(&s, TT_SCHEMA(.columns = 2, .column = column, .target = "tags",
	                                .kind = TT_TARGET_PLACES, .classes = TAGS), n));
	return s;
}

struct way { const char *strategy, *period, *batch, *shuffle; int between, workers; };

static tt_model *trained(const struct way *w)
{
	tt_model *m = tiny_model(net, "distribute.strategy", w->strategy, "train.batch", w->batch,
	                         "distribute.period", w->period, "data.shuffle", w->shuffle, NULL);
	tt_source *s = source_of(w->between);
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.train = s, .workers = w->workers)));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
	tt_source_close(&s);
	return m;
}

/* Both have been trained: the same parameters, up to sums in another order. */
static void compare(const struct way *a, const struct way *b)
{
	tt_model *x = trained(a), *y = trained(b);
	double most = 0;

	assert_int_equal(x->param_count, y->param_count);
	for (size_t i = 0; i < x->param_count; i++)
		most = fmax(most, fabs((double)x->params[i] - y->params[i]));
	if (!(most <= 5e-5))
		fail_msg("%s, %d workers: parameters are %g away from those of %d", b->strategy, b->workers,
		         most, a->workers);
	tt_model_free(&x);
	tt_model_free(&y);
}

static const char *period_of(const char *strategy)
{
	for (size_t i = 0; i < sizeof as_one / sizeof *as_one; i++)
		if (strcmp(as_one[i].strategy, strategy) == 0)
			return as_one[i].period;
	fail_msg("strategy %s: say here when it does what one worker does", strategy);
	return NULL;
}

static void workers_learn_what_one_learns(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		const char *period = period_of(sync_words[i]);

		for (int n = 1; n <= 4; n++)
			if (period || n == 1)       /* of one worker all are alike */
				compare(&(struct way){ "allreduce", "10", "7", "yes", 0, 1 },
				        &(struct way){ sync_words[i], period ? period : "2", "7", "yes", 0, n });
	}
}

/* A sample without a place that counts fills all others of its batch up.  Workers that stay apart
 * have parts of the data of their own, and threads that do not wait have no order: of these one. */
static void what_fills_a_batch_up_is_not_learnt(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++) {
		const int alone = sync_strategies[i]->in_process || sync_strategies[i]->apart;

		for (int n = 1; n <= (alone ? 1 : 2); n++)
			compare(&(struct way){ sync_words[i], "2", "3", "no", 0, n },
			        &(struct way){ sync_words[i], "2", "4", "no", 3, n });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_learn_what_one_learns),
		cmocka_unit_test(what_fills_a_batch_up_is_not_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
