/* A training begins with another model's numbers (train.init), leaves some of them as they are
 * (train.freeze), and learns others at rates of their own (train.optimizer.groups). */
#include "support/support.h"
#include "support/tiny.h"

#include <string.h>

#include <tutti/learner.h>

#include "base/file.h"
#include "base/mem.h"
#include "distribute/sync/sync.h"
#include "learn/ckpt/ckpt.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"

/* Convolutions with norms below, a head above; 40 samples in batches of 16. */
static const char net[] =
	"name: begin\n"
	"data: {train: 'synth:objects?size=8&count=40&classes=3&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - sequence: {name: body, layers: [\n"
	"        conv2d: {name: conv1, out: 4, padding: 1}, batchnorm: {name: bn1, activation: relu},\n"
	"        conv2d: {name: conv2, out: 6, padding: 1}, batchnorm: {name: bn2},\n"
	"        maxpool: {kernel: 2}, flatten: {}]}\n"
	"    - dense: {name: fc, out: 3}\n"
	"train:\n"
	"  epochs: 2\n"
	"  batch: 16\n"
	"  threads: 1\n"
	"  tune_kernels: no\n"
	"  optimizer: {kind: sgd, lr: 0.05, momentum: 0.9, weight_decay: 0.01}\n"
	"  tensorboard: {every_steps: 0}\n";
/* The same body under another name, and another head. */
static const char other[] =
	"name: other\n"
	"data: {train: 'synth:objects?size=8&count=40&classes=2&gray=yes', mean: 0.5, std: 0.25}\n"
	"model:\n"
	"  input: [1, 8, 8]\n"
	"  layers:\n"
	"    - sequence: {name: stem, layers: [\n"
	"        conv2d: {name: conv1, out: 4, padding: 1}, batchnorm: {name: bn1, activation: relu},\n"
	"        conv2d: {name: conv2, out: 6, padding: 1}, batchnorm: {name: bn2},\n"
	"        maxpool: {kernel: 2}, flatten: {}]}\n"
	"    - dense: {name: fc, out: 2}\n"
	"train: {epochs: 1, batch: 16, threads: 1, tune_kernels: no, seed: 9,\n"
	"        optimizer: {lr: 0.05}, tensorboard: {every_steps: 0}}\n";

static void train(tt_model *m, const tt_trainer_opts *o)
{
	tt_trainer *t;

	assert_ok(tt_trainer_new(&t, m, o));
	assert_ok(tt_trainer_run(t));
	tt_trainer_free(&t);
}

static const float *numbers(const tt_model *m, const char *name, size_t *n)
{
	for (int i = 0; i < tt_model_tensors(m); i++) {
		tt_tensor t = TT_SIZED(tt_tensor);

		assert_ok(tt_model_tensor(m, i, &t));
		if (strcmp(t.name, name) != 0)
			continue;
		*n = 1;
		for (int k = 0; k < t.ndim; k++)
			*n *= (size_t)t.shape[k];
		return t.data;
	}
	fail_msg("no tensor %s", name);
	return NULL;
}

static int same(const tt_model *a, const char *name, const tt_model *b, const char *as)
{
	size_t n, k;
	const float *x = numbers(a, name, &n), *y = numbers(b, as, &k);

	assert_int_equal(n, k);
	return memcmp(x, y, n * sizeof *x) == 0;
}

static void only_these_change(const tt_model *was, const tt_model *is, const char *begin)
{
	for (int i = 0; i < tt_model_tensors(was); i++) {
		tt_tensor t = TT_SIZED(tt_tensor);

		assert_ok(tt_model_tensor(was, i, &t));
		if (same(was, t.name, is, t.name) != (strncmp(t.name, begin, strlen(begin)) != 0))
			fail_msg("%s: %s", t.name, "changed, or did not");
	}
}

/* ---- freeze ---- */

static void what_is_frozen_stays_to_the_bit(void **state)
{
	tt_model *m = tiny_model(net, "train.freeze", "[body]", NULL);
	tt_model *was = tiny_model(net, NULL);

	(void)state;
	train(m, NULL);
	only_these_change(was, m, "fc");
	tt_model_free(&m);
	m = tiny_model(net, "train.freeze", "['body[.](conv|bn)1', fc]", NULL);
	train(m, NULL);
	assert_true(same(m, "body.conv1.weight", was, "body.conv1.weight"));
	assert_true(same(m, "body.bn1.running_var", was, "body.bn1.running_var"));
	assert_false(same(m, "body.conv2.weight", was, "body.conv2.weight"));
	assert_false(same(m, "body.bn2.running_var", was, "body.bn2.running_var"));
	assert_true(same(m, "fc.bias", was, "fc.bias"));
	tt_model_free(&m);
	tt_model_free(&was);
}

