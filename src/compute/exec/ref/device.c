/* device.c -- the reference device: every op, plain layouts, one variant. */
#include "base/mem.h"
#include "compute/exec/host/all_gather.h"
#include "compute/exec/cpu/factors.h"
#include "compute/exec/host/hostkernel.h"
#include "compute/exec/ref/ref.h"

static void run_ref(const struct host_args *a)
{
	const struct ref_args r = { .node = a->node, .in = (const void *const *)a->ptr,
	                            .out = (void *const *)a->ptr + a->node->n_in, .run = a->run,
	                            .status = a->status };

	ref_kernel[a->node->op](&r);
}

static tt_status ref_open(struct device **out)
{
	struct device *d = mem_calloc(1, sizeof *d);

	if (!d)
		return TT_ENOMEM;
	d->ops = &ref_device;
	*out = d;
	return TT_OK;
}

static void ref_close(struct device *d) { mem_free(d); }

static int ref_supports(const struct device *d, const struct plan *p, const struct ir_node *n)
{
	return ref_kernel[n->op] != NULL && plan_can_read_all(p, n, d);
}

static tt_status ref_prepare(struct device *d, struct plan *p, const struct ir_node *n,
                             const char *variant)
{
	int args[PLAN_MAX_ARGS];
	tt_status st;

	(void)d;
	(void)variant;
	if (n->op == IR_ALL_GATHER)
		return all_gather_prepare(p, n);
	st = host_plain_args(p, n, args);
	return st == TT_OK ? host_step(p, "reference", run_ref, args, n->n_in + n->n_out) : st;
}

const struct device_ops ref_device = {
	.name = "ref", .abi = DEVICE_ABI, .open = ref_open, .close = ref_close,
	.supports = ref_supports, .prepare = ref_prepare, .product = &factors_product,
};
