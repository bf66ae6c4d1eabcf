#include "compute/exec/host/all_gather.h"

#include <string.h>

#include "base/mem.h"
#include "compute/exec/host/hostkernel.h"

#define ARGS 4                       /* two inputs, what is gathered, this rank's piece */

struct gather {
	struct kernel         base;
	const struct ir_node *node;
	void                 *ptr[ARGS];
};

static void bind(struct kernel *k, int arg, void *ptr)
{
	((struct gather *)k)->ptr[arg] = ptr;
}

/* This rank's numbers side by side; zeros if it has none. */
static void pack(const struct gather *k, int absent, char *to)
{
	for (int i = 0; i < k->node->n_in; i++) {
		size_t bytes = tensor_bytes(&k->node->in[i]->desc);

		if (absent)
			memset(to, 0, bytes);
		else
			memcpy(to, k->ptr[i], bytes);
		to += bytes;
	}
}

static tt_status run(struct kernel *kernel, const struct run_context *rc)
{
	struct gather *k = (struct gather *)kernel;
	const struct ir_node *n = k->node;
	void *all = k->ptr[n->n_in], *mine = k->ptr[n->n_in + 1];

	if (!rc->gather) {                  /* no group: the other ranks have nothing */
		memset(all, 0, tensor_bytes(&n->out[0]->desc));
		pack(k, 0, all);
		return TT_OK;
	}
	pack(k, rc->absent, mine);
	return rc->gather(rc->gather_ctx, mine, (size_t)n->out[0]->desc.dim[1], all);
}

static void release(struct kernel *k) { mem_free(k); }

static tt_status clone(const struct kernel *k, struct kernel **out);

static const struct kernel_ops gather_ops = {
	.bind = bind, .run = run, .free = release, .clone = clone,
};

static struct gather *gather_new(const struct ir_node *n)
{
	struct gather *k = mem_calloc(1, sizeof *k);

	if (k) {
		k->base = (struct kernel){ .ops = &gather_ops, .name = "all ranks" };
		k->node = n;
	}
	return k;
}

static tt_status clone(const struct kernel *k, struct kernel **out)
{
	struct gather *c = gather_new(((const struct gather *)k)->node);

	if (!c)
		return TT_ENOMEM;
	*out = &c->base;
	return TT_OK;
}

tt_status all_gather_prepare(struct plan *p, const struct ir_node *n)
{
	struct gather *k;
	int args[ARGS];
	tt_status st = host_plain_args(p, n, args);

	if (st != TT_OK)
		return st;
	args[n->n_in + 1] = plan_scratch(p, (size_t)n->out[0]->desc.dim[1] * sizeof(float));
	if (args[n->n_in + 1] < 0 || !(k = gather_new(n)))
		return TT_ENOMEM;
	return plan_step(p, &k->base, args, n->n_in + 2);
}