/* Nodes of backward that belong to this layer, and those that make weights' gradients. */
static int backward_nodes(const struct ir_graph *g, const char *layer, int weights)
{
	int n = 0;

	for (const struct ir_node *k = g->first; k; k = k->next)
		n += k->backward && strcmp(k->name, layer) == 0 &&
		     (!weights || k->op == IR_CONV2D_DW || k->op == IR_DENSE_DW);
	return n;
}

static void nothing_is_computed_for_what_is_frozen(void **state)
{
	tt_model *m = tiny_model(net, "train.freeze", "[body.conv1, body.bn1]", NULL);
	struct ir_graph *g;

	(void)state;
	assert_ok(nn_graph(m, 4, NN_TRAIN, &g));
	assert_int_equal(backward_nodes(g, "body.conv1", 0), 0);
	assert_int_equal(backward_nodes(g, "body.bn1", 0), 0);
	assert_int_equal(backward_nodes(g, "body.conv2", 0), 1);     /* dw alone: nobody wants dx */
	assert_int_equal(backward_nodes(g, "body.conv2", 1), 1);
	ir_graph_free(&g);
	tt_model_free(&m);

	m = tiny_model(net, "train.freeze", "[body.conv2, fc]", NULL);
	assert_ok(nn_graph(m, 4, NN_TRAIN, &g));
	assert_int_equal(backward_nodes(g, "body.conv2", 1), 0);
	assert_int_equal(backward_nodes(g, "fc", 1), 0);
	assert_int_equal(backward_nodes(g, "body.conv2", 0), 1);     /* dx, on the way to conv1 */
	assert_int_equal(backward_nodes(g, "body.conv1", 1), 1);
	ir_graph_free(&g);
	tt_model_free(&m);
}

static void under_every_strategy(void **state)
{
	static const char *const freeze = "['body[.]conv1', 'body[.]bn[12]']";
	tt_model *one = tiny_model(net, "train.freeze", freeze, NULL);
	tt_model *was = tiny_model(net, "train.freeze", freeze, NULL);

	(void)state;
	train(one, NULL);
	for (const struct strategy *const *s = sync_strategies; *s; s++) {
		/* eamsgd brings its own momentum */
		tt_model *m = tiny_model(net, "train.freeze", freeze, "distribute.strategy", (*s)->name,
		                         "distribute.period", "2", "train.optimizer.momentum",
		                         (*s)->own_momentum ? "0" : "0.9", NULL);
		const char *member = (*s)->apart ? "members.1." : "";
		char name[64];

		train(m, TT_TRAINER_OPTS(.workers = 3));
		for (int i = 0; i < tt_model_tensors(was); i++) {
			tt_tensor t = TT_SIZED(tt_tensor);
			int rests;

			assert_ok(tt_model_tensor(was, i, &t));
			rests = !strncmp(t.name, "body.conv1", 10) || !strncmp(t.name, "body.bn", 7);
			snprintf(name, sizeof name, "%s%s", member, t.name);
			if (same(m, name, was, t.name) != rests && !(*s)->apart)
				fail_msg("%s: %s", (*s)->name, name);
			assert_int_equal(t.trainable, !rests);
			if ((*s)->apart && rests)       /* a member's own first numbers, and they rest */
				assert_int_equal(same(m, name, was, t.name), strstr(t.name, "conv1") == NULL ||
				                 strstr(t.name, "bias") != NULL);
		}
		if (strcmp((*s)->name, "allreduce") == 0)
			assert_floats_near(m->params, one->params, one->param_count, 5e-5);
		tt_model_free(&m);
	}
	tt_model_free(&one);
	tt_model_free(&was);
}

static char *whole_file(const char *path, size_t *n)
{
	char *text;

	assert_ok(file_read_all(path, 0, &text, n));
	return text;
}

#define SET "train.freeze", "[body.conv1, body.bn1]", "train.optimizer.groups", \
            "[{match: fc, lr: 0.2, weight_decay: 0}]"

