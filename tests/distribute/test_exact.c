/* For every row of the table of strategies: the same seed and number of workers give the same
 * bytes, however often a run was stopped and resumed on its way. */
#include "support/support.h"
#include "support/tiny.h"
#include "support/workers.h"

#include <stdio.h>
#include <string.h>

#include "distribute/sync/sync.h"

#define LAST "checkpoints/last.safetensors"
#define BEST "checkpoints/best.safetensors"

/* Everything that a worker may have of its own: momentum, running means, dropout, sums; 41 samples
 * in batches of 8: five steps and a sixth of one sample, where the others have none. */
static const char net[] =
	"name: exact\n"
	"data: {train: 'synth:objects?size=8&count=41&classes=3&gray=yes', mean: 0.5, std: 0.25,\n"
	"       valid: 'synth:objects?size=8&count=20&classes=3&gray=yes&split=test'}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers: [conv2d: {out: 3, kernel: 3}, batchnorm: {activation: relu}, flatten,\n"
	"           dropout: {p: 0.2}, dense: {out: 3}]\n"
	"train: {epochs: 3, batch: 8, threads: 1, tune_kernels: no, top_k: 2,\n"
	"        optimizer: {kind: adamw, lr: 0.02}}\n";

/* More than one way for some rows: what is set besides. */
struct way { const char *strategy, *key[3], *value[3]; };
static const struct way more[] = {
	{ "average", { "distribute.period", "distribute.optimizer_state" }, { "4", "keep" } },
	{ "average", { "distribute.period", "distribute.optimizer_state" }, { "0", "keep" } },
	{ "average", { "distribute.period", "distribute.optimizer_state", "distribute.post_local" },
	  { "4", "reset", "1" } },
	{ "allreduce", { "train.optimizer.clip_norm" }, { "0.5" } },
	{ "allreduce", { "distribute.wire" }, { "bf16" } },
	{ "easgd", { "train.optimizer.kind", "train.optimizer.momentum" }, { "sgd", "0.9" } },
	{ "allreduce", { "distribute.sync_batchnorm" }, { "yes" } },
};
#define MORE (sizeof more / sizeof *more)

static tt_model *model_of(const struct way *w, const char *every)
{
	static const char *const none = "train.seed", *const seed = "3";
	const char *key[3], *value[3];
	const int own = strcmp(w->strategy, "eamsgd") == 0;

	for (int i = 0; i < 3; i++) {
		key[i] = w->key[i] ? w->key[i] : none;
		value[i] = w->key[i] ? w->value[i] : seed;
	}
	return tiny_model(net, "distribute.strategy", w->strategy, "distribute.period", "2",
	                  "train.seed", "3", "train.checkpoint.every_steps", every,
	                  "train.optimizer.kind", own ? "sgd" : "adamw", key[0], value[0],
	                  key[1], value[1], key[2], value[2], NULL);
}

struct part { int workers; int64_t stop; const char *dir, *every; };

/* From where it stands to `stop`, or to the end.  Stopped runs stand where all know of it. */
static void train(const struct way *w, const struct part *p)
{
	tt_model *m = model_of(w, p->every);
	struct workers_stop stop = { NULL, p->stop };
	tt_trainer *t;
	tt_status st;

	assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = p->dir, .resume = "auto",
	                         .workers = p->workers, .observe = workers_stop_at,
	                         .observe_ctx = &stop)));
	stop.t = t;
	st = tt_trainer_run(t);
	assert_true(st == TT_ESTOPPED || st == TT_OK);
	if (!p->stop)
		assert_int_equal(tt_trainer_progress(t)->step, 18);
	tt_trainer_free(&t);
	tt_model_free(&m);
}

static const char *fresh(char buf[1024])
{
	static char folder[1000];
	static int n;

	if (!n)
		snprintf(folder, sizeof folder, "%s", test_temp_dir());
	snprintf(buf, 1024, "%s/run-%d", folder, n++);
	return buf;
}

static void check_way(const struct way *w, int workers, const char *every)
{
	static const int64_t stops[][2] = { { 1, 8 }, { 3, 0 }, { 6, 13 } };
	char whole[1024], parts[1024], what[200];

	train(w, &(struct part){ workers, 0, fresh(whole), every });
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
		fresh(parts);
		for (int k = 0; k < 2 && stops[i][k]; k++)
			train(w, &(struct part){ workers, stops[i][k], parts, every });
		train(w, &(struct part){ workers, 0, parts, every });
		snprintf(what, sizeof what, "%s %s %s, %d workers, every %s steps, stopped at %lld and "
		         "%lld", w->strategy, w->key[0] ? w->value[0] : "", w->key[1] ? w->value[1] : "",
		         workers, every, (long long)stops[i][0], (long long)stops[i][1]);
		test_same_files(whole, parts, LAST, what);
		test_same_files(whole, parts, BEST, what);
	}
}

/* Workers that do not wait for one another come as they come: no two of their runs are alike. */
static int is_certain(const struct strategy *s) { return !s->in_process; }

static void every_strategy_goes_on_to_the_same_bytes(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++)
		if (is_certain(sync_strategies[i])) {
			check_way(&(struct way){ .strategy = sync_words[i] }, 2, "5");
			check_way(&(struct way){ .strategy = sync_words[i] }, 3, "0");
		}
}

/* With an average over the steps besides, which each rank may have a part or one of its own of. */
static void so_does_the_average_over_the_steps(void **state)
{
	(void)state;
	for (int i = 0; sync_strategies[i]; i++)
		check_way(&(struct way){ sync_words[i], { "train.ema" }, { "0.8" } },
		          is_certain(sync_strategies[i]) ? 2 : 1, "5");
}

static void so_it_does_whatever_is_asked_of_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < MORE; i++)
		check_way(&more[i], 3, i % 2 ? "5" : "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_strategy_goes_on_to_the_same_bytes),
		cmocka_unit_test(so_does_the_average_over_the_steps),
		cmocka_unit_test(so_it_does_whatever_is_asked_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
