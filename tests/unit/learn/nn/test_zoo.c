/* The specs in examples/: each builds, with the parameters that its paper or torchvision counts. */
#include <dirent.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "learn/nn/model.h"
#include "learn/spec/spec.h"
#include "support/support.h"

static const struct { const char *file; size_t parameters; int64_t outputs; } zoo[] = {
	{ "demo", 98970, 10 },
	{ "mlp", 784 * 512 + 512 + 512 * 512 + 512 + 5120 + 10, 10 },
	{ "lenet5", 61706, 10 },
	{ "cnn1", 832 + 6272 * 128 + 128 + 1290, 10 },
	{ "cnn6", 2395434, 10 },
	{ "resnet20", 272474, 10 },
	{ "vgg11-cifar", 9225610, 10 },
	{ "vgg11", 132863336, 1000 },           /* torchvision.models.vgg11         */
	{ "vgg19", 143667240, 1000 },           /* torchvision.models.vgg19         */
	{ "alexnet", 61100840, 1000 },          /* torchvision.models.alexnet       */
	{ "resnet50", 25557032, 1000 },         /* torchvision.models.resnet50      */
	{ "inception-v1", 6624904, 1000 },      /* torchvision.models.googlenet(aux_logits=False) */
	{ "googlenet", 13004888, 1000 },        /* torchvision.models.googlenet(aux_logits=True)  */
	{ "vit", 811146, 10 },                  /* as PyTorch counts it, tests/random/zoo_nets.py */
	{ "nasnet-a-cifar", 3346538, 10 },      /* 3.3 million, Zoph et al. table 1 */
	{ "nasnet-a-mobile", 5289978, 1000 },   /* what Keras' NASNetMobile trains */
	{ "char-lstm", 3470549, 85 },           /* bench/versus-text has them in PyTorch */
	{ "char-gpt", 10811221, 85 },
	{ "gru-text", 200 * 24 + 3 * 32 * (24 + 32) + 2 * 3 * 32 + 2 * 33, 2 },
	{ "digits-ctc", 16 * 9 + 32 + 32 * 16 * 9 + 64 + 2 * 3 * 64 * (96 + 64 + 2) + 11 * 129, 11 },
	{ "mobilenet", 4231976, 1000 },         /* 4.2 million, Howard et al. table 8 */
	/* 8 and 2 numbers for each of 1,170 words; 170 into 256, 128 and 2, and 10 into 2. */
	{ "wide-deep", (8 + 2) * 1170 + 170 * 256 + 256 + 256 * 128 + 128 + 258 + 22, 2 },
};
#define ZOO (sizeof zoo / sizeof *zoo)

static tt_spec *load(const char *name)
{
	char path[128];
	tt_spec *s;

	snprintf(path, sizeof path, "examples/%s.yaml", name);
	assert_ok(tt_spec_load(&s, test_source(path)));
	assert_ok(tt_spec_resolve(s));
	return s;
}

static int is_known(const char *name, size_t length)
{
	for (size_t i = 0; i < ZOO; i++)
		if (strlen(zoo[i].file) == length && memcmp(zoo[i].file, name, length) == 0)
			return 1;
	return 0;
}

static void every_example_is_counted(void **state)
{
	DIR *d = opendir(test_source("examples"));
	struct dirent *e;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)))
		if (str_ends_with(e->d_name, ".yaml") &&
		    !is_known(e->d_name, strlen(e->d_name) - strlen(".yaml")))
			fail_msg("examples/%s: how many parameters has it?", e->d_name);
	closedir(d);
}

static void parameters_are_as_many_as_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < ZOO; i++) {
		tt_spec *s = load(zoo[i].file);

		print_message("%s\n", zoo[i].file);
		assert_string_equal(s->name, zoo[i].file);
		assert_int_equal(s->n_parameters, zoo[i].parameters);
		tt_spec_free(&s);
	}
}