static void a_run_goes_on_as_if_never_stopped(void **state)
{
	char dir[2][1024], *text[2];
	size_t n[2];
	tt_trainer *t;
	tt_model *m;
	int more;

	(void)state;
	for (int i = 0; i < 2; i++) {
		strcpy(dir[i], test_path(test_temp_dir(), "run"));
		m = tiny_model(net, SET, NULL);
		assert_ok(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir[i])));
		for (int k = 0; i && k < 4; k++)
			assert_ok(tt_trainer_step(t, &more));
		if (i)
			tt_trainer_stop(t);
		assert_status(tt_trainer_run(t), i ? TT_ESTOPPED : TT_OK);
		tt_trainer_free(&t);
		tt_model_free(&m);
	}
	m = tiny_model(net, "train.freeze", "[body.conv1]", NULL);
	assert_status(tt_trainer_new(&t, m, TT_TRAINER_OPTS(.run_dir = dir[1], .resume = "auto")),
	              TT_ESPEC);
	assert_error("was written with train.freeze '[\"body.conv1\", \"body.bn1\"]'");
	tt_model_free(&m);
	m = tiny_model(net, SET, NULL);
	train(m, TT_TRAINER_OPTS(.run_dir = dir[1], .resume = "auto"));
	tt_model_free(&m);
	for (int i = 0; i < 2; i++)
		text[i] = whole_file(test_path(dir[i], "checkpoints/last.safetensors"), &n[i]);
	assert_int_equal(n[0], n[1]);
	assert_memory_equal(text[0], text[1], n[0]);
	mem_free(text[0]);
	mem_free(text[1]);
}

/* ---- groups ---- */

static void groups_learn_at_their_own_rate(void **state)
{
	tt_model *m = tiny_model(net, "train.optimizer.groups",
	                         "[{match: body, lr: 0}, {match: '.*', lr: 0.05}]", NULL);
	tt_model *plain = tiny_model(net, "train.optimizer.groups", "[{match: [fc, body]}]", NULL);
	tt_model *was = tiny_model(net, NULL);

	(void)state;
	train(m, NULL);
	assert_true(same(m, "body.conv2.weight", was, "body.conv2.weight"));
	assert_false(same(m, "body.bn2.running_mean", was, "body.bn2.running_mean"));
	assert_false(same(m, "fc.weight", was, "fc.weight"));
	train(plain, NULL);             /* a group that says nothing changes nothing */
	train(was, NULL);
	assert_memory_equal(plain->params, was->params, was->param_count * sizeof *was->params);
	tt_model_free(&m);
	tt_model_free(&plain);
	tt_model_free(&was);
}

/* ---- init ---- */

static const char *trained_file(void)
{
	static char path[1024];
	tt_model *m;

	if (*path)
		return path;
	strcpy(path, test_path(test_temp_dir(), "old.safetensors"));
	m = tiny_model(other, NULL);
	train(m, NULL);
	assert_ok(tt_model_save(m, path));
	tt_model_free(&m);
	return path;
}

static void a_new_head_on_an_old_body(void **state)
{
	tt_model *m = tiny_model(net, "train.init.from", trained_file(), "train.init.map",
	                         "{'stem[.](.*)': 'body.$1'}", "train.init.skip", "fc",
	                         "train.freeze", "[body]", NULL);
	tt_model *fresh = tiny_model(net, NULL), *old;
	int of[TT_ORIGIN_KINDS] = { 0 };
	tt_origins *o;

	(void)state;
	assert_ok(tt_model_load(&old, trained_file()));
	assert_ok(tt_origins_new(&o, m));
	for (int i = 0; i < tt_origins_count(o); i++) {
		tt_origin row = TT_SIZED(tt_origin);

		assert_ok(tt_origins_get(o, i, &row));
		of[row.kind]++;
		if (row.kind == TT_ORIGIN_TAKEN && strcmp(row.name, "body.conv2.weight") == 0) {
			assert_string_equal(row.theirs, "stem.conv2.weight");
			assert_string_equal(row.shape, "6x4x3x3");
			assert_string_equal(row.their_shape, "6x4x3x3");
		}
	}
	assert_int_equal(of[TT_ORIGIN_TAKEN], 12);
	assert_int_equal(of[TT_ORIGIN_SKIPPED], 2);
	assert_int_equal(of[TT_ORIGIN_MISSING] + of[TT_ORIGIN_UNLIKE] + of[TT_ORIGIN_UNUSED], 0);
	tt_origins_free(&o);
	train(m, NULL);
	assert_true(same(m, "body.conv1.weight", old, "stem.conv1.weight"));
	assert_true(same(m, "body.bn2.running_var", old, "stem.bn2.running_var"));
	assert_false(same(m, "fc.weight", fresh, "fc.weight"));
	tt_model_free(&m);
	tt_model_free(&fresh);
	tt_model_free(&old);
}

