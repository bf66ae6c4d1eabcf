/* sequences.c -- rows of tables, turned places, cross-entropy over many rows: kernels of ours on
 * plain tensors. */
#include "plug/onednn/onednn.h"

#include "compute/exec/cpu/seq/lookup.h"
#include "compute/exec/cpu/seq/rotary.h"
#include "compute/exec/cpu/seq/xent.h"

/* ptr: index, table, y */
static void run_embedding(const struct host_args *a)
{
	lookup_rows(a->node, a->ptr[0], a->ptr[1], a->ptr[2]);
}

/* ptr: index, dy, dtable */
static void run_embedding_dw(const struct host_args *a)
{
	lookup_sums(a->node, a->ptr[0], a->ptr[1], a->ptr[2]);
}

/* ptr: qkv, y, scratch */
static void run_rotary(const struct host_args *a)
{
	rotary_turn(a->node, a->ptr[0], a->ptr[1], a->ptr[2]);
}

/* ptr: logits, label, weight?, loss, prob, scratch */
static void run_xent(const struct host_args *a)
{
	const int n = a->node->n_in;

	xent_forward(a->node, &(struct xent){ a->ptr[0], a->ptr[1], n > 2 ? a->ptr[2] : NULL,
	                                      a->ptr[n], a->ptr[n + 1], a->ptr[n + 2] });
}

/* ptr: prob, label, seed, weight?, dx */
static void run_xent_dx(const struct host_args *a)
{
	const int n = a->node->n_in;

	xent_backward(a->node, &(struct xent_dx){ a->ptr[0], a->ptr[1], a->ptr[2],
	                                          n > 3 ? a->ptr[3] : NULL, a->ptr[n] });
}

/* over: the input whose memory the first output may take, or -1. */
static const struct row {
	enum ir_op op;
	host_fn    run;
	int        over;
	size_t   (*scratch)(const struct ir_node *n);   /* NULL: none */
} rows[] = {
	{ IR_EMBEDDING,    run_embedding,    -1, NULL },
	{ IR_EMBEDDING_DW, run_embedding_dw, -1, NULL },
	{ IR_ROTARY,       run_rotary,        0, rotary_scratch },
	{ IR_XENT,         run_xent,         -1, xent_scratch },
	{ IR_XENT_DX,      run_xent_dx,       0, NULL },
};

tt_status one_sequences(struct one_device *d, struct plan *p, const struct ir_node *n,
                        const char *variant)
{
	const struct row *r = rows;
	int args[PLAN_MAX_ARGS], n_args = n->n_in + n->n_out;

	(void)d;
	(void)variant;
	while (r->op != n->op)
		r++;
	for (int i = 0; i < n->n_in; i++)
		if ((args[i] = plan_in(p, n->in[i], NULL)) < 0)
			return TT_ENOMEM;
	for (int i = 0; i < n->n_out; i++) {
		int *to = &args[n->n_in + i];

		*to = -1;
		if (!plan_wanted(p, n->out[i]))
			continue;
		*to = i > 0 || r->over < 0 ? plan_out(p, n->out[i], NULL)
		                           : plan_out_over(p, n->out[i], NULL, args[r->over]);
		if (*to < 0)
			return TT_ENOMEM;
	}
	if (r->scratch && (args[n_args++] = plan_scratch(p, r->scratch(n))) < 0)
		return TT_ENOMEM;
	return host_step(p, "tutti", r->run, args, n_args);
}