static const char *const names_resnet50[] = {
	"conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight",
	"layer1.0.downsample.0.weight",
	"layer1.0.downsample.1.bias", "layer1.2.bn3.weight", "layer3.5.conv2.weight",
	"layer4.2.bn3.bias",
	"fc.weight", "fc.bias", NULL
};
static const char *const names_alexnet[] = {
	"features.0.weight", "features.3.bias", "features.6.weight", "features.8.weight",
	"features.10.bias", "classifier.1.weight", "classifier.4.weight", "classifier.6.bias", NULL
};
static const char *const names_vgg19[] = {
	"features.0.weight", "features.34.bias", "classifier.0.weight", "classifier.3.weight",
	"classifier.6.bias", NULL
};
static const char *const names_googlenet[] = {
	"conv1.conv.weight", "inception4a.branch2.1.conv.weight", "aux1.conv.conv.weight",
	"aux1.conv.bn.bias", "aux1.fc1.weight", "aux1.fc2.bias", "aux2.fc2.weight", "fc.bias", NULL
};
static const char *const names_inception[] = {
	"conv1.conv.weight", "conv3.bn.bias", "inception3a.branch1.conv.weight",
	"inception3a.branch2.1.conv.weight", "inception4e.branch3.0.bn.weight",
	"inception5b.branch4.1.conv.weight", "fc.bias", NULL
};
static const char *const names_resnet20[] = {
	"layer1.2.conv2.weight", "layer2.0.downsample.0.weight", "layer3.2.bn2.bias", "fc.weight", NULL
};
static const struct { const char *file; const char *const *name; } names[] = {
	{ "vgg19", names_vgg19 }, { "resnet50", names_resnet50 }, { "alexnet", names_alexnet },
	{ "inception-v1", names_inception },
	{ "googlenet", names_googlenet }, { "resnet20", names_resnet20 },
};

static int has(const struct tt_model *m, const char *name)
{
	for (int i = 0; i < m->n_params; i++)
		if (strcmp(m->param[i].name, name) == 0)
			return 1;
	return 0;
}

/* Weights of torchvision are loaded by name: a changed name breaks them. */
static void names_are_those_of_torchvision(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		tt_spec *s = load(names[i].file);
		struct tt_model m = { .net = s->model };

		assert_ok(nn_collect(&m));
		for (const char *const *n = names[i].name; *n; n++) {
			print_message("%s: %s\n", names[i].file, *n);
			assert_true(has(&m, *n));
		}
		arena_release(&m.arena);
		tt_spec_free(&s);
	}
}

static void graphs_pass_the_verifier(void **state)
{
	(void)state;
	for (size_t i = 0; i < ZOO; i++) {
		tt_spec *s = load(zoo[i].file);
		struct tt_model m = { .net = s->model };

		assert_ok(nn_collect(&m));
		const int lengths = nn_has_sequences(&m);

		assert_int_equal(m.outputs, zoo[i].outputs);
		for (enum nn_purpose p = NN_TRAIN; p <= NN_PREDICT; p++) {
			struct ir_graph *g;

			assert_ok(nn_graph(&m, 2, p, &g));
			assert_ok(ir_verify(g));
			assert_int_equal(g->param_count, zoo[i].parameters);
			assert_int_equal(g->n_outputs, p == NN_PREDICT ? 1 :
			                 p == NN_EVAL ? 2 : 2 + m.n_outputs);
			assert_int_equal(g->n_inputs, m.n_inputs + lengths +
			                 (p == NN_TRAIN ? 2 : p == NN_EVAL) +
			                 (nn_counts_places(&m) && p != NN_PREDICT));
			ir_graph_free(&g);
		}
		arena_release(&m.arena);
		tt_spec_free(&s);
	}
}

static void every_parameter_gets_a_gradient(void **state)
{
	(void)state;
	for (size_t i = 0; i < ZOO; i++) {
		tt_spec *s = load(zoo[i].file);
		struct tt_model m = { .net = s->model };
		struct ir_graph *g;

		assert_ok(nn_collect(&m));
		assert_ok(nn_graph(&m, 2, NN_TRAIN, &g));
		for (int v = 0; v < g->n_values; v++)
			if (g->value[v]->kind == IR_PARAM)
				assert_non_null(g->value[v]->grad);
		ir_graph_free(&g);
		arena_release(&m.arena);
		tt_spec_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_is_counted),
		cmocka_unit_test(parameters_are_as_many_as_known),
		cmocka_unit_test(names_are_those_of_torchvision),
		cmocka_unit_test(graphs_pass_the_verifier),
		cmocka_unit_test(every_parameter_gets_a_gradient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
