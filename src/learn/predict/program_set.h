/* program_set.h -- one graph for many sizes: what is a symbol in it becomes a number per program.
 *
 *   build(sizes) --> set --> program (sizes)            parameters and prepared constants shared
 *                     |
 *                  context, one per thread --> its clones of those programs
 *
 * A program is compiled when its sizes first come, or before, by program_set_compile.  The set is
 * safe from any thread; a context serves one at a time. */
#ifndef PREDICT_PROGRAM_SET_H
#define PREDICT_PROGRAM_SET_H

#include "compute/exec/program.h"
#include "sys/lock.h"

struct sizes {
	int64_t batch;
	int64_t length;                    /* of sequences; 0: the graph has none */
	int64_t kept;                      /* NN_STEP: places to look back at         */
	int     weighted;                  /* the loss has an input of sample weights */
};

/* All borrowed until program_set_free. */
struct program_set_opts {
	struct program_opts program;       /* constants NULL: the set's own                       */
	tt_status (*build)(void *ctx, struct sizes s, struct ir_graph **out);
	void (*compiled)(void *ctx, struct program *p);     /* binds it to its vectors             */
	void        *ctx;
	struct lock *lock;                 /* of the devices and the kernel cache                 */
};

struct program_set;
tt_status program_set_new(struct program_set **out, const struct program_set_opts *o);
void      program_set_free(struct program_set **s);       /* NULL is fine; contexts went before */
/* So many it has made. */
int       program_set_count(struct program_set *s);
tt_status program_set_compile(struct program_set *s, struct sizes z);
/* Parameters or buffers have changed; none of its programs is running. */
void      program_set_refresh(struct program_set *s);

struct program_context;
tt_status program_context_new(struct program_context **out, struct program_set *s);
void      program_context_free(struct program_context **c);             /* NULL is fine */
/* The program for these sizes, this context's own until it is freed. */
tt_status program_context_get(struct program_context *c, struct sizes z, struct program **out);

#endif
