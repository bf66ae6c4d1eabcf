#include "optim/options.h"

const char *const optim_words[] = {
	"sgd", "adam", "adamw", "adagrad", "rmsprop", "lars", "lamb", NULL
};
static const char *const schedule_words[] = { "constant", "step", "exponential", "cosine", NULL };

/* A mean that forgets nothing would never learn anything. */
#define MEMORY_MOST 0.999999

#define T struct optim_opts
const struct option optim_options[] = {
	OPT_ENUM  (T, kind, "sgd", optim_words, "the update rule"),
	OPT_DOUBLE(T, lr, "0.01", 0, 1e30, "base learning rate"),
	OPT_DOUBLE(T, momentum, "0", 0, 1, "of sgd, rmsprop and lars"),
	OPT_ENUM  (T, nesterov, "no", option_no_yes, "sgd: look ahead along the momentum"),
	OPT_DOUBLE(T, weight_decay, "0", 0, 1e30,
	           "added to the gradient; adamw and lamb take it off the weights themselves"),
	OPT_ENUM  (T, decay_norms, "yes", option_no_yes,
	           "whether biases and norms decay (and are scaled by lars, lamb) like weights"),
	OPT_DOUBLE(T, beta1, "0.9", 0, MEMORY_MOST, "adam, adamw, lamb: memory of the mean"),
	OPT_DOUBLE(T, beta2, "0.999", 0, MEMORY_MOST, "adam, adamw, lamb: memory of the mean square"),
	OPT_DOUBLE(T, eps, "0", 0, 1,
	           "added to denominators; 0: 1e-8 (adam, rmsprop), 1e-10 (adagrad), 1e-6 (lamb)"),
	OPT_DOUBLE(T, alpha, "0.99", 0, MEMORY_MOST, "rmsprop: memory of the mean square"),
	OPT_DOUBLE(T, trust, "0.001", 0, 1e30, "lars: trust coefficient"),
	OPT_DOUBLE(T, clip_norm, "0", 0, 1e30, "bound on the norm of the whole gradient; 0: none"),
	OPT_NODE  (T, groups,
	           "list of {match: PATTERNS, lr: L, weight_decay: W}: parameters with settings of "
	           "their own, as PyTorch's groups; the first that fits counts, and lr falls by the "
	           "same schedule"),
	OPT_END
};
#undef T

#define T struct schedule_opts
const struct option schedule_options[] = {
	OPT_ENUM   (T, kind, "constant", schedule_words, "how the learning rate falls"),
	OPT_DOUBLES(T, milestones, NULL, "step: epochs at which lr is multiplied by gamma"),
	OPT_DOUBLE (T, step_size, "0", 0, 1e9, "step: or every so many epochs; 0: milestones only"),
	OPT_DOUBLE (T, gamma, "0.1", 0, 1e30, "step: the factor; exponential: the factor per epoch"),
	OPT_DOUBLE (T, min_lr, "0", 0, 1e30, "cosine: where it ends"),
	OPT_DOUBLES(T, restarts, NULL, "cosine: epochs at which the wave begins anew (SGDR)"),
	OPT_DOUBLE (T, restart_scale, "1", 0, 1e30,
	            "cosine: each new wave begins at this fraction of the one before"),
	OPT_DOUBLE (T, warmup_epochs, "0", 0, 1e9, "linear rise to lr, a little at each step"),
	OPT_DOUBLE (T, warmup_from, "0", 0, 1,
	            "the fraction of lr at which it begins; 1/k after scaling lr by k; 0: with the "
	            "first of its equal rises"),
	OPT_INT    (T, scale_batch, "0", 0, 1e9,
	            "linear scaling rule: lr is meant for this batch, grows with the real one; 0: off"),
	OPT_END
};
#undef T
