/* report.h -- what a net is made of and what it costs: layers, program, kernels, milliseconds.
 *
 *   tt_report *r;
 *   tt_report_new(&r, m, TT_REPORT_OPTS(.batch = 64, .detail = TT_REPORT_MEASURED));
 *   for (int i = 0; i < tt_report_describe(r)->steps; i++) ... tt_report_get_step(r, i, &step);
 *
 * A report keeps all it says; it may outlive the model.  Read it from any thread. */
#ifndef TUTTI_REPORT_H
#define TUTTI_REPORT_H

#include <tutti/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tt_report tt_report;

enum tt_report_purpose { TT_REPORT_TRAIN, TT_REPORT_PREDICT };      /* of the program        */
enum tt_report_detail {
	TT_REPORT_LAYERS,         /* layers and memory, of the kernels the library would choose   */
	TT_REPORT_MEASURED        /* kernels that measure fastest, run for milliseconds of each   */
};

typedef struct tt_report_opts {
	uint32_t               size;          /* of this struct                                  */
	int64_t                batch;         /* samples at once (those of a training step)      */
	enum tt_report_purpose purpose;       /* (training)                                      */
	enum tt_report_detail  detail;        /* (layers)                                        */
	int                    threads;       /* compute threads (all cores)                     */
	const char            *kernel_cache;  /* file of measured kernel choices (none)          */
} tt_report_opts;
#define TT_REPORT_OPTS(...) (&(tt_report_opts){ .size = sizeof(tt_report_opts), __VA_ARGS__ })

typedef struct tt_report_info {
	uint32_t size;                        /* of this struct                                  */
	int64_t  batch;                       /* samples at once                                 */
	int64_t  parameters, buffers;         /* numbers: trainable, and running statistics      */
	int64_t  planned_bytes;               /* of activations, where values share memory ...   */
	int64_t  unplanned_bytes;             /* ... and if nothing were shared                  */
	int      layers, steps;               /* of the net, of the program                      */
} tt_report_info;

typedef struct tt_report_layer {
	uint32_t    size;                     /* of this struct: TT_SIZED(tt_report_layer)       */
	const char *name, *kind;              /* "conv1", "conv2d relu"                          */
	const char *output;                   /* shape of one sample: "6x28x28"                  */
	int64_t     parameters;
	double      flops;                    /* forward, per sample; a multiply-add is two      */
} tt_report_layer;

typedef struct tt_report_step {
	uint32_t    size;                     /* of this struct: TT_SIZED(tt_report_step)        */
	const char *layer, *operation;        /* "conv1", "conv2d"                               */
	const char *output, *device, *kernel; /* "64x6x28x28", "onednn", "jit_avx512 ..."   */
	double      flops, ms;                /* of the batch; ms: median, 0 if not measured     */
} tt_report_step;

/* Compile the net as a trainer or a session would, and run it if asked to.  TT_EINVAL: a batch
 * below 0. */
TT_API tt_status tt_report_new(tt_report **out, const tt_model *m, const tt_report_opts *o);
TT_API void      tt_report_free(tt_report **r);
/* Borrowed from the report, as are all texts below; NULL of NULL. */
TT_API const tt_report_info *tt_report_describe(const tt_report *r);
TT_API tt_status tt_report_get_layer(const tt_report *r, int i, tt_report_layer *out);
TT_API tt_status tt_report_get_step(const tt_report *r, int i, tt_report_step *out);

/* The graph of the net, a line for each operation; *out is owned: tt_free. */
TT_API tt_status tt_report_graph(const tt_model *m, const tt_report_opts *o, char **out);

#ifdef __cplusplus
}
#endif
#endif
