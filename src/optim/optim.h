/* optim.h -- gradients become parameters.
 *
 * An optimizer keeps its slots (momentum, moments) as flat vectors with the same offsets as the
 * parameters and can be applied range by range, as soon as a range of gradients is final.
 * Updates follow PyTorch's formulas to the letter; LARS (You et al. 2017) and LAMB (You et al.
 * 2020) work tensor by tensor, so they and clipping wait for whole tensors or the whole vector. */
#ifndef OPTIM_OPTIM_H
#define OPTIM_OPTIM_H

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
};
extern const struct option optim_options[];

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
	double warmup_epochs;            /* gradual, per iteration, from warmup_from*lr (0)        */
	double warmup_from;              /* fraction; Goyal: 1/k                                   */
	int    scale_batch;              /* linear scaling rule: lr *= batch/scale_batch (0: off)  */
};
extern const struct option schedule_options[];

/* The learning rate of a step: a pure function. */
double schedule_lr(const struct schedule_opts *s, double base_lr, int64_t step,
                   int64_t steps_per_epoch,
                   int64_t steps, int batch);

struct optim_tensor { size_t offset, count; int decay; };        /* decay: weight decay applies */

struct optim;
/* tensors: in offset order, covering [0, count); copied. */
tt_status optim_new(struct optim **out, const struct optim_opts *o,
                    const struct optim_tensor *tensors, int n_tensors);
void      optim_free(struct optim **o);

/* Whether ranges may be applied as they come (no global norm, no per-tensor trust ratio needs
 * more). */
int  optim_by_range(const struct optim *o);
/* Begin step `t` (from 1) with this learning rate. */
void optim_begin(struct optim *o, double lr, int64_t t);
/* params[lo..hi) -= update(grads[lo..hi)); ranges of one step must not overlap.  Ranges need not
 * end at tensor borders when optim_by_range; else call once with the whole vector. */
void optim_apply(struct optim *o, float *params, const float *grads, size_t lo, size_t hi);
/* The same, of gradients that lie elsewhere: part[0] is that of params[lo]. */
void optim_apply_part(struct optim *o, float *params, const float *part, size_t lo, size_t hi);
/* L2 norm of the whole vector in double; scales grads in place if it exceeds clip_norm. */
double optim_clip(struct optim *o, float *grads);

/* State for checkpoints: slot i is a vector of `count` floats, named as in PyTorch:
 * "momentum_buffer", "exp_avg", ... */
int    optim_slots(const struct optim *o);
float *optim_slot(struct optim *o, int i, const char **name);

#endif
