/* attention.c -- attention by kernels of ours, on plain tensors. */
#include "plug/onednn/onednn.h"

#include "compute/exec/cpu/attention.h"

/* ptr: inputs, outputs, scratch */
static void run(const struct host_args *a)
{
	const struct ir_node *n = a->node;
	void *const *out = a->ptr + n->n_in;
	const struct attention job = { n, (const void *const *)a->ptr, out, out[n->n_out], a->status };

	if (n->op == IR_ATTENTION_KEPT)
		attention_kept_run(&job);
	else
		attention_run(&job);
}

static size_t scratch_of(const struct ir_node *n)
{
	return n->op == IR_ATTENTION_KEPT ? attention_kept_scratch(n) : attention_scratch(n);
}

tt_status one_attention(struct one_device *d, struct plan *p, const struct ir_node *n,
                        const char *variant)
{
	int args[PLAN_MAX_ARGS], *const y = &args[n->n_in];
	tt_status st = host_plain_args(p, n, args);

	(void)d;
	(void)variant;
	if (st == TT_OK && *y < 0)
		*y = plan_scratch(p, tensor_bytes(&n->out[0]->desc));
	if (st == TT_OK && (y[n->n_out] = plan_scratch(p, scratch_of(n))) < 0)
		st = TT_ENOMEM;
	return st == TT_OK ? host_step(p, "tutti", run, args, n->n_in + n->n_out + 1) : st;
}
