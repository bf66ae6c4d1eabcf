/* device.h -- all that tutti asks of a device.
 *
 * A device turns one node of the graph into steps of a plan.  It may offer several variants of a
 * node (direct, Winograd, a GEMM library ...); the plan asks for one of them, chosen by measurement
 * or, without measuring, variant 0.  Plugs implement this port; the reference device stands last in
 * every list and supports every node.
 *
 * A device whose memory is the host's gives kernels that work on the calling thread: it needs
 * neither `mem` nor `stream`.  Another one
 *
 *   - has a memory (tensor/mem.h), in which its layouts and its scratch lie;
 *   - copies between that and the host's in `reorder`, which the plan calls wherever a value is
 *     needed on the other side: parameters and inputs before they are read, outputs and gradients
 *     when they are made; what it changes in place it hands to plan_store;
 *   - may have streams, on which kernels are launched and which the host waits for where it must.
 *
 * Parameters go to the device in every run of a training program.  A device that wants to keep them
 * would have its layouts of them bound once, by program_bind, and the optimizer work there: then
 * plan_in would find such a buffer for a parameter instead of asking for a copy. */
#ifndef EXEC_DEVICE_H
#define EXEC_DEVICE_H

#include "compute/exec/plan.h"
#include "compute/exec/host/product.h"

#define DEVICE_ABI 2
#define DEVICE_MAX_VARIANTS 24
#define VARIANT_NAME 64

/* Implementations embed it first. */
struct device {
	const struct device_ops *ops;
	struct mem              *mem;      /* where its layouts and scratch lie; NULL: host_mem   */
};

struct mem *device_mem(const struct device *d);

/* How the numbers of a value lie in the memory of the owner, where this is not plain row-major of
 * the logical dtype in the host's memory.  Owned by the plan's arena; private data follow in the
 * device's own struct. */
struct layout {
	struct device *owner;
	size_t         bytes;
	int            row_major;           /* plain but for the memory: other shapes see it, too */
	int            opaque;              /* not the value's numbers, but what the owner keeps of
	                                     * them: nobody else can have it                      */
};

/* Kernels one after the other, beside the calling thread.  A stream is used by one thread. */
struct stream { const struct stream_ops *ops; };   /* implementations embed it first */

#define STREAM_END (-1)
struct stream_ops {
	/* Of so many events, numbered from 0. */
	tt_status (*open)(struct device *d, int events, struct stream **out);
	void      (*close)(struct stream *s);           /* waits first */
	/* What rc says and what the kernel is bound to stays until STREAM_END was waited for. */
	tt_status (*launch)(struct stream *s, struct kernel *k, const struct run_context *rc);
	/* The event happens when all is done that was launched before. */
	tt_status (*record)(struct stream *s, int event);
	/* Until the event, as recorded last; or until all is done.  Brings home the error of a launch,
	 * after which nothing more is done until STREAM_END. */
	tt_status (*wait)(struct stream *s, int event);
};

struct device_ops {
	const char *name;
	int         abi;
	tt_status (*open)(struct device **out);
	void      (*close)(struct device *d);

	/* Can it run n, whose inputs lie where p says?  It needs plan_can_read of all of them. */
	int (*supports)(const struct device *d, const struct plan *p, const struct ir_node *n);
	/* How many variants of n there are, in `names` what they are called; best guess first.
	 * NULL: always one. */
	int (*variants)(struct device *d, struct plan *p, const struct ir_node *n,
	                char names[][VARIANT_NAME], int max);
	/* Add the steps that run n.  Variants are named, since numbers change between library
	 * versions. */
	tt_status (*prepare)(struct device *d, struct plan *p, const struct ir_node *n,
	                     const char *variant);

	/* The next three only for devices with layouts of their own. */
	int       (*layout_same)(const struct layout *a, const struct layout *b);
	void      (*layout_text)(const struct layout *l, char buf[VARIANT_NAME]);
	/* Add a step that copies buffer `from` (layout a) into buffer `to` (layout b); NULL: plain, in
	 * the host's memory. */
	tt_status (*reorder)(struct device *d, struct plan *p, int from, int to);

	/* NULL: kernels run on the calling thread.  Otherwise they can do both: kernel_ops.run returns
	 * when the work is done, as everywhere; launched on a stream they return at once. */
	const struct stream_ops *stream;

	/* Of what it leaves for FACTORS; NULL: it does not do that. */
	const struct product_ops *product;
};

/* The devices of a process, opened: what a program needs. */
#define DEVICE_LIST_MAX 8
struct device_list { struct device *dev[DEVICE_LIST_MAX + 1]; };     /* NULL-terminated */
tt_status device_list_open(struct device_list *l, const struct device_ops *const *ops);
/* All that plugs give (sys/plug.h), in order of preference; the reference stands last. */
tt_status device_list_open_known(struct device_list *l);
/* Their tables; NULL-terminated, out[DEVICE_LIST_MAX + 1].  Returns how many. */
int       device_list_known(const struct device_ops **out);
void      device_list_close(struct device_list *l);

#endif