static void members_of_an_ensemble_begin_with_it_too(void **state)
{
	tt_model *m = tiny_model(net, "train.init.from", trained_file(), "train.init.map",
	                         "{'stem[.](.*)': 'body.$1'}", "train.init.skip", "fc", "train.freeze",
	                         "[body]", "distribute.strategy", "ensemble", NULL), *old, *again;
	const char *path = test_path(test_temp_dir(), "all.safetensors");

	(void)state;
	assert_ok(tt_model_load(&old, trained_file()));
	train(m, TT_TRAINER_OPTS(.workers = 2));
	assert_true(same(m, "members.0.body.conv1.weight", old, "stem.conv1.weight"));
	assert_true(same(m, "members.1.body.bn2.running_var", old, "stem.bn2.running_var"));
	assert_ok(tt_model_save(m, path));
	assert_ok(tt_model_load(&again, path));
	for (int i = 0; i < tt_model_tensors(m); i++) {
		tt_tensor t = TT_SIZED(tt_tensor);

		assert_ok(tt_model_tensor(m, i, &t));
		assert_true(same(m, t.name, again, t.name));
	}
	tt_model_free(&again);
	tt_model_free(&m);
	tt_model_free(&old);
}

static void refused(tt_status want, const char *text, const char *key, const char *value,
                    const char *skip)
{
	tt_spec *s = tiny_spec(net, "train.init.from", trained_file(), key, value, "train.init.skip",
	                       skip, NULL);
	tt_trainer *t = NULL;
	tt_model *m = NULL;
	tt_status st = tt_model_new(&m, s);

	if (st == TT_OK)
		st = tt_trainer_new(&t, m, NULL);
	assert_int_equal(st, want);
	assert_error(text);
	tt_model_free(&m);
	tt_spec_free(&s);
}

#define BODY "{'stem[.](.*)': 'body.$1'}"

static void what_cannot_be_is_refused_by_name(void **state)
{
	(void)state;
	refused(TT_ESHAPE, "'fc.weight' is 2x96 F32", "train.init.map", BODY, "[]");
	refused(TT_ESHAPE, "has no 'body.conv1.weight' (4x1x3x3); the nearest is 'stem.conv1.weight'",
	        "train.epochs", "1", "fc");
	refused(TT_ESPEC, "train.init.skip: 'head' fits no tensor", "train.init.map", BODY,
	        "[fc, head]");
	refused(TT_ESPEC, "train.init.map: 'stern' matches no name", "train.init.map",
	        "{stern: body}", "fc");
	refused(TT_ESPEC, "has no group for $2", "train.init.map", "{'stem[.](.*)': 'body.$2'}", "fc");
	refused(TT_ESPEC, "would both be 'x'", "train.init.map", "{'stem.*': 'x'}", "fc");
	refused(TT_ESPEC, "'^(a()$' is no pattern", "train.freeze", "'a('", "fc");
	refused(TT_ESPEC, "'{9' is not understood", "train.freeze", "'a{9}{9}{9}'", "fc");
	refused(TT_ESPEC, "fits no parameter of the model; the nearest is 'body.conv1.weight'",
	        "train.freeze", "body.conv1.wight", "fc");
	refused(TT_ESPEC, "'fx' fits no parameter that is trained", "train.optimizer.groups",
	        "[{match: fx}]", "fc");
	refused(TT_ESPEC, "did you mean 'lr'?", "train.optimizer.groups",
	        "[{match: fc, lrr: 1}]", "fc");
	refused(TT_ESPEC, "names all parameters", "train.freeze", "'.*'", "fc");
	refused(TT_ESPEC, "train: {init: {from: FILE}}", "model.init", "{from: x}", "fc");
	refused(TT_ENOENT, "/nowhere: cannot open", "train.init.from", "/nowhere", "fc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_frozen_stays_to_the_bit),
		cmocka_unit_test(nothing_is_computed_for_what_is_frozen),
		cmocka_unit_test(under_every_strategy),
		cmocka_unit_test(a_run_goes_on_as_if_never_stopped),
		cmocka_unit_test(groups_learn_at_their_own_rate),
		cmocka_unit_test(a_new_head_on_an_old_body),
		cmocka_unit_test(members_of_an_ensemble_begin_with_it_too),
		cmocka_unit_test(what_cannot_be_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
