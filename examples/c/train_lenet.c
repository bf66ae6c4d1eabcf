/* train_lenet.c -- build a net in C, train it on MNIST, look at how it does.
 *
 *   cc train_lenet.c -o train_lenet $(pkg-config --cflags --libs tutti)
 *   ./train_lenet data/mnist lenet.safetensors
 *
 * Without a folder it trains on pictures that tutti draws itself. */
#include <stdio.h>

#include <tutti/train.h>

/* A net is a list of layers, each a kind and its settings; docs/spec.md lists them all. */
static const struct { const char *kind, *settings; } layers[] = {
	{ "conv2d",  "{out: 6, kernel: 5, padding: 2, activation: relu}" },
	{ "maxpool", "{kernel: 2}" },
	{ "conv2d",  "{out: 16, kernel: 5, activation: relu}" },
	{ "maxpool", "{kernel: 2}" },
	{ "flatten", NULL },
	{ "dense",   "{out: 120, activation: relu}" },
	{ "dense",   "{out: 84, activation: relu}" },
	{ "dense",   "{out: 10}" },
};

/* Everything else is a key and a value, as in a spec file. */
static const struct { const char *key, *value; } settings[] = {
	{ "model.input", "[1, 28, 28]" },
	{ "data.mean", "[0.1307]" },
	{ "data.std", "[0.3081]" },
	{ "train.epochs", "2" },
	{ "train.batch", "64" },
	{ "train.optimizer.kind", "sgd" },
	{ "train.optimizer.lr", "0.02" },
	{ "train.optimizer.momentum", "0.9" },
	{ "train.schedule.kind", "cosine" },
};

static tt_status describe_data(tt_spec *s, const char *folder)
{
	char      train[1024] = "synth:objects?size=28&gray=yes&count=20000";
	char      valid[1024] = "synth:objects?size=28&gray=yes&count=2000&split=test";
	tt_status st;

	if (folder) {
		snprintf(train, sizeof train, "mnist:%s", folder);
		snprintf(valid, sizeof valid, "mnist:%s?split=test", folder);
	}
	if ((st = tt_spec_set(s, "data.train", train)) != TT_OK)
		return st;
	return tt_spec_set(s, "data.valid", valid);
}

static tt_status describe(tt_spec **out, const char *folder)
{
	tt_status st = tt_spec_new(out, "lenet");

	for (size_t i = 0; st == TT_OK && i < sizeof settings / sizeof *settings; i++)
		st = tt_spec_set(*out, settings[i].key, settings[i].value);
	for (size_t i = 0; st == TT_OK && i < sizeof layers / sizeof *layers; i++)
		st = tt_spec_layer(*out, layers[i].kind, layers[i].settings);
	return st == TT_OK ? describe_data(*out, folder) : st;
}

/* Called by the trainer in our thread; here we only look at validations.  tt_metric_get lists the
 * numbers that have names; where the run stands is in progress. */
static tt_status look(void *ctx, const tt_observation *o)
{
	(void)ctx;
	if (o->event == TT_EVENT_VALID)
		printf("epoch %d: loss %.4f, validation accuracy %.2f %%, %.0f images/s\n",
		       o->progress->epoch + 1, o->progress->loss,
		       100 * tt_observation_value(o, "valid.accuracy"), o->progress->samples_per_second);
	return TT_OK;
}

int main(int argc, char **argv)
{
	tt_spec    *spec = NULL;
	tt_model   *model = NULL;
	tt_trainer *trainer = NULL;
	tt_status   st;

	if ((st = describe(&spec, argc > 1 ? argv[1] : NULL)) == TT_OK &&
	    (st = tt_model_new(&model, spec)) == TT_OK &&
	    (st = tt_trainer_new(&trainer, model, NULL)) == TT_OK &&
	    (st = tt_trainer_observe(trainer, TT_OBSERVER(.event = look))) == TT_OK &&
	    (st = tt_trainer_run(trainer)) == TT_OK && argc > 2)
		st = tt_model_save(model, argv[2]);
	if (st != TT_OK)
		fprintf(stderr, "train_lenet: %s\n", tt_last_error());
	tt_trainer_free(&trainer);           /* before what it borrowed */
	tt_model_free(&model);
	tt_spec_free(&spec);
	return st == TT_OK ? 0 : 1;
}
