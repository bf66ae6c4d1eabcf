/* hostkernel.c -- see hostkernel.h. */
#include "compute/exec/host/hostkernel.h"

#include "base/mem.h"

struct host_kernel {
	struct kernel    base;
	host_fn          fn;
	int              n_args;
	struct host_args args;          /* last: as long as n_args wants it */
};

static void host_bind(struct kernel *k, int arg, void *ptr)
{
	((struct host_kernel *)k)->args.ptr[arg] = ptr;
}

static tt_status host_run(struct kernel *k, const struct run_context *rc)
{
	struct host_kernel *h = (struct host_kernel *)k;
	tt_status st = TT_OK;

	h->args.run = rc;
	h->args.status = &st;
	h->fn(&h->args);
	return st;
}

static void host_free(struct kernel *k) { mem_free(k); }

static tt_status host_clone(const struct kernel *k, struct kernel **out);

static const struct kernel_ops host_kernel_ops = {
	.bind = host_bind, .run = host_run, .free = host_free, .clone = host_clone,
};

static struct host_kernel *host_kernel_new(host_fn fn, int n_args)
{
	struct host_kernel *h = mem_calloc(1, sizeof *h + (size_t)n_args * sizeof *h->args.ptr);

	if (!h)
		return NULL;
	h->base.ops = &host_kernel_ops;
	h->fn = fn;
	h->n_args = n_args;
	return h;
}

static tt_status host_clone(const struct kernel *k, struct kernel **out)
{
	const struct host_kernel *h = (const struct host_kernel *)k;
	struct host_kernel *c = host_kernel_new(h->fn, h->n_args);

	if (!c)
		return TT_ENOMEM;
	c->base.name = h->base.name;
	c->args.node = h->args.node;
	*out = &c->base;
	return TT_OK;
}

tt_status host_step(struct plan *p, const char *name, host_fn fn, const int *args, int n_args)
{
	struct host_kernel *h = host_kernel_new(fn, n_args);

	if (!h)
		return TT_ENOMEM;
	h->base.name = name;
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
