/* plan.h -- from nodes to steps and buffers.
 *
 *   node  --prepare-->  step step step ...     each step: a kernel and the buffers it touches
 *   value --layout-->   buffer (plain) buffer (blocked) ...     one per layout that is asked for
 *
 * A device adds steps through plan_in / plan_out / plan_scratch / plan_step.  The plan inserts
 * reorders where a layout is wanted that a value does not have yet, knows where each buffer lives
 * (the flat vectors, the caller's inputs, or the slab) and, when complete, gives every slab buffer
 * a place by its lifetime.
 *
 * A layout lies in the memory of its owner, plain buffers in the host's.  So copies between
 * memories are reorders too, and there is a slab for each memory that the plan uses. */
#ifndef EXEC_PLAN_H
#define EXEC_PLAN_H

#include "compute/exec/program.h"
#include "compute/exec/run.h"
#include "compute/tensor/mem.h"

struct device;
struct layout;
struct plan;

/* A kernel is bound to pointers once and run often.  Implementations embed it first. */
struct kernel {
	const struct kernel_ops *ops;
	const char              *name;      /* implementation, for people; lives as long as the plan */
};
struct kernel_ops {
	void      (*bind)(struct kernel *k, int arg, void *ptr);
	tt_status (*run)(struct kernel *k, const struct run_context *rc);
	void      (*free)(struct kernel *k);
	/* Another one for another context, not bound yet.  It shares what the first one has prepared
	 * (a primitive) and is freed before it.  Reads nothing that bind or run change: the first one
	 * may be running. */
	tt_status (*clone)(const struct kernel *k, struct kernel **out);
};

/* KEPT: what an inference program's runs read of that which depends on parameters alone; CONST:
 * what is needed only while that is made. */
enum plan_home { HOME_SLAB, HOME_PARAM, HOME_GRAD, HOME_BUFFER, HOME_INPUT, HOME_CONST, HOME_KEPT,
                 HOME_COUNT };

struct plan_buf {
	const struct ir_value *value;       /* NULL: scratch                                      */
	const struct layout   *layout;      /* NULL: plain row-major of the value's dtype         */
	enum plan_home         home;
	int                    mem;         /* of plan.mem: where it lies                         */
	size_t                 bytes, offset; /* KEPT: offset is a number from 0             */
	int                    first, last; /* steps that touch it                                */
	int                    root;        /* buffer whose memory it shares; itself if none      */
	int                    until;       /* id of the last node that may read this memory      */
	int                    next;        /* another layout of the same value, or -1            */
	int                    constant;    /* depends on parameters and buffers only             */
};

#define PLAN_MAX_ARGS 68
struct plan_step {
	struct kernel        *kernel;       /* taken */
	const struct ir_node *node;
	struct device        *device;
	int                  *arg;          /* buffer ids */
	int                   n_args;
	int                   reorder;      /* a copy between layouts, not work of the node       */
	int                   once;         /* INFER: runs only after parameters change           */
};

/* For devices, while preparing a node. */
enum precision       plan_precision(const struct plan *p);
enum program_purpose plan_purpose(const struct plan *p);
struct arena        *plan_arena(struct plan *p);
const struct plan_buf *plan_buf(const struct plan *p, int id);
/* The layout a value was made in (NULL: plain). */
const struct layout *plan_layout(const struct plan *p, const struct ir_value *v);
/* May device d ask for v?  Not for what another device left for itself. */
int plan_can_read(const struct plan *p, const struct ir_value *v, const struct device *d);
int plan_can_read_all(const struct plan *p, const struct ir_node *n, const struct device *d);
/* A buffer that holds v in this layout; negative on error. */
int plan_in(struct plan *p, const struct ir_value *v, const struct layout *want);
/* The buffer for output v of the node being prepared. */
int plan_out(struct plan *p, const struct ir_value *v, const struct layout *have);
/* The same, sharing the memory of input buffer `in` if nobody needs that afterwards. */
int plan_out_over(struct plan *p, const struct ir_value *v, const struct layout *have, int in);
/* In the memory of the device that is asked for steps. */
int plan_scratch(struct plan *p, size_t bytes);
/* The step before has changed v, a buffer of the model, where it lies in `from`: a copy goes back
 * to where v lives, if that is another place. */
tt_status plan_store(struct plan *p, const struct ir_value *v, int from);
/* Does anybody read this value? */
int plan_wanted(const struct plan *p, const struct ir_value *v);
/* Is it the gradient of a parameter? */
int plan_is_gradient(const struct plan *p, const struct ir_value *v);
/* Append a step.  The kernel is taken, also on failure.  args: buffer ids, or -1 for none. */
tt_status plan_step(struct plan *p, struct kernel *k, const int *args, int n_args);

/* For program.c and autotune.c. */
tt_status plan_new(struct plan **out, struct ir_graph *g, const struct program_opts *o);
void      plan_free(struct plan **p);
tt_status plan_node(struct plan *p, const struct ir_node *n, struct device *d, const char *variant);
tt_status plan_assign(struct plan *p);                  /* places in the slabs */
/* A RESHAPE is no step at all, unless its result must be where a gradient belongs. */
int plan_needs_copy(const struct plan *p, const struct ir_node *n);
/* v lies there in this layout already, made elsewhere. */
tt_status plan_seed(struct plan *p, const struct ir_value *v, const struct layout *layout);

/* One of the memories that a plan uses, and the bytes it needs there after plan_assign. */
struct plan_mem {
	struct mem *mem;                    /* borrowed                                           */
	size_t      slab;                   /* of what is made in every run                       */
	size_t      slab_once;              /* of what depends on parameters and buffers only     */
};
#define PLAN_MEMS 9                         /* the host's, and one for each device of a list      */

struct plan {
	struct arena               arena;
	struct ir_graph           *graph;         /* borrowed */
	const struct program_opts *opts;
	struct plan_buf           *buf;
	int                        n_bufs, cap_bufs;
	struct plan_step          *step;
	int                        n_steps, cap_steps;
	int                       *head;          /* by value id: first buffer, or -1             */
	int                       *last_use;      /* by value id: id of the last node reading it  */
	const struct ir_value    **grad_of;       /* by value id: the parameter it is a gradient of */
	const struct ir_node      *node;          /* being prepared                               */
	struct device             *device;        /* asked for steps                              */
	int                        reordering;    /* plan_in is at work: its steps are copies     */
	struct plan_mem            mem[PLAN_MEMS];
	int                        n_mems;
	size_t                     unplanned;     /* bytes, after plan_assign                     */
	size_t                     kept;          /* bytes of the KEPT buffers                    */
	int                        n_kept;
};

#endif
