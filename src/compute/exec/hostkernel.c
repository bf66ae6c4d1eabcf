/* hostkernel.c -- see hostkernel.h. */
#include "compute/exec/hostkernel.h"

#include "base/mem.h"

struct host_kernel {
	struct kernel    base;
	host_fn          fn;
	struct host_args args;
};

static void host_bind(struct kernel *k, int arg, void *ptr)
{
	((struct host_kernel *)k)->args.ptr[arg] = ptr;
}

static tt_status host_run(struct kernel *k, const struct run_context *rc)
{
	struct host_kernel *h = (struct host_kernel *)k;

	h->args.run = rc;
	h->fn(&h->args);
	return TT_OK;
}

static void host_free(struct kernel *k) { mem_free(k); }

static const struct kernel_ops host_kernel_ops = {
	.bind = host_bind, .run = host_run, .free = host_free,
};

tt_status host_step(struct plan *p, const char *name, host_fn fn, const int *args, int n_args)
{
	struct host_kernel *h = mem_calloc(1, sizeof *h);

	if (!h)
		return TT_ENOMEM;
	h->base.ops = &host_kernel_ops;
	h->base.name = name;
	h->fn = fn;
	h->args.node = p->node;
	return plan_step(p, &h->base, args, n_args);
}

tt_status host_plain_args(struct plan *p, const struct ir_node *n, int *args)
{
	for (int i = 0; i < n->n_in; i++)
		if ((args[i] = plan_in(p, n->in[i], NULL)) < 0)
			return TT_ENOMEM;
	for (int i = 0; i < n->n_out; i++) {
		args[n->n_in + i] = -1;
		if (plan_wanted(p, n->out[i]) &&
		    (args[n->n_in + i] = plan_out(p, n->out[i], NULL)) < 0)
			return TT_ENOMEM;
	}
	return TT_OK;
}
