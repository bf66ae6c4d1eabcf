/* options.h -- how parameters are updated, as the spec says it. */
#ifndef OPTIM_OPTIONS_H
#define OPTIM_OPTIONS_H

#include "base/options.h"

enum optim_kind {
	OPTIM_SGD, OPTIM_ADAM, OPTIM_ADAMW, OPTIM_ADAGRAD, OPTIM_RMSPROP, OPTIM_LARS, OPTIM_LAMB
};

/* Spec: the keys under `train.optimizer`. */
struct optim_opts {
	int    kind;                 /* key "kind": sgd adam adamw adagrad rmsprop lars lamb      */
	double lr;                   /* base learning rate                                        */
	double momentum;             /* sgd, rmsprop, lars (0)                                    */
	int    nesterov;             /* no/yes                                                    */
	double weight_decay;         /* coupled (sgd, adam, ...) or decoupled (adamw, lamb)       */
	int    decay_norms;          /* no/yes: whether biases and norms decay too (yes, as torch)*/
	double beta1, beta2, eps, alpha;    /* adam family; alpha: rmsprop; eps 0: the rule's own */
	double trust;                /* lars: trust coefficient (0.001)                           */
	double clip_norm;            /* global gradient norm bound (0: none)                      */
	const struct node *groups;   /* list of {match, lr, weight_decay}; NULL: none             */
};
extern const struct option optim_options[];
extern const char *const   optim_words[];    /* names of the kinds, NULL-terminated */

/* Spec: the keys under `train.schedule`. */
enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_EXPONENTIAL, SCHEDULE_COSINE };
struct schedule_opts {
	int    kind;
	struct option_list milestones;   /* step: epochs at which lr *= gamma                      */
	double step_size;                /* step: or every so many epochs                          */
	double gamma;                    /* step, exponential (per epoch) (0.1)                    */
	double min_lr;                   /* cosine: at the end                                     */
	struct option_list restarts;     /* cosine: epochs at which it begins anew                 */
	double restart_scale;            /* ... from lr times this, once more each time (1)        */
	double warmup_epochs;            /* gradual, per iteration, from warmup_from*lr            */
	double warmup_from;              /* fraction; Goyal: 1/k; 0: the first step is one rise up */
	int    scale_batch;              /* linear scaling rule: lr *= batch/scale_batch (0: off)  */
};
extern const struct option schedule_options[];

#endif
