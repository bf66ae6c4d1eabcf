/* device.c -- the reference device: every op, plain layouts, one variant. */
#include "base/mem.h"
#include "compute/exec/host/all_gather.h"
#include "compute/exec/cpu/factors.h"
#include "compute/exec/host/hostkernel.h"
#include "compute/exec/ref/ref.h"

static void run_ref(const struct host_args *a)
{
	void *const *out = (void *const *)a->ptr + a->node->n_in;
	const struct ref_args r = { .node = a->node, .in = (const void *const *)a->ptr,
	                            .out = out, .run = a->run, .status = a->status,
	                            .scratch = ir_scratch(a->node) ? out[a->node->n_out] : NULL };

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
	int args[PLAN_MAX_ARGS], n_args = n->n_in + n->n_out;
	tt_status st;

	(void)d;
	(void)variant;
	if (n->op == IR_ALL_GATHER)
		return all_gather_prepare(p, n);
	if ((st = host_plain_args(p, n, args)) != TT_OK)
		return st;
	if (ir_scratch(n) && (args[n_args++] = plan_scratch(p, ir_scratch(n))) < 0)
		return TT_ENOMEM;
	return host_step(p, "reference", run_ref, args, n_args);
}

const struct device_ops ref_device = {
	.name = "ref", .abi = DEVICE_ABI, .open = ref_open, .close = ref_close,
	.supports = ref_supports, .prepare = ref_prepare, .product = &factors_product,
};
