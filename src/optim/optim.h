/* optim.h -- gradients become parameters.
 *
 * An optimizer keeps its slots (momentum, moments) as flat vectors with the same offsets as the
 * parameters and can be applied range by range, as soon as a range of gradients is final.
 * Updates follow PyTorch's formulas to the letter; LARS (You et al. 2017) and LAMB (You et al.
 * 2020) work tensor by tensor, so they and clipping wait for whole tensors or the whole vector. */
#ifndef OPTIM_OPTIM_H
#define OPTIM_OPTIM_H

#include "optim/options.h"

/* The learning rate of a step: a pure function, of base_lr a straight line. */
double schedule_lr(const struct schedule_opts *s, double base_lr, int64_t step,
                   int64_t steps_per_epoch,
                   int64_t steps, int batch);

/* decay: weight decay applies; name: by which groups find it, NULL: none does. */
struct optim_tensor { size_t offset, count; int decay; const char *name; };

struct optim;
/* tensors: in offset order, covering [0, count); copied. */
tt_status optim_new(struct optim **out, const struct optim_opts *o,
                    const struct optim_tensor *tensors, int n_tensors);
void      optim_free(struct optim **o);

/* Whether ranges may be applied as they come (no global norm, no per-tensor trust ratio needs
 * more). */
int  optim_by_range(const struct optim *o);
/* Begin step `t` (from 1) with this learning rate; those of groups are in proportion. */
void optim_begin(struct optim *o, double lr, int64_t t);
/* The same where they are not: a rate that begins at `base` is now times * base + plus. */
struct optim_rates { double lr, times, plus; };
void optim_begin_rates(struct optim *o, const struct optim_rates *r, int64_t t);
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
