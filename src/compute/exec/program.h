/* program.h -- a graph compiled for one device list, precision and thread count.
 *
 * Compiling decides everything: passes, place, layout, kernel, memory.  Running is a loop over
 * prepared steps that allocates nothing.  A program is used by one thread at a time; several
 * threads run clones, which share all but activations and may run at once. */
#ifndef EXEC_PROGRAM_H
#define EXEC_PROGRAM_H

#include "base/str.h"
#include "compute/exec/run.h"
#include "compute/ir/graph.h"

struct constants;
struct kernel_cache;
struct device;

enum precision { PRECISION_F32, PRECISION_BF16 };
enum program_purpose { PROGRAM_TRAIN, PROGRAM_INFER };

struct program_opts {
	struct device *const *devices;   /* in order of preference, NULL-terminated; borrowed  */
	enum precision        precision;
	enum program_purpose  purpose;   /* INFER: what depends on parameters only runs once   */
	struct kernel_cache  *cache;     /* measured choices; NULL: the devices' own choice    */
	struct constants     *constants; /* INFER: where programs of the same parameters share what
	                                  * they prepare from them, all freed together; NULL: alone  */
	int                   profile;   /* keep milliseconds per step                         */
	int                 (*stop)(void *ctx);  /* asked while kernels are measured: not 0 ends
	                                          * program_new with TT_ESTOPPED; may be NULL  */
	void                 *stop_ctx;
};

struct program;

/* Compile.  The graph is taken, also on failure (it is rewritten and freed). */
tt_status program_new(struct program **out, struct ir_graph *g, const struct program_opts *o);
/* Another context of the same compiled graph, bound to the same vectors: compiles and measures
 * nothing, costs its activations.  May be called while `of` runs and outlive it. */
tt_status program_clone(struct program **out, const struct program *of);
void      program_free(struct program **p);

/* The flat vectors.  Borrowed until the next bind; grads may be NULL for inference. */
void program_bind(struct program *p, float *params, float *grads, float *buffers);
/* INFER: parameters or buffers have changed (also called by bind): what programs that share
 * constants have made of them is made again.  No program of these may be running. */
void program_refresh(struct program *p);

/* Borrow an input from the caller until the next call: plain row-major, of the input's dtype. */
void        program_set_input(struct program *p, int i, const void *data);
const void *program_output(const struct program *p, int i);      /* plain f32; i from 0 */

/* What random numbers and gradients depend on from outside. */
struct program_run {
	uint64_t seed;
	uint64_t step;
	int64_t  sample;                  /* position of this rank's first sample in the global batch */
	int64_t  sample_stride;           /* distance between this rank's samples there (world)       */
	/* Parameters in [lo, hi) are about to be read, or their gradients written, for the first time
	 * in this run.  Ranges come in ascending order and cover the vector; an error ends the run.
	 * May be NULL. */
	tt_status (*need)(void *ctx, size_t lo, size_t hi);
	/* The gradients in [lo, hi) are final and their parameters will not be read again in this
	 * run.  Ranges come in descending order and cover the vector.  May be NULL. */
	void (*ready)(void *ctx, size_t lo, size_t hi);
	void *ctx;
	all_gather_fn *gather; /* of a graph with GATHER; given ctx; NULL: alone           */
};
/* A signal for the calling thread is delivered when the run is over. */
tt_status program_run(struct program *p, const struct program_run *r);
/* This rank has no sample, but the others wait at every GATHER: take part in those, with zeros, and
 * move the running statistics as they do.  Computes nothing else and calls no `ready`. */
tt_status program_attend(struct program *p, const struct program_run *r);

/* For `tutti show`. */
struct program_step_info {
	const char *layer, *op, *kernel, *device;    /* "conv1", "conv2d", "jit_avx512 ...", "onednn" */
	double      flops, ms;                       /* ms: median since profiling began; 0 without   */
	int         backward;
	char        shape[TENSOR_TEXT];
};
int    program_steps(const struct program *p);
void   program_step(const struct program *p, int i, struct program_step_info *out);
size_t program_slab_bytes(const struct program *p);      /* activations, scratch, constants    */
size_t program_unplanned_bytes(const struct program *p); /* the same without reuse of memory */

#endif
