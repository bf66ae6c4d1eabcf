/* recurrent.c -- recurrences by kernels of ours: plain tensors, their weights packed once a run, or
 * once for all where they do not change. */
#include "plug/onednn/onednn.h"

#include "compute/exec/cpu/recurrent.h"

/* ptr: w, weights */
static void run_pack(const struct host_args *a)
{
	recurrent_pack(a->node, a->ptr[0], a->ptr[1]);
}

/* ptr: inputs, outputs, weights, scratch */
static void run_steps(const struct host_args *a)
{
	const struct ir_node *n = a->node;
	void *const *out = a->ptr + n->n_in;
	const struct recurrent r = { .node = n, .in = (const void *const *)a->ptr, .out = out,
	                             .weights = out[n->n_out], .scratch = out[n->n_out + 1],
	                             .status = a->status };

	recurrent_run(&r);
}

tt_status one_recurrent(struct one_device *d, struct plan *p, const struct ir_node *n,
                        const char *variant)
{
	const int w = n->op == IR_LSTM_DX ? 3 : n->op == IR_RNN_DX || n->op == IR_GRU_DX ? 2 : 1;
	int args[PLAN_MAX_ARGS], pack[2], *const more = args + n->n_in + n->n_out;
	tt_status st = host_plain_args(p, n, args);

	(void)d;
	(void)variant;
	for (int i = 0; i < n->n_out && st == TT_OK; i++) {
		int *out = &args[n->n_in + i];

		if (*out < 0 && recurrent_needs(n, i))
			*out = plan_scratch(p, tensor_bytes(&n->out[i]->desc));
	}
	pack[0] = args[w];
	pack[1] = more[0] = plan_scratch(p, recurrent_weights(n) * sizeof(float));
	more[1] = plan_scratch(p, recurrent_scratch(n));
	if (st == TT_OK && (more[0] < 0 || more[1] < 0))
		st = TT_ENOMEM;
	if (st == TT_OK)
		st = host_step(p, "tutti:pack", run_pack, pack, 2);
	return st == TT_OK ? host_step(p, "tutti", run_steps, args, n->n_in + n->n_out + 2) : st;
}
