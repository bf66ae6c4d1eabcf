/* session.h -- use a trained model.
 *
 *   tt_session_new(&s, model, TT_SESSION_OPTS(.threads = 1));
 *   tt_session_warm(s, NULL, 0);            once: nothing is compiled or measured after this
 *   tt_session_run(s, x, n, out);           from as many threads as you like
 *
 * A session holds a net's weights once, laid out for the fastest kernels, batch norms folded in.
 * What a computation needs besides, a context, costs its activations.  tt_session_run takes one of
 * those the session keeps; a thread that wants to own its memory makes one for itself.
 *
 * All functions are safe from any thread, but for warm and free; a context serves one thread at a
 * time.  After a fork the child uses what it finds, if the session has one thread, or the
 * forking thread had not computed with several: else TT_ESUPPORT says so, and a session made in the
 * child works.  Other threads may be in tt_session_run at that moment, if the session is warm. */
#ifndef TUTTI_SESSION_H
#define TUTTI_SESSION_H

#include <tutti/data.h>
#include <tutti/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_session tt_session;
typedef struct tt_context tt_context;

typedef struct tt_session_opts {
	uint32_t    size;                  /* of this struct                                         */
	int         batch;                 /* most samples computed at once (64)                     */
	int         threads;               /* that compute one call (all that tt_runtime allows)     */
	int         top_k;                 /* of tt_metrics (5)                                      */
	const char *precision;             /* "f32", "bf16" (the spec's)                             */
	const char *kernel_cache;          /* file of measured kernel choices (none: measured anew)  */
} tt_session_opts;
#define TT_SESSION_OPTS(...) (&(tt_session_opts){ .size = sizeof(tt_session_opts), __VA_ARGS__ })

/* Copies what it needs of the model.  *out is owned. */
TT_API tt_status tt_session_new(tt_session **out, const tt_model *m, const tt_session_opts *o);
TT_API void      tt_session_free(tt_session **s);      /* NULL is fine; its contexts went before */

/* Get ready for batches of these sizes, of 1 to opts.batch samples; NULL: for any n, in powers of
 * two.  Compiles, measures, lays out weights and runs each once.  From then on calls compute in
 * these sizes alone: they cut n into them, and fill up the last one, whose answers for the filling
 * nobody sees.  Before other threads use the session.  TT_ESTOPPED: tt_runtime's callback. */
TT_API tt_status tt_session_warm(tt_session *s, const int64_t *sizes, int n);

/* x: [n, sample shape] plain f32, normalised as in training; out: [n, outputs] of the caller's:
 * class probabilities (softmax or sigmoid) or values.  Any n > 0; its last bits may depend on the
 * batch in which a sample is computed, nothing else does.  TT_ESTOPPED as above; out is then
 * undefined.  TT_EINVAL: a number that the embedding behind the input does not have. */
TT_API tt_status tt_session_run(tt_session *s, const float *x, int64_t n, float *out);
/* The same of a batch whose columns are found by name: for nets with several inputs or sequences,
 * or to leave normalising to the session.  Columns as of a source: u8 is scaled, the first input
 * gets data.mean and data.std.  out: [n, outputs]; of a net that answers at each place of a
 * sequence [places of all samples, outputs], sample after sample. */
TT_API tt_status tt_session_predict(tt_session *s, const tt_batch *b, float *out);
/* Normalise one raw sample of a source as training did. */
TT_API tt_status tt_session_normalise(const tt_session *s, const tt_source_info *info,
                                      const void *raw, float *x);
TT_API int64_t   tt_session_inputs(const tt_session *s);         /* numbers in a sample  */
TT_API int64_t   tt_session_outputs(const tt_session *s);        /* numbers in an answer */

/* How good a model is on a source. */
typedef struct tt_metrics {
	uint32_t size;               /* of this struct; yours to set: TT_SIZED(tt_metrics)            */
	int64_t  samples;
	double   loss, accuracy, top_k;    /* accuracy, top_k: NAN without classes                   */
	int      k, classes;
	int64_t *confusion;          /* [classes][classes], row = truth; owned: tt_free; NULL without */
	double   samples_per_second;       /* by the clock, without the making of programs           */
	double   weight;             /* of all samples: what the means above are divided by, which are
	                              * weighted where samples are; without weights, the samples     */
} tt_metrics;
TT_API tt_status tt_session_evaluate(tt_session *s, const tt_source *source, tt_metrics *out);

/* All that is known of how good a model is: numbers by name, of each class, curves. */
typedef struct tt_evaluation tt_evaluation;
/* *out is owned, and needs neither session nor source from here on. */
TT_API tt_status tt_session_evaluation(tt_evaluation **out, tt_session *s,
                                       const tt_source *source);
TT_API void      tt_evaluation_free(tt_evaluation **e);          /* NULL is fine */
/* As tt_session_evaluate gives them; borrowed. */
TT_API const tt_metrics *tt_evaluation_metrics(const tt_evaluation *e);

/* A number, by scikit-learn's definition of that name, weighted where samples are. */
typedef struct tt_score {
	uint32_t    size;            /* of this struct: TT_SIZED(tt_score)                            */
	const char *name, *help;     /* "f1", "roc_auc"; borrowed from the evaluation                 */
	double      value;
	int         better;          /* 1: more is; -1: less                                          */
	int         shown;           /* 1: tells something of such answers that others do not         */
} tt_score;
/* Those that are known, in the order of tt_metric.  TT_EINVAL: there is no i-th one. */
TT_API int       tt_evaluation_count(const tt_evaluation *e);
TT_API tt_status tt_evaluation_get(const tt_evaluation *e, int i, tt_score *out);

/* Of one class, or of one label of several; part of nothing is 0. */
typedef struct tt_class_score {
	uint32_t size;               /* of this struct: TT_SIZED(tt_class_score)                      */
	double   weight;             /* of its samples; without weights, their number                 */
	double   precision, recall, f1, iou;
	double   roc_auc, pr_auc;    /* of it against the rest; NAN where it has none                 */
} tt_class_score;
TT_API int       tt_evaluation_classes(const tt_evaluation *e);  /* 0: answers are values     */
TT_API tt_status tt_evaluation_class(const tt_evaluation *e, int class_index, tt_class_score *out);

enum tt_curve_kind { TT_CURVE_ROC, TT_CURVE_PRECISION_RECALL };
typedef struct tt_curve {
	uint32_t       size;         /* of this struct: TT_SIZED(tt_curve)                            */
	double         area;         /* roc_auc or pr_auc of the class                                */
	const double (*point)[2];    /* [n]: false and true positive rate, recall and precision;
	                              * borrowed until the next curve of the kind                     */
	int            n;            /* some hundred at most; 0 where there is no area                */
} tt_curve;
TT_API tt_status tt_evaluation_curve(tt_evaluation *e, int class_index, enum tt_curve_kind kind,
                                     tt_curve *out);

/* A context of one's own: no request of another thread can take it, and what it allocates for the
 * sizes warmed so far it allocates now.  *out is owned. */
TT_API tt_status tt_context_new(tt_context **out, tt_session *s);
TT_API tt_status tt_context_run(tt_context *c, const float *x, int64_t n, float *out);
TT_API void      tt_context_free(tt_context **c);                /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
