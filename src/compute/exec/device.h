/* device.h -- all that tutti asks of a device.
 *
 * A device turns one node of the graph into steps of a plan.  It may offer several variants of a
 * node (direct, Winograd, a GEMM library ...); the plan asks for one of them, chosen by measurement
 * or, without measuring, variant 0.  Plugs implement this port; the reference device stands last in
 * every list and supports every node. */
#ifndef EXEC_DEVICE_H
#define EXEC_DEVICE_H

#include "compute/exec/plan.h"

#define DEVICE_ABI 1
#define DEVICE_MAX_VARIANTS 12
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
};

struct device_ops {
	const char *name;
	int         abi;
	tt_status (*open)(struct device **out);
	void      (*close)(struct device *d);

	int (*supports)(const struct device *d, const struct plan *p, const struct ir_node *n);
	/* How many variants of n there are, in `names` what they are called; best guess first.
	 * NULL: always one. */
	int (*variants)(struct device *d, struct plan *p, const struct ir_node *n,
	                char names[][VARIANT_NAME], int max);
	/* Add the steps that run n.  Variants are named, since numbers change between library
	 * versions. */
	tt_status (*prepare)(struct device *d, struct plan *p, const struct ir_node *n,
	                     const char *variant);

	/* The rest only for devices with layouts of their own. */
	int       (*layout_same)(const struct layout *a, const struct layout *b);
	void      (*layout_text)(const struct layout *l, char buf[VARIANT_NAME]);
	/* Add a step that copies buffer `from` (layout a) into buffer `to` (layout b); NULL: plain, in
	 * the host's memory. */
	tt_status (*reorder)(struct device *d, struct plan *p, int from, int to);
};

/* The devices of a process, opened: what a program needs. */
#define DEVICE_LIST_MAX 8
struct device_list { struct device *dev[DEVICE_LIST_MAX + 1]; };     /* NULL-terminated */
tt_status device_list_open(struct device_list *l, const struct device_ops *const *ops);
void      device_list_close(struct device_list *l);

extern const struct device_ops ref_device;

#endif
