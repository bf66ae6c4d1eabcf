/* The tables behind a spec: what its keys are called, what they mean, what they are by default. */
#include "learn/spec/spec.h"

static const char *const precision_words[] = { "f32", "bf16", NULL };

#define T struct checkpoint_opts
static const struct option checkpoint_options[] = {
	OPT_INT(T, every_steps, "0", 0, 1e9, "steps between checkpoints; 0: not by steps"),
	OPT_INT(T, every_epochs, "1", 0, 1e9, "epochs between checkpoints; 0: not by epochs"),
	OPT_INT(T, keep, "0", 0, 1e9, "numbered checkpoints to keep beside last and best"),
	OPT_END
};
#undef T

#define T struct early_stop_opts
static const struct option early_stop_options[] = {
	OPT_TEXT  (T, monitor, "auto",
	           "the older place of train.monitor"),
	OPT_INT   (T, patience, "0", 0, 1e9,
	           "validations without progress before training ends; 0: never; of equal accuracies a "
	           "loss that is lower by more than min_delta is progress"),
	OPT_DOUBLE(T, min_delta, "0", 0, 1e30, "less than this is no progress"),
	OPT_END
};
#undef T

#define T struct tensorboard_opts
static const struct option tensorboard_options[] = {
	OPT_INT (T, every_steps, "10", 0, 1e9, "steps between scalars; 0: no event file"),
	OPT_ENUM(T, histograms, "yes", option_no_yes, "of all weights, once an epoch"),
	OPT_INT (T, images, "8", 0, 1000, "this many samples as the model sees them"),
	OPT_ENUM(T, graph, "yes", option_no_yes, "the model"),
	OPT_END
};
#undef T

#define T struct combiner_opts
static const struct option combiner_options[] = {
	OPT_NODE  (T, layers,
	           "list of layers over all scores side by side; none: one dense layer that begins as "
	           "their average"),
	OPT_INT   (T, epochs, "3", 1, 1e6, "passes over the training data, through models at rest"),
	OPT_INT   (T, batch, "256", 1, 1e9, "samples per step, all workers together"),
	OPT_DOUBLE(T, lr, "0.001", 0, 1e6, "learning rate of adamw at the start; a cosine to zero"),
	OPT_DOUBLE(T, weight_decay, "0.01", 0, 1e6, "of adamw"),
	OPT_END
};
#undef T

#define T struct init_opts
static const struct option init_options[] = {
	OPT_TEXT(T, from, NULL,
	         "file with the numbers to begin with, in place of drawn ones: a checkpoint, a run "
	         "folder (its best), or anybody's safetensors (or model.safetensors.index.json)"),
	OPT_NODE(T, map,
	         "names there to names here: {\"backbone[.](.*)\": \"$1\"}, the first that matches; a "
	         "name that none does stays"),
	OPT_NODE(T, skip,
	         "patterns of tensors of the model that are drawn all the same: [fc]; others must be "
	         "in the file, in the model's shape"),
	OPT_END
};
#undef T

#define T struct train_opts
static const struct option train_options[] = {
	OPT_INT64 (T, seed, "1", 0, 0x1p62, "of everything random: same seed, same run"),
	OPT_INT   (T, epochs, "1", 0, 1e9, "passes over the training data"),
	OPT_INT   (T, batch, "64", 1, 1e9, "samples per step, all workers together"),
	OPT_INT   (T, micro_batch, "0", 0, 1e9,
	           "samples a worker computes at once, adding up gradients; 0: its share of batch"),
	OPT_INT   (T, eval_batch, "0", 0, 1e9, "samples at once in validation; 0: as in training"),
	OPT_ENUM  (T, precision, "f32", precision_words,
	           "of the arithmetic; parameters are f32 always"),
	OPT_INT   (T, threads, "0", 0, 4096,
	           "compute threads; 0: as many as affinity and quota grant cores"),
	OPT_ENUM  (T, tune_kernels, "yes", option_no_yes,
	           "measure kernels, keep the fastest; no: the library's choice, always the same"),
	OPT_GROUP (T, init, init_options, "whose numbers it begins with"),
	OPT_NODE  (T, freeze,
	           "patterns of parameters that are not trained: [conv1, \"layer[12]\"]; a batchnorm "
	           "all of whose are uses its running statistics, and keeps them"),
	OPT_GROUP (T, optimizer, optim_options, "how gradients become parameters"),
	OPT_GROUP (T, schedule, schedule_options, "how the learning rate changes"),
	OPT_DOUBLE(T, ema, "0", 0, 0.999999,
	           "decay of a moving average of the weights over the steps, 0.999 for instance: it is "
	           "what is validated, saved and used as the model; 0: none"),
	OPT_INT   (T, valid_every, "1", 0, 1e9, "epochs between validations; 0: none"),
	OPT_NODE  (T, class_weights,
	           "balanced: all classes weigh alike in training, as if there were as many samples "
	           "of each; or a list of numbers by class; or {NAME: NUMBER}, others 1"),
	OPT_NODE  (T, metrics,
	           "list of numbers that validation tells beside the usual ones: roc_auc, pr_auc, "
	           "log_loss, perplexity, f1_macro, mean_iou, ..."),
	OPT_TEXT  (T, monitor, "auto",
	           "the number by which the best epoch is found: loss, accuracy, or any of a "
	           "validation (valid.loss, valid.f1, valid.roc_auc, valid.rmse, ...); of equal ones "
	           "the epoch with the lower loss; auto: valid.accuracy, else valid.loss, accuracy, "
	           "loss, and training ends when neither it nor the loss makes progress"),
	OPT_INT   (T, top_k, "5", 1, 1e6, "validation also counts labels among this many best"),
	OPT_GROUP (T, checkpoint, checkpoint_options, "when the state is saved"),
	OPT_GROUP (T, early_stop, early_stop_options, "when to end before the last epoch"),
	OPT_GROUP (T, tensorboard, tensorboard_options, "what the event file holds"),
	OPT_GROUP (T, combiner, combiner_options,
	           "ensemble: the model that distribute.combine: net puts behind the members"),
	OPT_END
};
#undef T

#define T struct tt_spec
const struct option spec_options[] = {
	OPT_TEXT (T, name, "net", "what runs and checkpoints are called"),
	OPT_GROUP(T, data, data_options, "where samples come from"),
	OPT_GROUP(T, model, model_options, "the model"),
	OPT_GROUP(T, train, train_options, "how it learns"),
	OPT_GROUP(T, distribute, distribute_options, "how workers learn together"),
	OPT_END
};
#undef T
