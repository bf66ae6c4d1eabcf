/* learner.h -- one optimizer step at a time, on batches that the caller brings.
 *
 *   tt_learner_new(&l, model, TT_LEARNER_OPTS(.batch = 64));
 *   for (...)
 *       tt_learner_step(l, batch, NULL, &result);
 *   tt_learner_save(l, "model.safetensors");
 *
 * A learner has no source, no epochs and no run folder: where batches come from, in which order,
 * and when to stop is the caller's business.  On the same batches, with the same learning rates, it
 * gives the same bits as a tt_trainer.
 *
 * A batch has two columns, found by name: the input, which fits the spec's model.input, and the
 * target.  Integer input is scaled as pictures are (u8 to 0..1), then the spec's data.mean and
 * data.std apply; f32 without these is read where it lies.  With cross_entropy the target is a
 * class index (u8, i32, i64), with other losses that or numbers of any type.
 *
 * Where a batch has sample weights, loss, gradient and accuracy are means weighted by them, over
 * the batch of all workers: sum(w * l) / sum(w).  If all are 0 the gradient is 0, and there is no
 * mean (NAN).  Alone, some batches may have weights and others none; of a group, at least one
 * worker must have them in the first step if any is to have some later, and who has none counts
 * each sample once.
 *
 * The model learns the names of its data from the first batch: of its columns, of the features if
 * the input has any, and of the classes from tt_learner_opts.  What it knows already it keeps.
 * From then on columns are found by these names, and what has others is refused, unless
 * tt_learner_opts says which is which.  Where both have features, batches may have them in any
 * order: they are found by name.
 *
 * A learner borrows its model, whose parameters it changes, and owns the rest.  One learner, one
 * thread at a time.  It never looks at signals; nothing is allocated in a step once a batch of
 * that size was seen. */
#ifndef TUTTI_LEARNER_H
#define TUTTI_LEARNER_H

#include <tutti/column.h>
#include <tutti/group.h>
#include <tutti/model.h>
#include <tutti/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_learner tt_learner;

typedef struct tt_learner_opts {
	uint32_t     size;             /* of this struct                                            */
	int64_t      batch;            /* samples of a step, of all workers, at most (train.batch)  */
	int          threads;          /* compute threads (train.threads)                           */
	const char  *input;            /* its column (as the model knows it; if it knows none, the
	                                * only one beside the target); copied                       */
	const char  *target;           /* its column (as the model knows it, or "label"); copied    */
	const char  *kernel_cache;     /* file of measured kernel choices (none: measured anew)     */
	tt_group    *group;            /* this process is one rank of it; borrowed until the
	                                * learner is freed (none)                                   */
	int          classes;          /* that have names (0)                                       */
	const char *const *class_names;  /* [classes], which the model shall know (none); copied    */
} tt_learner_opts;
#define TT_LEARNER_OPTS(...) (&(tt_learner_opts){ .size = sizeof(tt_learner_opts), __VA_ARGS__ })

/* Of the spec it takes train.optimizer, batch, micro_batch, precision, seed, tune_kernels, and
 * distribute; data.train need not be set.  With a group: all workers call it, and the others'
 * parameters become the first one's.  TT_ESPEC: the model has no parameters, or the workers are
 * not alike. */
TT_API tt_status tt_learner_new(tt_learner **out, tt_model *m, const tt_learner_opts *o);
/* NULL is fine; sets *l = NULL.  In a group it waits until the others have read what they need of
 * this worker's last step: all workers call it, before their models go. */
TT_API void      tt_learner_free(tt_learner **l);
/* Compile and measure now what a step on so many samples needs; the step would do it. */
TT_API tt_status tt_learner_warm(tt_learner *l, int64_t samples);

typedef struct tt_step_opts {
	uint32_t size;                 /* of this struct                                            */
	double   lr;                   /* learning rate of this step (train.optimizer.lr)           */
	int64_t  samples;              /* of all workers in this step (as many on each as here)     */
	int64_t  epoch;                /* for strategies that change over time (0)                  */
} tt_step_opts;
#define TT_STEP_OPTS(...) (&(tt_step_opts){ .size = sizeof(tt_step_opts), __VA_ARGS__ })

typedef struct tt_step_result {
	uint32_t size;                 /* of this struct; yours to set: TT_SIZED(tt_step_result)    */
	int64_t  step;                 /* optimizer steps done, of the group                        */
	int64_t  samples;              /* that the numbers below are of: all workers' since these
	                                * last exchanged; 0: they have not in this step             */
	double   loss, accuracy;       /* means before the step; accuracy NAN without classes       */
	double   lr, grad_norm;        /* grad_norm NAN unless the optimizer needs it               */
	double   weight;               /* of those samples: what loss and accuracy are divided by   */
} tt_step_result;

/* One step; o and r may be NULL.  Sizes of batches may vary.  A worker may have no sample in a step
 * in which others have some (n 0, o->samples set).  TT_ESHAPE or TT_EINVAL: the batch does not fit,
 * TT_ESTOPPED: tt_runtime's callback says so, of who learns alone; nothing has changed.  TT_ENAN:
 * the loss is not finite, and the parameters may not be either; TT_EPEER: another worker failed. */
TT_API tt_status tt_learner_step(tt_learner *l, const tt_batch *b, const tt_step_opts *o,
                                 tt_step_result *r);
/* The model's parameters are those after the last step; alone they always are. */
TT_API tt_status tt_learner_wait(tt_learner *l);
/* All workers, after the last step: afterwards they have the same model; with train.ema it is the
 * average of the steps, and the weights again from the next step on. */
TT_API tt_status tt_learner_finish(tt_learner *l);

/* How good the model is on a batch, of this worker alone; without a confusion matrix.  m->loss and
 * so on are means: weigh them by m->weight to add up several. */
TT_API tt_status tt_learner_evaluate(tt_learner *l, const tt_batch *b, tt_metrics *m);

/* The gradient of parameter i (as of tt_model_tensor) in the last step, a mean over its samples;
 * clipped, if train.optimizer.clip_norm is set.  Borrowed until the next step.  TT_ESUPPORT with a
 * group, whose workers see no gradient whole; TT_ENOENT before the first step. */
TT_API tt_status tt_learner_gradient(tt_learner *l, int i, tt_tensor *out);

/* Model, optimizer state and steps to a checkpoint, and from one of a learner or a trainer; with a
 * group all workers call both, and the first one writes.  TT_ESPEC: another optimizer wrote it;
 * TT_ESHAPE: another net, or names of other features or classes.  After an error nothing has
 * changed. */
TT_API tt_status tt_learner_save(tt_learner *l, const char *path);
TT_API tt_status tt_learner_load(tt_learner *l, const char *path);
TT_API int64_t   tt_learner_steps(const tt_learner *l);          /* done; 0 of NULL */

#ifdef __cplusplus
}
#endif
#endif
